"""The artefacts: what is saved is what is read, and what is damaged is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.errors import ArtefactError
from plumbline.storage.artefacts import Attribution, ImageSet, Prediction, load_arrays, save_arrays


def make_images(n=5, dtype=np.uint8):
    values = np.random.default_rng(0).integers(0, 256, (n, 1, 4, 4))
    images = values.astype(np.uint8) if dtype == np.uint8 else (values / 255).astype(np.float32)
    return ImageSet(
        name="tiny",
        images=images,
        labels=np.arange(n),
        index=np.arange(n) + 7,
        classes=("a", "b"),
        provenance={"from": "a test"},
        extra={"success": np.arange(n) % 2 == 0},
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_image_set_round_trip(tmp_path, dtype):
    images = make_images(dtype=dtype)
    images.save(tmp_path / "x.safetensors")
    read = ImageSet.load(tmp_path / "x.safetensors")
    assert (read.name, read.classes, read.provenance) == ("tiny", ("a", "b"), {"from": "a test"})
    assert read.images.dtype == dtype
    for name in ("images", "labels", "index"):
        np.testing.assert_array_equal(getattr(read, name), getattr(images, name))
    np.testing.assert_array_equal(read.extra["success"], images.extra["success"])


def test_prediction_and_attribution_round_trip(tmp_path):
    probs = np.full((2, 3, 4), 0.25, np.float32)
    Prediction("softmax", "test", probs, np.zeros(3, int), np.arange(3)).save(tmp_path / "p")
    assert Prediction.load(tmp_path / "p").probs.shape == (2, 3, 4)
    relevance = np.ones((3, 1, 2, 2), np.float32)
    gap = np.full(3, np.nan, np.float32)
    probability = np.array([0.5, 0.7, 0.9], np.float32)
    arrays = (relevance, np.zeros(3, int), gap, probability, np.arange(3))
    Attribution("random", *arrays).save(tmp_path / "a")
    read = Attribution.load(tmp_path / "a")
    assert read.method == "random"
    assert np.isnan(read.gap).all()
    np.testing.assert_array_equal(read.probability, probability)


def test_equal_content_is_equal_byte_by_byte(tmp_path):
    for name in ("a", "b"):
        make_images().save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_select_keeps_what_belongs_together():
    chosen = make_images().select(np.array([3, 1]))
    assert chosen.index.tolist() == [10, 8]
    assert chosen.extra["success"].tolist() == [False, False]


@pytest.mark.parametrize(
    "change",
    [
        {"images": np.full((5, 1, 4, 4), 1.5, np.float32)},
        {"images": np.full((5, 1, 4, 4), np.nan, np.float32)},
        {"images": np.zeros((5, 4, 4), np.uint8)},
        {"images": np.zeros((5, 1, 4, 4), np.float64)},
        {"labels": np.arange(4)},
        {"extra": {"success": np.zeros(2, bool)}},
    ],
)
def test_an_image_set_that_breaks_its_contract_is_refused(change):
    from dataclasses import replace

    with pytest.raises(ValueError, match=r"images|pixels|entries"):
        replace(make_images(), **change)


def test_probabilities_must_sum_to_one():
    with pytest.raises(ValueError, match="sum to one"):
        Prediction("x", "test", np.full((1, 2, 3), 0.5, np.float32), np.zeros(2), np.zeros(2))


@settings(deadline=None, max_examples=40)
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_is_noticed(tmp_path_factory, where, bit):
    path = tmp_path_factory.mktemp("flip") / "x.safetensors"
    make_images(40).save(path)
    content = bytearray(path.read_bytes())
    content[int(where * len(content))] ^= 1 << bit
    path.write_bytes(content)
    try:
        read = ImageSet.load(path)
    except ArtefactError:
        return
    # Only the padding between header and tensors may change unseen.
    assert read.provenance == make_images(40).provenance
    np.testing.assert_array_equal(read.images, make_images(40).images)
    np.testing.assert_array_equal(read.labels, make_images(40).labels)


@pytest.mark.parametrize("keep", [0, 5, 100, 300])
def test_a_truncated_file_is_refused_by_name(tmp_path, keep):
    path = tmp_path / "x.safetensors"
    make_images(40).save(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ArtefactError, match=r"x\.safetensors"):
        ImageSet.load(path)


def test_a_missing_file_and_another_kind_are_refused(tmp_path):
    with pytest.raises(ArtefactError, match="no such file"):
        ImageSet.load(tmp_path / "none")
    save_arrays(tmp_path / "vae", "VAE", {"x": np.zeros(1)}, {})
    with pytest.raises(ArtefactError, match="contains VAE, not ImageSet"):
        ImageSet.load(tmp_path / "vae")
    assert load_arrays(tmp_path / "vae", "VAE")[1] == {}
