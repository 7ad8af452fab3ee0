"""The idx reader against bytes written by hand, and against torchvision's on real files."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from plumbline.data.idx import read_both, read_idx, read_pair
from plumbline.data.manifest import File, Manifest
from plumbline.errors import InputError


def idx(array, kind=8):
    head = bytes([0, 0, kind, array.ndim])
    return head + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content))
    return path


def manifest(folder, parts):
    files = []
    for part, (images, labels) in parts.items():
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            name = f"MNIST/raw/{part}-{kind}-ubyte.gz"
            files.append(File.on_disk(write(folder / name, idx(array)), name, "mirror"))
    return Manifest("tiny", "mnist", tuple(files))


def arrays(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, 5, 5), np.uint8), rng.integers(0, 10, n, dtype=np.uint8)


def test_read_idx(tmp_path):
    images, labels = arrays(6)
    np.testing.assert_array_equal(read_idx(write(tmp_path / "x.gz", idx(images))), images)
    np.testing.assert_array_equal(read_idx(write(tmp_path / "y.gz", idx(labels))), labels)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (idx(arrays(6)[0])[:-1], "149 values, but its header declares"),
        (idx(arrays(6)[0], kind=13), "not an idx file of unsigned bytes"),
        (b"\0\0\x08", "not an idx file of unsigned bytes"),
        (b"", "not an idx file of unsigned bytes"),
    ],
)
def test_other_content_is_refused_by_the_name_of_the_file(tmp_path, content, message):
    with pytest.raises(InputError, match=f"x.gz: {message}"):
        read_idx(write(tmp_path / "x.gz", content))


def test_a_truncated_or_other_file_is_refused(tmp_path):
    path = write(tmp_path / "x.gz", idx(arrays(6)[0]))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"x\.gz: not a readable gzip file"):
        read_idx(path)
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(InputError, match=r"x\.gz: not a readable gzip file"):
        read_idx(path)


def test_training_part_first_then_the_official_test_part(tmp_path):
    train, test = arrays(7, seed=1), arrays(4, seed=2)
    pool = read_both(
        manifest(tmp_path, {"train": train, "t10k": test}), "MNIST", tuple("0123456789")
    )
    np.testing.assert_array_equal(pool.images[:, 0], np.concatenate([train[0], test[0]]))
    np.testing.assert_array_equal(pool.labels, np.concatenate([train[1], test[1]]))
    assert (pool.official_test, pool.labels.dtype) == (4, np.int64)


def test_images_and_labels_that_do_not_fit_are_refused(tmp_path):
    broken = manifest(tmp_path, {"t10k": (arrays(7)[0], arrays(6)[1])})
    with pytest.raises(InputError, match=r"MNIST, t10k: images .* and labels .* do not match"):
        read_pair(broken, "MNIST", "t10k")


def test_a_label_without_a_class_is_refused(tmp_path):
    images, _ = arrays(3)
    parts = {part: (images, np.array([0, 1, 10], np.uint8)) for part in ("train", "t10k")}
    with pytest.raises(InputError, match="label 10, but only 10 classes"):
        read_both(manifest(tmp_path, parts), "MNIST", tuple("0123456789"))


@pytest.mark.skipif(
    "PLUMBLINE_MIRROR" not in os.environ, reason="PLUMBLINE_MIRROR is unset: no real idx files"
)
@pytest.mark.parametrize("dataset", ["MNIST", "FashionMNIST", "notMNIST"])
def test_equals_torchvisions_reader_on_the_real_files(tmp_path, dataset):
    from plumbline.runtime.torchvision_import import import_torchvision

    import_torchvision()
    from torchvision.datasets.mnist import read_image_file, read_label_file

    raw = Path(os.environ["PLUMBLINE_MIRROR"]) / dataset / "raw"
    for name, reader in (("images-idx3", read_image_file), ("labels-idx1", read_label_file)):
        packed = raw / f"t10k-{name}-ubyte.gz"
        plain = tmp_path / "plain"
        plain.write_bytes(gzip.decompress(packed.read_bytes()))
        np.testing.assert_array_equal(read_idx(packed), reader(str(plain)).numpy())
