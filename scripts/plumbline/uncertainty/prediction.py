"""Predictions of one estimator for image sets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from plumbline.models.classifier import Classifier
from plumbline.runtime.seeding import derive
from plumbline.storage.artefacts import ImageSet, Prediction


@dataclass(frozen=True)
class Estimator:
    """An entry of the configuration: its ``name``, ``options``, and the functions of its module.

    ``concentration`` gives the parameters of a Dirichlet distribution; only evidential estimators
    have it.
    """

    name: str
    predict: Callable[..., Tensor]
    options: Mapping[str, Any]
    concentration: Callable[..., Tensor] | None = None

    def prediction(
        self, classifiers: Sequence[Classifier], name: str, images: ImageSet, seed: int
    ) -> Prediction:
        """The prediction for the set ``images`` called ``name``.

        The set's seed depends on its name, so its prediction does not depend on other sets.  The
        labels are -1 if the images have other classes than the nets: class 3 of another dataset
        is not class 3 of these nets.
        """
        pixels = torch.from_numpy(images.images)
        probs = self.predict(classifiers, pixels, seed=derive(seed, name), **self.options)
        alpha = self.concentration(classifiers, pixels).numpy() if self.concentration else None
        same = images.classes == classifiers[0].classes
        labels = images.labels if same else np.full(len(images), -1)
        return Prediction(self.name, name, probs.numpy(), labels, images.index, alpha)
