"""Configuration of the stage attacks."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from plumbline.config.base import Count, MethodOptions, Name, Section, _fraction

Epsilon = Annotated[float, BeforeValidator(_fraction), Field(gt=0, le=1)]


class AttacksSection(Section):
    """Adversarial images, made from the first images of `test`."""

    images: Count = 200
    """Test images attacked."""

    epsilons: tuple[Epsilon, ...] = Field((0.05, 0.1, 0.2, 0.3), min_length=1)
    """Largest change of any pixel (L-infinity), in units of the pixel range [0, 1]; fractions such
    as 8/255 are read."""

    methods: dict[Name, MethodOptions] = Field(default_factory=dict)
    """Attacks and their options."""
