"""Training of one classifier: the best epoch on val, the same after any interruption."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from plumbline.models.classifier import Architecture, Classifier, logits
from plumbline.runtime.progress import progress
from plumbline.runtime.seeding import derive
from plumbline.storage.artefacts import ImageSet
from plumbline.storage.checkpoints import Checkpoint, fingerprint, finite
from plumbline.training.losses import CrossEntropy, Objective

OPTIMIZERS = {
    "adam": torch.optim.Adam,
    "sgd": torch.optim.SGD,
    "adadelta": torch.optim.Adadelta,
}


class Extra(NamedTuple):
    """Further ``images`` [N, C, H, W] to learn from, uint8 or float32 in [0, 1], and what is to be
    answered: ``targets`` [N, K] float32, rows summing to one."""

    images: np.ndarray
    targets: np.ndarray


@dataclass
class State(Checkpoint):
    """Everything that a resumed training needs."""

    epoch: int
    weights: dict[str, Tensor]
    optimizer: dict[str, Any]
    best: dict[str, Tensor]
    history: list[dict[str, float]]


def fit(
    train: ImageSet,
    val: ImageSet,
    *,
    model: str,
    network: dict[str, Any],
    epochs: int,
    batch: int,
    optimizer: str,
    learning_rate: float,
    weight_decay: float,
    augment: str,
    normalise: bool,
    seed: int,
    device: torch.device,
    momentum: float = 0.9,
    objective: Objective | None = None,
    extra: Extra | None = None,
    checkpoint: Path | None = None,
    code: str = "",
) -> tuple[Classifier, list[dict[str, float]]]:
    """Train a net and return it as it was after its best epoch, with the history.

    The best epoch has the highest accuracy on ``val``, then the lowest NLL.  The history has a
    row per epoch: ``epoch``, ``train_nll``, ``val_nll``, ``val_accuracy``.  Another
    ``objective`` than cross-entropy has a ``train_loss`` instead, and its NLL is that of its own
    probabilities; a Bayesian net is scored with the means of its weights.  ``extra`` images are
    mixed among the others in every epoch, which has so many steps more; they want cross-entropy,
    the objective that takes soft targets, and change neither ``val`` nor the normalisation.
    ``momentum`` is that of sgd, in Nesterov's form.
    With a ``checkpoint``, the state after each epoch is kept there and taken up again; the
    result is the same, bit for bit, because every epoch's randomness follows from ``seed`` alone.
    What other images, options or ``code`` (a hash of the program's) left there is not taken up.

    Raises :class:`InputError` naming epoch and step if the loss is not finite.
    """
    made_by = fingerprint(locals()) if checkpoint else ""
    objective = objective or CrossEntropy()
    torch.manual_seed(derive(seed, "weights"))
    classifier = _untrained(train, model, network, normalise, objective.initial_scale).to(device)
    pixels, targets = (each.to(device) for each in _material(train, extra))
    further = {"momentum": momentum, "nesterov": True} if optimizer == "sgd" else {}
    steps = OPTIMIZERS[optimizer](
        classifier.parameters(), lr=learning_rate, weight_decay=weight_decay, **further
    )
    history, best, start = [], {}, 0
    if state := State.load(checkpoint, made_by):
        classifier.load_state_dict(state.weights)
        steps.load_state_dict(state.optimizer)
        history, best, start = state.history, state.best, state.epoch + 1
    for epoch in range(start, epochs):
        torch.manual_seed(derive(seed, "epoch", epoch))
        rates = _cosine(learning_rate, epoch, epochs)
        loss = _epoch(classifier, steps, pixels, targets, batch, augment, rates, epoch, objective)
        scores = _score(classifier, val, objective)
        history.append({"epoch": epoch, objective.loss_name: loss, **scores})
        if max(history, key=_rank) is history[-1]:
            best = {k: v.clone() for k, v in classifier.state_dict().items()}
        if checkpoint and epoch < epochs - 1:
            weights, moments = classifier.state_dict(), steps.state_dict()
            State(epoch, weights, moments, best, history).save(checkpoint, made_by)
    classifier.load_state_dict(best)
    chosen = max(history, key=_rank)
    record = {"epochs": epochs, "best": chosen, "seed": seed, "images": len(train)}
    record |= {"extra": len(extra.images)} if extra is not None else {}
    classifier.record = record | objective.record
    return classifier.eval().requires_grad_(False), history


def _material(train: ImageSet, extra: Extra | None) -> tuple[Tensor, Tensor]:
    """Pixels, and labels [N]; with extra images, the probabilities [N, K] to be answered."""
    pixels, labels = torch.from_numpy(train.images), torch.from_numpy(train.labels)
    if extra is None or not len(extra.images):
        return pixels, labels
    further = torch.from_numpy(extra.images)
    if further.dtype != pixels.dtype:
        pixels, further = (
            each if each.dtype == torch.float32 else each.float() / 255
            for each in (pixels, further)
        )
    targets = F.one_hot(labels, len(train.classes)).float()
    return torch.cat([pixels, further]), torch.cat([targets, torch.from_numpy(extra.targets)])


def _untrained(
    train: ImageSet,
    model: str,
    network: dict[str, Any],
    normalise: bool,
    initial_scale: float | None,
) -> Classifier:
    channels, size = train.images.shape[1], train.images.shape[2]
    arguments = {"channels": channels, "size": size, "classes": len(train.classes), **network}
    mean, std = torch.zeros(channels), torch.ones(channels)
    if normalise:
        pixels = train.pixels
        mean = torch.from_numpy(pixels.mean((0, 2, 3), dtype="float64")).float()
        std = torch.from_numpy(pixels.std((0, 2, 3), dtype="float64")).float()
    architecture = Architecture(model, arguments, initial_scale)
    return Classifier(architecture, train.classes, mean, std)


def _cosine(rate: float, epoch: int, epochs: int) -> tuple[float, float]:
    """Learning rates at the start and at the end of an epoch of a cosine from ``rate`` to 0."""
    return tuple(rate * (1 + math.cos(math.pi * e / epochs)) / 2 for e in (epoch, epoch + 1))


def _rank(row: dict[str, float]) -> tuple[float, float]:
    return row["val_accuracy"], -row["val_nll"]


def _epoch(
    classifier: Classifier,
    optimizer: torch.optim.Optimizer,
    pixels: Tensor,
    targets: Tensor,
    batch: int,
    augment: str,
    rates: tuple[float, float],
    epoch: int,
    objective: Objective,
) -> float:
    """One pass over the training set; returns the mean loss."""
    classifier.train()
    order = torch.randperm(len(targets)).to(targets.device).split(batch)
    if len(order) > 1 and len(order[-1]) == 1:
        order = order[:-1]  # batch normalisation cannot learn from a single image
    total = 0.0
    for step, which in enumerate(progress(order, f"epoch {epoch + 1}, steps")):
        for group in optimizer.param_groups:
            group["lr"] = rates[0] + (rates[1] - rates[0]) * step / len(order)
        images = pixels[which]
        images = images.float() / 255 if images.dtype == torch.uint8 else images
        outputs = classifier(_augment(images, augment))
        loss = objective.mean_loss(outputs, targets[which], epoch)
        loss = loss + objective.penalty(classifier, len(targets))
        value = finite(loss.item(), epoch, step, "training.learning_rate")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        total += value * len(which)
    return total / sum(map(len, order))


def _augment(images: Tensor, how: str) -> Tensor:
    """Shift each image by up to a tenth of its height and width, and mirror half of them."""
    if how == "none":
        return images
    n, _, height, width = images.shape
    reach = max(1, height // 10)
    padded = F.pad(images, (reach,) * 4)
    down, right = torch.randint(0, 2 * reach + 1, (2, n, 1)).to(images.device)
    rows = (down + torch.arange(height, device=images.device))[:, None, :, None]
    columns = right + torch.arange(width, device=images.device)
    if how == "shift_flip":
        mirrored = torch.rand(n, 1).to(images.device) < 0.5
        columns = torch.where(mirrored, columns.flip(1), columns)
    which = torch.arange(n, device=images.device)[:, None, None, None]
    channel = torch.arange(images.shape[1], device=images.device)[None, :, None, None]
    return padded[which, channel, rows, columns[:, None, None, :]]


def _score(classifier: Classifier, images: ImageSet, objective: Objective) -> dict[str, float]:
    classifier.eval()
    answers, labels = logits(classifier, images.images), torch.from_numpy(images.labels)
    return {
        "val_nll": F.nll_loss(objective.log_probabilities(answers), labels).item(),
        "val_accuracy": (answers.argmax(1) == labels).float().mean().item(),
    }
