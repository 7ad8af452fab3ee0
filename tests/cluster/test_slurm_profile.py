"""What the SLURM profile says holds for the rules that there are."""

import re
from graphlib import TopologicalSorter

import pytest
import yaml
from asked import limits
from repository import fresh
from support import ROOT, SCRIPTS

from plumbline.workflow.code_hash import closure
from plumbline.workflow.parsed_rules import parsed_rules

PROFILE = yaml.safe_load((ROOT / "profiles/slurm/profile.yaml").read_text())
GROUPS = PROFILE["groups"]


def test_groups_name_rules_that_there_are():
    assert set(GROUPS) <= set(limits())
    assert set(PROFILE["group-components"]) <= set(GROUPS.values())


def test_all_that_makes_the_report_is_grouped():
    rules = {rule.name for rule in parsed_rules() if rule.stage == "report"}
    missing = {rule for rule in rules if GROUPS.get(rule) not in ("tables", "figures", "report")}
    assert missing == set(), "add them to the groups of profiles/slurm/profile.yaml"


def test_no_group_mixes_rules_with_and_without_a_gpu():
    gpus = {rule: found.gpus for rule, found in limits().items()}
    for group in set(GROUPS.values()):
        assert len({gpus[rule] for rule, of in GROUPS.items() if of == group}) == 1, group


def test_one_place_sets_the_partition_and_the_model_of_all_accelerators():
    gpus = {rule for rule, found in limits().items() if found.gpus}
    assert set(PROFILE["set-resources"]) == gpus
    first, *others = PROFILE["set-resources"].values()
    assert all(other is first for other in others)


def test_rules_that_download_run_where_it_is_called():
    """Nodes of a cluster often have no network."""
    download = SCRIPTS / "plumbline/data/download.py"
    assert download.exists()
    rules = parsed_rules()
    downloading = {rule.name for rule in rules if download in closure(SCRIPTS, rule.script)}
    assert downloading == {rule.name for rule in rules if rule.local}


@pytest.mark.workflow
def test_no_group_waits_for_itself(tmp_path):
    """No rule between two rules of a group: their submission would wait for it, and it for them."""
    repository = fresh(tmp_path / "repository", "small.yaml")
    output = repository.snakemake("--rulegraph", "dot").stdout
    names = dict(re.findall(r'(\d+)\[label = "(\w+)', output))
    needs = {GROUPS.get(name, name): set() for name in names.values()}
    for before, after in re.findall(r"(\d+) -> (\d+)", output):
        one, other = (GROUPS.get(names[number], names[number]) for number in (before, after))
        if one != other:
            needs[other].add(one)
    assert needs["report"] >= {"figures", "tables"}
    TopologicalSorter(needs).prepare()  # raises where there is a circle
