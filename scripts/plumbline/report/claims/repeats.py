"""Number of nets, VAEs and samples of mutants of an estimate, which its interval does not vary."""

from collections.abc import Sequence

from plumbline.registry import ESTIMATORS
from plumbline.report.claims.schema import Selector

VAES = ("latent", "holes")  # tables with a row per seed of the VAE, not of the net
MUTATED = ("lcr", "both", "all")  # features of detectors that include label change rates


def repeats(selector: Selector, others: Sequence[str], n: int, seeds: int) -> str:
    """In words, such as `one net, one draw of mutants` or `3 VAEs, one net`.

    ``others`` holds the values of the columns in ``each`` of the claim, ``n`` is the count of the
    estimate and ``seeds`` the number of seeds that it averages.
    """
    if selector.where.get("over") == "seeds":
        return f"{_count(n, 'net')} each"
    names = {str(value).split(".")[0] for value in (*selector.where.values(), *others)}
    if selector.mean_over_seeds and selector.table not in VAES:
        return _count(seeds, "net")
    several = any(ESTIMATORS.family(name) == "ensemble" for name in names)
    parts = ["one ensemble" if several else "one net"]
    if selector.table in VAES:
        parts.insert(0, _count(seeds, "VAE"))
    mutated = selector.table == "stability" or selector.where.get("features") in MUTATED
    if mutated or "label_change_rate" in names:
        parts.append("one draw of mutants")
    return ", ".join(parts)


def _count(number: int, what: str) -> str:
    return f"one {what}" if number == 1 else f"{number} {what}s"
