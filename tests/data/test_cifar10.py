"""The CIFAR-10 archive: read as torchvision reads it, and no pickle is trusted."""

import io
import pickle
import tarfile

import numpy as np
import pytest
from support import Malicious

from plumbline.data.manifest import File, Manifest
from plumbline.data.pool import Wanted
from plumbline.data.sources import cifar10
from plumbline.errors import InputError

WANTED = Wanted(None, None, 0)


class Python2(pickle._Pickler):
    """Pickles as Python 2 and NumPy 1 wrote the official files: bytes are its texts."""

    dispatch = pickle._Pickler.dispatch.copy()

    def save_bytes(self, text):
        self.write(pickle.BINSTRING + len(text).to_bytes(4, "little") + text)
        self.memoize(text)

    def save_str(self, text):
        self.save_bytes(text.encode("latin1"))

    def save_global(self, thing, name=None):
        module = thing.__module__.replace("numpy._core", "numpy.core")
        self.write(pickle.GLOBAL + f"{module}\n{thing.__name__}\n".encode())
        self.memoize(thing)

    dispatch[bytes] = save_bytes
    dispatch[str] = save_str
    dispatch[type] = save_global
    dispatch[type(cifar10.RECONSTRUCT)] = save_global


def python2(content):
    out = io.BytesIO()
    Python2(out, protocol=2).dump(content)
    return out.getvalue()


def batch(seed, n=4):
    rng = np.random.default_rng(seed)
    data = rng.integers(0, 256, (n, 3072), dtype=np.uint8)
    return {"data": data, "labels": rng.integers(0, 10, n).tolist(), "batch_label": "a batch"}


BATCHES = {name: batch(i) for i, name in enumerate((*cifar10.TRAIN, cifar10.TEST))}
NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def archive(path, **replaced):
    members = {name: python2(content) for name, content in BATCHES.items()}
    members[cifar10.META] = python2({"label_names": NAMES})
    with tarfile.open(path / "cifar.tar.gz", "w:gz") as out:
        for name, content in reversed((members | replaced).items()):
            if content is not None:
                member = tarfile.TarInfo(f"{cifar10.FOLDER}/{name}")
                member.size = len(content)
                out.addfile(member, io.BytesIO(content))
    file = File.on_disk(path / "cifar.tar.gz", cifar10.ARCHIVE, "mirror")
    return Manifest("cifar", "cifar10", (file,))


def test_read_in_the_order_of_the_batches_with_the_test_batch_last(tmp_path):
    pool = cifar10.read(archive(tmp_path), WANTED)
    # torchvision: numpy.vstack of the data, reshaped to [N, 3, 32, 32]
    expected = np.vstack([each["data"] for each in BATCHES.values()]).reshape(-1, 3, 32, 32)
    np.testing.assert_array_equal(pool.images, expected)
    assert pool.labels.tolist() == [label for each in BATCHES.values() for label in each["labels"]]
    assert pool.classes == tuple(NAMES)
    assert pool.official_test == 4


def test_the_restricted_reader_reads_what_pickle_reads():
    content = python2(BATCHES["test_batch"])
    ours, plain = cifar10.unpickle(content, "x"), pickle.loads(content, encoding="latin1")
    assert ours.keys() == plain.keys()
    np.testing.assert_array_equal(ours["data"], plain["data"])
    np.testing.assert_array_equal(ours["data"], BATCHES["test_batch"]["data"])


def test_a_malicious_pickle_is_refused_and_not_run(tmp_path):
    evil = pickle.dumps({"data": Malicious(tmp_path / "harm"), "labels": []})
    with pytest.raises(InputError, match=r"data_batch_2: refused: it needs _?io\.open"):
        cifar10.read(archive(tmp_path, data_batch_2=evil), WANTED)
    assert not (tmp_path / "harm").exists()
    pickle.loads(evil)["data"].close()  # the danger is real
    assert (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"data_batch_3": None}, "data_batch_3 not found"),
        ({"test_batch": b"junk"}, "test_batch: not a readable pickle"),
        ({"test_batch": python2({"data": [1, 2]})}, "not in the form of CIFAR-10"),
        ({"test_batch": python2({"data": np.zeros((2, 9)), "labels": [0, 1]})}, "not in the form"),
    ],
)
def test_an_archive_of_another_form_is_refused(tmp_path, replaced, message):
    with pytest.raises(InputError, match=message):
        cifar10.read(archive(tmp_path, **replaced), WANTED)


def test_a_truncated_archive_is_refused(tmp_path):
    manifest = archive(tmp_path)
    path = tmp_path / "cifar.tar.gz"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(InputError, match=r"cifar\.tar\.gz: not a readable tar\.gz archive"):
        cifar10.read(manifest, WANTED)
