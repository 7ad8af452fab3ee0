"""The leaderboard holds every figure of its table, and what cannot be shown is said."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from plumbline.detection.columns import CONTROL
from plumbline.detection.leaderboard import over_nets, rows, single_nets
from plumbline.report.figures import ranks
from plumbline.report.pages.leaderboard import (
    KEYS,
    METRICS,
    content,
    rank_tables,
    render,
    replicated,
)
from plumbline.report.style import png
from plumbline.report.summary import estimate
from plumbline.storage.tables import read_frame


@pytest.fixture(scope="module")
def table(tables):
    return read_frame([tables["leaderboard"]])


def test_every_figure_is_in_the_page(leaderboard, table):
    text = leaderboard.read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])
    shown = {}
    for row in data["rows"]:
        key = [data["names"][name][place][0] for name, place in zip(KEYS, row, strict=False)]
        shown[(*key, data["scores"][row[5]][0])] = row[6:]
    own = table[table["metric"].isin(METRICS)]
    assert len(shown) == len(own.drop_duplicates([*KEYS, "score"]))
    for (*key, score, metric), part in own.groupby([*KEYS, "score", "metric"]):
        place = 4 + 3 * list(METRICS).index(metric)
        found = shown[(*key, score)]
        expected = [round(float(part[each].iloc[0]), 4) for each in ("value", "low", "high")]
        assert found[place : place + 3] == expected
        assert found[:4] == [1, part["n"].iloc[0], 1, part["n_positive"].iloc[0]]


def test_the_page_needs_nothing_from_elsewhere(leaderboard, report):
    text = leaderboard.read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="(?!index\.html)', text)
    assert "@import" not in text
    assert 'href="leaderboard.html"' in report.read_text(encoding="utf-8")


def test_unknown_figures_are_null_and_markup_stays_text(table):
    odd = table.copy()
    odd.loc[odd["score"] == "conductance", ["value", "low", "high"]] = np.nan
    odd["score"] = odd["score"].replace("conductance", "a</script>b")
    found = content(odd)
    place = [name for name, _ in found["scores"]].index("a</script>b")
    assert all(row[10:] == [None] * 15 for row in found["rows"] if row[5] == place)
    assert "a</script>b" not in render(odd, "index.html")


def test_mean_ranks_stand_with_their_test_and_what_is_left_out(table):
    (dataset,) = table["dataset"].unique()
    (ranked,) = rank_tables(table, dataset, 3)
    assert len(ranked.rows) in (3, 4)  # the control is among the best, or below them
    assert sum(row[0].endswith("(control)") for row in ranked.rows) == 1
    assert "Friedman" in ranked.note
    assert "Not ranked" not in ranked.note
    fewer = table.copy()
    gone = (fewer["metric"] == "mean_rank") & (fewer["score"] == "conductance")
    fewer.loc[gone, ["value", "low", "high"]] = np.nan
    assert "some nets lack them: conductance." in rank_tables(fewer, dataset)[0].note
    assert rank_tables(table[table["metric"] != "mean_rank"], dataset) == []


def test_ranks_are_drawn_by_the_best_and_the_control(table):
    figure = ranks.draw(table, "digits")
    (ax,) = figure.axes
    names = [label.get_text() for label in ax.get_yticklabels()]
    known = table[(table["metric"] == "mean_rank") & table["value"].notna()]
    assert len(names) == min(len(known), ranks.SHOWN + 1)
    assert any("(control)" in name for name in names)
    first = known.sort_values("value").iloc[0]
    assert ax.lines[1].get_xdata()[0] == pytest.approx(first["value"])
    assert png(ranks.draw(table, "digits")) == png(figure)


@pytest.fixture(scope="module")
def replicates(table):
    """The same table, had AlexNet been LeNet-5 once more."""
    singles = table[table["nets"] == 1].drop(columns=["architecture", "nets"])
    singles = single_nets(singles, {"alexnet": "lenet5"})
    found = [*over_nets(singles), *rows(singles, 0)]
    return pd.concat([singles, pd.DataFrame(found)], ignore_index=True)


def test_the_page_says_what_its_intervals_are_over(table, replicates):
    one, several = (" ".join(render(each, "").split()) for each in (table, replicates))
    for text in (one, several):
        assert "they are conditional on one training run of each net" in text
    assert "have intervals over images and nets" in several
    assert "images and nets" not in one
    assert "<dt>nets</dt>" not in one


def test_means_over_nets_come_first_with_their_number(replicates):
    found = content(replicates)
    assert found["names"]["model"][0] == ("lenet5:nets", "LeNet-5, mean")
    assert len(found["names"]["model"]) == 3
    counts = {(row[1], row[8]) for row in found["rows"]}
    assert counts == {(0, 2), (1, 1), (2, 1)}
    own = replicates.query(
        f"nets == 2 and task == 'misclassified' and metric == 'auroc' and score == '{CONTROL}'"
    ).iloc[0]
    shown = [
        row[10:13] for row in found["rows"] if row[1] == row[2] == 0 and row[5] == found["control"]
    ]
    assert shown == [[round(own[name], 4) for name in ("value", "low", "high")]]


def test_replicates_stand_with_both_intervals(table, replicates):
    (dataset,) = table["dataset"].unique()
    (ranked,) = replicated(replicates, dataset)
    assert replicated(table, dataset) == []
    assert ranked.title.startswith("LeNet-5, several training runs")
    assert all(len(line) == len(ranked.head) for line in ranked.rows)
    line = next(each for each in ranked.rows if each[1].endswith("(control)"))
    auroc = replicates.query(
        f"task == 'misclassified' and metric == 'auroc' and score == '{CONTROL}'"
    )
    each = auroc[auroc["nets"] == 1]
    assert line[2] == estimate(*(each[name].mean() for name in ("value", "low", "high")))
    assert line[6] == "2"
    assert "averaged within each block" in rank_tables(replicates, dataset)[0].note
    assert "averaged" not in rank_tables(table, dataset)[0].note


def test_too_little_to_rank_is_drawn_as_words(table):
    figure = ranks.draw(table[table["metric"] == "auroc"], "digits")
    assert "Too few" in figure.axes[0].texts[0].get_text()


def test_control_is_known(table):
    assert isinstance(table, pd.DataFrame)
    assert content(table)["scores"][content(table)["control"]][0] == CONTROL
