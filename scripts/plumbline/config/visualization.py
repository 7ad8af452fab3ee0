"""Configuration of the stage visualization."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from plumbline.config.base import Count, MethodOptions, Name, Positive, Section, Share
from plumbline.errors import InputError, nearest
from plumbline.registry import GENERATORS, VISUALIZATIONS

REAL = ("mean", "image")  # values of start and anchor that need training images


class GeneratorOptions(Section):
    """Training of one generator against its discriminator."""

    epochs: Count = 20
    """Number of passes over the training set."""

    batch: int = Field(64, ge=2)
    """Images per step."""

    learning_rate: Positive = 0.002
    """Learning rate of Adam for both nets."""

    momentum: float = Field(0.9, ge=0, lt=1)
    """First coefficient of Adam (beta 1); Radford et al. use 0.5."""

    real: Share = 0.9
    """Label of training images for the discriminator; a value below 1 is label smoothing."""

    fake: Share = 0.1
    """Label of generated images for the discriminator."""

    network: MethodOptions = Field(default_factory=dict)
    """Options of the two nets, such as code or width."""


class VisualizationSection(Section):
    """Images generated for a class, to show what a net recognises as that class."""

    classes: tuple[Annotated[str, BeforeValidator(str)], ...] | None = None
    """Class names; by default at most the first 10 classes with images in `test`."""

    starts: Count = 4
    """Number of images per class, from different random starts."""

    methods: dict[Name, MethodOptions] = Field(default_factory=dict)
    """Methods and their options. `method` is the module of visualization/methods, by default the
    name of the entry; `against` is another entry to compare with, paired by start."""

    generators: dict[Name, GeneratorOptions] = Field(default_factory=dict)
    """Modules of visualization/generators and their options; a generator is trained if an entry of
    `methods` uses it."""

    def module_of(self, entry: str) -> str:
        """The module of visualization/methods that an entry of ``methods`` uses."""
        return self.methods[entry].get("method", entry)

    def options_of(self, entry: str) -> MethodOptions:
        """Options of an entry's method, without those of the workflow."""
        return {k: v for k, v in self.methods[entry].items() if k not in VISUALIZATIONS.entry}

    def against_of(self, entry: str) -> str | None:
        """The entry that ``entry`` is compared with, if any."""
        return self.methods[entry].get("against")

    def generator_of(self, entry: str) -> str | None:
        """The generator that an entry uses, if any."""
        return self._settings(entry).get("generator")

    def needs_training_images(self, entry: str) -> bool:
        """Whether an entry starts from, or is anchored at, images of the training set."""
        settings = self._settings(entry)
        return any(settings.get(option) in REAL for option in ("start", "anchor"))

    def used_generators(self) -> list[str]:
        """Distinct generators that the entries use."""
        return list(dict.fromkeys(filter(None, map(self.generator_of, self.methods))))

    def _settings(self, entry: str) -> dict[str, Any]:
        """All options of an entry's method, including defaults."""
        return VISUALIZATIONS.settings(self.module_of(entry), self.options_of(entry))

    def check(self) -> None:
        """Raise :class:`InputError`, naming the key, if a method, option or name is unknown."""
        for name, each in self.generators.items():
            _named("generators", GENERATORS.check, name, each.network)
        for entry in self.methods:
            own = (self.module_of(entry), self.options_of(entry))
            _named(f"methods.{entry}", VISUALIZATIONS.check, *own)
            for key, named, known in (
                ("generator", self.generator_of(entry), self.generators),
                ("against", self.against_of(entry), self.methods),
            ):
                if named is not None and named not in list(known):  # hashes nothing
                    hint = nearest(named, known)
                    raise InputError(f"visualization.methods.{entry}.{key}: no {named!r}{hint}")
            if (other := self.against_of(entry)) and self.against_of(other):
                raise InputError(
                    f"visualization.methods.{entry}.against: {other} is itself compared with "
                    "another entry"
                )


def _named(key: str, check: Any, *arguments: Any) -> None:
    """Run a check and prefix its message with the key of the configuration."""
    try:
        check(*arguments)
    except InputError as error:
        raise InputError(f"visualization.{key}: {error}") from None
