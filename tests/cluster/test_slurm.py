"""The workflow on a real SLURM of one node, judged by SLURM's own records.

Two submissions tell all.  The first, with a profile such as a lab writes, is interrupted while it
submits.  The second, with the profile as it is, goes on from there to the report, although one job
always fails and the jobs of a group die once for want of memory.
"""

import re
import shlex
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from os import killpg
from pathlib import Path

import pytest
from asked import Limits, limits, local
from one_node import MODEL, NotInstalled, OneNode, wait_until
from repository import Repository, fresh, unclocked

pytestmark = [pytest.mark.workflow, pytest.mark.slurm]
# The profiles as they are, but for looking at the jobs more often.
OFTEN = ("--slurm-init-seconds-before-status-checks", "1")
# What docs/cluster.md says that a lab may write, for the partitions of this SLURM.
LAB = {
    "# slurm_partition: main": "slurm_partition: cpu",
    "# slurm_account: lab": "slurm_account: lab",
    "attack: &gpu {gpu: 1}": "attack: &gpu {gpu: 1, slurm_partition: gpu, gpu_model: a100}",
    "  train: *gpu": "  train: {gpu: 1, slurm_partition: big, runtime: 1440}\n"
    "  hopeless: {mem_mb: 400}",
}
HOPELESS_JOB = ("hopeless:",)
HOPELESS = """

rule hopeless:
    output:
        "hopeless",
    resources:
        **needs(300, minutes=10),
    shell:
        "false"
"""
GPUS_OF = {"hopeless": 0} | {rule: found.gpus for rule, found in limits().items()}
# The jobs of a group may have 1000 MB at first and 2000 MB then.
GROUP = {"explain", "measure_degradation"}
ALLOWED, EATEN = 1000, 1000
EATER = f"import time; eaten = b'1' * ({EATEN} << 20); time.sleep(3)"


@dataclass(frozen=True)
class Job:
    """A submission: what the controller knows of it, and the jobs of Snakemake that are in it."""

    record: dict[str, str]
    targets: tuple[str, ...]  # rule:wildcards

    @property
    def rules(self) -> set[str]:
        return {target.split(":")[0] for target in self.targets}


@dataclass(frozen=True)
class Submitted:
    """What there was to see."""

    repository: Repository
    results: Path
    lab: list[Job]
    left_after_interrupt: list[str]
    jobs: list[Job]
    said: tuple[str, str]
    minutes: float


@pytest.fixture(scope="session")
def node() -> Iterator[OneNode]:
    """A running SLURM; tests are skipped where it is not installed."""
    try:
        with OneNode() as found:
            yield found
    except NotInstalled as reason:
        pytest.skip(f"no SLURM here: {reason}")


@pytest.fixture(scope="session")
def submitted(node, tmp_path_factory) -> Submitted:
    """The tiny configuration, submitted, interrupted, submitted again, and at its report."""
    targets = ("all", "hopeless")
    folder = tmp_path_factory.mktemp("slurm")
    repository = fresh(folder / "repository", "tiny.yaml")
    results = folder / "scratch/plumbline"
    prepare(repository)
    begin = time.monotonic()
    first, second = (folder / name for name in ("first.log", "second.log"))
    how = command(repository, results, "lab_slurm", *targets)
    with submit(node, repository, how, first) as process:
        interrupt(node, process, first)
    left, lab = node.queued(), jobs(node)
    how = command(repository, results, "slurm", *targets)
    with submit(node, repository, how, second) as process:
        process.wait(timeout=1800)
    assert (results / "report/index.html").exists(), second.read_text()[-5000:]
    spent = (time.monotonic() - begin) / 60
    said = first.read_text(), second.read_text()
    return Submitted(repository, results, lab, left, jobs(node)[len(lab) :], said, spent)


def prepare(repository: Repository) -> None:
    """A lab's profile, a job that always fails, and a group of jobs that wants more memory."""
    profiles = repository.folder / "profiles"
    shutil.copytree(profiles / "slurm", profiles / "lab_slurm")
    for old, new in LAB.items():
        repository.edit("profiles/lab_slurm/profile.yaml", old, new)
    with open(repository.folder / "Snakefile", "a") as handle:
        handle.write(HOPELESS)
    place = repository.folder / "rules/attribution.smk"
    group, name, after = place.read_text().partition("rule compare_attributions:")
    assert group.count("needs(3000,") == len(GROUP)
    group = group.replace("needs(3000,", f"needs({ALLOWED},")
    script = 'python "$SCRIPTS/measure_degradation.py"'
    assert script in group
    place.write_text(
        group.replace(script, f'python -c "{EATER}"\n{" " * 8}{script}') + name + after
    )


