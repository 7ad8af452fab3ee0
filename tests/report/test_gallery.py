"""The gallery: every map with its own scale and bar, every image with what the net says."""

import io
import json
import re

import numpy as np
import pytest
from fake_results import DATASET, METHODS
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from plumbline.errors import InputError
from plumbline.report import style
from plumbline.report.families import FAMILIES, by_family, family
from plumbline.report.figures import gallery
from plumbline.storage.artefacts import Attribution, ImageSet


@pytest.fixture(scope="module")
def images(fake):
    return ImageSet.load(fake / f"data/{DATASET}/test.safetensors")


@pytest.fixture(scope="module")
def attributions(fake):
    place = fake / f"attribution/{DATASET}/lenet5"
    return [Attribution.load(place / f"{name}.safetensors") for name in METHODS]


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def maps(figure):
    """Maps and bars, each map before its bar; the images have other colours."""
    return [each for each in figure.axes[0].get_images() if each.get_cmap() is gallery.CMAP]


def test_rows_are_images_and_columns_methods(images, attributions):
    shown, relevance = gallery.gather(images.select(np.array([7, 3, 5, 0])), attributions)
    figure = gallery.side_by_side(shown, relevance)
    names = ("image", "gradient", "LRP-ε", "LIME", "KernelSHAP", "random (control)")
    for name in names:
        assert name in texts(figure)
    found, bars = maps(figure)[::2], maps(figure)[1::2]
    assert len(found) == len(bars) == 4 * len(METHODS)
    expected = [each.relevance[i].sum(0) for i in (7, 3, 5, 0) for each in attributions]
    for each, values in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.asarray(each.get_array()), values, rtol=1e-6)
    lefts = [each.get_extent()[0] for each in found]
    assert lefts[: len(METHODS)] == sorted(lefts[: len(METHODS)])
    assert lefts == lefts[: len(METHODS)] * 4


def test_every_map_has_a_symmetric_scale_of_its_own_and_its_bar(images, attributions):
    figure = gallery.side_by_side(*gallery.gather(images.select(slice(2)), attributions))
    ends = [text for text in texts(figure) if text.startswith("±")]
    found = maps(figure)
    for each, bar, end in zip(found[::2], found[1::2], ends, strict=True):
        low, high = each.get_clim()
        assert low == -high < 0
        assert high == pytest.approx(np.percentile(np.abs(np.asarray(each.get_array())), 99))
        assert bar.get_clim() == (low, high)
        np.testing.assert_allclose(np.asarray(bar.get_array())[0, [0, -1]], [low, high])
        assert end == f"±{high:.2g}"
        assert bar.get_extent()[3] > each.get_extent()[2]  # it lies below


def test_what_the_net_says_stands_under_each_image_red_where_it_is_wrong(images, attributions):
    figure = gallery.side_by_side(*gallery.gather(images.select(np.array([2, 3])), attributions))
    colors = {text.get_text(): text.get_color() for text in figure.axes[0].texts}
    assert colors["says 2 (0.900)"] == colors["is 2"] == "black"
    assert colors["says 8 (0.900)"] == colors["is 3"] == gallery.WRONG


def test_long_names_are_cut_and_the_probability_stays():
    long = "a class with a name that goes on and on beyond all measure"
    shown = gallery.Shown(np.zeros((3, 8, 8), np.float32), "b", long, 0.25)
    lines = shown.text
    assert all(len(line) <= gallery.CHARACTERS for line in lines)
    assert " ".join(lines) == "says a class with a name… (0.250) is b"


def test_an_image_that_a_method_did_not_explain_is_named(images, attributions):
    with pytest.raises(InputError, match="lime does not explain image 45"):
        gallery.gather(images.select(np.array([1, 45])), attributions)


def test_an_attribution_of_nothing_is_drawn_as_nothing():
    shown = [gallery.Shown(np.zeros((1, 4, 4), np.float32), "a", "a", 1.0)]
    figure = gallery.side_by_side(shown, {"zero": np.zeros((1, 1, 4, 4), np.float32)})
    assert maps(figure)[0].get_clim() == (-1, 1)
    assert not np.asarray(maps(figure)[0].get_array()).any()
    assert "all 0" in texts(figure)


