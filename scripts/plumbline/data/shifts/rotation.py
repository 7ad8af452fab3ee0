"""Anticlockwise rotation about the centre of the image, as applied to one digit by study 003."""

import numpy as np
from scipy.ndimage import rotate


def shift(images: np.ndarray, level: float, *, seed: int) -> np.ndarray:
    """``images`` [N, C, H, W] in [0, 1], rotated by ``level`` degrees, float32 in [0, 1].

    Bilinear interpolation stays within the range of the pixels, unlike a cubic spline.  Pixels
    outside the image are 0, the background of handwritten digits; mirroring the edge would add
    strokes.  The result does not depend on ``seed``, which all shifts accept.
    """
    turned = rotate(
        images, level, axes=(3, 2), reshape=False, order=1, mode="constant", cval=0, prefilter=False
    )
    return turned.astype(np.float32).clip(0, 1)
