"""The tables of the stage visualization on the page: every cell from its own row."""

import pytest

from plumbline.report.sections.visualization import generators, visualization
from plumbline.storage.tables import read_frame, row, write_csv

VALUES = {"made": 0.9, "start": 0.2, "test": 0.95}


@pytest.fixture
def tables(tmp_path):
    """Two entries of one net, the second compared with the first; one generator, two nets."""
    rows = []
    for entry, shift in (("am_noise", 0.0), ("deep_dream", 0.05)):
        keys = {"dataset": "digits", "model": "lenet5", "visualization": entry}
        for images, value in VALUES.items():
            own = {**keys, "images": images, "against": ""}
            for metric in ("probability", "second_probability", "sure", "second_recognition"):
                size = value + shift if images == "made" else value
                rows.append(row(metric, size, size, size, 30, **own, **{"class": "all"}))
                rows.append(row(metric, 0.5, 0.5, 0.5, 3, **own, **{"class": "4"}))
        for name in ("start", *(["am_noise"] if shift else [])):
            own = {**keys, "images": "made", "against": name, "class": "all"}
            size = 0.7 if name == "start" else shift
            for metric in ("probability_difference", "second_probability_difference"):
                rows.append(row(metric, size, size, size, 30, **own))
    made = [
        row(
            "generator_loss",
            1.5,
            1.5,
            1.5,
            5,
            dataset="digits",
            generator="gan",
            model="",
            images="",
        )
    ]
    keys = {"dataset": "digits", "generator": "gan"}
    for images, size in (("samples", 6.0), ("test", 3.0)):
        made.append(row("nearest_distance", size, size, size, 9, **keys, model="", images=images))
        for model, share in (("lenet5", 0.5), ("alexnet", 0.25)):
            own = {**keys, "model": model, "images": images}
            made.append(row("sure_share", share, share, share, 9, **own))
    write_csv(tmp_path / "visualization.csv", rows)
    write_csv(tmp_path / "generators.csv", made)
    return {
        name: read_frame([tmp_path / f"{name}.csv"]) for name in ("visualization", "generators")
    }


def test_visualizations_beside_test_images_and_starts(tables):
    every, compared = visualization(tables, "digits")
    assert every.rows == [
        ["LeNet-5", "test images (control)", *["0.950"] * 4, "–", "30"],
        ["LeNet-5", "AM, noise", *["0.900"] * 4, "0.700", "30"],
        ["LeNet-5", "DeepDream", *["0.950"] * 4, "0.700", "30"],
    ]
    assert compared.rows == [["LeNet-5", "DeepDream minus AM, noise", "0.050", "0.050", "30"]]
    for table in (every, compared):
        assert {len(line) for line in table.rows} == {len(table.head)}


def test_generators_beside_test_images(tables):
    sampled, losses = generators(tables, "digits")
    assert sampled.rows == [
        ["GAN", "samples", "6.000", "–", "0.500", "0.250", "–", "–", "9"],
        ["GAN", "test images (control)", "3.000", "–", "0.500", "0.250", "–", "–", "9"],
    ]
    assert len(sampled.head) == 9
    assert losses.rows == [["GAN", "1.500", "–"]]
