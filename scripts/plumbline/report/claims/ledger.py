"""The claims of the studies with their verdicts, for the page."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plumbline.metrics.intervals import LEVEL
from plumbline.report.claims.schema import Claim
from plumbline.report.summary import estimate, number
from plumbline.report.wording import words
from plumbline.storage.tables import POSITIVE

STUDIES = {
    "000": "Uncertainty maps over latent space (MNIST, Fashion-MNIST, adversarial images)",
    "001": "LIME, KernelSHAP and LRP; a Bayesian net (MNIST, CIFAR-10)",
    "002": "Class visualisation, saliency, MC dropout (ImageNet)",
    "003": "A package of interpretability methods (MNIST)",
    "004": "Error detection by conductance and label change rate (CIFAR-10, ImageNet)",
}
SYMBOLS = {
    "holds": "✓",
    "fails": "✗",
    "differs: higher": "↑",
    "differs: lower": "↓",
    "undecided": "~",
    "elsewhere": "◇",
    "not run": "○",
}
MEANINGS = {
    "holds": "the whole interval lies on the side of the claim",
    "fails": "the whole interval lies on the other side",
    "differs: higher": "the whole interval lies above the range that counts as equal",
    "differs: lower": "the whole interval lies below this range",
    "undecided": "the interval contains the limit, or there are too few images for an interval",
    "elsewhere": "the value was published for another dataset; ours is shown but not judged",
    "not run": "this run has no such estimate",
}
UNJUDGED = ("elsewhere", "not run")


@dataclass(frozen=True)
class Judged:
    """A claim with its rows of the ledger."""

    claim: Claim
    rows: Sequence[Mapping[str, str]]

    @property
    def verdicts(self) -> dict[str, int]:
        """Number of rows with each verdict, in the order of ``SYMBOLS``."""
        counts = Counter(row["verdict"] for row in self.rows)
        return {verdict: counts[verdict] for verdict in SYMBOLS if counts[verdict]}


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


@dataclass(frozen=True)
class Tally:
    """Number of rows of a ledger with each verdict, in the order of ``SYMBOLS``."""

    verdicts: Mapping[str, int]

    @property
    def judged(self) -> int:
        """Number of rows with a verdict on the claim."""
        return sum(n for verdict, n in self.verdicts.items() if verdict not in UNJUDGED)

    @property
    def by_chance(self) -> float:
        """Expected number of rows that hold if all true values lay at the limits."""
        return self.judged * (1 - LEVEL) / 2


def tally(claims: Mapping[str, Sequence[Judged]]) -> Tally:
    """The verdicts of a :func:`ledger`, counted."""
    rows = [row for study in claims.values() for judged in study for row in judged.rows]
    counts = Counter(row["verdict"] for row in rows)
    return Tally({verdict: counts[verdict] for verdict in SYMBOLS})


def claim_rows(judged: Judged) -> list[dict[str, str]]:
    """The rows of one claim as texts for the page.

    ``n`` includes the number of positives for estimates of detection; ``of`` holds the values of
    the columns in ``each`` of the claim.
    """
    return [
        {
            "dataset": row["dataset"],
            "model": words(row["model"]) if row["model"] else "–",
            "of": row["metric"].removeprefix(judged.claim.measure or "").strip(" ()"),
            "figure": estimate(*(_float(row[name]) for name in ("value", "low", "high"))),
            "n": (f"{row[POSITIVE]} of " if row.get(POSITIVE) else "") + (row["n"] or "–"),
            "nets": row["nets"] or "–",
            "control": number(_float(row["control_value"])),
            "verdict": row["verdict"],
            "reason": row["reason"],
        }
        for row in judged.rows
    ]


def _float(text: str) -> float:
    return float(text or "nan")
