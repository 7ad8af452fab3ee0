"""Configuration of the stage latent."""

from typing import Literal, Self

from pydantic import Field, model_validator

from plumbline.config.base import Count, Name, Positive, Section

ARMS = ("none", "random", "holes")  # origin of the extra images; the first two are controls
Corpus = Literal["in_distribution", "out_of_distribution", "adversarial"]


class VaeOptions(Section):
    """Training of a variational autoencoder with two latent dimensions."""

    epochs: Count = 50
    """Number of passes over the corpus."""

    batch: Count = 128
    """Images per step."""

    learning_rate: Positive = 1e-3
    """Learning rate of Adam."""

    seeds: Count = 3
    """Number of VAEs per corpus. Maps are drawn for the first; estimates have an interval over all,
    because another VAE of the same images has another latent space."""


class GridOptions(Section):
    """The square region of latent space to map."""

    extent: Positive = 10.0
    """The map extends from minus to plus this value in both latent dimensions."""

    points: int = Field(24, ge=2)
    """Number of grid points along each side, of this grid and of the one in quantiles of the
    prior."""


class InterpolationOptions(Section):
    """Interpolation between test images, in pixel space and in latent space."""

    pairs: Count = 150
    """Number of pairs of test images of different classes, evaluated at their midpoints."""

    steps: int = Field(15, ge=2)
    """Number of images on the path that is drawn, including both ends."""


class ExtensionOptions(Section):
    """Test whether it helps to train on images decoded from the holes of a map: nets are retrained
    with them, or with as many images from anywhere off the data, and compared with nets trained
    without. The map is that of the corpus in_distribution, because the other corpora contain
    images like those of the tests."""

    models: tuple[Name, ...] = ()
    """Nets to retrain; if empty, the test is omitted."""

    estimator: Name = "ensemble"
    """Estimator whose map defines the holes."""

    measure: Literal["entropy", "mutual_information", "max_probability"] = "entropy"
    """Measure of uncertainty whose map defines the holes."""

    images: Count = 300
    """Number of images decoded from holes, and of images from anywhere off the data."""

    target: Literal["soft", "class"] = "soft"
    """Training target of these images: `soft` for equal probability of all classes, `class` for an
    additional class."""

    seeds: Count = 3
    """Number of nets of each kind, with the first training seeds."""


class LatentSection(Section):
    """Maps of uncertainty over the latent space of a VAE."""

    corpora: tuple[Corpus, ...] = ("in_distribution", "out_of_distribution", "adversarial")
    """Training corpora of VAEs: the training images, alone or with another set; if empty, there are
    no maps."""

    estimators: tuple[Name, ...] = Field(("mc_dropout", "ensemble"), min_length=1)
    """Estimators to map, of nets trained by cross-entropy."""

    attack: Name = "pgd"
    """Attack that provides the adversarial corpus: its images for the first of `models`, at the
    largest epsilon."""

    vae: VaeOptions = VaeOptions()
    """Training of the VAE."""

    grid: GridOptions = GridOptions()
    """Region of the latent space to map."""

    points: tuple[tuple[float, float], ...] = Field((), max_length=6)
    """Latent points whose decoded images are shown beside the maps; by default the median codes of
    the first class and of the class nearest to it, and their midpoint."""

    interpolation: InterpolationOptions = InterpolationOptions()
    """Interpolation between test images, in the first of `corpora`."""

    extension: ExtensionOptions = ExtensionOptions()
    """Training on images decoded from holes."""

    @model_validator(mode="after")
    def _extension_has_a_map(self) -> Self:
        if self.extension.models and self.corpora:
            if "in_distribution" not in self.corpora:
                raise ValueError("extension needs in_distribution among the corpora")
            if self.extension.estimator not in self.estimators:
                raise ValueError(
                    f"extension.estimator: {self.extension.estimator} is not in latent.estimators"
                )
        return self
