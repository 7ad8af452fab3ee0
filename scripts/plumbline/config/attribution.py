"""Configuration of the stage attribution."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from plumbline.config.base import Count, MethodOptions, Name, Section, Share
from plumbline.config.training import CROSS_ENTROPY
from plumbline.errors import nearest
from plumbline.registry import ATTRIBUTIONS

NOT_CHOSEN = "not in this configuration"
"""Why a method or a net has no job where the configuration does not name it."""


def _fill(value: Any) -> str:
    """``mean``, ``blur``, or a number in [0, 1] as text."""
    if value not in ("mean", "blur"):
        try:
            fits = not isinstance(value, bool) and 0 <= float(value) <= 1
        except (TypeError, ValueError):
            fits = False
        if not fits:
            raise ValueError("a fill must be a number in [0, 1], mean or blur")
    return value if isinstance(value, str) else f"{value:g}"


Fill = Annotated[str, BeforeValidator(_fill)]
ClassName = Annotated[str, BeforeValidator(str)]


class DegradationOptions(Section):
    """Degradation test of every attribution: keep or delete the highest-ranked pixels."""

    shares: tuple[Share, ...] = Field((0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5), min_length=1)
    """Shares of the pixels that are kept or deleted."""

    fills: tuple[Fill, ...] = Field(("0", "1", "mean"), min_length=1)
    """Replacement of removed pixels: a value in [0, 1], `mean` for the mean image of the training
    set, or `blur` for the image blurred by a Gaussian of a fifth of its side."""


class GalleryOptions(Section):
    """Test images that are explained by all methods and shown side by side."""

    per_class: Count = 3
    """Images per class, chosen at random by the seed."""

    classes: Count = 10
    """Maximum number of classes; the first ones are used."""

    images: dict[Name, tuple[Annotated[int, Field(ge=0)], ...]] = Field(default_factory=dict)
    """Positions in `test` to show instead, by dataset."""


class LogOddsOptions(Section):
    """Test of the DeepLIFT paper: erase the pixels that distinguish one class from another."""

    pairs: tuple[tuple[ClassName, ClassName], ...] = ()
    """Pairs of class names: images of the first class, changed towards the second."""

    share: Share = 0.2
    """Maximum share of the pixels to erase; 0.2 is 157 of 784."""

    images: Count = 100
    """Maximum number of test images per class."""

    methods: tuple[Name, ...] = ()
    """Entries of `methods` to test."""


class RandomizationOptions(Section):
    """Model randomisation test of attributions: do they change with the net's weights?"""

    images: Count = 12
    """Number of test images to explain, from the first."""

    methods: tuple[Name, ...] | None = None
    """Entries of `methods` to test; all if not given."""


class SpreadOptions(Section):
    """Variation of one attribution over random passes."""

    method: Name
    """Entry of `methods`."""

    source: Literal["dropout", "noise"]
    """Source of the variation: dropout masks, or normal noise added to the pixels."""

    samples: int = Field(50, ge=2)
    """Number of passes per image."""

    level: Share = 0.1
    """Standard deviation of the noise, as a share of the range of the image's pixels."""

    images: Count = 20
    """Number of test images to explain, from the first."""

    objective: Name = CROSS_ENTROPY
    """Training objective of the net: `cross_entropy`, or an evidential entry of
    training.objectives."""


class AttributionSection(Section):
    """Explanations of single predictions, on the first images of `test`."""

    images: Count = 100
    """Number of test images to explain, unless a method sets its own."""

    memory_mb: Count = 512
    """Memory in MiB for the activations of one batch, which determines batch sizes."""

    methods: dict[Name, MethodOptions] = Field(default_factory=dict)
    """Methods and their options. `method` is the module of attribution/methods, by default the
    name of the entry; `images` is the number of test images to explain."""

    degradation: DegradationOptions = DegradationOptions()
    """Degradation test of all methods."""

    gallery: GalleryOptions = GalleryOptions()
    """Images to show."""

    log_odds: LogOddsOptions = LogOddsOptions()
    """Test of the DeepLIFT paper."""

    randomization: RandomizationOptions = RandomizationOptions()
    """Model randomisation test of the methods."""

    spread: dict[Name, SpreadOptions] = Field(default_factory=dict)
    """Attributions whose mean and standard deviation over random passes are shown."""

    @field_validator("methods")
    @classmethod
    def _images_are_counts(cls, methods: dict[str, MethodOptions]) -> dict[str, MethodOptions]:
        for name, options in methods.items():
            images = options.get("images", 1)
            if isinstance(images, bool) or not isinstance(images, int) or images < 1:
                raise ValueError(f"{name}.images must be an integer above 0, not {images!r}")
        return methods

    @model_validator(mode="after")
    def _entries_exist(self) -> Self:
        named = {
            "log_odds.methods": self.log_odds.methods,
            "randomization.methods": self.randomization.methods or (),
            **{f"spread.{name}.method": (entry.method,) for name, entry in self.spread.items()},
        }
        for key, names in named.items():
            for name in names:
                if name not in self.methods:
                    raise ValueError(f"{key}: no entry {name!r}{nearest(name, self.methods)}")
        return self

    def module_of(self, entry: str) -> str:
        """The module of attribution/methods that an entry of ``methods`` uses."""
        return self.methods[entry].get("method", entry)

    def options_of(self, entry: str) -> MethodOptions:
        """Options of an entry's method, without those of the workflow."""
        return {k: v for k, v in self.methods[entry].items() if k not in ATTRIBUTIONS.entry}

    def images_of(self, entry: str) -> int:
        """Number of test images that an entry explains."""
        return self.methods[entry].get("images", self.images)

    def modules_of(self, entry: str) -> list[str]:
        """The module of an entry and, if its method is based on another one, that module."""
        module = self.module_of(entry)
        option = ATTRIBUTIONS.constant(module, "BASE")
        settings = ATTRIBUTIONS.settings(module, self.options_of(entry))
        return [module, *([settings[option]] if option else [])]
