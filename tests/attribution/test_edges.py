"""The edge filter: a control that is blind to the net."""

import torch

from plumbline.attribution.methods import edges


def magnitude(image, **options):
    """Of one image given as rows."""
    pixels = torch.tensor(image).double()[None, None]
    return edges.attribute(None, pixels, torch.tensor([0]), seed=0)[0][0, 0]


def test_a_step_of_one_has_magnitude_four_on_both_sides():
    found = magnitude([[0.0, 0.0, 1.0, 1.0]] * 4)
    torch.testing.assert_close(found, torch.tensor([[0.0, 4, 4, 0]] * 4).double())
    torch.testing.assert_close(magnitude([[0.0] * 4, [0.0] * 4, [1.0] * 4, [1.0] * 4]), found.T)


def test_a_single_bright_pixel_by_hand():
    """Sobel's kernels mirrored: 2 beside it, sqrt(2) at the corners, nothing at its place."""
    image = torch.zeros(5, 5)
    image[2, 2] = 1
    corner = 2**0.5
    expected = torch.zeros(5, 5).double()
    expected[1:4, 1:4] = torch.tensor(
        [[corner, 2, corner], [2, 0, 2], [corner, 2, corner]], dtype=torch.float64
    )
    torch.testing.assert_close(magnitude(image.tolist()), expected)


def test_equals_scipy_and_is_shared_among_channels():
    from scipy import ndimage

    colour = torch.rand(2, 3, 9, 7, generator=torch.Generator().manual_seed(0)).double()
    relevance, gap = edges.attribute(None, colour, torch.tensor([0, 0]), seed=0)
    for each, grey in zip(relevance.sum(1), colour.mean(1).numpy(), strict=True):
        down, across = (ndimage.sobel(grey, axis, mode="nearest") for axis in (0, 1))
        expected = torch.from_numpy((down**2 + across**2) ** 0.5)
        torch.testing.assert_close(each, expected, rtol=0, atol=1e-12)
    assert torch.equal(relevance[:, 0], relevance[:, 1])
    assert gap.isnan().all()


def test_a_uniform_image_has_no_edges():
    assert not magnitude([[0.7] * 6] * 6).any()
