"""The report: one HTML page that needs nothing beside it."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plumbline.report import outline
from plumbline.report.claims.ledger import MEANINGS, STUDIES, SYMBOLS, claim_rows, tally
from plumbline.report.claims.schema import HOW_TO_READ
from plumbline.report.left_out import left_out
from plumbline.report.pages.templates import template
from plumbline.report.spec import Drawing, Section, Topic, paragraphs
from plumbline.report.style import DPI, inline
from plumbline.report.tables import Frames, ReportTable
from plumbline.report.wording import words

THUMBNAILS = ("gallery",)
CSS_PIXELS = 96  # to the inch
LEFT_OUT = Topic(
    "Left out", see="What the configuration names and this net or dataset cannot have."
)


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


def picture(drawing: Drawing, path: Path) -> Picture:
    """A drawing inlined from its PNG; its text is the first sentence of its caption."""
    spec = outline.figures()[drawing.kind]
    data, (width, height) = inline(path)
    first = paragraphs(spec.caption)[0].split(". ")[0].rstrip(".")
    of = (*filter(None, drawing.of.values()), drawing.dataset)
    name = ", ".join([spec.title, *map(words, of)])
    title = f"{name[0].upper()}{name[1:]}"
    return Picture(
        kind=drawing.kind,
        data=data,
        title=title,
        alt=f"{title}: {first}.",
        width=round(width * CSS_PIXELS / DPI),
        height=round(height * CSS_PIXELS / DPI),
    )


def stage_sections(
    frames: Frames, figures: Sequence[tuple[Drawing, Path]], explorers: Sequence[Path] = ()
) -> list[dict[str, Any]]:
    """What the template needs of each section: the topics of each dataset that has any.

    A section without any did not run; it stays and says so.  ``figures`` have their files.
    ``explorers`` are the pages ``latent_{dataset}.html`` and ``leaderboard.html`` that lie beside
    the report and are linked from it.
    """
    datasets = list(dict.fromkeys(drawing.dataset for drawing, _ in figures))
    pictures = {
        name: [picture(each, path) for each, path in figures if each.dataset == name]
        for name in datasets
    }
    pages = {path.stem: path.name for path in explorers}
    found = []
    for stage, section in outline.sections().items():
        parts = [
            {
                "dataset": name,
                "topics": _topics(stage, section, frames, name, pictures[name]),
                "explorer": pages.get(f"{stage}_{name}", ""),
            }
            for name in datasets
        ]
        parts = [part for part in parts if part["topics"]]
        page = pages.get("leaderboard", "") if stage == "detection" else ""
        found.append({"title": section.title, "id": stage, "page": page, "parts": parts})
    return found


def _topics(
    stage: str, section: Section, frames: Frames, dataset: str, pictures: Sequence[Picture]
) -> list[dict[str, Any]]:
    """The topics of a section that a dataset has figures or tables for, last what is left out.

    ``headed`` ones stand under a title of their own, because the section can have several.
    """
    found = []
    for topic in section.topics:
        kinds = outline.figures_of(stage, topic)
        groups = [(kind, [p for p in pictures if p.kind == kind]) for kind in kinds]
        tables = [
            table for name in topic.tables for table in report_tables(stage, name, frames, dataset)
        ]
        found.append((topic, [(kind, shown) for kind, shown in groups if shown], tables))
    found.append((LEFT_OUT, [], left_out(frames, dataset, stage)))
    return [
        {
            "title": topic.title,
            "id": "-".join((stage, dataset, *topic.title.lower().split())),
            "see": topic.see,
            "headed": len(section.topics) > 1,
            "figures": groups,
            "tables": tables,
        }
        for topic, groups, tables in found
        if groups or tables
    ]


def report_tables(stage: str, name: str, frames: Frames, dataset: str) -> list[ReportTable]:
    """The tables of the page that a section makes of the joined table ``name``, if there is one."""
    if name not in frames:
        return []
    section = importlib.import_module(f"plumbline.report.sections.{stage}")
    return getattr(section, name)(frames, dataset)


def render(**context: Any) -> str:
    """The page; ``context`` is what ``report.html`` names."""
    page = template("report.html", words=words, paragraphs=paragraphs, claim_rows=claim_rows)
    fixed = {
        "caption": HOW_TO_READ,
        "figures": outline.figures(),
        "symbols": SYMBOLS,
        "meanings": MEANINGS,
        "studies": STUDIES,
    }
    counted = tally(context["ledger"])
    return page.render(tally=counted, thumbnails=THUMBNAILS, **fixed, **context)
