"""Configuration of the stage attribution."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from plumbline.config.base import Count, MethodOptions, Name, Section, Share
from plumbline.config.training import CROSS_ENTROPY
from plumbline.errors import nearest
from plumbline.registry import ATTRIBUTIONS


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
    """The test of every attribution: keep or delete its highest-ranked pixels."""

    shares: tuple[Share, ...] = Field((0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5), min_length=1)
    """Shares of the pixels that are kept or deleted."""

    fills: tuple[Fill, ...] = Field(("0", "1", "mean"), min_length=1)
    """What replaces a pixel: a value in [0, 1], `mean` for the training set's mean image, or
    `blur` for the image itself under a Gaussian of a fifth of its side."""


class GalleryOptions(Section):
    """Test images that are explained by every method and shown side by side."""

    per_class: Count = 3
    """Images of each class, chosen at random by the seed."""

    classes: Count = 10
    """Classes at most, the first ones."""

    images: dict[Name, tuple[Annotated[int, Field(ge=0)], ...]] = Field(default_factory=dict)
    """For a dataset, positions in `test` to show instead."""


class LogOddsOptions(Section):
    """The test of the DeepLIFT paper: erase what speaks for one class and against another."""

    pairs: tuple[tuple[ClassName, ClassName], ...] = ()
    """Pairs of class names: images of the first, turned towards the second."""

    share: Share = 0.2
    """Share of the pixels that are erased at most: 157 of 784."""

    images: Count = 100
    """Test images of each class at most."""

    methods: tuple[Name, ...] = ()
    """Entries of `methods` that are tested."""


class RandomizationOptions(Section):
    """The sanity check of every attribution: does it change with the net's weights?"""

    images: Count = 12
    """Test images explained, from the first."""

    methods: tuple[Name, ...] | None = None
    """Entries of `methods` that are checked; all, if not given."""


class SpreadOptions(Section):
    """How far one attribution varies."""

    method: Name
    """Entry of `methods`."""

    source: Literal["dropout", "noise"]
    """What varies: the dropout masks, or the pixels, by normal noise."""

    samples: int = Field(50, ge=2)
    """Passes per image."""

    level: Share = 0.1
    """Standard deviation of the noise, as a share of the range of the image's pixels."""

    images: Count = 20
    """Test images explained, from the first."""

    objective: Name = CROSS_ENTROPY
    """What the net is trained for: `cross_entropy`, or an evidential one of training.objectives."""


class AttributionSection(Section):
    """Explanations of single decisions, on the first images of `test`."""

    images: Count = 100
    """Test images explained, unless a method says otherwise."""

    memory_mb: Count = 512
    """Memory in MiB for the activations of one batch, from which batch sizes follow."""

    methods: dict[Name, MethodOptions] = Field(default_factory=dict)
    """Methods and their options. `method` is the module of attribution/methods, if it is not the
    entry's own name; `images` is how many test images are explained."""

    degradation: DegradationOptions = DegradationOptions()
    """The test that all methods go through."""

    gallery: GalleryOptions = GalleryOptions()
    """The images that are shown."""

    log_odds: LogOddsOptions = LogOddsOptions()
    """The test of the DeepLIFT paper."""

    randomization: RandomizationOptions = RandomizationOptions()
    """The sanity check that all methods go through."""

    spread: dict[Name, SpreadOptions] = Field(default_factory=dict)
    """Attributions whose mean and spread are shown."""

    @field_validator("methods")
    @classmethod
    def _images_are_counts(cls, methods: dict[str, MethodOptions]) -> dict[str, MethodOptions]:
        for name, options in methods.items():
            images = options.get("images", 1)
            if isinstance(images, bool) or not isinstance(images, int) or images < 1:
                raise ValueError(f"{name}.images must be a whole number above 0, not {images!r}")
        return methods

    @model_validator(mode="after")
    def _entries_exist(self) -> Self:
        named = {
            "log_odds.methods": self.log_odds.methods,
            "randomization.methods": self.randomization.methods or (),
            **{f"spread.{name}.method": (each.method,) for name, each in self.spread.items()},
        }
        for key, names in named.items():
            for name in names:
                if name not in self.methods:
                    raise ValueError(f"{key}: no entry {name!r}{nearest(name, self.methods)}")
        return self

    def module_of(self, entry: str) -> str:
        """The module of attribution/methods that an entry of ``methods`` names."""
        return self.methods[entry].get("method", entry)

    def options_of(self, entry: str) -> MethodOptions:
        """Options of an entry's method, without those of the workflow."""
        return {k: v for k, v in self.methods[entry].items() if k not in ATTRIBUTIONS.entry}

    def images_of(self, entry: str) -> int:
        """How many test images an entry explains."""
        return self.methods[entry].get("images", self.images)

    def modules_of(self, entry: str) -> list[str]:
        """An entry's module and, if its method is built on another, that one's."""
        module = self.module_of(entry)
        option = ATTRIBUTIONS.constant(module, "BASE")
        settings = ATTRIBUTIONS.settings(module, self.options_of(entry))
        return [module, *([settings[option]] if option else [])]
