"""The section on attribution: coverage, degradation, log-odds, randomization, spread, cost."""

from collections.abc import Sequence

import pandas as pd

from plumbline.attribution.comparison import CONTROLS
from plumbline.config.attribution import NOT_CHOSEN
from plumbline.config.training import PLAIN
from plumbline.report.families import FAMILIES, by_family
from plumbline.report.figures.cost import COSTS, gains
from plumbline.report.figures.cost import MODES as COST_MODES
from plumbline.report.figures.degradation import STUDY_SHARE, controls
from plumbline.report.figures.randomization import BAR, JUDGED, verdicts
from plumbline.report.spec import Section, Topic
from plumbline.report.tables import Frames, ReportTable, cell, of_dataset
from plumbline.report.wording import words

SECTION = Section(
    "Attributions",
    (
        Topic(
            "Coverage",
            tables=("coverage",),
            see="Which methods explained which nets on how many images, and why others did not.",
        ),
        Topic(
            "Gallery",
            see="The maps, one figure for each family of methods. Compare each row with the same "
            "row of the controls.",
        ),
        Topic(
            "Degradation",
            tables=("attribution",),
            see="Does the net's accuracy depend on the pixels ranked highest? A method must do "
            "better than both a random ranking and the brightness of the pixels.",
        ),
        Topic(
            "Log-odds",
            tables=("log_odds",),
            see="Does erasing the pixels that distinguish one class from another change the "
            "prediction?",
        ),
        Topic(
            "Conservation",
            tables=("conservation",),
            see="LRP distributes the logit over the pixels: how much arrives there, and how much "
            "is absorbed by biases and stabilisers?",
        ),
        Topic(
            "Randomization",
            tables=("randomization",),
            see="Does a map change with the weights? A map that does not change explains the "
            "image, not the net.",
        ),
        Topic(
            "Spread",
            tables=("spread",),
            see="How much does a map vary with dropout masks or noise? Relevance is reliable where "
            "it is large compared with its standard deviation.",
        ),
        Topic(
            "Cost",
            tables=("cost",),
            see="The cost of a better ranking: the best methods are at the top left.",
        ),
    ),
)

DOES_NOT_APPLY = "does not apply"
NO_ROW = "no row in tables/attribution.csv"
GAIN = (
    "A gain above 0 means better than the control on the same images, whether pixels are kept or "
    "deleted. Total variation (0 for a uniform map, 4 for a checkerboard) and sparsity (Gini "
    "index) describe the maps."
)


def attribution(frames: Frames, dataset: str) -> list[ReportTable]:
    """At study 001's share of 20 %, first fill: accuracy, gains over the controls, map measures."""
    rows = of_dataset(frames["attribution"], dataset)
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
    tables = []
    for model, own in at.groupby("model", sort=False):
        maps = rows[rows["model"] == model]
        grey = controls(own["method"].unique())
        methods = [name for name in own["method"].unique() if name not in grey] + grey
        title = f"{words(model)}: the top 20 % of the pixels kept or deleted, fill {fill}"
        lines = [
            _ranked(own[own["method"] == name], maps[maps["method"] == name], against)
            for name in methods
        ]
        tables.append(ReportTable(f"{title} [95 % interval]", head, lines, note=GAIN))
    return tables


def _ranked(at: pd.DataFrame, maps: pd.DataFrame, against: Sequence[str]) -> list[str]:
    """One method's line: ``at`` are its rows at the share, ``maps`` all of its rows."""
    cells = [words(at["method"].iloc[0])]
    for mode in ("keep", "delete"):
        here = at[at["mode"] == mode]
        cells.append(cell(here, "accuracy"))
        cells += [cell(here[here["control"] == name], "accuracy_gain") for name in against]
    cells += [cell(maps, name) for name in ("total_variation", "sparsity")]
    return [*cells, f"{at['n'].iloc[0]:.0f}"]


def log_odds(frames: Frames, dataset: str) -> list[ReportTable]:
    """Fall of the log-odds by pair of classes, and change of the maps by a temperature."""
    rows = of_dataset(frames["log_odds"], dataset)
    pairs = list(rows["pair"].dropna().unique())
    lines = []
    for (model, method), part in rows.groupby(["model", "method"], sort=False):
        cells = [cell(part[part["pair"] == pair], "log_odds_fall") for pair in pairs]
        change = cell(part, "temperature_map_change")
        lines.append([words(model), words(method), *cells, change])
    head = ["net", "method", *(pair.replace("->", " → ") for pair in pairs)]
    title = "Fall of the log-odds (nats) when pixels that distinguish two classes are erased"
    note = (
        "Change by temperature: largest change of the normalised map when the logits are divided "
        "by 2, mean over images. It is 0 for relevance proportional to the logits."
    )
    head.append("change by temperature")
    return [ReportTable(f"{title} [95 % interval]", head, lines, 2, note)]


