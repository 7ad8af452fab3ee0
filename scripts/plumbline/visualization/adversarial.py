"""Training of a generator against a discriminator, the same after any interruption."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from plumbline.errors import InputError
from plumbline.models.classifier import batches
from plumbline.runtime.progress import progress
from plumbline.runtime.seeding import derive
from plumbline.storage.artefacts import ImageSet
from plumbline.storage.checkpoints import Checkpoint, fingerprint, finite
from plumbline.visualization.generator import Generator, Pair, Plan

NETS = ("generator", "discriminator")
Optimizers = dict[str, torch.optim.Optimizer]


@dataclass
class State(Checkpoint):
    """Everything that a resumed training needs."""

    epoch: int
    weights: dict[str, Tensor]
    optimizers: dict[str, Any]
    history: list[dict[str, float]]


def fit(
    train: ImageSet,
    *,
    generator: str,
    network: dict[str, Any],
    epochs: int,
    batch: int,
    learning_rate: float,
    momentum: float,
    real: float,
    fake: float,
    seed: int,
    device: torch.device,
    checkpoint: Path | None = None,
    code: str = "",
) -> tuple[Generator, list[dict[str, float]]]:
    """Train a generator and return it with the history.

    In each step the discriminator learns to say ``real`` (one-sided label smoothing: below 1)
    of a batch of training images and ``fake`` of as many made ones, and the generator to have
    its images taken for real (Goodfellow et al. 2014, with the loss that does not saturate).
    Both use Adam, whose first ``momentum`` is given.  The history has a row per epoch:
    ``epoch``, ``generator_loss``, ``discriminator_loss`` (nats, the mean of its two parts),
    ``real_score`` and ``fake_score``, the discriminator's mean probability of real.  With a
    ``checkpoint``, the state after each epoch is kept there and taken up again; the result is
    the same, bit for bit, because every epoch's randomness follows from ``seed`` alone.  What
    other images, options or ``code`` (a hash of the program's) left there is not taken up.

    Raises :class:`InputError` without training images, or naming epoch and step if a loss is
    not finite.
    """
    made_by = fingerprint(locals()) if checkpoint else ""
    if len(train) < 2:
        raise InputError(f"{train.name}: no training images for the generator {generator}")
    channels, size = train.images.shape[1:3]
    plan = Plan(generator, {"channels": channels, "size": size, **network})
    with torch.random.fork_rng():
        torch.manual_seed(derive(seed, "weights"))
        pair = plan.build().to(device)
    optimizers = {
        name: torch.optim.Adam(
            getattr(pair, name).parameters(),
            lr=learning_rate,
            betas=(momentum, 0.999),
            fused=True,
        )
        for name in NETS
    }
    history, start = [], 0
    if state := State.load(checkpoint, made_by):
        pair.load_state_dict(state.weights)
        for name in NETS:
            optimizers[name].load_state_dict(state.optimizers[name])
        history, start = state.history, state.epoch + 1
    pixels = torch.from_numpy(train.images).to(device)
    for epoch in range(start, epochs):
        stream = torch.Generator().manual_seed(derive(seed, "epoch", epoch))
        history.append(
            {"epoch": epoch, **_epoch(pair, optimizers, pixels, batch, (real, fake), stream, epoch)}
        )
        if checkpoint and epoch < epochs - 1:
            kept = {name: optimizers[name].state_dict() for name in NETS}
            State(epoch, pair.state_dict(), kept, history).save(checkpoint, made_by)
    record = {"epochs": epochs, "images": len(train), "seed": seed, "last": history[-1]}
    return Generator(plan, pair.generator, record), history


def _epoch(
    pair: Pair,
    optimizers: Optimizers,
    pixels: Tensor,
    batch: int,
    labels: tuple[float, float],
    stream: torch.Generator,
    epoch: int,
) -> dict[str, float]:
    """One pass over the training images; means of losses and scores over its steps."""
    pair.train()
    order = torch.randperm(len(pixels), generator=stream).to(pixels.device)
    order = order[: len(order) - len(order) % min(batch, len(order))]  # whole batches only
    steps = len(order) // min(batch, len(order))
    totals: dict[str, float] = {}
    shown = progress(
        batches(pixels[order], batch, pixels.device), f"epoch {epoch + 1}, steps", steps
    )
    for step, images in enumerate(shown):
        found = _step(pair, optimizers, images, labels, stream)
        losses = found["generator_loss"] + found["discriminator_loss"]
        finite(losses, epoch, step, "the generator's learning_rate")
        for name, value in found.items():
            totals[name] = totals.get(name, 0.0) + value / steps
    return totals


def _step(
    pair: Pair,
    optimizers: Optimizers,
    images: Tensor,
    labels: tuple[float, float],
    stream: torch.Generator,
) -> dict[str, float]:
    """One step of the discriminator, then one of the generator, on the same codes."""
    codes = torch.randn((len(images), pair.generator[0].in_features), generator=stream)
    made = pair.generator(codes.to(images.device))
    real, fake = pair.discriminator(images), pair.discriminator(made.detach())
    missed = (_says(real, labels[0]) + _says(fake, labels[1])) / 2
    _learn(optimizers["discriminator"], missed)
    fooled = _says(pair.discriminator(made), 1.0)
    _learn(optimizers["generator"], fooled)
    return {
        "generator_loss": fooled.item(),
        "discriminator_loss": missed.item(),
        "real_score": real.sigmoid().mean().item(),
        "fake_score": fake.sigmoid().mean().item(),
    }


def _says(logits: Tensor, label: float) -> Tensor:
    """Mean cross-entropy of the discriminator's answers to one label."""
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


def _learn(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
