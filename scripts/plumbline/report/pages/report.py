"""The report: one HTML page that needs nothing beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plumbline.report.claims.ledger import MEANINGS, STUDIES, SYMBOLS, claim_rows, tally
from plumbline.report.left_out import left_out
from plumbline.report.outline import KINDS, LEFT_OUT, SECTIONS, Section
from plumbline.report.pages.templates import template
from plumbline.report.sections import SHEETS, Sheet, Tables
from plumbline.report.style import DPI, inline
from plumbline.report.wording import phrase, words

THUMBNAILS = ("gallery",)
CSS_PIXELS = 96  # to the inch


@dataclass(frozen=True)
class Picture:
    """A figure as it stands on the page: ``width`` and ``height`` in CSS pixels.

    ``title`` says of what it is, ``alt`` what it shows.
    """

    kind: str
    data: str
    title: str
    alt: str
    width: int
    height: int


def picture(path: Path, captions: Mapping[str, str]) -> Picture:
    """A PNG of ``figures/{dataset}/`` inlined; its text is the first sentence of its caption.

    Its name begins with one of ``KINDS``; the rest says of what it is.
    """
    kind = max((k for k in KINDS if f"{path.stem}_".startswith(f"{k}_")), key=len)
    rest = path.stem.removeprefix(kind).strip("_")
    data, (width, height) = inline(path)
    first = captions[kind].split(". ")[0].rstrip(".")
    parts = (words(kind), phrase(rest), words(path.parent.name))
    name = ", ".join(each for each in parts if each)
    title = f"{name[0].upper()}{name[1:]}"
    return Picture(
        kind=kind,
        data=data,
        title=title,
        alt=f"{title}: {first}.",
        width=round(width * CSS_PIXELS / DPI),
        height=round(height * CSS_PIXELS / DPI),
    )


def paragraphs(caption: str) -> list[str]:
    """The paragraphs of a caption; they hold plain text and no markup."""
    return [" ".join(part.split()) for part in caption.split("\n\n") if part.strip()]


def stage_sections(
    tables: Tables,
    figures: Sequence[Path],
    captions: Mapping[str, str],
    explorers: Sequence[Path] = (),
) -> list[dict[str, Any]]:
    """What the template needs of each section: the topics of each dataset that has any.

    A section without any did not run; it stays and says so.  ``explorers`` are the pages
    ``latent_{dataset}.html`` and ``leaderboard.html`` that lie beside the report and are linked
    from it.
    """
    datasets = list(dict.fromkeys(path.parent.name for path in figures))
    pictures = {
        name: [picture(path, captions) for path in figures if path.parent.name == name]
        for name in datasets
    }
    pages = {path.stem: path.name for path in explorers}
    found = []
    for section in SECTIONS:
        parts = [
            {
                "dataset": name,
                "topics": _topics(section, tables, name, pictures[name]),
                "explorer": pages.get(f"{section.id}_{name}", ""),
            }
            for name in datasets
        ]
        parts = [part for part in parts if part["topics"]]
        page = pages.get("leaderboard", "") if section.id == "detection" else ""
        found.append({"title": section.title, "id": section.id, "page": page, "parts": parts})
    return found


def _topics(
    section: Section, tables: Tables, dataset: str, pictures: Sequence[Picture]
) -> list[dict[str, Any]]:
    """The topics of a section that a dataset has figures or sheets for, last what is left out.

    ``headed`` ones stand under a title of their own, because the section can have several.
    """
    found = []
    missing = left_out(tables, dataset, section.id)
    for topic in (*section.topics, *([LEFT_OUT] if missing else [])):
        groups = [(kind, [p for p in pictures if p.kind == kind]) for kind in topic.figures]
        groups = [(kind, shown) for kind, shown in groups if shown]
        names = [name for name in topic.tables if name in tables and name in SHEETS]
        sheets: list[Sheet] = [each for name in names for each in SHEETS[name](tables, dataset)]
        sheets += missing if topic is LEFT_OUT else []
        if groups or sheets:
            found.append(
                {
                    "title": topic.title,
                    "id": "-".join((section.id, dataset, *topic.title.lower().split())),
                    "see": topic.see,
                    "headed": len(section.topics) > 1,
                    "figures": groups,
                    "sheets": sheets,
                }
            )
    return found


def render(**context: Any) -> str:
    """The page; ``context`` is what ``report.html`` names."""
    page = template("report.html", words=words, paragraphs=paragraphs, claim_rows=claim_rows)
    fixed = {"symbols": SYMBOLS, "meanings": MEANINGS, "studies": STUDIES}
    counted = tally(context["ledger"])
    return page.render(tally=counted, thumbnails=THUMBNAILS, **fixed, **context)
