"""Superpixels: the regions that LIME and KernelSHAP hide or show as a whole."""

import math

import torch
from torch import Tensor

from plumbline.errors import InputError, nearest

ITERATIONS = 10  # of SLIC, as in its paper


def superpixels(pixels: Tensor, kind: str, cells: int, compactness: float) -> tuple[Tensor, int]:
    """Labels [N, H, W] int64 of the superpixels of ``pixels`` [N, C, H, W], and their number.

    ``kind`` is ``grid``, ``cells`` x ``cells`` rectangles whose sides differ by at most one
    pixel, or ``slic``, which starts from this grid and adapts to the image.  Every label from 0
    to ``cells``^2 - 1 occurs in every image.

    Raises :class:`InputError` for any other ``kind``, or if ``cells`` is below 2 or above the
    number of pixels along a side.
    """
    if kind not in ("grid", "slic"):
        raise InputError(f"superpixels: no kind {kind!r}{nearest(kind, ['grid', 'slic'])}")
    n, _, height, width = pixels.shape
    if not 2 <= cells <= min(height, width):
        raise InputError(f"cells must be from 2 to {min(height, width)} per side, not {cells}")
    rows = torch.arange(height, device=pixels.device) * cells // height
    columns = torch.arange(width, device=pixels.device) * cells // width
    labels = rows[:, None] * cells + columns
    if kind == "slic":
        return _slic(pixels, labels, cells, compactness), cells**2
    return labels.expand(n, height, width), cells**2


def _slic(pixels: Tensor, grid: Tensor, cells: int, compactness: float) -> Tensor:
    """k-means on colour and position; each pixel chooses among the 3 x 3 cells around its own.

    The squared distance is that of the colours (pixels in [0, 1]) plus ``compactness``^2 times
    that of the positions in units of a cell's side.  The middle pixel of each grid cell keeps
    its label, so that no label is lost.  Connectivity is not enforced.

    Achanta et al. 2012, "SLIC superpixels compared to state-of-the-art superpixel methods",
    eq. 3, with a neighbourhood of cells in place of a window around each centre.
    """
    n, channels, height, width = pixels.shape
    device, count = pixels.device, cells**2
    position = torch.cartesian_prod(
        torch.arange(height, device=device), torch.arange(width, device=device)
    ).to(pixels.dtype)
    position = position * (compactness / (math.sqrt(height * width) / cells))
    colour = pixels.flatten(2).transpose(1, 2)
    features = torch.cat([colour, position.expand(n, -1, -1)], dim=2)  # [N, P, F]
    near, inside = _neighbours(grid.flatten(), cells)  # [P, 9]
    image = torch.arange(n, device=device)[:, None]
    seeds = _middles(grid, count)
    labels = grid.flatten().expand(n, -1)
    for _ in range(ITERATIONS):
        flat = (labels + image * count).flatten()
        sums = features.new_zeros(n * count, channels + 2)
        sums = sums.index_add(0, flat, features.flatten(0, 1))
        sizes = torch.bincount(flat, minlength=n * count)[:, None]
        centres = (sums / sizes).view(n, count, -1)
        distance = torch.stack(
            [(features - centres[:, near[:, k]]).square().sum(2) for k in range(near.shape[1])], 2
        )
        best = distance.masked_fill(~inside, torch.inf).argmin(2, keepdim=True)
        labels = near.expand(n, -1, -1).gather(2, best)[..., 0]
        labels[:, seeds] = torch.arange(count, device=device)
    return labels.view(n, height, width)


def _neighbours(grid: Tensor, cells: int) -> tuple[Tensor, Tensor]:
    """The 3 x 3 cells around each pixel's own [P, 9], and whether they exist [P, 9] bool."""
    step = torch.arange(-1, 2, device=grid.device)
    rows = (grid // cells)[:, None, None] + step[:, None]
    columns = (grid % cells)[:, None, None] + step
    inside = (rows >= 0) & (rows < cells) & (columns >= 0) & (columns < cells)
    return torch.where(inside, rows * cells + columns, 0).flatten(1), inside.flatten(1)


def _middles(grid: Tensor, count: int) -> Tensor:
    """Position of the middle pixel of each cell, [count]."""
    flat = grid.flatten()
    order = flat.argsort(stable=True)
    sizes = torch.bincount(flat, minlength=count)
    rows, columns = order // grid.shape[1], order % grid.shape[1]
    start = sizes.cumsum(0) - sizes
    last = start + sizes - 1
    middle_row = (rows[start] + rows[last]) // 2
    middle_column = (columns[start] + columns[last]) // 2
    return middle_row * grid.shape[1] + middle_column
