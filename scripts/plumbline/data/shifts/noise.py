"""Gaussian noise on every pixel."""

import numpy as np


def shift(images: np.ndarray, level: float, *, seed: int) -> np.ndarray:
    """``images`` [N, C, H, W] in [0, 1] with added noise of standard deviation ``level``, float32.

    The result is clipped to [0, 1], which reduces the actual deviation.  The same ``seed`` gives
    the same noise at every level up to its scale, so that curves over the level compare the same
    draws.
    """
    return (images + added(images.shape, level, seed)).clip(0, 1).astype(np.float32)


def added(shape: tuple[int, ...], level: float, seed: int) -> np.ndarray:
    """The noise before clipping, float32."""
    noise = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    return np.float32(level) * noise
