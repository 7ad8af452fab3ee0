"""Accuracy and calibration of a net: rows for every set, class and temperature."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from plumbline.metrics.classification import BINS, estimates, reliability
from plumbline.metrics.intervals import wilson
from plumbline.storage.artefacts import ImageSet
from plumbline.storage.tables import Row, row


def evaluation_rows(
    probs: np.ndarray, images: ImageSet, seed: int, /, **keys: Any
) -> Iterator[Row]:
    """Accuracy, NLL, Brier score and ECE of ``probs`` [N, K], over all images and per class.

    The rows of a class are over the images with that label.
    """
    groups = {"all": np.ones(len(images), bool)}
    groups |= {name: images.labels == k for k, name in enumerate(images.classes)}
    for name, which in groups.items():
        if which.any():
            by_metric = estimates(probs[which], images.labels[which], seed)
            for metric, estimate in by_metric.items():
                yield row(metric, *estimate, int(which.sum()), **keys, **{"class": name})


def reliability_rows(probs: np.ndarray, images: ImageSet, **keys: Any) -> Iterator[Row]:
    """Accuracy in each non-empty one of the 15 bins of confidence, with its mean confidence."""
    diagram = reliability(probs, images.labels)
    for number in range(BINS):
        if n := int(diagram.count[number]):
            accuracy, confidence = diagram.accuracy[number], diagram.confidence[number]
            low, high = wilson(round(accuracy * n), n)
            bin_keys = {**keys, "bin": number, "confidence": float(confidence)}
            yield row("accuracy", float(accuracy), low, high, n, **bin_keys)
