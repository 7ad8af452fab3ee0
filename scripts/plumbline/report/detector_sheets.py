"""The tables of fitted detectors: what they add to the softmax, what they find, at what cost."""

import pandas as pd

from plumbline.report.claims.published import sheets
from plumbline.report.figures.detection import tasks
from plumbline.report.figures.detectors import BLOCK, name
from plumbline.report.sheets import Sheet, Tables, cell, count, of
from plumbline.report.wording import describe, words

CONTROL = ("softmax", "max_probability")
WORKING = ("recall_wrong", "recall_right", "detection_accuracy", "coverage", "accuracy_accepted")


def detectors(tables: Tables, dataset: str) -> list[Sheet]:
    """What is added to the softmax, AUROCs, beside what was published, the operating point,
    completeness of conductance."""
    rows = of(tables["detectors"], dataset)
    found = [_added(rows), *_found(rows), *sheets(tables, dataset, "detectors"), _at_work(rows)]
    if "stability" in tables:
        found.append(_completeness(of(tables["stability"], dataset)))
    return [sheet for sheet in found if sheet.rows]


def sentence(rows: pd.DataFrame) -> str:
    """Whether conductance and label change rate add anything to the softmax, and where.

    ``rows`` are those of one dataset.  The first detector of the table speaks, task by task: a
    difference whose interval lies above 0 adds, one whose interval lies below takes away.
    """
    own = _differences(rows)
    if own.empty:
        return "Whether conductance and label change rate add to the softmax cannot be said here."
    own = own[own["detector"] == own["detector"].iloc[0]]
    raised, lowered = own[own["low"] > 0], own[own["high"] < 0]
    parts = [
        f"{what} in {_places(some)}"
        for what, some in (("raise it", raised), ("lower it", lowered))
        if len(some)
    ]
    few = int(own["low"].isna().sum())
    rest = len(own) - len(raised) - len(lowered) - few
    if rest:
        others = "the other " if parts and not few else ""
        parts.append(f"do not move it demonstrably in {others}{_tasks(rest)}")
    if few:
        parts.append(f"cannot be judged in {_tasks(few)}, for want of images to find")
    return (
        f"The AUROC of {words(own['detector'].iloc[0])} on softmax features: conductance and "
        f"label change rate {_listed(parts)} (95 % intervals, each task for itself)."
    )


