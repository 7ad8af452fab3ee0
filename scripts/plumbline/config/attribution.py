"""Configuration of the stage attribution."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from plumbline.config.base import Count, MethodOptions, Name, Section, Share


def _fill(value: Any) -> str:
    """``mean``, or a number in [0, 1] as text."""
    if value != "mean":
        try:
            fits = not isinstance(value, bool) and 0 <= float(value) <= 1
        except (TypeError, ValueError):
            fits = False
        if not fits:
            raise ValueError("a fill must be a number in [0, 1] or mean")
    return value if isinstance(value, str) else f"{value:g}"


Fill = Annotated[str, BeforeValidator(_fill)]


class DegradationOptions(Section):
    """The test of every attribution: keep or delete its highest-ranked pixels."""

    shares: tuple[Share, ...] = Field((0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5), min_length=1)
    """Shares of the pixels that are kept or deleted."""

    fills: tuple[Fill, ...] = Field(("0", "1", "mean"), min_length=1)
    """What replaces a pixel: a value in [0, 1], or `mean` for the training set's mean image."""


class AttributionSection(Section):
    """Explanations of single decisions, on the first images of `test`."""

    images: Count = 100
    """Test images explained, unless a method says otherwise."""

    methods: dict[Name, MethodOptions] = Field(default_factory=dict)
    """Methods and their options; `images` is an option of each."""

    degradation: DegradationOptions = DegradationOptions()
    """The test that all methods go through."""

    @field_validator("methods")
    @classmethod
    def _images_are_counts(cls, methods: dict[str, MethodOptions]) -> dict[str, MethodOptions]:
        for name, options in methods.items():
            images = options.get("images", 1)
            if isinstance(images, bool) or not isinstance(images, int) or images < 1:
                raise ValueError(f"{name}.images must be a whole number above 0, not {images!r}")
        return methods

    def images_of(self, method: str) -> int:
        """How many test images ``method`` explains."""
        return self.methods[method].get("images", self.images)
