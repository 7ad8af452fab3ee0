"""The report: one HTML page that needs nothing beside it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plumbline.report.claims import Claim
from plumbline.report.sections import SHEETS, Sheet, Tables
from plumbline.report.style import DPI, inline
from plumbline.report.summary import estimate, number
from plumbline.report.templates import template
from plumbline.report.wording import phrase, words

STUDIES = {
    "000": "Uncertainty maps over latent space (MNIST, Fashion-MNIST, adversarial images)",
    "001": "LIME, KernelSHAP and LRP; a Bayesian net (MNIST, CIFAR-10)",
    "002": "Class visualisation, saliency, MC dropout (ImageNet)",
    "003": "A package of interpretability methods (MNIST)",
    "004": "Error detection by conductance and label change rate (CIFAR-10, ImageNet)",
}


@dataclass(frozen=True)
class Topic:
    """A part of a section: figures by kind, then the sheets of tables, in this order.

    ``see`` says what to look for; it is written where a section has several topics.
    """

    title: str
    figures: tuple[str, ...]
    tables: tuple[str, ...]
    see: str = ""


@dataclass(frozen=True)
class Section:
    """A section of the page; ``id`` names it in links."""

    title: str
    id: str
    topics: tuple[Topic, ...]


def _single(title: str, stage: str, *figures: str) -> Section:
    """A section of one topic, named like the table of its stage."""
    return Section(title, stage, (Topic(title, figures or (stage,), (stage,)),))


UNCERTAINTY = (
    Topic(
        "Estimators",
        ("calibration", "uncertainty"),
        ("uncertainty",),
        "Is an estimator as often right as it says, and is it less sure of what it gets wrong or "
        "should not know? Each must beat the softmax of a single net.",
    ),
    Topic(
        "Errors and coverage",
        ("risk_coverage",),
        (),
        "If only the most certain images are answered, how many errors are left?",
    ),
    Topic(
        "Refusal",
        ("refusal",),
        ("refusal",),
        "Study 001 lets a Bayesian net refuse: what does that cost in answers, and gain?",
    ),
    Topic(
        "Shifts",
        ("shifts", "rotation"),
        (),
        "Does uncertainty grow where accuracy falls, as images are turned, made noisy or attacked?",
    ),
    Topic(
        "More passes, more nets",
        ("sweep",),
        (),
        "How many passes of MC dropout, and how many nets, are worth their time?",
    ),
)
ATTRIBUTION = (
    Topic(
        "Coverage",
        (),
        ("coverage",),
        "Which methods explained which nets on how many images, and why the others did not.",
    ),
    Topic(
        "Gallery",
        ("gallery",),
        (),
        "The maps themselves, a picture for each family of methods: enlarge one, then go through "
        "its neighbours and compare a row with the same row of the controls.",
    ),
    Topic(
        "Degradation",
        ("degradation",),
        ("attribution",),
        "Does the net's accuracy follow the ranking? A method must do better than both the random "
        "ranking and the pixels' own brightness.",
    ),
    Topic(
        "Log-odds",
        ("log_odds",),
        ("log_odds",),
        "Does erasing what speaks for one class and against another turn the net's answer?",
    ),
    Topic(
        "Conservation",
        (),
        ("conservation",),
        "LRP hands the logit down to the pixels: what arrives there, and what is lost on the way "
        "to biases and stabilisers?",
    ),
    Topic(
        "Randomization",
        ("randomization",),
        ("randomization",),
        "Does a map change when the weights do? One that stays similar explains the image, not "
        "the net.",
    ),
    Topic(
        "Spread",
        ("spread",),
        ("spread",),
        "How much of a map is left when dropout or noise varies: trust relevance that is large "
        "beside its standard deviation.",
    ),
    Topic(
        "Cost",
        ("cost",),
        ("cost",),
        "What a better ranking costs: the best methods stand high and to the left.",
    ),
)
LATENT = (
    Topic(
        "Maps",
        ("latent",),
        ("latent",),
        "Is the net uncertain where there are no data? The same maps follow with cells that are "
        "equally likely in the prior, where most of the plane is near the data.",
    ),
    Topic(
        "Chosen points",
        ("latent_points",),
        (),
        "What a place of a map stands for: the decoded image and what every net says of it.",
    ),
    Topic(
        "Distance to the data",
        ("latent_distance",),
        (),
        "Does uncertainty grow with the distance to the training images, and from what level?",
    ),
    Topic(
        "Holes",
        ("holes",),
        ("holes",),
        "Where the net is surer off the data than on them: what class it sees there, and whether "
        "the data have such images already.",
    ),
    Topic(
        "Interpolation",
        ("interpolation",),
        ("interpolation",),
        "Mixing pixels leaves the images that the decoder can make, mixing codes does not: is the "
        "net more uncertain about the first?",
    ),
    Topic(
        "Training on holes",
        ("extension",),
        ("extension",),
        "Do images decoded from holes make a better net, better than images from anywhere off "
        "the data?",
    ),
)
VISUALIZATION = (
    Topic(
        "Images of classes",
        ("visualization",),
        ("visualization",),
        "Is an image that the net is sure of a prototype, which a second net recognises, too, or "
        "an adversarial pattern?",
    ),
    Topic(
        "Generators",
        ("gan",),
        ("generators",),
        "Can a generator make all classes, and does it make more than copies?",
    ),
)
STABILITY = (
    Topic(
        "Label change rate",
        ("stability", "stability_rates"),
        ("stability",),
        "Do small changes of the weights flip the label of an attacked or a wrong image more often "
        "than that of a right one?",
    ),
    Topic(
        "Number of mutants",
        ("stability_mutants",),
        (),
        "How many mutants is the rate worth? Where the curve is flat, fewer would do.",
    ),
    Topic(
        "Sequential test",
        ("stability_sequential",),
        (),
        "After how many mutants is it clear whether a label flips too easily, and is the verdict "
        "right?",
    ),
)
DETECTION = (
    Topic(
        "Order of the scores",
        ("ranks",),
        ("leaderboard",),
        "Which score is best over all tasks, and is it better than the control, which is free?",
    ),
    Topic(
        "Tasks",
        ("detection",),
        ("detection",),
        "Which score tells wrong, foreign and attacked images best, net by net?",
    ),
    Topic(
        "Fitted detectors",
        ("detectors",),
        ("detectors",),
        "Do conductance and label change rate tell of errors what the softmax does not?",
    ),
)
SECTIONS = (
    _single("Accuracy and calibration", "training", "accuracy", "reliability", "training_curves"),
    _single("Attacks", "attacks"),
    Section("Uncertainty", "uncertainty", UNCERTAINTY),
    Section("Maps of latent space", "latent", LATENT),
    Section("Attributions", "attribution", ATTRIBUTION),
    Section("Visualization of classes", "visualization", VISUALIZATION),
    Section("Stability", "stability", STABILITY),
    Section("Detection", "detection", DETECTION),
)
KINDS = tuple(kind for section in SECTIONS for topic in section.topics for kind in topic.figures)
THUMBNAILS = ("gallery",)
SYMBOLS = {"holds": "✓", "fails": "✗", "undecided": "~", "not run": "○"}
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
    """The topics of a section that a dataset has figures or sheets for.

    ``headed`` ones stand under a title of their own, because the section can have several.
    """
    found = []
    for topic in section.topics:
        groups = [(kind, [p for p in pictures if p.kind == kind]) for kind in topic.figures]
        groups = [(kind, shown) for kind, shown in groups if shown]
        names = [name for name in topic.tables if name in tables and name in SHEETS]
        sheets: list[Sheet] = [each for name in names for each in SHEETS[name](tables, dataset)]
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
    """The page; ``context`` is what ``template.html`` names."""
    page = template("template.html", words=words, paragraphs=paragraphs, claim_rows=claim_rows)
    return page.render(symbols=SYMBOLS, studies=STUDIES, thumbnails=THUMBNAILS, **context)
