"""Adversarial training of a generator, reproducible after any interruption."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plumbline.config.visualization import GeneratorOptions
from plumbline.errors import InputError
from plumbline.models.classifier import batches
from plumbline.runtime.progress import progress
from plumbline.runtime.seeding import derive
from plumbline.storage.artefacts import ImageSet
from plumbline.storage.checkpoints import Checkpoint, fingerprint, finite
from plumbline.visualization.generator import Generator, Pair, Plan, code_size

NETS = ("generator", "discriminator")
Optimizers = dict[str, torch.optim.Optimizer]


@dataclass
class State(Checkpoint):
    """State from which training is resumed; ``history`` has one row per completed epoch."""

    weights: dict[str, Tensor]
    optimizers: dict[str, Any]
    history: list[dict[str, float]]


def fit(
    train: ImageSet,
    *,
    generator: str,
    options: GeneratorOptions,
    seed: int,
    device: torch.device,
    checkpoint: Path | None = None,
    code: str = "",
) -> tuple[Generator, list[dict[str, float]]]:
    """Train a generator and return it with the history.

    In each step the discriminator is trained to output ``options.real`` (below 1 for one-sided
    label smoothing) for a batch of training images and ``options.fake`` for as many generated
    images, and the generator is trained with the non-saturating loss of Goodfellow et al. 2014.
    The history has one row per epoch: ``epoch``, ``generator_loss``, ``discriminator_loss`` (in
    nats, the mean of its two parts), ``real_score`` and ``fake_score``, the discriminator's mean
    probability of real on the two kinds of images.  ``checkpoint``, ``seed`` and ``code`` are as
    in :func:`plumbline.training.fit.fit`.

    Raises :class:`InputError` without training images, or naming epoch and step if a loss is
    not finite.
    """
    made_by = fingerprint(locals()) if checkpoint else ""
    if len(train) < 2:
        raise InputError(f"{train.name}: no training images for the generator {generator}")
    channels, size = train.images.shape[1:3]
    plan = Plan(generator, {"channels": channels, "size": size, **options.network})
    with torch.random.fork_rng():
        torch.manual_seed(derive(seed, "weights"))
        pair = plan.build().to(device)
    optimizers: Optimizers = {name: _adam(getattr(pair, name), options) for name in NETS}
    history = _restored(pair, optimizers, State.load(checkpoint, made_by))
    pixels = torch.from_numpy(train.images).to(device)
    for epoch in range(len(history), options.epochs):
        stream = torch.Generator().manual_seed(derive(seed, "epoch", epoch))
        scores = _epoch(pair, optimizers, pixels, options, stream, epoch)
        history.append({"epoch": epoch, **scores})
        if checkpoint and epoch < options.epochs - 1:
            moments = {name: optimizers[name].state_dict() for name in NETS}
            State(pair.state_dict(), moments, history).save(checkpoint, made_by)
    record = {"epochs": options.epochs, "images": len(train), "seed": seed, "last": history[-1]}
    return Generator(plan, pair.generator, record), history


def _adam(network: nn.Module, options: GeneratorOptions) -> torch.optim.Optimizer:
    return torch.optim.Adam(
        network.parameters(),
        lr=options.learning_rate,
        betas=(options.momentum, 0.999),
        fused=True,
    )


def _restored(pair: Pair, optimizers: Optimizers, state: State | None) -> list[dict[str, float]]:
    """Restore ``state`` if given; the history so far."""
    if state is None:
        return []
    pair.load_state_dict(state.weights)
    for name in NETS:
        optimizers[name].load_state_dict(state.optimizers[name])
    return state.history


def _epoch(
    pair: Pair,
    optimizers: Optimizers,
    pixels: Tensor,
    options: GeneratorOptions,
    stream: torch.Generator,
    epoch: int,
) -> dict[str, float]:
    """One pass over the training images; means of losses and scores over the steps."""
    pair.train()
    order = torch.randperm(len(pixels), generator=stream).to(pixels.device)
    batch = min(options.batch, len(order))
    order = order[: len(order) - len(order) % batch]  # whole batches only
    steps = len(order) // batch
    totals: dict[str, float] = {}
    shown = progress(
        batches(pixels[order], batch, pixels.device), f"epoch {epoch + 1}, steps", steps
    )
    for step, images in enumerate(shown):
        found = _step(pair, optimizers, images, (options.real, options.fake), stream)
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
    """One step of the discriminator, then one step of the generator, on the same codes."""
    codes = torch.randn((len(images), code_size(pair.generator)), generator=stream)
    generated = pair.generator(codes.to(images.device))
    real, fake = pair.discriminator(images), pair.discriminator(generated.detach())
    discriminator_loss = (_label_loss(real, labels[0]) + _label_loss(fake, labels[1])) / 2
    _descend(optimizers["discriminator"], discriminator_loss)
    generator_loss = _label_loss(pair.discriminator(generated), 1.0)
    _descend(optimizers["generator"], generator_loss)
    return {
        "generator_loss": generator_loss.item(),
        "discriminator_loss": discriminator_loss.item(),
        "real_score": real.sigmoid().mean().item(),
        "fake_score": fake.sigmoid().mean().item(),
    }


def _label_loss(logits: Tensor, label: float) -> Tensor:
    """Mean cross-entropy of the discriminator's ``logits`` with one ``label`` for all images."""
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


def _descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
