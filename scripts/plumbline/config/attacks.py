"""Configuration of the stage attacks."""

from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator

from plumbline.config.base import Count, MethodOptions, Name, Section, fraction
from plumbline.registry import ATTACKS

Epsilon = Annotated[
    float, Field(gt=0, le=1), BeforeValidator(fraction, json_schema_input_type=float | str)
]


class AttacksSection(Section):
    """Adversarial images, made from the first images of `test`."""

    images: Count = 200
    """Number of test images to attack."""

    epsilons: tuple[Epsilon, ...] = Field((0.05, 0.1, 0.2, 0.3), min_length=1)
    """Largest change of a pixel (L-infinity norm), in units of the pixel range [0, 1]; fractions
    such as 8/255 are allowed. Not used by attacks that search for the smallest perturbation."""

    methods: dict[Name, MethodOptions] = Field(default_factory=dict)
    """Attacks and their options. `method` is the module of attacks/methods, by default the name of
    the entry; `images` limits the number of images; `operator` is the entry of
    stability.operators whose mutants an adaptive attack takes into account."""

    @field_validator("methods")
    @classmethod
    def _fit(cls, methods: dict[str, MethodOptions]) -> dict[str, MethodOptions]:
        for name, options in methods.items():
            for key in ("method", "operator"):
                if not isinstance(options.get(key, ""), str):
                    raise ValueError(f"{name}.{key}: must be a name, not {options[key]!r}")
            images = options.get("images", 1)
            if type(images) is not int or images < 1:
                raise ValueError(f"{name}.images: must be an integer above 0, not {images!r}")
        return methods

    def module_of(self, entry: str) -> str:
        """The module of attacks/methods that an entry of ``methods`` uses."""
        return self.methods[entry].get("method", entry)

    def options_of(self, entry: str) -> MethodOptions:
        """The options of an entry's module."""
        return {k: v for k, v in self.methods[entry].items() if k not in ATTACKS.entry}

    def images_of(self, entry: str) -> int:
        """Maximum number of images that an entry attacks."""
        return min(self.images, self.methods[entry].get("images", self.images))

    def operator_of(self, entry: str) -> str | None:
        """The entry of ``stability.operators`` that an adaptive entry targets, if any."""
        return self.methods[entry].get("operator")

    def minimal(self) -> list[str]:
        """Entries that search for the smallest perturbation and have no ε."""
        return [
            name for name in self.methods if not ATTACKS.takes(self.module_of(name), "epsilons")
        ]

    def adaptive(self) -> list[str]:
        """Entries that are adapted to a detector."""
        return [name for name in self.methods if ATTACKS.constant(self.module_of(name), "ADAPTIVE")]
