"""The workflow on a real SLURM of one node, judged by SLURM's own records.

One run tells all: its first job dies for want of memory, it is interrupted while jobs wait, then
submitted again and left alone to the report.
"""

import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from asked import limits
from one_node import CannotStart, OneNode
from repository import Repository, differing, fresh
from support import ROOT

pytestmark = [pytest.mark.workflow, pytest.mark.slurm]
PROFILE = yaml.safe_load((ROOT / "profiles/slurm/profile.yaml").read_text())
# The profile as it is, but for looking at the jobs more often.
SUBMIT = ("--workflow-profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "5")
# The hungry job may have 1000 MB at first and 2000 MB then.
ALLOWED, EATEN = 1000, 1000
EATER = f"import time; eaten = b'1' * ({EATEN} << 20); time.sleep(4)"


@dataclass(frozen=True)
class Submitted:
    """What there was to see of the run."""

    repository: Repository
    left_after_interrupt: list[str]
    interrupted: list[dict[str, str]]
    records: list[dict[str, str]]
    output: str
    minutes: float


@pytest.fixture(scope="session")
def node() -> Iterator[OneNode]:
    """A running SLURM; tests are skipped where there can be none."""
    try:
        with OneNode() as found:
            yield found
    except CannotStart as reason:
        pytest.skip(f"no SLURM here: {reason}")


@pytest.fixture(scope="session")
def submitted(node, tmp_path_factory) -> Submitted:
    """The tiny configuration, submitted, interrupted, submitted again, and at its report."""
    repository = fresh(tmp_path_factory.mktemp("slurm") / "repository", "tiny.yaml")
    repository.edit("rules/data.smk", "mem_mb=memory(3000)", f"mem_mb=memory({ALLOWED})")
    repository.edit(
        "rules/data.smk",
        'python "$SCRIPTS/prepare.py"',
        f'python -c "{EATER}"\n{" " * 8}python "$SCRIPTS/prepare.py"',
    )
    begin = time.monotonic()
    first, second = (repository.folder / name for name in ("first.log", "second.log"))
    interrupt(node, submit(node, repository, first), first)
    left = node.queued()
    interrupted = node.records()
    status = submit(node, repository, second).wait()
    output = second.read_text()
    assert status == 0, output[-5000:]
    records = node.records()[len(interrupted) :]
    spent = (time.monotonic() - begin) / 60
    return Submitted(repository, left, interrupted, records, output, spent)


def submit(node: OneNode, repository: Repository, log: Path) -> subprocess.Popen:
    """Snakemake at work on the whole report; ``log`` gets what it says."""
    with open(log, "w") as handle:
        return subprocess.Popen(
            repository.command(*SUBMIT),
            cwd=repository.folder,
            env={**repository.environment, **node.variables},
            stdout=handle,
            stderr=subprocess.STDOUT,
            # A shell's background jobs ignore Ctrl-C, and so would what they start.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )


def interrupt(node: OneNode, process: subprocess.Popen, log: Path) -> None:
    """Press Ctrl-C as soon as three jobs are in the queue."""
    while len(node.queued()) < 3:
        assert process.poll() is None, log.read_text()[-5000:]
        time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    process.wait()


def expected(record: dict[str, str]) -> tuple[str, list[str]]:
    """Group, or rule where there is none, of a submission, and the rules in it."""
    name = re.match(r"rule_([\w.]+?)(_wildcards_|$)", record["Comment"])[1]
    for group in set(PROFILE["groups"].values()):
        if name.startswith(f"{group}_") and name not in limits():
            return group, [rule for rule, of in PROFILE["groups"].items() if of == group]
    return name, [name]


def jobs_of(output: str) -> Counter:
    """How many jobs of each rule Snakemake set out to do."""
    table = re.search(r"^Job stats:\n.*?\n(.*?)^total ", output, re.MULTILINE | re.DOTALL)[1]
    return Counter({name: int(n) for name, n in re.findall(r"^(\w+)\s+(\d+)$", table, re.M)})


def minutes(limit: str) -> int:
    """SLURM's [days-]hours:minutes:seconds in minutes."""
    days, _, clock = limit.rpartition("-")
    hours, mins, _ = clock.split(":")
    return int(days or 0) * 1440 + int(hours) * 60 + int(mins)


def test_it_arrives_at_the_report(submitted, record_property):
    record_property("minutes on SLURM", round(submitted.minutes, 1))
    assert {record["JobState"] for record in submitted.records} == {"COMPLETED"}
    assert (submitted.repository.folder / "results/report/index.html").stat().st_size > 100_000


def test_rules_that_use_a_gpu_ask_for_one_and_get_it_and_no_other_does(submitted):
    asked = Counter()
    for record in submitted.records:
        name, rules = expected(record)
        gpus = max(limits()[rule].gpus for rule in rules)
        assert record.get("TresPerJob") == ("gres:gpu:1" if gpus else None), name
        assert record["JOB_GRES"] == ("gpu:1" if gpus else "(null)"), name
        asked[gpus] += 1
    assert asked[0] > 3
    assert asked[1] > 3


def test_memory_and_time_are_those_of_the_rules(submitted):
    jobs = jobs_of(submitted.output)
    time_of = Counter()
    for record in submitted.records:
        name, rules = expected(record)
        present = [rule for rule in rules if jobs[rule] and rule != "prepare"]
        assert record["NumCPUs"] == "1", name
        assert record["MinMemoryNode"] in {f"{limits()[rule].memory}M" for rule in present}, name
        time_of[name] += minutes(record["TimeLimit"])
    for name, total in time_of.items():
        rules = [rule for rule, of in PROFILE["groups"].items() if of == name] or [name]
        assert total == sum(jobs[rule] * limits()[rule].minutes for rule in rules), name


def test_a_job_that_dies_of_memory_comes_again_with_twice_as_much(submitted, node):
    first, second = submitted.interrupted[:2]
    assert first["Comment"] == second["Comment"] == "rule_data_prepare"
    assert (first["JobState"], second["JobState"]) == ("FAILED", "COMPLETED")
    diary = (node.folder / "slurmd.log").read_text()
    assert f"StepId={first['JobId']}.0 exceeded memory limit" in diary
    assert first["MinMemoryNode"] == f"{ALLOWED}M"
    assert second["MinMemoryNode"] == f"{2 * ALLOWED}M"


def test_short_jobs_share_submissions(submitted, record_property):
    local = {"all", "fetch", "adopt"}
    jobs = sum(n for rule, n in jobs_of(submitted.output).items() if rule not in local)
    record_property("SLURM", f"{jobs} jobs in {len(submitted.records)} submissions")
    assert len(submitted.records) < jobs / 2


def test_an_interrupt_leaves_no_job_queued(submitted):
    states = Counter(record["JobState"] for record in submitted.interrupted)
    assert submitted.left_after_interrupt == []
    assert states["CANCELLED"] >= 3


def test_a_second_submission_has_nothing_to_do(submitted, node):
    again = subprocess.run(
        submitted.repository.command(*SUBMIT),
        cwd=submitted.repository.folder,
        env={**submitted.repository.environment, **node.variables},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Nothing to be done" in again.stdout + again.stderr


def test_results_are_those_of_a_local_run(submitted, tiny):
    assert differing(submitted.repository, tiny) == []
