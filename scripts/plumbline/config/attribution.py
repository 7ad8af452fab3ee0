"""Configuration of the stage attribution."""

from pydantic import Field

from plumbline.config.base import Count, MethodOptions, Name, Section, Share


class DegradationOptions(Section):
    """The test of every attribution: keep or delete its highest-ranked pixels."""

    shares: tuple[Share, ...] = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
    """Shares of the pixels that are kept or deleted."""

    fills: tuple[str, ...] = ("0", "1", "mean")
    """What replaces a pixel: a value in [0, 1], or `mean` for the training set's mean image."""


class AttributionSection(Section):
    """Explanations of single decisions, on the first images of `test`."""

    images: Count = 100
    """Test images explained, unless a method says otherwise."""

    methods: dict[Name, MethodOptions] = Field(default_factory=dict)
    """Methods and their options; `images` is an option of each."""

    degradation: DegradationOptions = DegradationOptions()
    """The test that all methods go through."""
