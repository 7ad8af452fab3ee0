"""What the SLURM profile says holds for the rules that there are."""

import re
from graphlib import TopologicalSorter

import pytest
import yaml
from asked import limits, local
from repository import fresh
from support import ROOT, SCRIPTS

from plumbline.workflow.code_hash import closure
from plumbline.workflow.environments import rules

PROFILE = yaml.safe_load((ROOT / "profiles/slurm/profile.yaml").read_text())
GROUPS = PROFILE["groups"]


def test_groups_name_rules_that_there_are():
    assert set(GROUPS) <= set(limits())
    assert set(PROFILE["group-components"]) <= set(GROUPS.values())


@pytest.mark.parametrize(
    ("place", "groups"), [("report.smk", {"tables", "report"}), ("figures/*.smk", {"figures"})]
)
def test_all_that_makes_the_report_is_grouped(place, groups):
    missing = {rule for rule in limits(place) if GROUPS.get(rule) not in groups}
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
    found = set()
    for name, text in rules():
        script = re.search(r"\$SCRIPTS/(\w+\.py)", text)[1]
        if download in closure(SCRIPTS, script):
            found.add(name)
    assert found == local()


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
