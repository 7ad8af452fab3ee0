"""Tables of the report about attacks, and about detectors that the attack knows."""

import pandas as pd

from plumbline.registry import ATTACKS
from plumbline.report.figures.attacks import minimal
from plumbline.report.figures.detection import CONTROL_SCORE
from plumbline.report.sheets import Sheet, Tables, cell, of
from plumbline.report.wording import words

PLAIN = "pgd"  # module of the attack that knows the net alone


def attacks(tables: Tables, dataset: str) -> list[Sheet]:
    """Success by attack and ε, beside noise of the same size; sizes of the smallest changes."""
    rows = of(tables["attacks"], dataset)
    rows = rows if "epsilon" in rows else rows.assign(epsilon=float("nan"))
    least = minimal(rows)
    bounded = rows.drop(least.index)
    found = [_bounded(bounded[bounded["epsilon"] > 0])] * (not bounded.empty)
    return found + [_least(least)] * (not least.empty)


def _bounded(rows: pd.DataFrame) -> Sheet:
    lines = []
    for (model, attack, epsilon), part in rows.groupby(["model", "attack", "epsilon"], sort=False):
        cells = [cell(part, m) for m in ("success_rate", "accuracy", "noise_accuracy")]
        n = part.loc[part["metric"] == "success_rate", "n"]
        lines.append([words(model), words(attack), f"{epsilon:g}", *cells, f"{n.iloc[0]:.0f}"])
    head = ["net", "attack", "ε", "success rate", "accuracy", "accuracy under noise (control)", "n"]
    title = "Attacks by size [95 % interval]; n counts images that the net gets right"
    return Sheet(title, head, lines, 3)


def _least(rows: pd.DataFrame) -> Sheet:
    lines = []
    for (model, attack), part in rows.groupby(["model", "attack"], sort=False):
        cells = [cell(part, m) for m in ("success_rate", "median_l2", "median_linf")]
        n = part.loc[part["metric"] == "success_rate", "n"]
        lines.append([words(model), words(attack), *cells, f"{n.iloc[0]:.0f}"])
    head = ["net", "attack", "success rate", "median L2 size", "median L∞ size", "n"]
    title = "Attacks that look for the smallest change [95 % interval]"
    note = (
        "L2: length of the change of all pixels in [0, 1]; L∞: largest change of a pixel. Sizes "
        "are of successful attacks; n counts images that the net gets right. HopSkipJump sees the "
        "net's answers alone."
    )
    return Sheet(title, head, lines, 2, note)


def adaptive(tables: Tables, dataset: str) -> list[Sheet]:
    """AUROC of each score on PGD, and on attacks that know a detector, of the same ε.

    Which are such is told by the module of each attack in ``tables["attacks"]``.
    """
    plain, aware = _entries(tables, dataset)
    if not aware:
        return []
    rows = of(tables["detection"], dataset)
    rows = rows[(rows["metric"] == "auroc") & (rows["positives"] == "successful")]
    named = rows["set"].str.extract(r"^(.+)_eps(.+)$")
    rows = rows.assign(attack=named[0], epsilon=named[1])[named[0].isin([*plain, *aware])]
    known = rows["score"].eq(CONTROL_SCORE) | rows["score"].str.startswith("label_change_rate.")
    lines = [
        [
            words(model),
            epsilon,
            ": ".join(words(each) for each in score.split(".")),
            *(cell(part[part["attack"] == name], "auroc") for name in (*plain, *aware)),
        ]
        for (model, epsilon, score), part in rows[known].groupby(
            ["model", "epsilon", "score"], sort=False
        )
    ]
    head = ["net", "ε", "score", *(words(name) for name in (*plain, *aware))]
    title = "Detectors under attack: AUROC of successful images, by what the attack knows"
    note = (
        "A detector that was never attacked is not yet a detector: PGD wants a wrong answer only, "
        "the others also want the mutants to agree with it, or the softmax to be sure of it. Below "
        ".5 adversarial images look more normal than normal ones."
    )
    return [Sheet(f"{title} [95 % interval]", head, lines, 3, note)]


def _entries(tables: Tables, dataset: str) -> tuple[list[str], list[str]]:
    """Attacks of a dataset: the first that is plain PGD, if there is one, and the adaptive ones."""
    if "attacks" not in tables:
        return [], []
    methods = of(tables["attacks"], dataset).drop_duplicates("attack").set_index("attack")["method"]
    plain = [name for name, method in methods.items() if method == PLAIN]
    return plain[:1], [name for name, each in methods.items() if ATTACKS.constant(each, "ADAPTIVE")]
