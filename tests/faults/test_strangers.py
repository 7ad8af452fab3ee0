"""Files of strangers: nothing in them is run, nothing leaves its folder, every fault is named."""

import contextlib
import hashlib
import io
import pickle
import struct
import tarfile
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from plumbline.data.manifest import File, Manifest
from plumbline.data.obtain import Places
from plumbline.data.pool import Wanted, make_sets
from plumbline.data.sources import cifar10, image_folder, npz
from plumbline.errors import InputError
from plumbline.storage.checkpoints import Checkpoint
from plumbline.training.imported_weights import read_weights


class Harm:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.fixture
def harm(tmp_path):
    """An object that would make the file ``harm``; asserts that it was not made."""
    yield Harm(tmp_path / "harm")
    assert not (tmp_path / "harm").exists()


def torch_file(path, content, old):
    import torch

    torch.save(content, path, _use_new_zipfile_serialization=not old)


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("inside", [False, True])
def test_weights_are_not_unpickled(tmp_path, harm, old, inside):
    path = tmp_path / "weights.pt"
    torch_file(path, {"state_dict": {"a": harm}} if inside else harm, old)
    with pytest.raises(InputError, match=r"weights\.pt: not a state dict of plain tensors"):
        read_weights(path)
    path.write_bytes(pickle.dumps(harm))
    with pytest.raises(InputError, match=r"weights\.pt: not "):
        read_weights(path)


def test_checkpoints_are_not_unpickled(tmp_path, harm):
    content = pickle.dumps({"epoch": harm})
    (tmp_path / "c").write_bytes(content)
    assert Checkpoint.load(tmp_path / "c", "") is None
    (tmp_path / "c").write_bytes(hashlib.sha256(content).digest() + content)  # sealed as if ours
    with pytest.raises(pickle.UnpicklingError, match="Weights only"):
        Checkpoint.load(tmp_path / "c", "")


def read_npz(path):
    manifest = Manifest("own", "npz", npz.obtain(Places(Path("unused"), path=path)).files)
    return npz.read(manifest, Wanted(None, None, 0))


def test_arrays_are_not_unpickled(tmp_path, harm):
    path = tmp_path / "own.npz"
    harmful = np.empty(1, object)
    harmful[0] = harm
    np.savez(path, x=harmful, y=np.zeros(1, int))
    with pytest.raises(InputError, match=r"own\.npz: not a readable npz .*allow_pickle"):
        read_npz(path)
    for content in (pickle.dumps(harm), pickle.dumps({"x": harm})):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"own\.npz: not a readable npz"):
            read_npz(path)
    with open(path, "wb") as file:
        np.save(file, harmful)
    with pytest.raises(InputError, match=r"own\.npz: not a readable npz"):
        read_npz(path)


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "a/../../x", "..\\x"])
def test_arrays_that_lead_out_of_their_archive_are_refused(tmp_path, name):
    path, content = tmp_path / "own.npz", io.BytesIO()
    np.save(content, np.zeros((1, 4, 4), np.uint8))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", content.getvalue())
        archive.writestr(f"{name}.npy", content.getvalue())
    with pytest.raises(InputError, match=r"own\.npz: refused: .* lies outside its folder"):
        read_npz(path)


def test_an_array_that_claims_to_be_larger_than_memory_is_refused(tmp_path):
    path, head = tmp_path / "own.npz", io.BytesIO()
    shape = (10**6, 10**6, 100)
    np.lib.format.write_array_header_1_0(
        head, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", head.getvalue())
    with pytest.raises(InputError, match=r"own\.npz: not a readable npz"):
        read_npz(path)


def link(name, kind, target=""):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.mark.parametrize(
    "member",
    [
        link("../data_batch_1", tarfile.REGTYPE),
        link("/tmp/data_batch_1", tarfile.REGTYPE),
        link(f"{cifar10.FOLDER}/../../data_batch_1", tarfile.REGTYPE),
        link(f"{cifar10.FOLDER}/data_batch_1", tarfile.SYMTYPE, "/etc/passwd"),
        link(f"{cifar10.FOLDER}/data_batch_1", tarfile.LNKTYPE, "../secret"),
        link(f"{cifar10.FOLDER}/data_batch_1", tarfile.CHRTYPE),
    ],
    ids=["up", "absolute", "up from inside", "symbolic link", "hard link", "device"],
)
def test_an_archive_that_climbs_out_of_its_folder_is_refused(tmp_path, member):
    path = tmp_path / "cifar.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(member, io.BytesIO(b""))
    manifest = Manifest("c", "cifar10", (File.on_disk(path, cifar10.ARCHIVE, "mirror"),))
    with pytest.raises(InputError, match=r"cifar\.tar\.gz: refused: .*data_batch_1' is a link or"):
        cifar10.read(manifest, Wanted(None, None, 0))
    assert [each.name for each in tmp_path.iterdir()] == ["cifar.tar.gz"]


def huge(path):
    """A valid PNG head of 100,000 x 100,000 pixels, which would be 10 GB."""

    def chunk(kind, content):
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def photograph(seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (40, 40, 3), np.uint8))


