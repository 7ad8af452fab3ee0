"""The tables of the report: what of each stage's figures stands on the page."""

from collections.abc import Callable, Sequence

import pandas as pd

from plumbline.attribution.comparison import CONTROLS
from plumbline.config.training import PLAIN
from plumbline.report import (
    attack_sheets,
    class_sheets,
    detector_sheets,
    latent_sheets,
    map_sheets,
    stability_sheets,
    uncertainty_sheets,
)
from plumbline.report.families import FAMILIES, by_family
from plumbline.report.figures.cost import COSTS, gains
from plumbline.report.figures.cost import MODES as COST_MODES
from plumbline.report.figures.degradation import STUDY_SHARE, controls
from plumbline.report.figures.detection import CONTROL_SCORE, tasks
from plumbline.report.figures.randomization import BAR, JUDGED, verdicts
from plumbline.report.pages import leaderboard
from plumbline.report.sheets import Sheet, Tables, cell, count, mean_cell, of
from plumbline.report.wording import LEFT_OUT, describe, words

DOES_NOT_APPLY = "does not apply"
NO_ROW = "no row in tables/attribution.csv"
GAIN = (
    "A gain above 0 is better than the control, image by image, whether pixels are kept or "
    "deleted. Total variation (0 even, 4 a checkerboard) and sparsity (Gini index) are of the maps."
)
BEST = 5  # scores of each detection task


def training(tables: Tables, dataset: str) -> list[Sheet]:
    """Accuracy and calibration on test, means over seeds, with the fitted temperature."""
    rows = of(tables["training"], dataset)
    test = rows[(rows["set"] == "test") & (rows["class"] == "all")]
    columns = [
        ("accuracy", test, "raw", "accuracy"),
        ("NLL", test, "raw", "nll"),
        ("NLL, temperature-scaled", test, "temperature", "nll"),
        ("ECE", test, "raw", "ece"),
        ("ECE, temperature-scaled", test, "temperature", "ece"),
        ("Brier score", test, "raw", "brier"),
    ]
    lines = []
    for model in test["model"].unique():
        own = test[test["model"] == model]
        cells = [
            mean_cell(part[(part["model"] == model) & (part["scaling"] == scaling)], metric)
            for _, part, scaling, metric in columns
        ]
        fitted = mean_cell(rows[rows["model"] == model], "temperature")
        lines.append([words(model), *cells, fitted, f"{own['n'].iloc[0]:.0f}"])
    head = ["net", *(title for title, *_ in columns), "temperature", "n"]
    return [Sheet("Test images: mean over training seeds [95 % interval]", head, lines)]


def attribution(tables: Tables, dataset: str) -> list[Sheet]:
    """At study 001's share of 20 %, first fill: accuracy, gains over the controls, map measures."""
    rows = of(tables["attribution"], dataset)
    shares = pd.to_numeric(rows["share"])
    at = rows[((shares - STUDY_SHARE).abs() < 1e-9) & (rows["ranking"] == "descending")]
    if at.empty:
        return []
    fill = at["fill"].iloc[0]
    at = at[at["fill"] == fill]
    against = [name for name in CONTROLS if name in set(at["control"])]
    head = ["method"]
    for text in ("kept", "deleted"):
        head += [f"accuracy, top {text}", *(f"gain over {name}" for name in against)]
    head += ["total variation", "sparsity", "n"]
    sheets = []
    for model, own in at.groupby("model", sort=False):
        maps = rows[rows["model"] == model]
        grey = controls(own["method"].unique())
        methods = [name for name in own["method"].unique() if name not in grey] + grey
        title = f"{words(model)}: the top 20 % of the pixels kept or deleted, fill {fill}"
        lines = [
            _ranked(own[own["method"] == name], maps[maps["method"] == name], against)
            for name in methods
        ]
        sheets.append(Sheet(f"{title} [95 % interval]", head, lines, note=GAIN))
    return sheets


