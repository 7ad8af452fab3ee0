"""One method's explanation of a classifier's predictions, and its cost."""

import time
from collections.abc import Callable

import numpy as np
from torch import Tensor

from plumbline.attribution.budget import batch_size
from plumbline.models.classifier import Classifier, logits
from plumbline.models.counting import count_evaluations
from plumbline.storage.artefacts import Attribution
from plumbline.storage.tables import Row, row

Attribute = Callable[..., tuple[Tensor, Tensor]]


def explain(
    attribute: Attribute,
    classifier: Classifier,
    pixels: Tensor,
    index: np.ndarray,
    *,
    name: str,
    seed: int,
    memory: int,
) -> tuple[Attribution, list[Row]]:
    """Explain the predicted class of each of ``pixels`` [N, C, H, W] by a method's ``attribute``.

    ``attribute`` has its options bound.  The activations of a batch take at most ``memory`` bytes.
    Returns the attribution, called ``name``, and rows on its cost: ``seconds_per_image``, a
    single measurement without an interval, and ``evaluations_per_image``, the number of forward
    passes, an exact count.
    """
    batch = batch_size(classifier, pixels, memory)
    outputs = logits(classifier, pixels, batch)
    target = outputs.argmax(1)
    with count_evaluations(classifier.network) as evaluations:
        start = time.perf_counter()
        relevance, gap = attribute(
            classifier, pixels, target.to(pixels.device), seed=seed, batch=batch
        )
        relevance, gap = relevance.cpu(), gap.cpu()  # synchronises with an accelerator
        seconds = time.perf_counter() - start
    probability = outputs.softmax(1).gather(1, target[:, None])[:, 0]
    attribution = Attribution(
        name, relevance.numpy(), target.numpy(), gap.numpy(), probability.numpy(), index
    )
    n = len(pixels)
    per_image, nan = evaluations.images / n, float("nan")
    return attribution, [
        row("seconds_per_image", seconds / n, nan, nan, n),
        row("evaluations_per_image", per_image, per_image, per_image, n),
    ]