def corrupt(path):
    photograph().save(path, "JPEG")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


FAULTS = {
    "huge.png": (huge, "too large an image"),
    "empty.jpg": (lambda path: path.write_bytes(b""), "not a readable image"),
    "print.jpg": (lambda path: photograph().convert("CMYK").save(path), r"not in RGB \(CMYK\)"),
    "corrupt.jpg": (corrupt, "not a readable image"),
    "text.jpg": (lambda path: path.write_text("an image"), "not a readable image"),
}


@pytest.fixture
def folder(tmp_path):
    """Two classes of eight sound images each."""
    for i in range(16):
        path = tmp_path / "images" / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        photograph(i).save(path)
    return tmp_path / "images"


def read_folder(folder, skip):
    obtained = image_folder.obtain(Places(Path("unused"), path=folder))
    manifest = Manifest("mine", "image_folder", obtained.files, obtained.classes)
    return image_folder.read(manifest, Wanted(16, None, 0, None, skip))


@pytest.mark.parametrize("name", FAULTS)
def test_an_image_that_cannot_be_used_is_named_and_refused_or_skipped(folder, name, capsys):
    sound = read_folder(folder, skip=False)
    make, message = FAULTS[name]
    make(folder / "a" / name)
    with pytest.raises(InputError, match=rf"a/{name}: {message}.*data\.sources\.mine\.broken"):
        read_folder(folder, skip=False)
    pool = read_folder(folder, skip=True)
    assert f"skipped: {folder}/a/{name}: " in capsys.readouterr().err
    assert pool.skipped == (f"a/{name}",)
    np.testing.assert_array_equal(pool.images, sound.images)
    np.testing.assert_array_equal(pool.labels, sound.labels)


def test_what_was_skipped_stands_in_the_sets(folder):
    (folder / "b/0.jpg").write_bytes(b"")
    shares = {"val": 0.2, "calibration": 0.2, "test": 0.2}
    how = {"size": 16, "channels": 3, "images": None, "shares": shares, "seed": 0}
    sets = make_sets(read_folder(folder, skip=True), "mine", **how, provenance={})
    assert sum(map(len, sets.values())) == 16
    for each in sets.values():
        assert each.provenance["skipped"] == ("b/0.jpg",)


def test_a_class_of_which_nothing_is_left_is_named(folder):
    for path in (folder / "b").iterdir():
        path.write_bytes(b"")
    with pytest.raises(InputError, match="mine: no image in the folder b can be used"):
        read_folder(folder, skip=True)
    for path in (folder / "a").iterdir():
        path.write_bytes(b"")
    with pytest.raises(InputError, match="mine: no image in it can be used"):
        read_folder(folder, skip=True)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP", "PPM"])
def test_a_damaged_image_is_read_or_named_but_never_a_traceback(tmp_path, kind):
    rng = np.random.default_rng(0)
    content = io.BytesIO()
    photograph().save(content, kind)
    sound = content.getvalue()
    path = tmp_path / "image.png"  # any suffix: the content counts
    for _ in range(150):
        damaged = bytearray(sound[: rng.integers(1, len(sound) + 1)])
        for _ in range(rng.integers(1, 6)):
            where = rng.integers(len(damaged)) if rng.random() < 0.5 else rng.integers(60)
            damaged[min(where, len(damaged) - 1)] = rng.integers(256)
        path.write_bytes(damaged)
        with warnings.catch_warnings(), contextlib.suppress(image_folder.BrokenImageError):
            warnings.simplefilter("ignore")
            assert image_folder._decode(path, 16, 16, 3).shape == (3, 16, 16)