def _ranked(at: pd.DataFrame, maps: pd.DataFrame, against: Sequence[str]) -> list[str]:
    """One method's line: ``at`` are its rows at the share, ``maps`` all of its rows."""
    cells = [words(at["method"].iloc[0])]
    for mode in ("keep", "delete"):
        here = at[at["mode"] == mode]
        cells.append(cell(here, "accuracy"))
        cells += [cell(here[here["control"] == name], "accuracy_gain") for name in against]
    cells += [cell(maps, name) for name in ("total_variation", "sparsity")]
    return [*cells, f"{at['n'].iloc[0]:.0f}"]


def log_odds(tables: Tables, dataset: str) -> list[Sheet]:
    """Fall of the log-odds by pair of classes, and how far a temperature alters the maps."""
    rows = of(tables["log_odds"], dataset)
    pairs = list(rows["pair"].dropna().unique())
    lines = []
    for (model, method), part in rows.groupby(["model", "method"], sort=False):
        cells = [cell(part[part["pair"] == pair], "log_odds_fall") for pair in pairs]
        change = cell(part, "temperature_map_change")
        lines.append([words(model), words(method), *cells, change])
    head = ["net", "method", *(pair.replace("->", " → ") for pair in pairs)]
    title = "Fall of the log-odds (nats) when what tells two classes apart is erased"
    note = (
        "Change by temperature: how far the normalised map changes at most when the logits are "
        "divided by 2, mean over images. Relevance in proportion to the logits cannot change."
    )
    head.append("change by temperature")
    return [Sheet(f"{title} [95 % interval]", head, lines, 2, note)]


def coverage(tables: Tables, dataset: str) -> list[Sheet]:
    """How many images each method explained of each net, or why it has no job there.

    ``tables["coverage"]`` has a row for every method and net there is, with the ``reason`` why
    it has no job, or none.  Nets and methods that the configuration leaves out are named below.
    """
    rows = of(tables["coverage"], dataset)
    reasons = rows.set_index(["method", "model"])["reason"].unstack("model", sort=False)
    reasons = reasons.fillna(LEFT_OUT)
    absent = reasons == LEFT_OUT
    nets, methods = absent.all(axis=0), absent.all(axis=1)
    left = reasons.loc[~methods, ~nets]
    if left.empty:
        return []
    tested = of(tables["attribution"], dataset) if "attribution" in tables else rows[:0]
    tested = tested.drop_duplicates(["method", "model"])
    counts = {(each.method, each.model): f"{each.n:.0f}" for each in tested.itertuples()}
    lines = [
        [
            FAMILIES[name],
            words(method),
            *(
                DOES_NOT_APPLY if why else counts.get((method, net), NO_ROW)
                for net, why in left.loc[method].items()
            ),
        ]
        for name, members in by_family(list(left.index)).items()
        for method in members
    ]
    head = ["family", "method", *(words(net) for net in left.columns)]
    title = "Test images in the degradation test, by method and net, or why there are none"
    note = [
        f"{words(method)} {DOES_NOT_APPLY} to {_names(part.index)}: {why}."
        for method, line in left.iterrows()
        for why, part in line[line != ""].groupby(line)
    ]
    note += [
        f"{what} {LEFT_OUT}: {_names(flags.index[flags])}."
        for what, flags in (("Methods", methods), ("Nets", nets))
        if flags.any()
    ]
    return [Sheet(title, head, lines, 2, " ".join(note))]


def _names(names: Sequence[str]) -> str:
    return ", ".join(words(each) for each in names)


