"""fetch.py and prepare.py as programs."""

import gzip
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from plumbline.storage.artefacts import ImageSet

SCRIPTS = Path(__file__).parents[2] / "scripts"
SPLITS = ("train", "val", "calibration", "test")
WITHOUT_TORCH = """
import runpy, sys
script = sys.argv.pop(1)
sys.argv[0] = script
sys.path.insert(0, {scripts!r})
runpy.run_path(script, run_name="__main__")
assert "torch" not in sys.modules, "torch was imported"
"""


def run(script, *arguments, mirror=None):
    environment = {k: v for k, v in os.environ.items() if k != "PLUMBLINE_MIRROR"}
    if mirror:
        environment["PLUMBLINE_MIRROR"] = str(mirror)
    program = WITHOUT_TORCH.format(scripts=str(SCRIPTS))
    return subprocess.run(
        [sys.executable, "-c", program, str(SCRIPTS / script), *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
    )


def fetch(folder, name, *options, mirror=None):
    manifest = folder / "manifest.json"
    downloads = ("--downloads", folder / "downloads")
    words = ("--dataset", name, *downloads, *options, "--out", manifest)
    return run("fetch.py", *words, mirror=mirror)


def prepare(folder, *options, out=""):
    outputs = [x for split in SPLITS for x in (f"--{split}", folder / out / f"{split}.safetensors")]
    return run("prepare.py", "--manifest", folder / "manifest.json", *options, *outputs)


def sets(folder):
    return {split: ImageSet.load(folder / f"{split}.safetensors") for split in SPLITS}


def one_line(result, message):
    assert result.returncode == 1
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_digits_from_nothing_to_four_sets_without_torch(tmp_path):
    done = fetch(tmp_path, "scans", "--kind", "digits")
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert [file["name"] for file in manifest["files"]] == ["digits.images", "digits.target"]
    assert all(len(file["sha256"]) == 64 for file in manifest["files"])
    done = prepare(tmp_path, "--size", 28, "--channels", 1, "--images", 300, "--seed", 7)
    assert done.returncode == 0, done.stderr
    made = sets(tmp_path)
    assert sum(map(len, made.values())) == 300
    assert made["test"].images.shape == (60, 1, 28, 28)
    assert made["test"].name == "scans"
    index = np.concatenate([each.index for each in made.values()])
    assert len(np.unique(index)) == 300


def test_npz_with_official_test_set_is_the_same_every_time(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        f"{name}_{part}": values
        for part, n in (("train", 40), ("test", 10))
        for name, values in (
            ("x", rng.integers(0, 256, (n, 8, 8), dtype=np.uint8)),
            ("y", np.arange(n) % 2),
        )
    }
    np.savez(tmp_path / "own.npz", **arrays)
    assert fetch(tmp_path, "own", "--kind", "npz", "--path", tmp_path / "own.npz").returncode == 0
    for out in ("once", "again"):
        done = prepare(tmp_path, "--channels", 3, "--seed", 1, out=out)
        assert done.returncode == 0, done.stderr
    for split in SPLITS:
        name = f"{split}.safetensors"
        assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    made = sets(tmp_path / "once")
    assert {split: len(each) for split, each in made.items()} == {
        "train": 30,
        "val": 4,
        "calibration": 6,
        "test": 10,
    }
    test = made["test"]
    assert test.provenance["parts"] == {"train": [0, 40], "test": [40, 50]}
    np.testing.assert_array_equal(test.index, np.arange(40, 50))
    np.testing.assert_array_equal(test.images, np.repeat(arrays["x_test"][:, None], 3, axis=1))
    train = made["train"]
    np.testing.assert_array_equal(train.images[:, 0], arrays["x_train"][train.index])

    (tmp_path / "own.npz").write_bytes(b"something else")
    one_line(prepare(tmp_path), "own.npz: changed since it was fetched")


def test_image_folder(tmp_path):
    for label, name in enumerate(("cat", "dog")):
        (tmp_path / "own" / name).mkdir(parents=True)
        for i in range(10):
            pixels = np.full((12, 9, 3), 100 * label + i, np.uint8)
            Image.fromarray(pixels).save(tmp_path / "own" / name / f"{i}.png")
    options = ("--kind", "image_folder", "--path", tmp_path / "own")
    done = fetch(tmp_path, "own", *options)
    assert done.returncode == 0, done.stderr
    assert prepare(tmp_path, "--size", 8, "--channels", 1).returncode == 0
    for each in sets(tmp_path).values():
        assert each.classes == ("cat", "dog")
        np.testing.assert_array_equal(each.images[:, 0, 0, 0] // 100, each.labels)


def test_notmnist_from_the_mirror(tmp_path):
    raw = tmp_path / "mirror" / "notMNIST" / "raw"
    raw.mkdir(parents=True)
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28), dtype=np.uint8)
    labels = (np.arange(20) % 10).astype(np.uint8)
    for name, array in (("images-idx3", images), ("labels-idx1", labels)):
        shape = b"".join(n.to_bytes(4, "big") for n in array.shape)
        content = bytes([0, 0, 8, array.ndim]) + shape + array.tobytes()
        (raw / f"t10k-{name}-ubyte.gz").write_bytes(gzip.compress(content))
    one_line(fetch(tmp_path, "letters", "--kind", "notmnist"), "not in the mirror (none given)")
    done = fetch(tmp_path, "letters", "--kind", "notmnist", mirror=tmp_path / "mirror")
    assert done.returncode == 0, done.stderr
    all_test = json.dumps({"val": 0, "calibration": 0, "test": 1})
    assert prepare(tmp_path, "--splits", all_test).returncode == 0
    made = sets(tmp_path)
    assert [len(made[split]) for split in SPLITS] == [0, 0, 0, 20]
    np.testing.assert_array_equal(made["test"].images[:, 0], images[made["test"].index])
    assert made["test"].classes == tuple("ABCDEFGHIJ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--kind", "npz"), "needs a path"),
        (("--kind", "npz", "--path", "absent.npz"), "path: no file absent.npz"),
        (("--kind", "digits", "--mirror", "nowhere"), "no folder nowhere"),
        (("--kind", "digts"), "--kind: Input should be 'cifar10'"),
    ],
)
def test_bad_input_to_fetch_is_one_line_and_status_1(tmp_path, options, message):
    one_line(fetch(tmp_path, "own", *options), message)
    assert not (tmp_path / "manifest.json").exists()


