"""What the plans of all stages share: jobs' options, seeds by name, lists by dataset and net."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from plumbline.config.whole import Config
from plumbline.registry import Networks
from plumbline.runtime.seeding import derive


@dataclass(frozen=True)
class Job:
    """One job's options, and what its code hash covers beside the script and what that imports.

    ``modules`` are files of methods that the script loads by name, relative to the folder of the
    scripts.  ``shown`` are the names and families that it reads from methods' modules to show them
    (:func:`~plumbline.workflow.stages.shown.shown`).
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    shown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """The plan of one stage.  Paths that it gives are relative to the folder of the results."""

    config: Config

    @property
    def networks(self) -> Networks:
        """Every net that the configuration may name."""
        return self.config.networks

    def seed(self, *names: str | int) -> int:
        """The seed of a job, which follows from its name alone."""
        return derive(self.config.seed, *names)

    def runtime(self, *names: str | int) -> dict[str, Any]:
        """Seed and device of a job that computes with torch."""
        return {"seed": self.seed(*names), "device": self.config.device}


def options(section: BaseModel) -> dict[str, Any]:
    """A section of the configuration as options of a script."""
    return section.model_dump()


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """``names`` without repetition, in their order."""
    return tuple(dict.fromkeys(names))
