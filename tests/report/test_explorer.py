"""The explorer's data: what the page holds is what was computed, within the bounds it states."""

import json
import re

import numpy as np
import pytest
from fake_latent import CORPORA, ESTIMATORS, GRIDS, MEASURES, MODELS, SHAPE

from plumbline.report.pages.explorer import GALLERY, NEAREST, STEP, gallery, pack, unpack
from plumbline.report.style import COLORS
from plumbline.storage.artefacts import ImageSet, load_arrays


@pytest.fixture(scope="module")
def text(explorer):
    return explorer.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def held(text):
    """What the page holds, as its script reads it."""
    return json.loads(re.search(r'id="data">(.*?)</script>', text)[1])


@pytest.fixture(scope="module")
def packs(held):
    return {each["name"]: unpack(each["pack"]) for each in held["corpora"]}


def read(latent, corpus, name, kind):
    return load_arrays(latent / corpus / f"{name}.safetensors", kind)[0]


def test_arrays_come_back_with_type_and_shape():
    arrays = {
        "bytes": np.arange(5, dtype=np.uint8),
        "steps": np.arange(6, dtype=">u2").reshape(2, 3),
        "halves": np.array([1.5, -2e-7], np.float16),
        "none": np.empty((0, 2), np.float32),
    }
    found = unpack(json.loads(json.dumps(pack(arrays))))
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype.newbyteorder("<")


@pytest.mark.parametrize("corpus", CORPORA)
def test_maps_are_kept_within_half_a_step(held, packs, latent, corpus):
    for model in MODELS:
        maps = read(latent, corpus, model, "LatentMap")
        holes = read(latent, corpus, f"{model}.holes", "Holes")
        found = {k.partition(".")[2]: v for k, v in packs[corpus].items() if k.startswith(model)}
        names = {f"{g}.{e}.{m}" for g in GRIDS for e in ESTIMATORS[model] for m in MEASURES}
        classes = {f"{g}.{e}.prediction" for g in GRIDS for e in ESTIMATORS[model]}
        assert set(found) == names | classes | set(holes)
        for name in names:
            step = held["measures"][name.split(".")[-1]]["step"]
            assert step == STEP  # no value above 6.5
            kept = found[name] * step
            np.testing.assert_allclose(kept, maps[name], rtol=0, atol=STEP / 2 + 1e-12)
            shown = np.round(kept, 3)
            assert np.abs(shown - maps[name]).max() <= 0.00055 + 1e-12
        for name in classes | set(holes):
            np.testing.assert_array_equal(found[name], (maps | holes)[name])


@pytest.mark.parametrize("corpus", CORPORA)
def test_places_weights_and_codes_are_kept(held, packs, latent, corpus):
    found, maps = packs[corpus], read(latent, corpus, MODELS[0], "LatentMap")
    for grid, axis in GRIDS.items():
        np.testing.assert_allclose(found[f"{grid}.axis"], axis, rtol=1e-6)
        np.testing.assert_array_equal(found[f"{grid}.on_data"], maps[f"{grid}.on_data"])
        for name in (f"{grid}.distance", f"{grid}.density"):
            np.testing.assert_allclose(found[name], maps[name], rtol=1e-6)
    codes = read(latent, corpus, "codes", "Codes")
    for name in ("test", "test_labels", "other"):
        np.testing.assert_array_equal(found[name], codes[name])
    for name, weight in read(latent, corpus, "vae", "VAE").items():
        if name.startswith("decoder."):
            np.testing.assert_allclose(found[name], weight, rtol=5e-4, atol=6e-8)
    assert not any(name.startswith("encoder.") for name in found)


def test_the_nearest_training_images_are_there(held, packs, latent):
    train = ImageSet.load(latent / "train.safetensors")
    shown = unpack(held["gallery"])
    pixels = [image.tobytes() for image in train.images]
    kept = [pixels.index(image.tobytes()) for image in shown["images"]]
    assert kept == sorted(set(kept))
    np.testing.assert_array_equal(shown["labels"], train.labels[kept])
    for corpus in CORPORA:
        codes = read(latent, corpus, "codes", "Codes")["train"]
        np.testing.assert_array_equal(packs[corpus]["train"], codes[kept])
        for axis in GRIDS.values():
            cells = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 1, 2)
            nearest = np.linalg.norm(cells - codes, axis=-1).argsort(1)[:, :NEAREST]
            assert set(nearest.ravel()) <= set(kept)  # few enough: nothing was left out


def test_a_full_gallery_keeps_what_is_nearest_to_most_cells():
    rng = np.random.default_rng(0)
    codes = rng.normal(0, 1, (3000, 2))
    cells = rng.uniform(-10, 10, (2000, 2))
    kept = gallery([codes], [cells], limit=50)
    nearest = np.linalg.norm(cells[:, None] - codes, axis=-1).argsort(1)[:, :NEAREST]
    counts = np.bincount(nearest.ravel(), minlength=3000)
    assert len(kept) == 50 < GALLERY
    assert counts[kept].sum() == np.sort(counts)[-50:].sum()
    assert counts[kept].sum() / counts.sum() > 0.8  # off the data few images are near to many


def test_names_scales_and_colours(held, latent):
    assert held["nets"] == {"lenet5": "LeNet-5", "resnet20": "ResNet-20"}
    assert list(held["estimators"]) == ["mc_dropout", "ensemble"]
    assert held["shape"] == list(SHAPE)
    assert held["colors"][0] == "#" + "".join(f"{round(255 * each):02x}" for each in COLORS[0])
    assert [each["other"] for each in held["corpora"]] == ["", "PGD, ε = 0.3"]
    for measure, scale in held["measures"].items():
        values = [
            array
            for corpus in CORPORA
            for model in MODELS
            for name, array in read(latent, corpus, model, "LatentMap").items()
            if name.endswith(measure)
        ]
        assert scale["low"] == min(each.min() for each in values)
        assert scale["high"] == max(each.max() for each in values)
        assert scale["certain"] == (measure == "max_probability")


def test_nothing_is_fetched_and_the_report_is_linked(text):
    assert "default-src 'none'" in text  # the browser refuses all requests
    assert re.findall(r'(?:src|href|action)="(.*?)"', text) == ["index.html#latent-digits", "#"]
    assert "url(" not in text
    assert "@import" not in text


def test_the_same_bytes_again(explorer, build_explorer, tmp_path):
    build_explorer(tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == explorer.read_bytes()


def test_codes_of_other_images_end_in_one_line(build_explorer, latent, tmp_path):
    train = ImageSet.load(latent / "train.safetensors")
    train.select(slice(10)).save(tmp_path / "train.safetensors")
    out = tmp_path / "out.html"
    message = build_explorer(out, train=tmp_path / "train.safetensors", expect=1)
    assert message == ("build_page.py: in_distribution: 60 codes for 10 training images\n")
    assert not out.exists()
