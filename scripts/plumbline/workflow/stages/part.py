"""Shared by the plans of all stages: options of jobs and derived seeds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from plumbline.config.whole import Config
from plumbline.registry import Networks
from plumbline.runtime.seeding import derive


@dataclass(frozen=True)
class Job:
    """Options of one job, and what its code hash covers besides the script and its imports.

    ``modules`` are files of methods that the script loads by name, relative to the folder of the
    scripts.  ``shown`` holds labels and families that it reads from the modules of methods
    (:func:`~plumbline.workflow.stages.shown.shown`).
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    shown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """The plan of one stage.  Its paths are relative to the folder of the results."""

    config: Config

    @property
    def networks(self) -> Networks:
        """The networks that the configuration may name."""
        return self.config.networks

    def seed(self, *names: str | int) -> int:
        """The seed of a job, derived from its name and the seed of the configuration.

        Some names are those of former rules: a renamed rule keeps its seed, so that its results
        do not change.
        """
        return derive(self.config.seed, *names)

    def runtime(self, *names: str | int) -> dict[str, Any]:
        """Seed and device of a job that computes with torch."""
        return {"seed": self.seed(*names), "device": self.config.device}


def options(section: BaseModel) -> dict[str, Any]:
    """A section of the configuration as options of a script."""
    return section.model_dump()


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """``names`` without duplicates, in order."""
    return tuple(dict.fromkeys(names))
