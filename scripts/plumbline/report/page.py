"""The report: one HTML page that needs nothing beside it."""

import base64
import struct
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plumbline.report.claims import Claim
from plumbline.report.sections import SHEETS, Sheet, Tables
from plumbline.report.style import DPI
from plumbline.report.summary import estimate, number
from plumbline.report.wording import words

STUDIES = {
    "000": "Uncertainty maps over latent space (MNIST, Fashion-MNIST, adversarial images)",
    "001": "LIME, KernelSHAP and LRP; a Bayesian net (MNIST, CIFAR-10)",
    "002": "Class visualisation, saliency, MC dropout (ImageNet)",
    "003": "A package of interpretability methods (MNIST)",
    "004": "Error detection by conductance and label change rate (CIFAR-10, ImageNet)",
}
# Section, stage of its tables, and its figures in order.
SECTIONS = (
    ("Accuracy and calibration", "training", ("accuracy", "reliability", "training_curves")),
    ("Attacks", "attacks", ("attacks",)),
    ("Uncertainty", "uncertainty", ("uncertainty",)),
    ("Maps of latent space", "latent", ("latent",)),
    ("Attributions", "attribution", ("gallery", "degradation")),
    ("Stability", "stability", ("stability",)),
    ("Detection", "detection", ("detection",)),
)
SYMBOLS = {"holds": "✓", "fails": "✗", "undecided": "~", "not run": "○"}
CSS_PIXELS = 96  # to the inch


@dataclass(frozen=True)
class Picture:
    """A figure as it stands on the page: ``width`` and ``height`` in CSS pixels."""

    kind: str
    data: str
    alt: str
    width: int
    height: int


@dataclass(frozen=True)
class Judged:
    """A claim with its rows of the ledger."""

    claim: Claim
    rows: Sequence[Mapping[str, str]]

    @property
    def verdicts(self) -> dict[str, int]:
        """How often each verdict was given, in the order of ``SYMBOLS``."""
        counts = Counter(row["verdict"] for row in self.rows)
        return {verdict: counts[verdict] for verdict in SYMBOLS if counts[verdict]}


def picture(path: Path, kinds: Iterable[str], captions: Mapping[str, str]) -> Picture:
    """A PNG of ``figures/{dataset}/`` inlined; its text is the first sentence of its caption.

    ``kinds`` are the known figures; the rest of the file's name says of what it is.
    """
    kind = max((k for k in kinds if path.stem.startswith(k)), key=len)
    rest = path.stem.removeprefix(kind).strip("_")
    content = path.read_bytes()
    width, height = struct.unpack(">II", content[16:24])
    first = captions[kind].split(". ")[0].rstrip(".")
    name = ", ".join(words(each) for each in (kind, rest, path.parent.name) if each)
    return Picture(
        kind=kind,
        data=f"data:image/png;base64,{base64.b64encode(content).decode()}",
        alt=f"{name[0].upper()}{name[1:]}: {first}.",
        width=round(width * CSS_PIXELS / DPI),
        height=round(height * CSS_PIXELS / DPI),
    )


def ledger(claims: Sequence[Claim], rows: Sequence[Mapping[str, str]]) -> dict[str, list[Judged]]:
    """The claims of each study with their rows."""
    return {
        study: [
            Judged(claim, [row for row in rows if row["claim"] == claim.id])
            for claim in claims
            if claim.study == study
        ]
        for study in STUDIES
    }


def claim_rows(judged: Judged) -> list[dict[str, str]]:
    """The rows of one claim as texts for the page.

    ``of`` is what the row is about beside dataset and net: the values of the claim's ``each``.
    """
    return [
        {
            "dataset": row["dataset"],
            "model": words(row["model"]) if row["model"] else "–",
            "of": row["metric"].removeprefix(judged.claim.measure or "").strip(" ()"),
            "figure": estimate(*(_float(row[name]) for name in ("value", "low", "high"))),
            "n": row["n"] or "–",
            "control": number(_float(row["control_value"])),
            "verdict": row["verdict"],
            "reason": row["reason"],
        }
        for row in judged.rows
    ]


def _float(text: str) -> float:
    return float(text or "nan")


def paragraphs(caption: str) -> list[str]:
    """The paragraphs of a caption; they hold plain text and no markup."""
    return [" ".join(part.split()) for part in caption.split("\n\n") if part.strip()]


def stage_sections(
    tables: Tables, figures: Sequence[Path], captions: Mapping[str, str]
) -> list[dict[str, Any]]:
    """What the template needs of each section: its figures and tables by dataset.

    A stage without a table did not run; its section stays and says so.
    """
    kinds = [kind for _, _, names in SECTIONS for kind in names]
    known = {path: picture(path, kinds, captions) for path in figures}
    datasets = list(dict.fromkeys(path.parent.name for path in figures))
    found = []
    for title, stage, names in SECTIONS:
        parts = []
        for dataset in datasets:
            shown = [
                (kind, [p for f, p in known.items() if f.parent.name == dataset and p.kind == kind])
                for kind in names
            ]
            sheets: list[Sheet] = SHEETS[stage](tables, dataset) if stage in tables else []
            groups = [(kind, pictures) for kind, pictures in shown if pictures]
            if groups or sheets:
                parts.append({"dataset": dataset, "figures": groups, "sheets": sheets})
        found.append({"title": title, "id": stage, "parts": parts})
    return found


def render(**context: Any) -> str:
    """The page; ``context`` is what ``template.html`` names."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "words": words,
        "paragraphs": paragraphs,
        "claim_rows": claim_rows,
    }
    return environment.get_template("template.html").render(
        symbols=SYMBOLS, studies=STUDIES, **context
    )