def cost(tables: Tables, dataset: str) -> list[Sheet]:
    """What each method costs for an image, and what it gains over the random ranking."""
    rows, sheets = of(tables["cost"], dataset), []
    table = tables.get("attribution")
    gain = rows[:0].assign(mode="") if table is None else gains(of(table, dataset))
    for model, own in rows.groupby("model", sort=False):
        lines = []
        for name, members in by_family(list(own["method"].unique())).items():
            for method in members:
                priced = own[own["method"] == method]
                won = gain[(gain["model"] == model) & (gain["method"] == method)]
                costs = [cell(priced, metric) for metric in COSTS]
                gained = [cell(won[won["mode"] == mode], "area_gain") for mode in COST_MODES]
                n = f"{won['n'].iloc[0]:.0f}" if len(won) else "–"
                lines.append([FAMILIES[name], words(method), *costs, *gained, n])
        head = ["family", "method", *COSTS.values(), *(f"gain, {m}" for m in COST_MODES.values())]
        title = f"{words(model)}: cost, and mean gain in accuracy over the random ranking"
        sheets.append(Sheet(f"{title} [95 % interval]", [*head, "n of the gain"], lines, 2))
    return sheets


def randomization(tables: Tables, dataset: str) -> list[Sheet]:
    """How alike maps are once weights are re-drawn, and which methods fail."""
    rows, sheets = of(tables["randomization"], dataset), []
    head = ["family", "method", "nothing re-drawn", "output layer", "all layers"]
    head += ["all layers, signed", "two nets re-drawn", "maps without ranks", "alike down to"]
    for model, own in rows.groupby("model", sort=False):
        judged = verdicts(own)
        lines = [
            [FAMILIES[name], words(method), *_redrawn(own[own["method"] == method]), judged[method]]
            for name, members in by_family(list(judged)).items()
            for method in members
        ]
        title = f"{words(model)}: rank correlation with the map of the trained net"
        note = (
            f"Alike: correlation above {BAR:.2f}, by its interval. Of the pixels that are not 0 in "
            f"the image, their absolute relevance, except where signed; n = {own['n'].max():.0f}."
        )
        sheets.append(Sheet(f"{title} [95 % interval]", [*head, "verdict"], lines, 2, note))
    return sheets


def _redrawn(rows: pd.DataFrame) -> list[str]:
    """Cells of one method of one net."""
    full, judged = rows["stage"].max(), rows[rows["of"] == JUDGED]
    cascade = judged[judged["kind"] == "cascade"]
    last, signed = rows["stage"] == full, rows["of"] == "signed"
    cells = [cell(cascade[cascade["stage"] == at], "rank_correlation") for at in (0, 1, full)]
    cells.append(cell(rows[last & signed & (rows["kind"] == "cascade")], "rank_correlation"))
    cells.append(cell(judged[judged["kind"] == "chance"], "rank_correlation"))
    cells.append(cell(cascade[cascade["stage"] == full], "constant_share"))
    alike = cascade[(cascade["metric"] == "rank_correlation") & (cascade["low"] > BAR)]
    alike = alike[alike["stage"] > 0].sort_values("stage")
    return [*cells, alike["layer"].iloc[-1] if len(alike) else "–"]


def conservation(tables: Tables, dataset: str) -> list[Sheet]:
    """What of the logit LRP brings to the pixels, and what keeps the rest."""
    rows = of(tables["conservation"], dataset)
    rows = rows[rows["layer"] == "all"]
    columns = {
        "arrives": "logit",
        "handed_on": "reaches the pixels",
        "biases": "kept by biases",
        "stabilisers": "kept by stabilisers, or unshared",
    }
    lines = []
    for (model, method), own in rows.groupby(["model", "method"], sort=False):
        cells = [cell(own, metric) for metric in columns]
        lines.append([words(model), words(method), *cells, f"{own['n'].iloc[0]:.0f}"])
    head = ["net", "method", *columns.values(), "n"]
    return [Sheet("Balance of relevance, mean over images [95 % interval]", head, lines, 2)]


