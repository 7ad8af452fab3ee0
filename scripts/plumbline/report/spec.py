"""What a figure and a section of the report declare about themselves.

The module of a figure has one ``FIGURE``, that of a section one ``SECTION``.  The workflow reads
these declarations when it starts, each without the rest of its module, so that no drawing library
is imported (:mod:`plumbline.report.outline`): they use no other name of the module.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FigureSpec:
    """A figure of the report: where it stands and what it says.

    ``stage`` and ``topic`` name a section of the page and a topic of it; the figures of a topic
    stand in the order of ``order``, then of their names.  ``title`` says what the figure shows in
    a few words, ``caption`` how to read it, in paragraphs of plain text.
    """

    stage: str
    topic: str
    title: str
    caption: str
    order: int = 0


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
