"""The report: one self-contained HTML page."""

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
CSS_PIXELS = 96  # per inch
LEFT_OUT = Topic(
    "Omitted entries", see="Configured entries that do not apply to this net or dataset."
)


@dataclass(frozen=True)
class Picture:
    """A figure of the page: ``width`` and ``height`` in CSS pixels.

    ``title`` names its subject; ``alt`` is its text alternative.
    """

    kind: str
    data: str
    title: str
    alt: str
    width: int
    height: int


def picture(drawing: Drawing, path: Path) -> Picture:
    """A figure inlined from its PNG; its text alternative is the first sentence of its caption."""
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
    """Sections for the template, each with the topics of every dataset that has any.

    A section without topics did not run and is shown with a remark.  ``figures`` are given with
    their files.  ``explorers`` are the pages ``latent_{dataset}.html`` and ``leaderboard.html``
    in the folder of the report, which links to them.
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
    """The topics of a section with figures or tables of a dataset, then the omitted entries.

    ``headed`` topics have a title, because the section can have several.
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
    """The tables that a section makes from the joined table ``name``; empty if there is none."""
    if name not in frames:
        return []
    section = importlib.import_module(f"plumbline.report.sections.{stage}")
    return getattr(section, name)(frames, dataset)


def render(**context: Any) -> str:
    """The page; ``context`` holds the variables of ``report.html``."""
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
