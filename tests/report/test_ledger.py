"""The ledger: what its rows are counted to, and of how many nets and draws a row is."""

import pytest
from scipy.stats import norm

from plumbline.report.claims.ledger import MEANINGS, SYMBOLS, Judged, claim_rows, ledger, tally
from plumbline.report.claims.repeats import repeats
from plumbline.report.claims.schema import Claim, Selector, verdict
from plumbline.storage.tables import POSITIVE

CLAIM = Claim(
    id="001-test",
    study="001",
    statement="s",
    source="s",
    published="not found",
    note="n",
    measure="accuracy",
    select={"table": "training", "where": {"metric": "accuracy"}},
    above=0,
)


def rows(**verdicts):
    names = {"higher": "differs: higher", "not_run": "not run"}
    found = [names.get(name, name) for name, count in verdicts.items() for _ in range(count)]
    return [{"claim": CLAIM.id, "verdict": verdict} for verdict in found]


def test_rows_of_other_datasets_and_without_figures_are_not_judged():
    counted = tally(ledger([CLAIM], rows(holds=3, higher=1, undecided=4, elsewhere=50, not_run=9)))
    assert counted.judged == 8
    assert counted.verdicts["elsewhere"] == 50
    assert list(counted.verdicts) == list(SYMBOLS) == list(MEANINGS)
    assert tally(ledger([CLAIM], [])).by_chance == 0


def test_chance_is_that_of_an_interval_around_a_truth_at_the_bar():
    """A normal estimate whose truth is the bar holds if it lies half a width above it."""
    half = norm.ppf(0.975)
    assert verdict(CLAIM, half + 1e-9 - half, 2 * half) == "holds"
    assert verdict(CLAIM, half - 1e-9 - half, 2 * half) == "undecided"
    counted = tally(ledger([CLAIM], rows(holds=100, fails=100)))
    assert counted.by_chance == pytest.approx(200 * norm.sf(half))


@pytest.mark.parametrize(
    ("select", "others", "seeds", "expected"),
    [
        ({"table": "training", "mean_over_seeds": True}, (), 3, "3 nets"),
        ({"table": "training", "mean_over_seeds": True}, (), 1, "one net"),
        ({"table": "latent", "mean_over_seeds": True}, ("mc_dropout",), 3, "3 VAEs, one net"),
        ({"table": "holes", "mean_over_seeds": True}, ("ensemble",), 1, "one VAE, one ensemble"),
        ({"table": "extension", "where": {"over": "seeds"}}, (), 1, "5 nets each"),
        ({"table": "detection", "where": {"score": "ensemble.entropy"}}, (), 1, "one ensemble"),
        ({"table": "detection", "where": {"positives": "all"}}, (), 1, "one net"),
        ({"table": "detectors", "where": {"features": "conductance"}}, ("mlp",), 1, "one net"),
        (
            {"table": "detection", "where": {"score": "label_change_rate.neuron_switch"}},
            (),
            1,
            "one net, one draw of mutants",
        ),
        (
            {"table": "detectors", "where": {"features": "all"}},
            ("mlp",),
            1,
            "one net, one draw of mutants",
        ),
        ({"table": "stability"}, ("neuron_switch",), 1, "one net, one draw of mutants"),
    ],
)
def test_a_row_says_of_how_many_nets_and_draws_it_is(select, others, seeds, expected):
    where = {"metric": "accuracy", **select.get("where", {})}
    assert repeats(Selector(**{**select, "where": where}), others, 5, seeds) == expected


def test_a_row_on_the_page_has_them_beside_its_count():
    row = dict.fromkeys(("dataset", "model", "metric", "verdict", "reason"), "x")
    row |= {"value": "0.5", "low": "0.4", "high": "0.6", "n": "845", "control_value": ""}
    row[POSITIVE] = ""
    (shown,) = claim_rows(Judged(CLAIM, [row | {"nets": "3 VAEs, one net"}]))
    assert (shown["n"], shown["nets"]) == ("845", "3 VAEs, one net")
