"""Configuration of the stage latent."""

from typing import Literal, Self

from pydantic import Field, model_validator

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

    seeds: Count = 3
    """VAEs of every corpus. Maps of the first are drawn; estimates come with an interval over all,
    since another VAE of the same images has another latent space."""


class GridOptions(Section):
    """The square of latent space that is mapped."""

    extent: Positive = 10.0
    """The map reaches from minus to plus this in both latent dimensions."""

    points: int = Field(24, ge=2)
    """Grid points along each side, of this grid and of one in quantiles of the prior."""


class InterpolationOptions(Section):
    """Ways from one test image to another, in pixel space and in latent space."""

    pairs: Count = 150
    """Pairs of test images of different classes that are mixed half and half."""

    steps: int = Field(15, ge=2)
    """Images on the way that is drawn, with its two ends."""


class ExtensionOptions(Section):
    """Whether images decoded from the holes of a map are worth training on: nets are trained anew
    with them, with as many from anywhere off the data, and compared with those that had none. The
    map is that of the corpus in_distribution: the others have seen images like the tests'."""

    models: tuple[Name, ...] = ()
    """Nets that are trained anew. None: no test."""

    estimator: Name = "ensemble"
    """Estimator whose map has the holes."""

    measure: Literal["entropy", "mutual_information", "max_probability"] = "entropy"
    """Measure that it shows."""

    images: Count = 300
    """Images decoded from holes, and as many from off the data."""

    target: Literal["soft", "class"] = "soft"
    """What is to be answered for them: all classes alike, or a class of their own."""

    seeds: Count = 3
    """Nets of each kind, of the first training seeds."""


class LatentSection(Section):
    """Maps of uncertainty over the latent space of a VAE."""

    corpora: tuple[Corpus, ...] = ("in_distribution", "out_of_distribution", "adversarial")
    """What a VAE is fitted on: the training images, alone or with another set. None: no maps."""

    estimators: tuple[Name, ...] = Field(("mc_dropout", "ensemble"), min_length=1)
    """Estimators that are mapped, of nets trained by cross-entropy."""

    attack: Name = "pgd"
    """Attack whose images, on the first of `models`, make the adversarial corpus, at the largest
    epsilon."""

    vae: VaeOptions = VaeOptions()
    """Training of the VAE."""

    grid: GridOptions = GridOptions()
    """Part of the latent space that is mapped."""

    points: tuple[tuple[float, float], ...] = Field((), max_length=6)
    """Latent points whose decoded images are shown beside the maps. None: the median codes of the
    first class and of the class nearest to it, and the point half-way."""

    interpolation: InterpolationOptions = InterpolationOptions()
    """Ways between test images, in the first of `corpora`."""

    extension: ExtensionOptions = ExtensionOptions()
    """Training on what the holes decode to."""

    @model_validator(mode="after")
    def _extension_has_a_map(self) -> Self:
        if self.extension.models and self.corpora:
            if "in_distribution" not in self.corpora:
                raise ValueError("extension wants in_distribution among the corpora")
            if self.extension.estimator not in self.estimators:
                raise ValueError(f"extension.estimator: {self.extension.estimator} is not mapped")
        return self