def coverage(frames: Frames, dataset: str) -> list[ReportTable]:
    """Number of images that each method explained for each net, or why it has no job.

    ``frames["coverage"]`` has a row for every method and net, with the ``reason`` why it has no
    job, if any.  Nets and methods that are not in the configuration are listed in the note.
    """
    rows = of_dataset(frames["coverage"], dataset)
    reasons = rows.set_index(["method", "model"])["reason"].unstack("model", sort=False)
    reasons = reasons.fillna(NOT_CHOSEN)
    absent = reasons == NOT_CHOSEN
    nets, methods = absent.all(axis=0), absent.all(axis=1)
    left = reasons.loc[~methods, ~nets]
    if left.empty:
        return []
    tested = of_dataset(frames["attribution"], dataset) if "attribution" in frames else rows[:0]
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
    title = "Number of test images in the degradation test, by method and net"
    note = [
        f"{words(method)} {DOES_NOT_APPLY} to {_names(part.index)}: {why}."
        for method, line in left.iterrows()
        for why, part in line[line != ""].groupby(line)
    ]
    note += [
        f"{what} {NOT_CHOSEN}: {_names(flags.index[flags])}."
        for what, flags in (("Methods", methods), ("Nets", nets))
        if flags.any()
    ]
    return [ReportTable(title, head, lines, 2, " ".join(note))]


def _names(names: Sequence[str]) -> str:
    return ", ".join(words(each) for each in names)


def cost(frames: Frames, dataset: str) -> list[ReportTable]:
    """Cost of each method per image, and its gain over the random ranking."""
    rows, tables = of_dataset(frames["cost"], dataset), []
    table = frames.get("attribution")
    gain = rows[:0].assign(mode="") if table is None else gains(of_dataset(table, dataset))
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
        tables.append(ReportTable(f"{title} [95 % interval]", [*head, "n of the gain"], lines, 2))
    return tables


def randomization(frames: Frames, dataset: str) -> list[ReportTable]:
    """Similarity of maps after weights are re-drawn, and which methods fail."""
    rows, tables = of_dataset(frames["randomization"], dataset), []
    head = ["family", "method", "nothing re-drawn", "output layer", "all layers"]
    head += ["all layers, signed", "two re-drawn nets", "constant maps", "similar down to"]
    for model, own in rows.groupby("model", sort=False):
        judged = verdicts(own)
        lines = [
            [FAMILIES[name], words(method), *_redrawn(own[own["method"] == method]), judged[method]]
            for name, members in by_family(list(judged)).items()
            for method in members
        ]
        title = f"{words(model)}: rank correlation with the map of the trained net"
        note = (
            f"Similar: the interval of the correlation is above {BAR:.2f}. Ranked is the absolute "
            "relevance of the pixels that are not 0 in the image, unless signed; "
            f"n = {own['n'].max():.0f}."
        )
        tables.append(ReportTable(f"{title} [95 % interval]", [*head, "verdict"], lines, 2, note))
    return tables


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


def conservation(frames: Frames, dataset: str) -> list[ReportTable]:
    """The part of the logit that LRP passes to the pixels, and what absorbs the rest."""
    rows = of_dataset(frames["conservation"], dataset)
    rows = rows[rows["layer"] == "all"]
    columns = {
        "arrives": "logit",
        "handed_on": "reaches the pixels",
        "biases": "absorbed by biases",
        "stabilisers": "absorbed by stabilisers or zero denominators",
    }
    lines = []
    for (model, method), own in rows.groupby(["model", "method"], sort=False):
        cells = [cell(own, metric) for metric in columns]
        lines.append([words(model), words(method), *cells, f"{own['n'].iloc[0]:.0f}"])
    head = ["net", "method", *columns.values(), "n"]
    return [ReportTable("Balance of relevance, mean over images [95 % interval]", head, lines, 2)]


def spread(frames: Frames, dataset: str) -> list[ReportTable]:
    """Steadiness of explanations, and of evidential compared with ordinary nets."""
    rows = of_dataset(frames["spread"], dataset)
    columns = {
        "signal_to_noise": "signal-to-noise",
        "chance_signal_to_noise": "by chance",
        "steady_share": "relevance with ratio > 2",
        "rank_correlation": "rank correlation of mean map and single pass",
        "uncertainty": "uncertainty",
        "signal_to_noise_gain": "signal-to-noise, evidential minus cross-entropy",
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
    return [ReportTable("Explanations over random passes [95 % interval]", head, lines, 4)]
