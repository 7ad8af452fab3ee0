"""Your own arrays: every layout that is allowed, and one clear line for the rest."""

from pathlib import Path

import numpy as np
import pytest

from plumbline.data.manifest import Manifest
from plumbline.data.obtain import Places
from plumbline.data.pool import Wanted, make_sets
from plumbline.data.sources import npz
from plumbline.errors import InputError

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)
GREY = COLOUR[..., 0]
LABELS = np.array([0, 1, 2, 0, 1, 2])


def read(folder, **arrays):
    path = folder / "own.npz"
    np.savez(path, **arrays)
    places = Places(Path("unused"), path=path)
    manifest = Manifest("own", "npz", npz.obtain(places).files)
    manifest.verify()
    return npz.read(manifest, Wanted(None, None, 0))


@pytest.mark.parametrize("names", [("x", "y"), ("images", "labels")])
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (GREY, GREY[:, None]),
        (GREY[..., None], GREY[:, None]),
        (GREY[:, None], GREY[:, None]),
        (COLOUR, COLOUR.transpose(0, 3, 1, 2)),
        (COLOUR.transpose(0, 3, 1, 2), COLOUR.transpose(0, 3, 1, 2)),
    ],
    ids=["NHW", "NHW1", "N1HW", "NHW3", "N3HW"],
)
def test_layouts_of_one_pool(tmp_path, names, given, expected):
    pool = read(tmp_path, **dict(zip(names, (given, LABELS), strict=True)))
    np.testing.assert_array_equal(pool.images, expected)
    np.testing.assert_array_equal(pool.labels, LABELS)
    assert pool.classes == ("0", "1", "2")
    assert pool.official_test == 0


def test_official_test_set_and_class_names(tmp_path):
    pool = read(
        tmp_path,
        x_train=COLOUR,
        y_train=LABELS.astype(np.uint8),
        x_test=COLOUR[:2],
        y_test=LABELS[:2],
        index_test=LABELS[:2],
        classes=np.array(["cat", "dog", "bird"]),
    )
    assert len(pool.images) == 8
    assert pool.official_test == 2
    assert pool.labels.dtype == np.int64
    assert pool.classes == ("cat", "dog", "bird")


def test_class_names_of_the_configuration_come_first(tmp_path):
    np.savez(tmp_path / "own.npz", x=GREY, y=LABELS, classes=["a", "b", "c"])
    places = Places(Path("unused"), path=tmp_path / "own.npz", classes=("cat", "dog", "bird"))
    obtained = npz.obtain(places)
    manifest = Manifest("own", "npz", obtained.files, obtained.classes)
    assert npz.read(manifest, Wanted(None, None, 0)).classes == ("cat", "dog", "bird")


def test_images_without_labels_have_no_class(tmp_path):
    pool = read(tmp_path, x=COLOUR)
    assert (pool.labels == -1).all()
    assert pool.classes == ()


def test_floats_of_8_bits_become_bytes_and_others_stay_floats(tmp_path):
    options = {"size": 4, "channels": None, "images": None, "seed": 0, "provenance": {}}
    shares = {"val": 0.2, "calibration": 0.2, "test": 0.2}
    square = COLOUR[:, :4]
    for given, dtype in ((square / 255, np.uint8), (square / 300, np.float32)):
        sets = make_sets(read(tmp_path, x=given, y=LABELS), "own", shares=shares, **options)
        train = sets["train"]
        assert train.images.dtype == dtype
        np.testing.assert_allclose(
            train.pixels, given[train.index].transpose(0, 3, 1, 2), atol=1e-6
        )


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": GREY}, "holds a; needed are x and y, or images and labels, or x_train"),
        ({"x_train": GREY, "y_train": LABELS}, "holds x_train, y_train; needed are x and y"),
        ({"x": GREY, "y": LABELS[:5]}, r"y has shape \(5,\) for 6 images"),
        ({"x": GREY, "y": LABELS / 2}, "y must be whole numbers, not float64"),
        ({"x": GREY, "y": LABELS - 2}, "y has the label -2; allowed are 0 and above"),
        ({"x": GREY, "y": LABELS + 10**9}, "the label 1000000002 is no class number"),
        ({"x": GREY.astype(int), "y": LABELS}, r"x must be uint8, or floats in \[0, 1\]"),
        ({"x": GREY / 1.0, "y": LABELS}, r"x has floats in \[.*\], not in \[0, 1\]"),
        ({"x": GREY * np.nan, "y": LABELS}, r"x has floats in \[nan, nan\]"),
        ({"x": GREY[0], "y": LABELS}, r"x has shape \(5, 4\); allowed are"),
        ({"x": np.zeros((6, 2, 5, 5)), "y": LABELS}, r"x has shape .* C of 1 or 3"),
        ({"x": np.zeros((6, 3, 5, 3)), "y": LABELS}, r"x has shape .* C of 1 or 3"),
        ({"x": GREY[:0], "y": LABELS[:0]}, "x is empty"),
        ({"x": GREY, "y": LABELS, "classes": ["a"]}, "classes has 1 names for 3 classes"),
        ({"x": np.array([{}, []], object), "y": LABELS}, "not a readable npz file of plain"),
        (
            {"x_train": GREY, "y_train": LABELS, "x_test": COLOUR, "y_test": LABELS},
            "x_train and x_test differ",
        ),
    ],
)
def test_anything_else_is_refused_in_a_line(tmp_path, arrays, message):
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path, **arrays)
    assert "own.npz: " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"junk", b""])
def test_a_file_that_is_no_npz_is_refused(tmp_path, content):
    path = tmp_path / "own.npz"
    path.write_bytes(content)
    manifest = Manifest("own", "npz", npz.obtain(Places(Path("unused"), path=path)).files)
    with pytest.raises(InputError, match=r"own\.npz: not a readable npz file"):
        npz.read(manifest, Wanted(None, None, 0))
    with pytest.raises(InputError, match="path: no file"):
        npz.obtain(Places(Path("unused"), path=tmp_path / "absent.npz"))


def test_a_single_array_and_images_that_are_not_square_are_refused(tmp_path):
    np.save(tmp_path / "one.npy", GREY)
    manifest = Manifest(
        "own", "npz", npz.obtain(Places(Path("unused"), path=tmp_path / "one.npy")).files
    )
    with pytest.raises(InputError, match=r"a single array; save several with numpy\.savez"):
        npz.read(manifest, Wanted(None, None, 0))
    with pytest.raises(InputError, match="5 × 4 pixels; nets need squares: set a size"):
        make_sets(
            read(tmp_path, x=GREY, y=LABELS),
            "own",
            size=None,
            channels=None,
            images=None,
            shares={},
            seed=0,
            provenance={},
        )


def test_a_file_that_changed_or_is_gone_since_it_was_fetched_is_refused(tmp_path):
    path = tmp_path / "own.npz"
    np.savez(path, x=GREY, y=LABELS)
    manifest = Manifest("own", "npz", npz.obtain(Places(Path("unused"), path=path)).files)
    manifest.verify()
    np.savez(path, x=GREY + 1, y=LABELS)
    with pytest.raises(InputError, match=r"own\.npz: changed since it was fetched .* delete the"):
        manifest.verify()
    path.unlink()
    with pytest.raises(InputError, match=r"own\.npz: No such file or directory; restore it"):
        manifest.verify()
