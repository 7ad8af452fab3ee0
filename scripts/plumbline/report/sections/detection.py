"""The section on detection: order of the scores, tasks, fitted detectors."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from plumbline.data.image_sets import ImageSetKey
from plumbline.registry import ATTACKS
from plumbline.report.claims.published import published_tables
from plumbline.report.figures.detection import CONTROL_SCORE, TASK, tasks
from plumbline.report.figures.detectors import BLOCK, name
from plumbline.report.pages.leaderboard import rank_tables, replicated
from plumbline.report.spec import Section, Topic
from plumbline.report.tables import Frames, ReportTable, cell, count, of_dataset
from plumbline.report.wording import describe, words

SECTION = Section(
    "Detection",
    (
        Topic(
            "Order of the scores",
            tables=("leaderboard",),
            see="Which score is best over all tasks, and is it better than the control, which has "
            "no extra cost?",
        ),
        Topic(
            "Tasks",
            tables=("detection",),
            see="Which score detects misclassified, out-of-distribution and adversarial images "
            "best, for each net?",
        ),
        Topic(
            "Fitted detectors",
            tables=("detectors",),
            see="Do conductance and label change rate detect errors that the softmax does not?",
        ),
    ),
)

CONTROL = ("softmax", "max_probability")
BEST = 5  # scores of each detection task
PLAIN = "pgd"  # module of the attack on the net only
WORKING = ("recall_wrong", "recall_right", "detection_accuracy", "coverage", "accuracy_accepted")


def detectors(frames: Frames, dataset: str) -> list[ReportTable]:
    """Gains over the softmax, AUROCs and published values, operating points, completeness of
    conductance."""
    rows = of_dataset(frames["detectors"], dataset)
    found = [
        _added(rows),
        *_found(rows),
        *published_tables(frames, dataset, "detectors"),
        _at_work(rows),
    ]
    if "stability" in frames:
        found.append(_completeness(of_dataset(frames["stability"], dataset)))
    return [table for table in found if table.rows]


def sentence(rows: pd.DataFrame) -> str:
    """A sentence on whether, and where, conductance and label change rate improve on the softmax.

    ``rows`` are those of one dataset.  It refers to the first detector of the table: in a task the
    AUROC is increased if the interval of the difference is above 0, decreased if it is below 0.
    """
    own = _differences(rows)
    if own.empty:
        return "Whether conductance and label change rate improve on the softmax is unknown here."
    own = own[own["detector"] == own["detector"].iloc[0]]
    raised, lowered = own[own["low"] > 0], own[own["high"] < 0]
    parts = [
        f"{what} in {_places(some)}"
        for what, some in (("increase it", raised), ("decrease it", lowered))
        if len(some)
    ]
    few = int(own["low"].isna().sum())
    rest = len(own) - len(raised) - len(lowered) - few
    if rest:
        others = "the other " if parts and not few else ""
        parts.append(f"do not change it significantly in {others}{_tasks(rest)}")
    if few:
        parts.append(f"cannot be judged in {_tasks(few)} with too few positives")
    return (
        f"The AUROC of {words(own['detector'].iloc[0])} on softmax features: conductance and "
        f"label change rate {_listed(parts)} (95 % intervals, for each task separately)."
    )


def _listed(parts: list[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def _tasks(count: int) -> str:
    return f"{count} task{'s' if count > 1 else ''}"


def _places(rows: pd.DataFrame) -> str:
    listed = [
        f"{words(model)}: {', '.join(_task(each) for each in own.to_dict('records'))}"
        for model, own in rows.groupby("model", sort=False)
    ]
    return f"{_tasks(len(rows))} ({'; '.join(listed)})"


def _task(row: Mapping[str, Any]) -> str:
    return "misclassified" if row["task"] == "misclassified" else describe(ImageSetKey.of(row))


def _differences(rows: pd.DataFrame) -> pd.DataFrame:
    """All features minus softmax features, on the tasks that figures draw."""
    own = rows[(rows["metric"] == "auroc_difference") & (rows["against"] == "softmax")]
    if own.empty:
        return own
    drawn = pd.MultiIndex.from_tuples(tasks(own), names=TASK)
    return own[pd.MultiIndex.from_frame(own[TASK]).isin(drawn)]


def _added(rows: pd.DataFrame) -> ReportTable:
    own = _differences(rows)
    kinds = list(own["detector"].unique())
    lines = [
        [
            words(model),
            _task(part.iloc[0].to_dict()),
            *(cell(part[part["detector"] == kind], "auroc_difference") for kind in kinds),
            count(part.iloc[0]),
        ]
        for (model, *_), part in own.groupby(["model", "task", "set"], sort=False)
    ]
    title = "Gain by conductance and label change rate over the softmax: AUROC of a detector on "
    title += "all features minus that on softmax features [95 % interval]"
    if not lines:  # the sentence is the table then
        lines = [[words(model), "–", "–"] for model in rows["model"].unique()]
        return ReportTable(
            title, ["net", "task", "n"], lines, 2, f"{sentence(rows)} {_few(rows)}".strip()
        )
    head = ["net", "task", *map(words, kinds), "n"]
    return ReportTable(title, head, lines, 2, f"{sentence(rows)} {_few(rows)}".strip())


def _few(rows: pd.DataFrame) -> str:
    """Which nets have no detector, because they have too few errors on calibration."""
    fitted = set(rows.loc[rows["metric"] == "threshold", "model"])
    counts = rows[(rows["metric"] == "calibration_errors") & ~rows["model"].isin(fitted)]
    return " ".join(
        f"{words(each.model)} has no detector: it misclassifies {each.value:.0f} of {each.n:.0f} "
        "calibration images, too few to fit one."
        for each in counts.itertuples()
    )


def _found(rows: pd.DataFrame) -> list[ReportTable]:
    """AUROC of fitted detectors, and a folded table of those on a single block."""
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
    title = "Detection of misclassified images by fitted detectors"
    return [
        ReportTable(f"{title} [95 % interval]", head, lines[False], 3),
        ReportTable(f"{title}, one block alone [95 % interval]", head, lines[True], 3, folded=True),
    ]


def _groups(rows: pd.DataFrame) -> list[tuple[Any, pd.DataFrame]]:
    """Rows by net, detector and features, the control of each net first."""
    groups = list(rows.groupby(["model", "detector", "features"], sort=False))
    models = list(rows["model"].unique())
    return sorted(groups, key=lambda each: (models.index(each[0][0]), each[0][1:] != CONTROL))


def _named(detector: str, features: str) -> list[str]:
    if (detector, features) == CONTROL:
        return ["none (control)", words(features)]
    return [words(detector), name(features)]


def _at_work(rows: pd.DataFrame) -> ReportTable:
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
    head = ["net", "detector", "features", "threshold", "wrong predictions rejected"]
    head += [
        "correct predictions accepted",
        "accuracy of the detector",
        "coverage",
        "accuracy of accepted",
        "n",
    ]
    note = (
        "At the threshold for which both recalls are equal on calibration, as in study 004. Wilson "
        "intervals. Only images with all features count."
    )
    title = "Selective prediction on test: predictions above the threshold are rejected"
    return ReportTable(f"{title} [95 % interval]", head, lines, 3, note)


def _completeness(rows: pd.DataFrame) -> ReportTable:
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
        "The conductance of every block sums to the change of the logit from the black image; the "
        "gap is the deviation due to the finite number of steps, in units of the mean change. In a "
        "net that ends in global average pooling the logit is linear after the last block, and "
        "conductance has a closed form."
    )
    return ReportTable("Completeness of conductance on test [95 % interval]", head, lines, 2, note)


def leaderboard(frames: Frames, dataset: str) -> list[ReportTable]:
    """Mean ranks of the best scores and the control over all tasks, and means over replicates."""
    table = frames["leaderboard"]
    return rank_tables(table, dataset) + replicated(table, dataset)


def detection(frames: Frames, dataset: str) -> list[ReportTable]:
    """The best scores of each task by AUROC, and the control."""
    rows = of_dataset(frames["detection"], dataset)
    tables = []
    for model, own in rows.groupby("model", sort=False):
        known = own[(own["metric"] == "auroc") & own["value"].notna()]
        lines = [line for task in tasks(known) for line in _best(own, *task)]
        head = ["task", "score", "AUROC", "gain over control", "AUPR", "FPR at 95 % TPR", "n"]
        title = f"{words(model)}: the {BEST} best scores of each task by AUROC, and the control"
        tables.append(ReportTable(f"{title} [95 % interval]", head, lines, 2))
    return tables + adaptive(frames, dataset)


def _best(rows: pd.DataFrame, task: str, images: str, positives: str) -> list[list[str]]:
    where = (rows["task"] == task) & (rows["set"] == images) & (rows["positives"] == positives)
    part = rows[where]
    key = ImageSetKey.of(part.iloc[0].to_dict())
    auroc = part[part["metric"] == "auroc"].set_index("score")["value"]
    order = list(auroc.sort_values(ascending=False, kind="stable").index)
    chosen = order[:BEST] + ([CONTROL_SCORE] if CONTROL_SCORE not in order[:BEST] else [])
    what = "misclassified" if task == "misclassified" else f"{words(task)}: {describe(key)}"
    lines = []
    for score in chosen:
        own = part[part["score"] == score]
        cells = [cell(own, m) for m in ("auroc", "auroc_gain", "aupr", "fpr95")]
        control = " (control)" if score == CONTROL_SCORE else ""
        name = ": ".join(words(each) for each in score.split(".")) + control
        lines.append([what, name, *cells, count(own.iloc[0])])
    return lines


def adaptive(frames: Frames, dataset: str) -> list[ReportTable]:
    """AUROC of each score on PGD, and on attacks adapted to a detector, at the same ε.

    The module of each attack in ``frames["attacks"]`` declares whether it is adapted.
    """
    plain, aware = _entries(frames, dataset)
    if not aware:
        return []
    rows = of_dataset(frames["detection"], dataset)
    rows = rows[(rows["metric"] == "auroc") & (rows["positives"] == "successful")]
    rows = rows[rows["attack"].isin([*plain, *aware]) & rows["epsilon"].notna()]
    known = rows["score"].eq(CONTROL_SCORE) | rows["score"].str.startswith("label_change_rate.")
    lines = [
        [
            words(model),
            f"{epsilon:g}",
            ": ".join(words(each) for each in score.split(".")),
            *(cell(part[part["attack"] == name], "auroc") for name in (*plain, *aware)),
        ]
        for (model, epsilon, score), part in rows[known].groupby(
            ["model", "epsilon", "score"], sort=False
        )
    ]
    head = ["net", "ε", "score", *(words(name) for name in (*plain, *aware))]
    title = "Adaptive attacks: AUROC for successful images, by attack"
    note = (
        "Detectors must also be tested with attacks adapted to them. PGD only makes the prediction "
        "wrong; the others also make the mutants agree with it, or the softmax confident. Below "
        ".5, adversarial images appear more normal than normal ones."
    )
    return [ReportTable(f"{title} [95 % interval]", head, lines, 3, note)]


def _entries(frames: Frames, dataset: str) -> tuple[list[str], list[str]]:
    """Attacks of a dataset: the first entry of plain PGD, if any, and the adaptive attacks."""
    if "attacks" not in frames:
        return [], []
    methods = (
        of_dataset(frames["attacks"], dataset)
        .drop_duplicates("attack")
        .set_index("attack")["method"]
    )
    plain = [name for name, method in methods.items() if method == PLAIN]
    return plain[:1], [name for name, each in methods.items() if ATTACKS.constant(each, "ADAPTIVE")]
