"""Conversion of colour, size and type for whole batches of images [N, C, H, W].

For uint8 the results equal Pillow's, bit by bit: ``Image.convert("L")`` for greyscale, and
``Image.resize`` with the bilinear filter, whose support grows when the image is reduced, which
avoids aliasing.  (Non-square images are resized along rows first; Pillow chooses the cheaper
direction, which can differ by one level due to rounding.)
"""

import math

import numpy as np

LUMA = np.array([19595, 38470, 7471])
"""0.299, 0.587 and 0.114 of red, green and blue (ITU-R BT.601), in parts of 2**16."""

BITS = 22  # Pillow keeps the weights of 8-bit images as whole numbers of 2**-22
BATCH = 1024


def to_channels(images: np.ndarray, channels: int | None) -> np.ndarray:
    """Convert to greyscale (1) by the luma of ITU-R BT.601, rounded for uint8, or to colour (3) by
    repetition."""
    if channels in (None, images.shape[1]):
        return images
    if channels == 3:
        return np.repeat(images, 3, axis=1)
    if images.dtype == np.uint8:
        total = np.zeros_like(images[:, :1], dtype=np.uint32)
        for channel, weight in enumerate(LUMA):
            total += images[:, channel : channel + 1] * np.uint32(weight)
        return ((total + 2**15) >> 16).astype(np.uint8)
    grey = np.tensordot(images, (LUMA / 2**16).astype(np.float32), (1, 0))[:, None]
    return grey.clip(0, 1)


def to_size(images: np.ndarray, size: int | None) -> np.ndarray:
    """Resize the shorter side to ``size`` pixels and crop the centre of the longer side."""
    height, width = images.shape[2:]
    if size is None or height == width == size:
        return images
    tall, wide = fitted(height, width, size)
    top, left = middle(tall, size), middle(wide, size)
    out = np.empty((*images.shape[:2], size, size), images.dtype)
    for start in range(0, len(images), BATCH):
        part = resize(images[start : start + BATCH], tall, wide)
        out[start : start + BATCH] = part[:, :, top : top + size, left : left + size]
    return out


def fitted(height: int, width: int, size: int) -> tuple[int, int]:
    """Height and width with the same aspect ratio whose shorter side is ``size``."""
    shorter = min(height, width)
    return int(size * height / shorter), int(size * width / shorter)


def middle(length: int, size: int) -> int:
    """Start of the central ``size`` of ``length`` pixels."""
    return round((length - size) / 2)


def resize(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resample every image to ``height`` × ``width``, first along rows, then along columns."""
    images = _along(images, width, axis=3)
    return _along(images, height, axis=2)


def _along(images: np.ndarray, length: int, axis: int) -> np.ndarray:
    if images.shape[axis] == length:
        return images
    weights = _weights(images.shape[axis], length)
    if images.dtype == np.uint8:
        weights = np.floor(weights * 2**BITS + 0.5)
    values = np.moveaxis(images, axis, -1).astype(np.float64) @ weights.T
    if images.dtype == np.uint8:
        # Integers below 2**53: these sums are exact in float64.
        values = np.floor((values + 2 ** (BITS - 1)) / 2**BITS)
        values = values.clip(0, 255)
    else:
        values = values.clip(0, 1)
    return np.ascontiguousarray(np.moveaxis(values, -1, axis).astype(images.dtype))


def _weights(before: int, after: int) -> np.ndarray:
    """The triangle filter from ``before`` to ``after`` pixels, [after, before]."""
    scale = before / after
    reach = max(scale, 1.0)
    weights = np.zeros((after, before))
    for i in range(after):
        centre = (i + 0.5) * scale
        first = max(0, math.floor(centre - reach + 0.5))
        last = min(before, math.floor(centre + reach + 0.5))
        distance = np.abs(np.arange(first, last) - centre + 0.5) / reach
        row = np.maximum(0.0, 1.0 - distance)
        weights[i, first:last] = row / row.sum()
    return weights


def to_bytes(images: np.ndarray) -> np.ndarray:
    """``images`` as uint8 if they are 8-bit levels divided by 255, otherwise unchanged."""
    if images.dtype == np.uint8:
        return images
    levels = images * np.float32(255)
    whole = np.rint(levels)
    if np.abs(levels - whole).max(initial=0.0) < 1e-3:
        return whole.astype(np.uint8)
    return images