def _listed(parts: list[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def _tasks(count: int) -> str:
    return f"{count} task{'s' if count > 1 else ''}"


def _places(rows: pd.DataFrame) -> str:
    listed = [
        f"{words(model)}: {', '.join(_task(each.task, each.set) for each in own.itertuples())}"
        for model, own in rows.groupby("model", sort=False)
    ]
    return f"{_tasks(len(rows))} ({'; '.join(listed)})"


def _task(task: str, images: str) -> str:
    return "misclassified" if task == "misclassified" else describe(images)


def _differences(rows: pd.DataFrame) -> pd.DataFrame:
    """All features minus softmax features, on the tasks that figures draw."""
    own = rows[(rows["metric"] == "auroc_difference") & (rows["against"] == "softmax")]
    if own.empty:
        return own
    drawn = pd.MultiIndex.from_tuples(tasks(own), names=["task", "set", "positives"])
    return own[pd.MultiIndex.from_frame(own[list(drawn.names)]).isin(drawn)]


def _added(rows: pd.DataFrame) -> Sheet:
    own = _differences(rows)
    kinds = list(own["detector"].unique())
    lines = [
        [
            words(model),
            _task(task, images),
            *(cell(part[part["detector"] == kind], "auroc_difference") for kind in kinds),
            count(part.iloc[0]),
        ]
        for (model, task, images), part in own.groupby(["model", "task", "set"], sort=False)
    ]
    title = "What conductance and label change rate add to the softmax: AUROC of a detector on all "
    title += "features minus the same on softmax features [95 % interval]"
    if not lines:  # the sentence is the table then
        lines = [[words(model), "–", "–"] for model in rows["model"].unique()]
        return Sheet(
            title, ["net", "task", "n"], lines, 2, f"{sentence(rows)} {_few(rows)}".strip()
        )
    head = ["net", "task", *map(words, kinds), "n"]
    return Sheet(title, head, lines, 2, f"{sentence(rows)} {_few(rows)}".strip())


def _few(rows: pd.DataFrame) -> str:
    """Which nets have no detector, because they make too few errors to learn from."""
    fitted = set(rows.loc[rows["metric"] == "threshold", "model"])
    counts = rows[(rows["metric"] == "calibration_errors") & ~rows["model"].isin(fitted)]
    return " ".join(
        f"{words(each.model)} has no detector: it is wrong on {each.value:.0f} of {each.n:.0f} "
        "calibration images, too few to learn from."
        for each in counts.itertuples()
    )


def _found(rows: pd.DataFrame) -> list[Sheet]:
    """What fitted detectors find, and a folded table of those on a single block."""
    known = rows[(rows["task"] == "misclassified") & rows["features"].notna()]
    lines: dict[bool, list[list[str]]] = {False: [], True: []}
    for (model, detector, features), own in _groups(known):
        test = own[own["set"] == "test"]
        cells = [cell(own[own["set"] == "calibration"], "auroc"), cell(test, "auroc")]
        cells.append(cell(test, "auroc_gain"))
        judged = test[test["metric"] == "auroc"]
        n = count(judged.iloc[0]) if len(judged) else "–"
        line = [words(model), *_named(detector, features), *cells, n]
        lines[features.startswith(BLOCK)].append(line)
    head = ["net", "detector", "features", "AUROC on calibration, out of fold", "AUROC on test"]
    head += ["minus control", "n of test"]
    title = "Wrong answers found by fitted detectors"
    return [
        Sheet(f"{title} [95 % interval]", head, lines[False], 3),
        Sheet(f"{title}, one block alone [95 % interval]", head, lines[True], 3, folded=True),
    ]


def _groups(rows: pd.DataFrame):
    """Rows by net, detector and features, the control of each net first."""
    groups = list(rows.groupby(["model", "detector", "features"], sort=False))
    models = list(rows["model"].unique())
    return sorted(groups, key=lambda each: (models.index(each[0][0]), each[0][1:] != CONTROL))


def _named(detector: str, features: str) -> list[str]:
    if (detector, features) == CONTROL:
        return ["none (control)", words(features)]
    return [words(detector), name(features)]


def _at_work(rows: pd.DataFrame) -> Sheet:
    lines = []
    for (model, detector, features), own in _groups(
        rows[rows["metric"].isin(("threshold", *WORKING))]
    ):
        if features.startswith(BLOCK):
            continue
        threshold = own.loc[own["metric"] == "threshold", "value"].iloc[0]
        test = own[own["set"] == "test"]
        cells = [f"{threshold:.3g}", *(cell(test, metric) for metric in WORKING)]
        n = test.loc[test["metric"] == "coverage", "n"].iloc[0]
        lines.append([words(model), *_named(detector, features), *cells, f"{n:.0f}"])
    head = ["net", "detector", "features", "threshold", "wrong answers caught"]
    head += [
        "right answers accepted",
        "detector right",
        "coverage",
        "accuracy of the accepted",
        "n",
    ]
    note = (
        "At the threshold on calibration at which both recalls are equal, as study 004 chose it. "
        "Wilson intervals. Only images whose features are all known count."
    )
    title = "Detectors at work on test: answers above the threshold are not accepted"
    return Sheet(f"{title} [95 % interval]", head, lines, 3, note)


def _completeness(rows: pd.DataFrame) -> Sheet:
    own = rows[(rows["metric"] == "completeness_gap") & (rows["set"] == "test")]
    closed = rows[(rows["metric"] == "closed_form_gap") & (rows["set"] == "test")]
    lines = [
        [
            words(each.model),
            each.block,
            cell(own[(own["model"] == each.model) & (own["block"] == each.block)], each.metric),
            cell(
                closed[(closed["model"] == each.model) & (closed["block"] == each.block)],
                "closed_form_gap",
            ),
            f"{each.n:.0f}",
        ]
        for each in own.itertuples()
    ]
    head = ["net", "block", "gap to the change of the logit", "to the closed form", "n"]
    note = (
        "All of the logit's change from the black image flows through every block; what the sum "
        "over finitely many steps misses of it, in units of the mean change. After the last block "
        "of a net that ends in global average pooling the logit is linear, and conductance has a "
        "closed form."
    )
    return Sheet("Completeness of conductance on test [95 % interval]", head, lines, 2, note)