def test_bad_input_to_prepare_is_one_line_and_status_1(tmp_path):
    one_line(prepare(tmp_path), "manifest.json: no such file")
    (tmp_path / "manifest.json").write_text("[]")
    one_line(prepare(tmp_path), "manifest.json: not a manifest of plumbline")
    np.savez(tmp_path / "own.npz", x=np.zeros((4, 8, 8), np.uint8), y=np.arange(4))
    fetch(tmp_path, "own", "--kind", "npz", "--path", tmp_path / "own.npz")
    one_line(prepare(tmp_path), "4 images are too few: val would be empty")
    one_line(prepare(tmp_path, "--channels", 2), "--channels: Input should be 1 or 3")
    assert not list(tmp_path.glob("*.safetensors"))


@pytest.mark.skipif(
    "PLUMBLINE_MIRROR" not in os.environ, reason="PLUMBLINE_MIRROR is unset: no real files"
)
def test_mnist_is_byte_identical_to_the_official_images(tmp_path, monkeypatch):
    program = [str(SCRIPTS / "fetch.py"), "--dataset", "mnist", "--kind", "mnist"]
    program += ["--downloads", str(tmp_path), "--out", str(tmp_path / "manifest.json")]
    monkeypatch.setattr(sys, "argv", program)
    runpy.run_path(program[0], run_name="__main__")
    assert prepare(tmp_path, "--size", 28, "--channels", 1).returncode == 0
    made = sets(tmp_path)
    for split, part, offset in (("train", "train", 0), ("test", "t10k", 60_000)):
        packed = Path(os.environ["PLUMBLINE_MIRROR"]) / f"MNIST/raw/{part}-images-idx3-ubyte.gz"
        official = np.frombuffer(gzip.decompress(packed.read_bytes())[16:], np.uint8)
        official = official.reshape(-1, 1, 28, 28)
        np.testing.assert_array_equal(made[split].images, official[made[split].index - offset])
    np.testing.assert_array_equal(made["test"].index, np.arange(60_000, 70_000))
    index = np.concatenate([each.index for each in made.values()])
    np.testing.assert_array_equal(np.sort(index), np.arange(70_000))
