"""The programs of the stage by hand: contracts of their files, equal bytes, and their figures."""

import json

import fit_generator
import measure_generator
import numpy as np
import pandas as pd
import plot
import pytest
import visualize
from PIL import Image
from support import run_script

from plumbline.config.visualization import GeneratorOptions, VisualizationSection
from plumbline.errors import InputError
from plumbline.storage.artefacts import ImageSet


@pytest.fixture(scope="module")
def files(digits, nets, tmp_path_factory):
    folder = tmp_path_factory.mktemp("visualization")
    nets["lenet5"].save(folder / "first")
    nets["alexnet"].save(folder / "second")
    digits["train"].save(folder / "train")
    digits["test"].save(folder / "test")
    return folder


def named(**inputs):
    return json.dumps({name: [str(file) for file in files] for name, files in inputs.items()})


def run_fit(folder, out):
    run_script(
        *(fit_generator, "--generator", "gan", "--train", folder / "train", "--epochs", 2),
        *("--network", '{"hidden": 16}', "--checkpoint", folder / "checkpoint", "--seed", 3),
        *("--out", folder / f"{out}.gan", "--history", folder / f"{out}.history", "--device"),
        "cpu",
        options=GeneratorOptions,
    )
    run_script(
        *(measure_generator, "--generator", folder / f"{out}.gan", "--seed", 3, "--device", "cpu"),
        *("--history", folder / f"{out}.history", "--train", folder / "train"),
        *("--test", folder / "test", "--classifiers", folder / "first", folder / "second"),
        *("--models", "lenet5", "alexnet", "--dataset", "digits"),
        *("--out", folder / f"{out}.samples", "--table", folder / f"{out}.csv"),
    )
    return [folder / f"{out}.{end}" for end in ("gan", "history", "samples", "csv")]


def run_visualize(folder, name, method, options, second=True, against=None, out=None):
    out = out or name
    run_script(
        *(visualize, "--name", name, "--method", method, "--set", json.dumps(options)),
        *("--classifier", folder / "first", "--second", *([folder / "second"] * second)),
        *("--train", folder / "train", "--test", folder / "test", "--starts", 2),
        *("--generator", folder / "a.gan", "--against", *([folder / against] if against else [])),
        *("--classes", "3", "0", "--dataset", "digits", "--model", "lenet5", "--seed", 5),
        *("--out", folder / out, "--table", folder / f"{out}.csv", "--device", "cpu"),
    )
    return folder / out, folder / f"{out}.csv"


@pytest.fixture(scope="module")
def fitted(files):
    return run_fit(files, "a")


