"""What a figure and a section of the report declare about themselves.

The module of a figure has one ``FIGURE``, that of a section one ``SECTION``.  The workflow reads
these declarations when it starts, each without the rest of its module, so that no drawing library
is imported (:mod:`plumbline.report.outline`): they use no other name of the module.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

# Plan is not imported, because imports of a module of a figure are part of its code hash, and a
# change of the plan does not change how a figure is drawn.
Plan = Any
Instances = bool | Iterable[Mapping[str, str]]
Files = str | list[str]


def once(plan: Plan, dataset: str) -> Instances:
    """Value of ``when`` for a figure that is drawn once for every dataset."""
    return True


def nothing(plan: Plan, at: SimpleNamespace) -> Mapping[str, Any]:
    """Value of ``options`` for a figure without options."""
    return {}


@dataclass(frozen=True, kw_only=True)
class FigureSpec:
    """Declaration of a figure: position on the page, title, caption, inputs and conditions.

    ``stage`` and ``topic`` name a section of the page and one of its topics; figures of a topic
    are sorted by ``order``, then by name.  ``title`` is a short name of the figure, ``caption``
    explains how to read it, in paragraphs of plain text.

    ``when`` is a function of the plan (:class:`plumbline.workflow.plan.Plan`) and the dataset that
    determines the instances of the figure: one (True), none (False), or one for each mapping in a
    list, such as ``{"model": "lenet"}``.  The file is named after the module and the values of the
    mapping.

    The other fields define the arguments of ``draw`` in the module.  ``inputs`` gives the files of
    each argument: a pattern such as ``detection/{dataset}/{model}.csv``, or a function of the plan
    and the instance; paths are relative to the folder of the results.  ``options`` gives further
    arguments.  An instance has the attribute ``dataset`` and those of its mapping in ``when``,
    which are also passed to ``draw`` if it has parameters of these names.
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
    """One instance of the figure ``kind``, for a ``dataset`` and the values in ``of``, such as a
    model."""

    kind: str
    dataset: str
    of: Mapping[str, str]

    @property
    def name(self) -> str:
        """Name of the file, without extension."""
        return "_".join([self.kind, *filter(None, self.of.values())])

    @property
    def file(self) -> str:
        """The file, relative to the folder of the results."""
        return f"figures/{self.dataset}/{self.name}.png"


def paragraphs(caption: str) -> list[str]:
    """The paragraphs of a caption, which blank lines separate, each on one line."""
    return [" ".join(part.split()) for part in caption.split("\n\n") if part.strip()]


@dataclass(frozen=True)
class Topic:
    """A part of a section: the figures that name it, then its tables.

    ``tables`` are names of joined tables of the run; the module of the section has a function of
    the same name that makes tables of the page from each.  ``see`` is a summary, shown if the
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
