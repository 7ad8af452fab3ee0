"""The section about attribution: coverage, degradation, log-odds, randomization, spread, cost."""

from collections.abc import Sequence

import pandas as pd

from plumbline.attribution.comparison import CONTROLS
from plumbline.config.training import PLAIN
from plumbline.report.families import FAMILIES, by_family
from plumbline.report.figures.cost import COSTS, gains
from plumbline.report.figures.cost import MODES as COST_MODES
from plumbline.report.figures.degradation import STUDY_SHARE, controls
from plumbline.report.figures.randomization import BAR, JUDGED, verdicts
from plumbline.report.spec import Section, Topic
from plumbline.report.tables import Frames, ReportTable, cell, of_dataset
from plumbline.report.wording import LEFT_OUT, words

SECTION = Section(
    "Attributions",
    (
        Topic(
            "Coverage",
            tables=("coverage",),
            see="Which methods explained which nets on how many images, and why the others did "
            "not.",
        ),
        Topic(
            "Gallery",
            see="The maps themselves, a picture for each family of methods: enlarge one, then go "
            "through its neighbours and compare a row with the same row of the controls.",
        ),
        Topic(
            "Degradation",
            tables=("attribution",),
            see="Does the net's accuracy follow the ranking? A method must do better than both the "
            "random ranking and the pixels' own brightness.",
        ),
        Topic(
            "Log-odds",
            tables=("log_odds",),
            see="Does erasing what speaks for one class and against another turn the net's answer?",
        ),
        Topic(
            "Conservation",
            tables=("conservation",),
            see="LRP hands the logit down to the pixels: what arrives there, and what is lost on "
            "the way to biases and stabilisers?",
        ),
        Topic(
            "Randomization",
            tables=("randomization",),
            see="Does a map change when the weights do? One that stays similar explains the image, "
            "not the net.",
        ),
        Topic(
            "Spread",
            tables=("spread",),
            see="How much of a map is left when dropout or noise varies: trust relevance that is "
            "large beside its standard deviation.",
        ),
        Topic(
            "Cost",
            tables=("cost",),
            see="What a better ranking costs: the best methods stand high and to the left.",
        ),
    ),
)

DOES_NOT_APPLY = "does not apply"
NO_ROW = "no row in tables/attribution.csv"
GAIN = (
    "A gain above 0 is better than the control, image by image, whether pixels are kept or "
    "deleted. Total variation (0 even, 4 a checkerboard) and sparsity (Gini index) are of the maps."
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
    """Fall of the log-odds by pair of classes, and how far a temperature alters the maps."""
    rows = of_dataset(frames["log_odds"], dataset)
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
    return [ReportTable(f"{title} [95 % interval]", head, lines, 2, note)]


def coverage(frames: Frames, dataset: str) -> list[ReportTable]:
    """How many images each method explained of each net, or why it has no job there.

    ``frames["coverage"]`` has a row for every method and net there is, with the ``reason`` why
    it has no job, or none.  Nets and methods that the configuration leaves out are named below.
    """
    rows = of_dataset(frames["coverage"], dataset)
    reasons = rows.set_index(["method", "model"])["reason"].unstack("model", sort=False)
    reasons = reasons.fillna(LEFT_OUT)
    absent = reasons == LEFT_OUT
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
    return [ReportTable(title, head, lines, 2, " ".join(note))]


def _names(names: Sequence[str]) -> str:
    return ", ".join(words(each) for each in names)


def cost(frames: Frames, dataset: str) -> list[ReportTable]:
    """What each method costs for an image, and what it gains over the random ranking."""
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
    """How alike maps are once weights are re-drawn, and which methods fail."""
    rows, tables = of_dataset(frames["randomization"], dataset), []
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
    """What of the logit LRP brings to the pixels, and what keeps the rest."""
    rows = of_dataset(frames["conservation"], dataset)
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
    return [ReportTable("Balance of relevance, mean over images [95 % interval]", head, lines, 2)]


def spread(frames: Frames, dataset: str) -> list[ReportTable]:
    """How steady explanations are, and evidential nets beside plain ones."""
    rows = of_dataset(frames["spread"], dataset)
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
    return [ReportTable("Explanations over random passes [95 % interval]", head, lines, 4)]
