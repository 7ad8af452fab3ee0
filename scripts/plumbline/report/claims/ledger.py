"""The claims of the studies with their verdicts, as the page shows them."""

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
    "holds": "the whole interval lies where the claim wants it",
    "fails": "none of it does",
    "differs: higher": "the whole interval lies above what counts as equal to the claim",
    "differs: lower": "the whole interval lies below it",
    "undecided": "the interval reaches over the bar, or there are too few images for one",
    "elsewhere": "the number was published for another dataset; ours is shown, not judged",
    "not run": "this run has no such figure",
}
UNJUDGED = ("elsewhere", "not run")


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
    """All rows of a ledger: how often each verdict was given, in the order of ``SYMBOLS``."""

    verdicts: Mapping[str, int]

    @property
    def judged(self) -> int:
        """Rows with a verdict on the claim."""
        return sum(n for verdict, n in self.verdicts.items() if verdict not in UNJUDGED)

    @property
    def by_chance(self) -> float:
        """How many rows would be expected to hold if the truth of all judged lay at their bar."""
        return self.judged * (1 - LEVEL) / 2


def tally(claims: Mapping[str, Sequence[Judged]]) -> Tally:
    """The verdicts of a :func:`ledger`, counted."""
    rows = [row for study in claims.values() for judged in study for row in judged.rows]
    counts = Counter(row["verdict"] for row in rows)
    return Tally({verdict: counts[verdict] for verdict in SYMBOLS})


def claim_rows(judged: Judged) -> list[dict[str, str]]:
    """The rows of one claim as texts for the page.

    ``n`` also says how many of them are positive, where positives are told from negatives.

    ``of`` is what the row is about beside dataset and net: the values of the claim's ``each``.
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
