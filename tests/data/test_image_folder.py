"""Your own photographs: folders or a list as classes, torchvision's geometry, faults named."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from plumbline.data.manifest import Manifest
from plumbline.data.obtain import Places
from plumbline.data.own import read_classes
from plumbline.data.pool import Wanted
from plumbline.data.sources import image_folder
from plumbline.errors import InputError
from plumbline.storage.files import located


def picture(width, height, channels=3, seed=0):
    shape = (height, width, 3) if channels == 3 else (height, width)
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


def save(image, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


def obtain(folder, **more):
    obtained = image_folder.obtain(Places(Path("unused"), path=folder, **more))
    return Manifest("own", "image_folder", obtained.files, obtained.classes)


def read(folder, size=16, channels=None, resize=None):
    return image_folder.read(obtain(folder), Wanted(size, channels, 0, resize))


def test_folders_are_classes(tmp_path):
    for name in ("dog/1.png", "dog/deep/er/2.PNG", "cat/1.png", ".hidden/1.png", "cat/.h.png"):
        save(picture(20, 20, seed=len(name)), tmp_path / name)
    (tmp_path / "cat" / "notes.txt").write_text("not an image")
    manifest = obtain(tmp_path)
    assert [file.name for file in manifest.files] == ["cat/1.png", "dog/1.png", "dog/deep/er/2.PNG"]
    pool = image_folder.read(manifest, Wanted(20, None, 0))
    assert pool.classes == ("cat", "dog")
    assert pool.labels.tolist() == [0, 1, 1]
    expected = np.asarray(picture(20, 20, seed=len("cat/1.png")))
    np.testing.assert_array_equal(pool.images[0].transpose(1, 2, 0), expected)


def test_a_folder_without_folders_has_no_classes(tmp_path):
    save(picture(20, 20), tmp_path / "1.png")
    pool = read(tmp_path)
    assert pool.classes == ()
    assert pool.labels.tolist() == [-1]


def test_a_text_file_may_tell_the_labels(tmp_path):
    folder, labels = tmp_path / "images", tmp_path / "val.txt"
    for name in ("b 1.png", "a.png", "deep/c.png"):
        save(picture(20, 20), folder / name)
    labels.write_text("b 1.png 2\nabsent.png 9\na.png 0\n\ndeep/c.png 2\n")
    manifest = obtain(folder, labels=labels)
    pool = image_folder.read(manifest, Wanted(16, None, 0))
    assert pool.labels.tolist() == [0, 2, 2]  # a.png, b 1.png, deep/c.png
    assert pool.classes == ("0", "1", "2")
    assert obtain(folder, labels=labels, classes=("x", "y", "z", "w")).classes[3] == "w"
    with pytest.raises(InputError, match="a label 2, but only 2 classes"):
        obtain(folder, labels=labels, classes=("x", "y"))
    labels.write_text("a.png 0\n")
    with pytest.raises(InputError, match=r"val\.txt: no line for b 1\.png \(2 images have none"):
        obtain(folder, labels=labels)
    for line in ("a.png", "a.png -1", "a.png one", " 1"):
        labels.write_text(f"a.png 0\n{line}\n")
        with pytest.raises(InputError, match=r"val\.txt, line 2: .* is not a file name and class"):
            obtain(folder, labels=labels)
    with pytest.raises(InputError, match="not a readable text file"):
        obtain(folder, labels=tmp_path / "none.txt")


def test_class_names_are_short_and_unique(tmp_path):
    (tmp_path / "names.txt").write_text(
        "n01440764 tench, Tinca tinca\nn02012849 crane\ngreat white shark\nn03126707 crane\n"
    )
    expected = ("tench", "crane (1)", "great white shark", "crane (3)")
    assert read_classes(tmp_path / "names.txt") == expected
    (tmp_path / "names.txt").write_text("\n")
    with pytest.raises(InputError, match="no class names"):
        read_classes(tmp_path / "names.txt")


def test_the_mirror_is_searched_after_the_path_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for place in ("mirror/a", "mirror/b", "b"):
        (tmp_path / place).mkdir(parents=True)
    assert located("a", "mirror") == Path("mirror/a")
    assert located("b", "mirror") == Path("b")
    assert located("c", "mirror") == Path("c")
    assert located("a", None) == Path("a")


@pytest.mark.parametrize(("width", "height"), [(50, 31), (31, 50), (9, 14), (16, 16), (33, 33)])
@pytest.mark.parametrize(("channels", "resize"), [(1, None), (3, None), (3, 20)])
def test_size_and_middle_are_torchvisions(tmp_path, width, height, channels, resize):
    from plumbline.runtime.torchvision_import import import_torchvision

    transforms = import_torchvision().transforms
    image = picture(width, height)
    save(image, tmp_path / "1.png")
    cut = transforms.Compose([transforms.Resize(resize or 16), transforms.CenterCrop(16)])
    expected = np.asarray(cut(image.convert("L" if channels == 1 else "RGB")))
    ours = read(tmp_path, channels=channels, resize=resize).images[0]
    np.testing.assert_array_equal(ours.transpose(1, 2, 0).squeeze(), expected)


def test_channels_as_they_are(tmp_path):
    save(picture(20, 20, channels=1), tmp_path / "grey" / "1.png")
    assert read(tmp_path).images.shape == (1, 1, 16, 16)
    save(picture(20, 20), tmp_path / "colour" / "1.png")
    assert read(tmp_path).images.shape == (2, 3, 16, 16)


def test_transparency_and_palettes_become_colour_and_cameras_are_turned(tmp_path):
    image = picture(20, 20)
    save(image.convert("RGBA"), tmp_path / "1.png")
    save(image.quantize(8), tmp_path / "2.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side
    image.save(tmp_path / "3.png", exif=exif)
    images = read(tmp_path, size=20).images
    pixels = np.asarray(image).transpose(2, 0, 1)
    np.testing.assert_array_equal(images[0], pixels)
    assert images.shape == (3, 3, 20, 20)
    np.testing.assert_array_equal(images[2], np.rot90(pixels, -1, axes=(1, 2)))


def test_an_unreadable_image_is_named(tmp_path):
    save(picture(60, 60), tmp_path / "a" / "1.png")
    for content in (b"junk", (tmp_path / "a" / "1.png").read_bytes()[:2000], b""):
        (tmp_path / "a" / "2.png").write_bytes(content)
        with pytest.raises(InputError, match=r"a/2\.png: not a readable image"):
            read(tmp_path)


def test_images_of_more_than_8_bits_are_refused(tmp_path):
    save(Image.fromarray(np.full((20, 20), 40000, np.uint16)), tmp_path / "deep.png")
    with pytest.raises(InputError, match=r"deep\.png: more than 8 bits per channel"):
        read(tmp_path)


@pytest.mark.parametrize("limit", [300, 150])  # Pillow warns above it and refuses above twice it
def test_a_huge_image_is_refused_by_name(tmp_path, monkeypatch, limit):
    save(picture(20, 20), tmp_path / "huge.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(InputError, match=r"huge\.png: too large an image"):
        read(tmp_path)


def test_folders_that_make_no_sense_are_refused(tmp_path):
    with pytest.raises(InputError, match="no folder"):
        obtain(tmp_path / "absent")
    with pytest.raises(InputError, match="no images in it"):
        obtain(tmp_path)
    save(picture(20, 20), tmp_path / "cat" / "1.png")
    (tmp_path / "dog").mkdir()
    with pytest.raises(InputError, match="dog: no images in it"):
        obtain(tmp_path)
    save(picture(20, 20), tmp_path / "loose.png")
    with pytest.raises(InputError, match=r"loose\.png lies beside folders"):
        obtain(tmp_path)
    with pytest.raises(InputError, match="needs a size"):
        image_folder.read(Manifest("own", "image_folder", ()), Wanted(None, None, 0))
