"""Spread of the codes of adversarial images compared with those of their source images."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from plumbline.latent.corpora import positions
from plumbline.metrics.intervals import (
    bootstrap_counts,
    bootstrap_estimate,
    mean_interval,
    with_whole,
)
from plumbline.storage.tables import Row, row


def paired(codes: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes of the held-out adversarial images, of their sources among the test images, and of
    these sources with noise, [N, 2] each.

    ``codes`` are the arrays of the artefact Codes of the adversarial corpus.
    """
    sources = positions(codes["other_index"], codes["test_index"])
    return codes["other"], codes["test"][sources], codes["noise"]


def table(
    adversarial: np.ndarray, clean: np.ndarray, noise: np.ndarray, seed: int, **keys: Any
) -> list[Row]:
    """Rows on the codes of ``adversarial`` images, of their ``clean`` sources, and of these with
    random ``noise`` of the same size, [N, 2] each.

    - ``adversarial_spread``, ``clean_spread``: mean distance to the centroid of the set;
    - ``spread_ratio``: the first divided by the second; far below 1 if adversarial images form
      a cluster, 1 if they are as spread as their sources;
    - ``noise_spread_ratio``: the same for the noisy images, the control: a VAE may also cluster
      images that differ from the data in another way;
    - ``noise_offset``: distance between the centroids of adversarial and noisy images, divided
      by ``clean_spread``;
    - ``adversarial_shift``: mean distance between the codes of an image and its adversarial
      image;
    - ``shift_ratio``: that divided by ``clean_spread``.

    Intervals are from a bootstrap over source images; centroids are recomputed in each resample.
    """
    n = len(clean)
    counts = with_whole(bootstrap_counts(n, seed))
    spreads = {
        name: _spread(codes, counts)
        for name, codes in (
            ("adversarial_spread", adversarial),
            ("clean_spread", clean),
            ("noise_spread", noise),
        )
    }
    noise_spread = spreads.pop("noise_spread")
    offset = np.linalg.norm(counts @ (adversarial - noise).astype(np.float64) / n, axis=1)
    shift = np.linalg.norm(adversarial - clean, axis=1)
    ratios = {
        "spread_ratio": spreads["adversarial_spread"] / spreads["clean_spread"],
        "noise_spread_ratio": noise_spread / spreads["clean_spread"],
        "noise_offset": offset / spreads["clean_spread"],
        "shift_ratio": counts @ shift / n / spreads["clean_spread"],
    }
    rows = [
        row(metric, *bootstrap_estimate(samples), n, **keys)
        for metric, samples in (spreads | ratios).items()
    ]
    return [*rows, row("adversarial_shift", *mean_interval(shift, seed), n, **keys)]


def _spread(codes: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean distance of ``codes`` [N, 2] from their centroid in each resample, [R]."""
    codes = codes.astype(np.float64)
    centres = counts @ codes / len(codes)
    squares = sum((codes[:, axis] - centres[:, axis, None]) ** 2 for axis in range(2))
    return (counts * np.sqrt(squares)).sum(1) / len(codes)
