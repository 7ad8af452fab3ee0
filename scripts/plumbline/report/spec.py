"""What a figure and a section of the report declare about themselves.

The module of a figure has one ``FIGURE``, that of a section one ``SECTION``.  The workflow reads
these declarations when it starts, each without the rest of its module, so that no drawing library
is imported (:mod:`plumbline.report.outline`): they use no other name of the module.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

# Plan is not imported: what a figure's module imports counts as its code, and no figure is drawn
# in another way when the plan changes.
Plan = Any
Instances = bool | Iterable[Mapping[str, str]]
Files = str | list[str]


def once(plan: Plan, dataset: str) -> Instances:
    """When a figure is drawn once for every dataset."""
    return True


def nothing(plan: Plan, at: SimpleNamespace) -> Mapping[str, Any]:
    """The options of a figure that has none."""
    return {}


@dataclass(frozen=True, kw_only=True)
class FigureSpec:
    """A figure of the report: where it stands, what it says, what it is drawn from, and when.

    ``stage`` and ``topic`` name a section of the page and a topic of it; the figures of a topic
    stand in the order of ``order``, then of their names.  ``title`` says what the figure shows in
    a few words, ``caption`` how to read it, in paragraphs of plain text.

    ``when`` says how often the figure is drawn for a dataset, as a function of the plan
    (:class:`plumbline.workflow.plan.Plan`) and the dataset: once, not at all (True and False), or
    once for each mapping in a list, such as ``{"model": "lenet"}``.  The file is named after the
    figure's module and the values of the mapping.

    The other fields give the arguments of the module's ``draw``.  ``inputs`` says for each name
    which files it is read from: a pattern such as ``detection/{dataset}/{model}.csv``, or a
    function of the plan and the instance; paths are relative to the folder of the results.
    ``options`` gives further arguments.  The instance has the attribute ``dataset`` and those of
    its mapping in ``when``; ``draw`` is also given those that it has arguments for.
    """

    stage: str
    topic: str
    title: str
    caption: str
    inputs: Mapping[str, str | Callable[[Plan, SimpleNamespace], Files]]
    when: Callable[[Plan, str], Instances] = once
    options: Callable[[Plan, SimpleNamespace], Mapping[str, Any]] = nothing
    order: int = 0


@dataclass(frozen=True)
class Drawing:
    """One drawing of the figure ``kind``: of a ``dataset`` and what ``of`` names, such as a
    model."""

    kind: str
    dataset: str
    of: Mapping[str, str]

    @property
    def name(self) -> str:
        """The name of the file, without ending."""
        return "_".join([self.kind, *filter(None, self.of.values())])

    @property
    def file(self) -> str:
        """The file, relative to the folder of the results."""
        return f"figures/{self.dataset}/{self.name}.png"


def paragraphs(caption: str) -> list[str]:
    """The paragraphs of a caption, each in one line; blank lines part them."""
    return [" ".join(part.split()) for part in caption.split("\n\n") if part.strip()]


@dataclass(frozen=True)
class Topic:
    """A part of a section: the figures that name it, then its tables.

    ``tables`` name joined tables of the run; the section's module has a function of the same name
    that turns each into tables of the page.  ``see`` says what to look for; it is written where a
    section has several topics.
    """

    title: str
    tables: tuple[str, ...] = ()
    see: str = ""


@dataclass(frozen=True)
class Section:
    """A section of the page, about one stage, and its topics in order."""

    title: str
    topics: tuple[Topic, ...]
