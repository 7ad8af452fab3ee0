"""Gaussian noise on every pixel."""

import numpy as np


def shift(images: np.ndarray, level: float, *, seed: int) -> np.ndarray:
    """``images`` [N, C, H, W] in [0, 1] with noise of the standard deviation ``level``.

    Float32, cut off at 0 and 1, so that what arrives deviates less than ``level``.  The same
    ``seed`` gives the same noise at every level, only larger: curves against the level compare
    the same draws.
    """
    return (images + added(images.shape, level, seed)).clip(0, 1).astype(np.float32)


def added(shape: tuple[int, ...], level: float, seed: int) -> np.ndarray:
    """The noise before anything is cut off, float32."""
    noise = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    return np.float32(level) * noise