def test_a_generator_its_samples_and_its_figure(files, fitted):
    first, again = fitted, run_fit(files, "b")
    for one, other in zip(first, again, strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert not (files / "checkpoint").exists()
    history = pd.read_csv(first[1])
    assert list(history["epoch"]) == [0, 1]
    samples = ImageSet.load(first[2])
    assert samples.images.shape == (500, 1, 28, 28)
    assert samples.name == "gan"
    table = pd.read_csv(first[3])
    keys = ["dataset", "generator", "model", "images", "metric"]
    assert list(table) == [*keys, "value", "low", "high", "n"]
    assert not table.duplicated(keys).any()
    assert len(table) == 2 + 4 + 2 * 4
    near = samples.extra["distance"].mean()
    row = table[(table["metric"] == "nearest_distance") & (table["images"] == "samples")]
    assert row["value"].item() == pytest.approx(near, rel=1e-5)
    run_script(
        *(plot, "--figure", "gan", "--inputs"),
        named(histories=[first[1]], samples=[first[2]], train=[files / "train"]),
        *("--out", files / "gan.png"),
    )
    assert Image.open(files / "gan.png").width == 1650


@pytest.mark.usefixtures("fitted")
def test_visualizations_their_comparison_and_their_figure(files):
    plain = {"steps": 6}
    first = run_visualize(files, "plain", "class_visualization", plain)
    again = run_visualize(files, "plain", "class_visualization", plain, out="again")
    for one, other in zip(first, again, strict=True):
        assert one.read_bytes() == other.read_bytes()
    blurred = run_visualize(
        files, "blurred", "class_visualization", {**plain, "blur_every": 2}, against="plain"
    )
    codes = run_visualize(files, "codes", "code_space", {"steps": 3})
    made = ImageSet.load(first[0])
    assert made.labels.tolist() == [3, 3, 0, 0]
    assert made.index.tolist() == [0, 1, 0, 1]
    assert made.images.dtype == np.float32
    table = pd.read_csv(blurred[1], keep_default_na=False)
    keys = ["dataset", "model", "visualization", "images", "against", "class", "metric"]
    assert list(table) == [*keys, "value", "low", "high", "n"]
    assert not table.duplicated(keys).any()
    assert set(table["images"]) == {"made", "start", "test"}
    assert set(table["against"]) == {"", "start", "plain"}
    row = table[(table["against"] == "plain") & (table["metric"] == "probability_difference")]
    kept = [ImageSet.load(each[0]).extra["probability"] for each in (blurred, first)]
    assert float(row["value"].item()) == pytest.approx((kept[0] - kept[1]).mean(), rel=1e-4)
    run_script(
        *(plot, "--figure", "visualization", "--inputs"),
        named(images=[first[0], codes[0]], table=[first[1]], test=[files / "test"]),
        *("--options", '{"model": "lenet5"}', "--out", files / "classes.png"),
    )
    assert Image.open(files / "classes.png").width > 300


@pytest.mark.usefixtures("fitted")
def test_one_net_alone_and_its_figure(files):
    options = {"start": "mean", "steps": 2}
    made, table = run_visualize(files, "alone", "activation_maximization", options, second=False)
    assert "second" not in table.read_text()
    assert ImageSet.load(made).provenance["second net"] == "none"
    assert ImageSet.load(made).labels.tolist() == [3, 0]  # two starts from one class mean are one
    run_script(
        *(plot, "--figure", "visualization", "--inputs"),
        named(images=[made], table=[table], test=[files / "test"]),
        *("--options", '{"model": "lenet5"}', "--out", files / "alone.png"),
    )
    assert (files / "alone.png").exists()
    with pytest.raises(InputError, match="no option 'step'; did you mean 'steps'"):
        run_visualize(files, "alone", "activation_maximization", {"step": 2})


def section(**methods):
    return VisualizationSection(methods=methods, generators={"gan": {}})


def test_entries_of_the_configuration():
    found = section(
        noise={"method": "activation_maximization"},
        near={"method": "activation_maximization", "anchor": "mean", "against": "noise"},
        deep_dream={},
        quiet_dream={"method": "deep_dream", "start": "noise"},
        codes={"method": "code_space"},
    )
    found.check()
    assert (found.module_of("near"), found.options_of("near")) == (
        "activation_maximization",
        {"anchor": "mean"},
    )
    need = [each for each in found.methods if found.needs_training_images(each)]
    assert need == ["near", "deep_dream"]
    assert found.used_generators() == ["gan"]
    assert section(deep_dream={}).used_generators() == []


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ({"deep_draem": {}}, r"methods\.deep_draem: no 'deep_draem'; did you mean 'deep_dream'"),
        ({"deep_dream": {"octave": 2}}, "no option 'octave'; did you mean 'octaves'"),
        ({"code_space": {"generator": "dcgan"}}, r"code_space\.generator: no 'dcgan'"),
        ({"deep_dream": {"against": "dream"}}, r"deep_dream\.against: no 'dream'"),
        ({"deep_dream": {"against": "deep_dream"}}, "is itself compared with another entry"),
    ],
)
def test_faults_of_the_configuration_are_told(methods, message):
    with pytest.raises(InputError, match=message):
        section(**methods).check()


def test_an_unknown_generator_or_option_of_its_nets_is_told():
    with pytest.raises(InputError, match=r"generators: no 'vae'"):
        VisualizationSection(generators={"vae": {}}).check()
    with pytest.raises(InputError, match="gan has no option 'width'"):
        VisualizationSection(generators={"gan": {"network": {"width": 3}}}).check()
