"""Superpixels: a grid, and SLIC."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.attribution.superpixels import superpixels


def test_grid_has_49_cells_at_28_pixels(images):
    labels, count = superpixels(images, "grid", 7, 0.0)
    assert count == 49
    assert torch.equal(labels[0, 4:8, 8:12], torch.full((4, 4), 9))
    assert (torch.bincount(labels[3].flatten()) == 16).all()


@settings(deadline=None, max_examples=30)
@given(
    kind=st.sampled_from(["grid", "slic"]),
    height=st.integers(2, 24),
    width=st.integers(2, 24),
    cells=st.integers(2, 9),
    compactness=st.floats(0, 2),
    seed=st.integers(0, 99),
)
def test_every_label_occurs_in_every_image(kind, height, width, cells, compactness, seed):
    cells = min(cells, height, width)
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.rand(2, 3, height, width, generator=generator)
    labels, count = superpixels(pixels, kind, cells, compactness)
    assert labels.shape == (2, height, width)
    assert count == cells**2
    assert labels.dtype == torch.int64
    for each in labels:
        assert torch.equal(each.unique(), torch.arange(count))


def test_slic_follows_an_edge_that_the_grid_crosses():
    pixels = torch.zeros(1, 1, 16, 16)
    pixels[..., 6:] = 1  # the grid's edges are at 4 and 8
    labels, count = superpixels(pixels, "slic", 4, 0.1)
    seeds = {(row, column) for row in (1, 5, 9, 13) for column in (1, 5, 9, 13)}
    for label in range(count):
        places = (labels[0] == label).nonzero().tolist()
        shades = {pixels[0, 0, r, c].item() for r, c in places if (r, c) not in seeds}
        assert len(shades) <= 1


def test_slic_of_a_uniform_image_is_the_grid():
    pixels = torch.full((1, 1, 16, 16), 0.5)
    slic, _ = superpixels(pixels, "slic", 4, 0.3)
    grid, _ = superpixels(pixels, "grid", 4, 0.3)
    assert torch.equal(slic, grid)


def test_slic_does_not_depend_on_the_other_images(images):
    together, _ = superpixels(images, "slic", 7, 0.3)
    alone, _ = superpixels(images[2:3], "slic", 7, 0.3)
    assert torch.equal(together[2:3], alone)
    assert not torch.equal(together[0], together[1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_slic_works_in_both_precisions(images, dtype):
    labels, count = superpixels(images.to(dtype), "slic", 4, 0.3)
    assert count == 16
    assert labels.max() == 15
