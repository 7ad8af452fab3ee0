"""The bars of the shipped ledger: within reach, and numbers only where they were published."""

import re

import pytest
import yaml
from support import ROOT

from plumbline.config.schema import load
from plumbline.metrics.intervals import wilson
from plumbline.report.claims.schema import HOW_TO_READ, load_claims, verdict

CLAIMS = load_claims(ROOT / "config/claims.yaml")
OURS = {  # these say what they mean by their number, on any dataset
    "003-am-reaches-the-class",
}


def numbers(text):
    """Numbers of a text, and per cent as shares."""
    found = [float(each) for each in re.findall(r"\d*\.\d+|\d+", text)]
    return found + [each / 100 for each in found]


def test_a_claim_that_quotes_a_number_names_its_dataset():
    quoting = {
        claim.id for claim in CLAIMS if re.search(r"\d %|\.\d\d|\d mutants", claim.statement)
    }
    assert quoting - OURS == {claim.id for claim in CLAIMS if claim.measured_on}
    assert quoting > OURS
    for claim in CLAIMS:
        for dataset in claim.measured_on:
            name = {"mnist": "MNIST", "cifar10": "CIFAR-10"}[dataset]
            assert name in claim.published, claim.id


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_published_number_is_the_middle_of_a_range_and_never_a_bar(claim):
    published = numbers(claim.published)
    for bar in (claim.above, claim.below):
        assert not bar or bar not in published
    if claim.within and claim.measured_on:
        least, most = claim.within
        width = {round(2 * (value - least), 6) for value in published if least < value < most}
        assert round(most - least, 6) in width or most == 1


def images(claim, config):
    """Of how many images a share of the default run is, at most."""
    if claim.select.table == "visualization":
        return 10 * config.visualization.starts
    assert claim.select.table == "refusal", claim.id
    foreign = [config.data.sources[name] for name in config.data.sources["digits"].ood]
    return min(round(each.images * each.splits.test) for each in foreign)


def test_every_bar_on_a_share_is_within_reach():
    """If all images bear a claim out, it holds, and if none does, it fails."""
    config = load(yaml.safe_load((ROOT / "config/config.yaml").read_text()))
    known = {"auroc", "unseen_hole_share", "temperature_map_change"}  # no counts of images
    shares = {"sure", "second_recognition", "refused", "accuracy", "suspicious"}
    tested = set()
    for claim in CLAIMS:
        metric = claim.select and claim.select.where["metric"]
        if claim.above and 0 < claim.above < 1 and metric not in known:
            assert metric in shares, claim.id
            if claim.is_about("digits"):
                n = images(claim, config)
                assert verdict(claim, *wilson(n, n)) == "holds", claim.id
                assert verdict(claim, *wilson(0, n)) == "fails", claim.id
                tested.add(metric)
    assert tested == {"sure", "second_recognition", "refused"}


def test_the_caption_says_how_far_another_processor_may_move_a_figure():
    caption = " ".join(HOW_TO_READ.split())
    tables = yaml.safe_load((ROOT / "config/tolerances.yaml").read_text())["tables"]
    (allowed,) = {tables[name]["intervals"] for name in ("detection", "detectors", "stability")}
    assert f"{allowed} half widths in detection, detectors and stability" in caption