def test_few_methods_leave_room_for_a_second_block_and_no_figure_is_too_wide():
    shown = [gallery.Shown(np.zeros((1, 4, 4), np.float32), "a", "a", 1.0)] * 30
    heights = []
    for count in (2, 3, 9, 15):
        relevance = {f"m{i}": np.ones((30, 1, 4, 4), np.float32) for i in range(count)}
        figure = gallery.side_by_side(shown, relevance)
        width, height = figure.get_size_inches()
        heights.append(height)
        assert width <= style.WIDTH
        places = [each.get_extent() for each in figure.axes[0].get_images()]
        assert len({(left, top) for left, _, _, top in places}) == len(places)
        assert max(right for _, right, _, _ in places) <= width
        assert max(bottom for _, _, bottom, _ in places) <= height
    assert heights[0] < heights[1] < heights[2] / 1.8


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 500), st.integers(1, 500), st.integers(0, 99))
def test_blocks_of_a_large_map_keep_all_relevance(height, width, seed):
    values = np.random.default_rng(seed).normal(size=(height, width))
    blocks = gallery._blocks(values)
    assert max(blocks.shape) <= gallery.PIXELS
    np.testing.assert_allclose(blocks.sum(), values.sum(), atol=1e-8)
    if max(height, width) <= gallery.PIXELS:
        np.testing.assert_array_equal(blocks, values)
    else:
        step = -(-max(height, width) // gallery.PIXELS)
        np.testing.assert_allclose(blocks[0, 0], values[:step, :step].sum())


def test_photographs_keep_their_colours_and_maps_theirs():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:224, :224] / 224
    image = np.stack([x, y, 1 - x]).astype(np.float32)
    relevance = {"gradient": rng.normal(size=(1, 3, 224, 224)).astype(np.float32)}
    figure = gallery.side_by_side([gallery.Shown(image, "a", "a", 1.0)], relevance)
    full, small = style.png(figure), style.png(figure, gallery.KEPT_COLORS)
    assert len(small) < len(full) / 2
    first, second = (
        np.asarray(Image.open(io.BytesIO(each)).convert("RGB")).astype(int)
        for each in (full, small)
    )
    away = np.abs(first - second).max(-1)
    assert away.max() <= 40
    assert away.mean() < 2
    exact = {tuple(each) for each in style._rounded(gallery.KEPT_COLORS).tolist()}
    kept = np.array([tuple(each) in exact for each in first.reshape(-1, 3).tolist()])
    assert kept.mean() > 0.3
    assert away.ravel()[kept].max() == 0


CATALOGUE = {
    "gradient": "saliency gradient gradient_x_input simple_taylor integrated_gradients smoothgrad "
    "smoothgrad_guided",
    "modified_backward": "guided_backpropagation deconvnet deconvnet_partial",
    "lrp": "deep_taylor lrp_0 lrp_epsilon lrp_gamma lrp_alpha1_beta0 lrp_alpha2_beta1 "
    "lrp_composite lrp_composite_box lrp_transposed",
    "deeplift": "deeplift_rescale deeplift_linear deeplift_reveal_cancel",
    "activation_maps": "cam grad_cam",
    "perturbation": "occlusion lime kernel_shap",
    "others": "mine camera lrpx randomly",
    "controls": "random intensity edges",
}


def test_every_method_has_its_family_and_unknown_ones_are_others():
    for name, members in CATALOGUE.items():
        assert {family(each) for each in members.split()} == {name}
    assert list(CATALOGUE) == list(FAMILIES)


def test_families_come_in_order_and_only_if_they_have_members():
    assert by_family(["random", "lime", "gradient", "occlusion"]) == {
        "gradient": ["gradient"],
        "perturbation": ["lime", "occlusion"],
        "controls": ["random"],
    }


def test_the_script_draws_chosen_images_of_one_net(run, fake, tmp_path):
    place = fake / f"attribution/{DATASET}/lenet5"
    chosen = '{"gallery": {"images": [3, 14, 15], "per_class": 3, "classes": 10, "seed": 0}}'
    inputs = {
        "images": [str(fake / f"data/{DATASET}/test.safetensors")],
        "attributions": [str(place / f"{name}.safetensors") for name in METHODS[:2]],
    }
    arguments = (
        *("--figure", "gallery", "--inputs", json.dumps(inputs)),
        *("--options", chosen),
    )
    run("plot.py", *arguments, "--out", tmp_path / "gallery.png")
    run("plot.py", *arguments, "--out", tmp_path / "again.png")
    first = (tmp_path / "gallery.png").read_bytes()
    assert first == (tmp_path / "again.png").read_bytes()
    assert Image.open(io.BytesIO(first)).mode == "P"
    message = run(
        "plot.py",
        *arguments[:-1],
        chosen.replace("3, 14, 15", "99"),
        *("--out", tmp_path / "none.png"),
        expect=1,
    )
    assert re.fullmatch(r"plot\.py: gradient does not explain image 99\n", message)