def spread(tables: Tables, dataset: str) -> list[Sheet]:
    """How steady explanations are, and evidential nets beside plain ones."""
    rows = of(tables["spread"], dataset)
    columns = {
        "signal_to_noise": "signal-to-noise",
        "chance_signal_to_noise": "by chance",
        "steady_share": "relevance with ratio > 2",
        "rank_correlation": "mean map and single pass",
        "uncertainty": "uncertainty",
        "signal_to_noise_gain": "signal-to-noise, evidential minus plain",
        "accuracy": "accuracy on test",
    }
    columns = {metric: text for metric, text in columns.items() if metric in set(rows["metric"])}
    keys = ["model", "method", "objective", "source", "samples", "spread"]
    lines = []
    for (model, method, objective, source, samples, _), own in rows.groupby(keys, sort=False):
        net = words(model) + ("" if objective in PLAIN else f", {words(objective)}")
        cells = [cell(own, metric) for metric in columns]
        n = own.loc[own["metric"] == "signal_to_noise", "n"].iloc[0]
        lines.append([net, words(method), words(source), f"{samples}", *cells, f"{n:.0f}"])
    head = ["net", "method", "source", "passes", *columns.values(), "n"]
    return [Sheet("Explanations over random passes [95 % interval]", head, lines, 4)]


def ranks(tables: Tables, dataset: str) -> list[Sheet]:
    """Mean ranks of the best scores and of the control over all tasks, and what replicates tell."""
    table = tables["leaderboard"]
    return leaderboard.sheets(table, dataset) + leaderboard.replicated(table, dataset)


def detection(tables: Tables, dataset: str) -> list[Sheet]:
    """The best scores of each task by AUROC, and the control."""
    rows = of(tables["detection"], dataset)
    sheets = []
    for model, own in rows.groupby("model", sort=False):
        known = own[(own["metric"] == "auroc") & own["value"].notna()]
        lines = [line for task in tasks(known) for line in _best(own, *task)]
        head = ["task", "score", "AUROC", "gain over control", "AUPR", "FPR at 95 % TPR", "n"]
        title = f"{words(model)}: the {BEST} best scores of each task by AUROC, and the control"
        sheets.append(Sheet(f"{title} [95 % interval]", head, lines, 2))
    return sheets + attack_sheets.adaptive(tables, dataset)


def _best(rows: pd.DataFrame, task: str, images: str, positives: str) -> list[list[str]]:
    where = (rows["task"] == task) & (rows["set"] == images) & (rows["positives"] == positives)
    part = rows[where]
    auroc = part[part["metric"] == "auroc"].set_index("score")["value"]
    order = list(auroc.sort_values(ascending=False, kind="stable").index)
    chosen = order[:BEST] + ([CONTROL_SCORE] if CONTROL_SCORE not in order[:BEST] else [])
    what = "misclassified" if task == "misclassified" else f"{words(task)}: {describe(images)}"
    lines = []
    for score in chosen:
        own = part[part["score"] == score]
        cells = [cell(own, m) for m in ("auroc", "auroc_gain", "aupr", "fpr95")]
        control = " (control)" if score == CONTROL_SCORE else ""
        name = ": ".join(words(each) for each in score.split(".")) + control
        lines.append([what, name, *cells, count(own.iloc[0])])
    return lines


SHEETS: dict[str, Callable[[Tables, str], list[Sheet]]] = {
    "training": training,
    "attacks": attack_sheets.attacks,
    "uncertainty": uncertainty_sheets.uncertainty,
    "refusal": uncertainty_sheets.refusal,
    "latent": map_sheets.latent,
    "holes": map_sheets.holes,
    "interpolation": map_sheets.interpolation,
    "extension": latent_sheets.extension,
    "attribution": attribution,
    "log_odds": log_odds,
    "coverage": coverage,
    "cost": cost,
    "conservation": conservation,
    "randomization": randomization,
    "spread": spread,
    "visualization": class_sheets.visualization,
    "generators": class_sheets.generators,
    "stability": stability_sheets.stability,
    "leaderboard": ranks,
    "detection": detection,
    "detectors": detector_sheets.detectors,
}
