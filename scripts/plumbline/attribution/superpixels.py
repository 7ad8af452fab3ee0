"""Superpixels: what LIME and KernelSHAP hide and show as a whole."""

import torch
from torch import Tensor

from plumbline.errors import InputError
from plumbline.methods import nearest

ITERATIONS = 10  # of SLIC, as in its paper


def superpixels(pixels: Tensor, kind: str, cell: int, compactness: float) -> tuple[Tensor, int]:
    """Labels [N, H, W] int64 of the superpixels of ``pixels`` [N, C, H, W], and their number.

    ``kind`` is ``grid``, cells of ``cell`` x ``cell`` pixels (smaller at the right and lower
    edge if they do not fit), or ``slic``, which starts from them and follows the image.  Every
    label from 0 to the number occurs in every image.

    Raises :class:`InputError` for another ``kind`` or if there are fewer than two superpixels.
    """
    if kind not in ("grid", "slic"):
        raise InputError(f"superpixels: no kind {kind!r}{nearest(kind, ['grid', 'slic'])}")
    n, _, height, width = pixels.shape
    if cell < 1 or cell >= max(height, width):
        raise InputError(f"cell must be from 1 to {max(height, width) - 1} pixels, not {cell}")
    rows = torch.arange(height, device=pixels.device) // cell
    columns = torch.arange(width, device=pixels.device) // cell
    wide = int(columns[-1]) + 1
    labels, count = rows[:, None] * wide + columns, (int(rows[-1]) + 1) * wide
    if kind == "slic":
        return _slic(pixels, labels, wide, count, cell, compactness), count
    return labels.expand(n, height, width), count


def _slic(
    pixels: Tensor, grid: Tensor, wide: int, count: int, cell: int, compactness: float
) -> Tensor:
    """k-means of colour and place, each pixel choosing among the 3 x 3 cells around its own.

    Squared distance: that of the colours, pixels in [0, 1], plus ``compactness`` squared times
    that of the places in units of ``cell``.  The pixel nearest the middle of a grid cell keeps
    that cell's label, so that none is lost.  Connectivity is not enforced.

    Achanta et al. 2012, "SLIC superpixels compared to state-of-the-art superpixel methods",
    eq. 3, with a neighbourhood of cells in place of a window around each centre.
    """
    n, channels, height, width = pixels.shape
    device = pixels.device
    place = torch.cartesian_prod(
        torch.arange(height, device=device), torch.arange(width, device=device)
    ).to(pixels.dtype)
    place = place * (compactness / cell)
    colour = pixels.flatten(2).transpose(1, 2)
    features = torch.cat([colour, place.expand(n, -1, -1)], dim=2)  # [N, P, F]
    near, inside = _neighbours(grid.flatten(), wide, count)  # [P, 9]
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


def _neighbours(grid: Tensor, wide: int, count: int) -> tuple[Tensor, Tensor]:
    """The cells around each pixel's own [P, 9], and whether they exist [P, 9]."""
    step = torch.arange(-1, 2, device=grid.device)
    rows = (grid // wide)[:, None, None] + step[:, None]
    columns = (grid % wide)[:, None, None] + step
    inside = (rows >= 0) & (rows < count // wide) & (columns >= 0) & (columns < wide)
    return torch.where(inside, rows * wide + columns, 0).flatten(1), inside.flatten(1)


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
