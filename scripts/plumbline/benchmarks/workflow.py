"""Overhead of the workflow, as ratios of times within one run.

Everything runs in a temporary folder.  Three ratios are printed, lower is better:

- the workflow in Snakemake over the same commands in one process with the same cores;
- ``snakemake -n`` with nothing to do over the same for an empty workflow with as many jobs;
- two training jobs in parallel, one thread each, over both in sequence with two threads.
"""

import contextlib
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from plumbline.errors import InputError
from plumbline.runtime.snakemake_records import Record, all_records
from plumbline.workflow.configuration_file import FOLDER

ROOT = Path(__file__).resolve().parents[3]
ROUNDS = 3  # repetitions of each dry run; the minimum counts
COMMAND = re.compile(r"\s*python (.*) >(.*) 2>&1\s*", re.DOTALL)
EMPTY = """\
rule all:
    input: expand("{{i}}", i=range({jobs}))
rule touch:
    output: "{{i}}"
    shell: "touch {{output}}"
"""


def snakemake(snakefile: Path, folder: Path, *arguments: str) -> float:
    """Time of one call in seconds, with working folder ``folder``."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile)]
    command += ["--workflow-profile", str(ROOT / "profiles/default")]
    command += ["--directory", str(folder), *arguments]
    start = time.perf_counter()
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise InputError(f"snakemake failed:\n{done.stdout[-3000:]}")
    return seconds


def jobs_of(folder: Path) -> list[Record]:
    """One record of each job, in order of execution."""
    jobs = {record.shell: record for record in all_records(folder)}
    return sorted(jobs.values(), key=lambda record: record.start)


def script_call(shell: str, threads: int) -> tuple[list[str], Path]:
    """Script with arguments, and log file, of ``python script ... > log 2>&1``.

    Raises ``ValueError`` if the command has another form.
    """
    parts = COMMAND.fullmatch(os.path.expandvars(shell.replace("\\\n", " ")))
    if parts is None:
        raise ValueError(f"not one script with a log: {shell}")
    call, (log,) = (shlex.split(part) for part in parts.groups())
    if "--threads" in call:
        call[call.index("--threads") + 1] = str(threads)
    return call, Path(log)


def replay(jobs: Iterable[Record], threads: int) -> None:
    """Run the scripts of ``jobs`` in this process, in the current folder."""
    for job in jobs:
        call, log = script_call(job.shell, threads)
        log.parent.mkdir(parents=True, exist_ok=True)
        sys.argv = call
        with (
            open(log, "w") as text,
            contextlib.redirect_stdout(text),
            contextlib.redirect_stderr(text),
        ):
            runpy.run_path(call[0], run_name="__main__")


def seconds_of(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def train(jobs: list[Record], threads: int, together: bool) -> None:
    """Run training scripts in separate processes, in parallel or in sequence."""
    running = []
    for job in jobs:
        call, _ = script_call(job.shell, threads)
        running.append(subprocess.Popen([sys.executable, *call], stderr=subprocess.DEVNULL))
        if not together:
            running[-1].wait()
    if any(process.wait() for process in running):
        raise InputError("a training failed")


def compare_dry_runs(folder: Path, workflow: list[str], jobs: int) -> tuple[float, float]:
    """Seconds of ``snakemake -n`` with nothing to do, for this and for an empty workflow."""
    snakefile = folder / "Snakefile"
    snakefile.write_text(EMPTY.format(jobs=jobs), encoding="utf-8")
    snakemake(snakefile, folder / "empty")
    pairs = [
        (
            snakemake(ROOT / "Snakefile", folder / "workflow", *workflow, "-n"),
            snakemake(snakefile, folder / "empty", "-n"),
        )
        for _ in range(ROUNDS)
    ]
    ours, empty = zip(*pairs, strict=True)
    return min(ours), min(empty)


def report(what: str, seconds: float, reference: float) -> None:
    print(
        f"{seconds / reference:6.2f}   {seconds:7.1f} s   {reference:7.1f} s   {what}", flush=True
    )


def measure(folder: Path, configfiles: list[Path], cores: int) -> None:
    """Print the three ratios; all files are written to ``folder``."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    os.environ.pop("PYTHONPATH", None)  # set by the launcher, but not for jobs
    os.environ["SCRIPTS"] = str(ROOT / "scripts")
    # Set by the Snakefile, which is not involved for commands in one process.
    os.environ.setdefault("PLUMBLINE_DOWNLOADS", "downloads")
    configfiles = [ROOT / "config/config.yaml", *configfiles]
    arguments = ["--cores", str(cores), "--configfile", *(str(f.absolute()) for f in configfiles)]
    print(" ratio       this        over      of", flush=True)
    whole = snakemake(ROOT / "Snakefile", folder / "workflow", *arguments)
    jobs = jobs_of(folder / "workflow")
    (folder / "process").mkdir()
    # The file of the configuration is written by the workflow, not by a job.
    if (folder / "workflow" / FOLDER).exists():
        shutil.copytree(folder / "workflow" / FOLDER, folder / "process" / FOLDER)
    with contextlib.chdir(folder / "process"):
        alone = seconds_of(lambda: replay(jobs, cores))
        report(f"workflow of {len(jobs)} jobs on {cores} cores / in one process", whole, alone)
        report(
            "snakemake -n, nothing to do / in an empty workflow of as many jobs",
            *compare_dry_runs(folder, arguments, len(jobs)),
        )
        longest = sorted(jobs, key=lambda job: job.end - job.start)
        pair = [job for job in longest if job.rule == "train"][-2:]
        report(
            "two trainings side by side, one thread each / in turn, two threads each",
            seconds_of(lambda: train(pair, threads=1, together=True)),
            seconds_of(lambda: train(pair, threads=2, together=False)),
        )
