"""Images from holes, nets trained with them, and the comparison of these nets, by hand."""

import fit_vae
import measure_extension
import numpy as np
import pandas as pd
import pytest
import train
from support import run_script

from plumbline.config.latent import GridOptions, VaeOptions
from plumbline.config.training import TrainingOptions
from plumbline.data.image_sets import COLUMNS
from plumbline.latent.extension import inside
from plumbline.latent.vae import Vae, decode
from plumbline.models.classifier import Classifier
from plumbline.programs.survey_latent import holes, maps, samples
from plumbline.storage.artefacts import ImageSet, load_arrays, save_arrays

NET = ("--model", "lenet5", "--network", '{"width": 4, "dense": 16}', "--epochs", 1)


def sample(folder, out, seed=5):
    run_script(
        *(samples, "--vae", folder / "vae", "--map", folder / "map"),
        *("--holes", folder / "holes", "--of", "softmax.entropy", "--count", 60),
        *("--seed", seed, "--device", "cpu", "--threads", 1),
        *("--out", folder / f"{out}_holes", "--random", folder / f"{out}_random"),
    )


def chain(folder, out):
    """Everything up to the images, as the rules do, with the test set that the folder has."""
    keys = ("--dataset", "d", "--corpus", "in_distribution", "--model", "lenet5")
    estimators = '{"softmax": {"method": "softmax", "options": {}}}'
    run_script(
        *(fit_vae, "--corpus", "in_distribution", "--train", folder / "train"),
        *("--test", folder / "test", "--epochs", 10, "--seed", 2, "--device", "cpu"),
        *("--seeds", 1, "--vaes", folder / "vae", "--codes", folder / "codes"),
        options=VaeOptions,
    )
    run_script(
        *(maps, *keys, "--vaes", folder / "vae", "--codes", folder / "codes"),
        *("--test", folder / "test", "--classifiers", folder / "net"),
        *("--estimators", estimators, "--extent", 10, "--points", 16, "--device", "cpu"),
        *("--maps", folder / "map", "--table", folder / "map.csv"),
        options=GridOptions,
    )
    run_script(
        *(holes, "--vaes", folder / "vae", "--maps", folder / "map", "--device", "cpu"),
        *("--train", folder / "train", "--estimators", "softmax"),
        *("--out", folder / "holes", "--table", folder / "holes.csv"),
    )
    sample(folder, out)


@pytest.fixture(scope="module")
def place(digits, lenet, tmp_path_factory):
    folder = tmp_path_factory.mktemp("extension")
    lenet.save(folder / "net")
    for split in ("train", "val"):
        digits[split].select(slice(150)).save(folder / split)
    digits["test"].select(slice(100, 140)).save(folder / "test")
    chain(folder, "other")
    digits["test"].select(slice(60)).save(folder / "test")
    chain(folder, "extra")
    return folder


def test_the_images_know_nothing_of_test(place):
    """Another test set gives the same images, byte by byte."""
    for arm in ("holes", "random"):
        assert (place / f"other_{arm}").read_bytes() == (place / f"extra_{arm}").read_bytes()


def test_images_are_decoded_from_holes_and_from_off_the_data(place):
    regions, _ = load_arrays(place / "holes", "Holes")
    where, axis = regions["softmax.entropy.region"] > 0, regions["axis"]
    on_data = load_arrays(place / "map", "LatentMap")[0]["linear.on_data"]
    assert where.any()
    vae = Vae.load(place / "vae")
    for arm in ("holes", "random"):
        images = ImageSet.load(place / f"extra_{arm}")
        codes = images.extra["codes"]
        assert len(images) == 60
        assert (images.labels == -1).all()
        np.testing.assert_allclose(images.images, decode(vae, codes).numpy(), atol=1e-6)
        assert not inside(on_data, axis, codes).any()
        assert (images.extra["in_hole"] == inside(where, axis, codes)).all()
        assert images.extra["in_hole"].all() == (arm == "holes")
    sample(place, "again")
    sample(place, "seed", seed=6)
    first, again, other = (
        (place / f"{name}_holes").read_bytes() for name in ("extra", "again", "seed")
    )
    assert first == again != other


def test_a_map_without_a_hole_adds_nothing_to_either_arm(place, tmp_path):
    arrays, metadata = load_arrays(place / "holes", "Holes")
    arrays["softmax.entropy.region"][:] = 0
    save_arrays(tmp_path / "holes", "Holes", arrays, metadata)
    for name in ("vae", "map"):
        (tmp_path / name).symlink_to(place / name)
    sample(tmp_path, "extra")
    for arm in ("holes", "random"):
        assert ImageSet.load(tmp_path / f"extra_{arm}").images.shape == (0, 1, 28, 28)


@pytest.mark.parametrize("target", ["soft", "class"])
def test_nets_are_retrained_and_compared(place, target):
    for arm in ("holes", "random"):
        run_script(
            *(train, *NET, "--train", place / "train", "--val", place / "val"),
            *("--extra", place / f"extra_{arm}", "--target", target, "--device", "cpu"),
            *("--checkpoint", place / "checkpoint"),
            *("--out", place / arm, "--history", place / f"{arm}.csv"),
            options=TrainingOptions,
        )
        assert not (place / "checkpoint").exists()
    net = Classifier.load(place / "holes")
    assert net.record["extra"] == 60
    assert net.classes[10:] == (("uncertain",) if target == "class" else ())
    run_script(
        *(measure_extension, "--vae", place / "vae", "--map", place / "map"),
        *("--test", place / "test", "--others", place / "val", "--names", "ood_val"),
        *("--holes", place / "extra_holes", "--random", place / "extra_random"),
        *("--classifiers", place / "net", place / "random", place / "holes"),
        *("--arms", "none", "random", "holes", "--seeds", 0, 0, 0, "--device", "cpu"),
        *("--dataset", "d", "--model", "lenet5", "--target", target),
        *("--out", place / "extension.csv"),
    )
    table = pd.read_csv(place / "extension.csv", keep_default_na=False)
    keys = ["dataset", "model", "target", "estimator", "arm", "control", "seed", "set"]
    keys += [*COLUMNS, "measure", "over", "metric"]
    assert list(table) == [*keys, "value", "low", "high", "n", "n_positive"]
    assert not table.duplicated(keys).any()
    assert len(table) == 2 + 3 * 8 * 2  # extra images; arms, and as many pairs, of 8 figures
    assert set(table["target"]) == {target}
    own = table[table["control"] == ""].set_index(["arm", "measure", "metric"])["value"]
    gap = table[table["control"] != ""].set_index(["arm", "control", "measure", "metric"])["value"]
    difference = own["holes", "entropy", "auroc"] - own["none", "entropy", "auroc"]
    found = gap["holes", "none", "entropy", "auroc_difference"]
    assert found == pytest.approx(difference, abs=1e-5)
    assert own["holes", "", "share_in_holes"] == 1