def command(repository: Repository, results: Path, profile: str, *arguments: str) -> list[str]:
    """Snakemake's command line for a run on SLURM with its results in ``results``."""
    how = ("--workflow-profile", f"profiles/{profile}", *OFTEN)
    return repository.command(*arguments, *how, "--config", f"results={results}")


@contextmanager
def submit(
    node: OneNode, repository: Repository, command: list[str], log: Path
) -> Iterator[subprocess.Popen]:
    """Snakemake at work, as a terminal starts it; ``log`` gets what it says."""
    with (
        open(log, "w") as handle,
        subprocess.Popen(
            command,
            cwd=repository.folder,
            env={**repository.environment, **node.variables},
            stdout=handle,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # A shell's background jobs ignore Ctrl-C, and so would what they start.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        ) as process,
    ):
        try:
            yield process
        finally:
            if process.poll() is None:
                killpg(process.pid, signal.SIGKILL)


def run(node: OneNode, submitted: Submitted, profile: str, *arguments: str) -> str:
    """What Snakemake says, at once, about what the two submissions have left."""
    return subprocess.run(
        command(submitted.repository, submitted.results, profile, *arguments),
        cwd=submitted.repository.folder,
        env={**submitted.repository.environment, **node.variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
        timeout=180,
    ).stdout


def interrupt(node: OneNode, process: subprocess.Popen, log: Path) -> None:
    """Press Ctrl-C as soon as some of the many jobs that need the net are in the queue."""

    def ready() -> bool:
        said = log.read_text()
        assert process.poll() is None, said[-5000:]
        return "Trying to restart job" in said and len(node.queued()) >= 3

    wait_until(ready, "no three jobs in the queue", 900)
    killpg(process.pid, signal.SIGINT)  # a terminal's Ctrl-C reaches what Snakemake started, too
    process.wait(timeout=180)


def jobs(node: OneNode) -> list[Job]:
    """All submissions since the start of the controller."""
    found = []
    for record in node.records():
        words = shlex.split(node.script(record), comments=True)
        after = words[words.index("--target-jobs") + 1 :]
        found.append(Job(record, tuple(takewhile(lambda word: not word.startswith("-"), after))))
    return found


def jobs_of(output: str) -> Counter:
    """How many jobs of each rule Snakemake set out to do."""
    table = re.search(r"^Job stats:\n.*?\n(.*?)^total ", output, re.MULTILINE | re.DOTALL)[1]
    return Counter({name: int(n) for name, n in re.findall(r"^(\w+)\s+(\d+)$", table, re.M)})


def minutes(limit: str) -> int:
    """SLURM's [days-]hours:minutes:seconds in minutes."""
    days, _, clock = limit.rpartition("-")
    hours, mins, _ = clock.split(":")
    return int(days or 0) * 1440 + int(hours) * 60 + int(mins)


def test_it_arrives_at_the_report_without_the_job_that_fails(submitted, record_property):
    record_property("minutes on SLURM", round(submitted.minutes, 1))
    last = {job.targets: job.record["JobState"] for job in submitted.jobs}  # of its attempts
    assert last.pop(HOPELESS_JOB) == "FAILED"
    assert set(last.values()) == {"COMPLETED"}
    assert (submitted.results / "report/index.html").stat().st_size > 100_000


def test_rules_that_use_a_gpu_ask_for_one_and_get_it_and_no_other_does(submitted):
    asked = Counter()
    for job in submitted.jobs:
        gpus = max(GPUS_OF[rule] for rule in job.rules)
        assert job.record.get("TresPerJob") == ("gres:gpu:1" if gpus else None), job.targets
        assert job.record["JOB_GRES"] == (f"gpu:{MODEL}:1" if gpus else "(null)"), job.targets
        asked[gpus] += 1
    assert asked[0] > 3
    assert asked[1] > 3


def test_memory_and_time_are_those_of_the_rules(submitted):
    """Of a group: the memory of its largest job, the time of all together; twice the memory at
    every new attempt."""
    rules = {**limits(root=submitted.repository.folder), "hopeless": Limits(300, 10, 0)}
    attempts = Counter()
    for job in submitted.jobs:
        asked = [rules[target.split(":")[0]] for target in job.targets]
        memory = max(each.memory for each in asked) * 2 ** attempts[job.targets]
        assert job.record["NumCPUs"] == "1", job.targets
        assert job.record["MinMemoryNode"] == f"{memory}M", job.targets
        assert minutes(job.record["TimeLimit"]) == sum(each.minutes for each in asked), job.targets
        attempts[job.targets] += 1
    assert max(len(job.targets) for job in submitted.jobs) > 3


def test_a_group_that_dies_of_memory_comes_again_with_twice_as_much(submitted, node):
    first, second = (job.record for job in submitted.jobs if job.rules == GROUP)
    assert (first["JobState"], second["JobState"]) == ("FAILED", "COMPLETED")
    diary = (node.folder / "slurmd.log").read_text()
    # Each job of a group is a step; the second one takes more than it may.
    assert f"StepId={first['JobId']}.1 exceeded memory limit" in diary
    assert first["MinMemoryNode"] == f"{ALLOWED}M"
    assert second["MinMemoryNode"] == f"{2 * ALLOWED}M"


def test_a_job_that_fails_comes_again_twice_each_time_with_twice_the_memory(submitted):
    records = [job.record for job in submitted.jobs if job.targets == HOPELESS_JOB]
    assert [record["MinMemoryNode"] for record in records] == ["300M", "600M", "1200M"]
    own = [job.record for job in submitted.lab if job.targets == HOPELESS_JOB]
    assert {record["MinMemoryNode"] for record in own} == {"400M"}
    assert len(own) > 1


def test_partition_account_model_and_limits_are_those_of_the_profile(submitted):
    seen = Counter()
    for job in submitted.lab:
        record = job.record
        assert record["Account"] == "lab", job.targets
        found = record["Partition"], record.get("TresPerJob")
        if job.rules == {"train"}:
            assert found == ("big", "gres:gpu:1")
            assert record["TimeLimit"] == "1-00:00:00"
        elif any(GPUS_OF[rule] for rule in job.rules):
            assert found == ("gpu", f"gres:gpu:{MODEL}:1"), job.targets
        else:
            assert found == ("cpu", None), job.targets
        seen[record["Partition"]] += 1
    assert set(seen) == {"big", "cpu", "gpu"}
    assert {job.record["Partition"] for job in submitted.jobs} == {"main"}
    assert {job.record["Account"] for job in submitted.jobs} == {"(null)"}


def test_limits_of_the_command_line_replace_all_of_the_profile(submitted, node):
    how = ("lab_slurm", "--dry-run", "--printshellcmds", "--forcerun", "train", "attack")
    said = run(node, submitted, *how, "--set-resources", "train:runtime=1440")
    asked = dict(
        re.findall(r"^rule (\w+):\n(?:    .*\n)*?    resources: (.*)$", said, re.MULTILINE)
    )
    assert "runtime=1440" in asked["train"]
    for rule in ("train", "attack"):
        assert {"gpu=1", "slurm_partition=cpu"} < set(asked[rule].split(", "))


def test_downloads_run_where_it_is_called(submitted):
    assert jobs_of(submitted.said[0])["fetch"] == 1
    assert not any(job.rules & local() for job in submitted.lab + submitted.jobs)


def test_short_jobs_share_submissions(submitted, record_property):
    count = sum(n for rule, n in jobs_of(submitted.said[1]).items() if rule != "all")
    submissions = len({job.targets for job in submitted.jobs})  # but for further attempts
    record_property("SLURM", f"{count} jobs in {submissions} submissions")
    assert submissions < count / 2


def test_an_interrupt_leaves_no_job_queued(submitted):
    states = Counter(job.record["JobState"] for job in submitted.lab)
    assert submitted.left_after_interrupt == []
    assert states["CANCELLED"] >= 3


def test_a_further_submission_has_nothing_to_do(submitted, node):
    assert "Nothing to be done" in run(node, submitted, "slurm")


def test_results_are_those_of_a_local_run(submitted, tiny):
    ours, theirs = (unclocked(each) for each in (submitted.results, tiny.folder / "results"))
    assert len(ours) > 60
    folder = str(submitted.results).encode()  # stands in the report's configuration
    ours = {name: content.replace(folder, b"results") for name, content in ours.items()}
    assert [name for name in ours | theirs if ours.get(name) != theirs.get(name)] == []


def test_jobs_of_a_killed_snakemake_go_on_until_they_are_taken_back(submitted, node, tmp_path):
    log = tmp_path / "log"
    how = command(submitted.repository, tmp_path / "results", "slurm")
    with submit(node, submitted.repository, how, log) as process:
        wait_until(node.queued, "no job in the queue", 300)
        process.kill()
    time.sleep(5)  # on one machine they have ended by then
    assert len(node.queued()) == 1
    run_id = re.search(r"^SLURM run ID: (\S+)$", log.read_text(), re.MULTILINE)[1]
    node.call("scancel", "--name", run_id)
    wait_until(lambda: not node.queued(), "the job does not end")
