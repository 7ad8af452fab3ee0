"""Training of one classifier with selection of the best epoch, reproducible after interruption."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from plumbline.config.training import TrainingOptions
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
    """Extra training ``images`` [N, C, H, W], uint8 or float32 in [0, 1], and their ``targets``:
    class probabilities [N, K] float32, rows summing to one."""

    images: np.ndarray
    targets: np.ndarray


class Material(NamedTuple):
    """Training data of a net: ``pixels`` [N, C, H, W], uint8 or float32 in [0, 1], and
    ``targets``: class numbers [N], or class probabilities [N, K]."""

    pixels: Tensor
    targets: Tensor


@dataclass
class State(Checkpoint):
    """State from which training is resumed; ``history`` has one row per completed epoch."""

    weights: dict[str, Tensor]
    optimizer: dict[str, Any]
    best: dict[str, Tensor]
    history: list[dict[str, float]]


def fit(
    train: ImageSet,
    val: ImageSet,
    *,
    model: str,
    options: TrainingOptions,
    seed: int,
    device: torch.device,
    entry: str | None = None,
    objective: Objective | None = None,
    extra: Extra | None = None,
    checkpoint: Path | None = None,
    code: str = "",
) -> tuple[Classifier, list[dict[str, float]]]:
    """Train a net and return it with the weights of its best epoch, and the history.

    ``model`` is an architecture; ``entry`` is the ``file.py:Name`` of a user-defined one.  The
    best epoch has the highest accuracy on ``val``; ties are broken by the lowest NLL.  The history
    has one row per epoch: ``epoch``, ``train_nll`` (``train_loss`` for objectives other than
    cross-entropy), ``val_nll``, ``val_accuracy``.  ``extra`` images are mixed with the others;
    they require cross-entropy, the objective that accepts soft targets.

    The state after each epoch is saved to ``checkpoint``, and training resumes from it, unless it
    was saved for other images, options or ``code`` (a hash of the program).  The random numbers of
    an epoch depend only on ``seed``, so the result of a resumed training is the same, bit for bit.

    Raises :class:`InputError` naming epoch and step if the loss is not finite.
    """
    made_by = fingerprint(locals()) if checkpoint else ""
    objective = objective or CrossEntropy()
    torch.manual_seed(derive(seed, "weights"))
    classifier = _untrained(train, model, options, objective.initial_scale, entry).to(device)
    material = _material(train, extra, device)
    run = TrainingRun(classifier, _optimizer(classifier, options))
    run.take_up(State.load(checkpoint, made_by))
    for epoch in range(len(run.history), options.epochs):
        torch.manual_seed(derive(seed, "epoch", epoch))
        loss = _epoch(classifier, run.optimizer, material, options, objective, epoch)
        scores = _score(classifier, val, objective)
        run.add({"epoch": epoch, objective.loss_name: loss, **scores})
        if checkpoint and epoch < options.epochs - 1:
            run.state().save(checkpoint, made_by)
    record = {"epochs": options.epochs, "seed": seed, "images": len(train), **objective.record}
    record |= {} if extra is None else {"extra": len(extra.images)}
    return run.best_classifier(record), run.history


class TrainingRun:
    """A training run: the net, its optimizer, the history and the best weights so far."""

    def __init__(self, classifier: Classifier, optimizer: torch.optim.Optimizer) -> None:
        self.classifier, self.optimizer = classifier, optimizer
        self.history: list[dict[str, float]] = []
        self.best: dict[str, Tensor] = {}

    def take_up(self, state: State | None) -> None:
        """Resume from ``state`` if given."""
        if state:
            self.classifier.load_state_dict(state.weights)
            self.optimizer.load_state_dict(state.optimizer)
            self.history, self.best = state.history, state.best

    def add(self, row: dict[str, float]) -> None:
        """Append the row of an epoch to the history, and store the weights if they are the best."""
        self.history.append(row)
        if max(self.history, key=_rank) is row:
            weights = self.classifier.state_dict()
            self.best = {name: value.clone() for name, value in weights.items()}

    def state(self) -> State:
        """The state from which the training can be resumed."""
        weights, optimizer = self.classifier.state_dict(), self.optimizer.state_dict()
        return State(weights, optimizer, self.best, self.history)

    def best_classifier(self, record: dict[str, Any]) -> Classifier:
        """The net with its best weights, frozen; ``record`` describes how it was trained."""
        self.classifier.load_state_dict(self.best)
        self.classifier.record = record | {"best": max(self.history, key=_rank)}
        return self.classifier.eval().requires_grad_(False)


def _material(train: ImageSet, extra: Extra | None, device: torch.device) -> Material:
    """The training set on ``device``; with ``extra`` images all targets are probabilities."""
    pixels, labels = torch.from_numpy(train.images), torch.from_numpy(train.labels)
    if extra is None or not len(extra.images):
        return Material(pixels.to(device), labels.to(device))
    further = torch.from_numpy(extra.images)
    if further.dtype != pixels.dtype:
        pixels, further = (
            images if images.dtype == torch.float32 else images.float() / 255
            for images in (pixels, further)
        )
    targets = F.one_hot(labels, len(train.classes)).float()
    targets = torch.cat([targets, torch.from_numpy(extra.targets)])
    return Material(torch.cat([pixels, further]).to(device), targets.to(device))


def _optimizer(classifier: Classifier, options: TrainingOptions) -> torch.optim.Optimizer:
    """The optimizer of all weights; ``momentum`` is that of sgd, in Nesterov's form."""
    further = {"momentum": options.momentum, "nesterov": True}
    return OPTIMIZERS[options.optimizer](
        classifier.parameters(),
        lr=options.learning_rate,
        weight_decay=options.weight_decay,
        **(further if options.optimizer == "sgd" else {}),
    )


