"""Configuration of the stage visualization."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from plumbline.config.base import Count, MethodOptions, Name, Positive, Section, Share
from plumbline.errors import InputError, nearest
from plumbline.registry import GENERATORS, VISUALIZATIONS

REAL = ("mean", "image")  # values of start and anchor that need training images


class GeneratorOptions(Section):
    """How one generator is trained against its discriminator."""

    epochs: Count = 20
    """Passes over the training set."""

    batch: int = Field(64, ge=2)
    """Images per step."""

    learning_rate: Positive = 0.002
    """Step size of Adam for both nets."""

    momentum: float = Field(0.9, ge=0, lt=1)
    """First coefficient of Adam; Radford et al. take 0.5."""

    real: Share = 0.9
    """Label of training images for the discriminator: below 1 is label smoothing."""

    fake: Share = 0.1
    """Label of made images."""

    network: MethodOptions = Field(default_factory=dict)
    """Options of the two nets, such as code or width."""


class VisualizationSection(Section):
    """Images that are made for a class, to see what a net takes for it."""

    classes: tuple[Annotated[str, BeforeValidator(str)], ...] | None = None
    """Class names; the first 10 at most that `test` has images of, if not given."""

    starts: Count = 4
    """Images per class, from different random starts."""

    methods: dict[Name, MethodOptions] = Field(default_factory=dict)
    """Methods and their options. `method` is the module of visualization/methods, if it is not the
    entry's own name; `against` names another entry that it is compared with, start by start."""

    generators: dict[Name, GeneratorOptions] = Field(default_factory=dict)
    """Modules of visualization/generators; trained where an entry of `methods` uses one."""

    def module_of(self, entry: str) -> str:
        """The module of visualization/methods that an entry of ``methods`` names."""
        return self.methods[entry].get("method", entry)

    def options_of(self, entry: str) -> MethodOptions:
        """Options of an entry's method, without those of the workflow."""
        return {k: v for k, v in self.methods[entry].items() if k not in VISUALIZATIONS.entry}

    def against_of(self, entry: str) -> str | None:
        """The entry that another one is compared with."""
        return self.methods[entry].get("against")

    def generator_of(self, entry: str) -> str | None:
        """The generator that an entry uses."""
        return self._settings(entry).get("generator")

    def needs_training_images(self, entry: str) -> bool:
        """Whether an entry starts from, or stays near, images of the training set."""
        settings = self._settings(entry)
        return any(settings.get(option) in REAL for option in ("start", "anchor"))

    def used_generators(self) -> list[str]:
        """Generators that an entry uses, each once."""
        return list(dict.fromkeys(filter(None, map(self.generator_of, self.methods))))

    def _settings(self, entry: str) -> dict[str, Any]:
        """All options of an entry's method, its defaults filled in."""
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
    """Run a check and put the configuration's key before its message."""
    try:
        check(*arguments)
    except InputError as error:
        raise InputError(f"visualization.{key}: {error}") from None
