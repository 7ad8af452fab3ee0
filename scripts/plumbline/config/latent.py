"""Configuration of the stage latent."""

from typing import Literal

from pydantic import Field

from plumbline.config.base import Count, Name, Positive, Section

Corpus = Literal["in_distribution", "out_of_distribution", "adversarial"]


class VaeOptions(Section):
    """How a variational autoencoder with two latent dimensions is trained."""

    epochs: Count = 50
    """Passes over the corpus."""

    batch: Count = 128
    """Images per step."""

    learning_rate: Positive = 1e-3
    """Step size of Adam."""


class GridOptions(Section):
    """The square of latent space that is mapped."""

    extent: Positive = 10.0
    """The map reaches from minus to plus this in both latent dimensions."""

    points: int = Field(40, ge=2)
    """Grid points along each side."""


class LatentSection(Section):
    """Maps of uncertainty over the latent space of a VAE."""

    corpora: tuple[Corpus, ...] = ("in_distribution", "out_of_distribution", "adversarial")
    """What a VAE is fitted on: the training images, alone or with another set. None: no maps."""

    estimators: tuple[Name, ...] = Field(("mc_dropout", "ensemble"), min_length=1)
    """Estimators that are mapped."""

    attack: Name = "pgd"
    """Attack whose images, on the first of `models`, make the adversarial corpus, at the largest
    epsilon."""

    vae: VaeOptions = VaeOptions()
    """Training of the VAE."""

    grid: GridOptions = GridOptions()
    """Part of the latent space that is mapped."""