def _untrained(
    train: ImageSet,
    model: str,
    options: TrainingOptions,
    initial_scale: float | None,
    entry: str | None,
) -> Classifier:
    """A net with random weights, and with the normalisation of the training set if enabled."""
    channels, size = train.images.shape[1], train.images.shape[2]
    arguments = {"channels": channels, "size": size, "classes": len(train.classes)}
    arguments |= options.network
    mean, std = torch.zeros(channels), torch.ones(channels)
    if options.normalise:
        pixels = train.pixels
        mean = torch.from_numpy(pixels.mean((0, 2, 3), dtype="float64")).float()
        std = torch.from_numpy(pixels.std((0, 2, 3), dtype="float64")).float()
    architecture = Architecture(model, arguments, initial_scale, entry)
    return Classifier(architecture, train.classes, mean, std)


def _cosine(rate: float, epoch: int, epochs: int) -> tuple[float, float]:
    """Learning rates at the start and the end of an epoch, on a cosine from ``rate`` to 0."""
    start, end = (rate * (1 + math.cos(math.pi * e / epochs)) / 2 for e in (epoch, epoch + 1))
    return start, end


def _rank(row: dict[str, float]) -> tuple[float, float]:
    return row["val_accuracy"], -row["val_nll"]


def _epoch(
    classifier: Classifier,
    optimizer: torch.optim.Optimizer,
    material: Material,
    options: TrainingOptions,
    objective: Objective,
    epoch: int,
) -> float:
    """One pass over the training set; returns the mean loss."""
    classifier.train()
    pixels, targets = material
    order = torch.randperm(len(targets)).to(targets.device).split(options.batch)
    if len(order) > 1 and len(order[-1]) == 1:
        order = order[:-1]  # batch normalisation needs more than one image
    rates = _cosine(options.learning_rate, epoch, options.epochs)
    total = 0.0
    for step, which in enumerate(progress(order, f"epoch {epoch + 1}, steps")):
        for group in optimizer.param_groups:
            group["lr"] = rates[0] + (rates[1] - rates[0]) * step / len(order)
        images = pixels[which]
        images = images.float() / 255 if images.dtype == torch.uint8 else images
        outputs = classifier(_augment(images, options.augment))
        loss = objective.mean_loss(outputs, targets[which], epoch)
        loss = loss + objective.penalty(classifier, len(targets))
        value = finite(loss.item(), epoch, step, "training.learning_rate")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        total += value * len(which)
    return total / sum(map(len, order))


def _augment(images: Tensor, how: str) -> Tensor:
    """Shift each image by up to a tenth of its height and, if ``shift_flip``, flip half of them."""
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
    outputs, labels = logits(classifier, images.images), torch.from_numpy(images.labels)
    return {
        "val_nll": F.nll_loss(objective.log_probabilities(outputs), labels).item(),
        "val_accuracy": (outputs.argmax(1) == labels).float().mean().item(),
    }
