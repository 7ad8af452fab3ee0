"""The claims of the studies with their verdicts, as the page shows them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plumbline.report.claims import Claim
from plumbline.report.summary import estimate, number
from plumbline.report.wording import words

STUDIES = {
    "000": "Uncertainty maps over latent space (MNIST, Fashion-MNIST, adversarial images)",
    "001": "LIME, KernelSHAP and LRP; a Bayesian net (MNIST, CIFAR-10)",
    "002": "Class visualisation, saliency, MC dropout (ImageNet)",
    "003": "A package of interpretability methods (MNIST)",
    "004": "Error detection by conductance and label change rate (CIFAR-10, ImageNet)",
}
SYMBOLS = {"holds": "✓", "fails": "✗", "undecided": "~", "not run": "○"}


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
