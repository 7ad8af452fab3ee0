"""No job goes on, or writes, when the Snakemake that runs it is killed; others are left alone."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from running import Run
from support import SCRIPTS

from plumbline.runtime.watchdog import VARIABLE

SLOW = "training: {models: {lenet5: {epochs: 1000000}}}\n"
CLASSIFIER = "results/models/digits/lenet5/cross_entropy/0/classifier.safetensors"
LOG = "results/logs/train/digits/lenet5/cross_entropy/0.log"
SECONDS = 20  # far more than the second that it takes, for a busy machine
WAITING = """
import sys, time
from plumbline.runtime import watchdog
watchdog.watch()
print("watching", flush=True)
time.sleep(float(sys.argv[1]))
"""
WRITING = """
import os, sys, time
from plumbline.runtime import watchdog
from plumbline.storage.files import write_text
watchdog.INTERVAL = 1000.0
watchdog.watch()
time.sleep(0.5)  # past the first look of the thread, which then sleeps
os.kill(int(os.environ[watchdog.VARIABLE]), 9)
while not watchdog.orphaned():
    time.sleep(0.01)
write_text(sys.argv[1], "late")
"""


@pytest.mark.workflow
def test_the_job_of_a_killed_snakemake_is_gone_in_seconds_and_writes_nothing(tiny, disturbed):
    """Nor is the checkpoint that it leaves taken up when the options are others then."""
    disturbed.change(SLOW)
    run = Run(disturbed, CLASSIFIER)
    target = disturbed.folder / CLASSIFIER
    checkpoint = target.with_name(f"{target.name}.checkpoint")
    try:
        while not checkpoint.exists():
            assert not run.over
            time.sleep(0.1)
        (job,) = run.jobs()
        assert "train.py" in " ".join(job.cmdline())
        run.kill("snakemake", None)
        _, alive = psutil.wait_procs([job], SECONDS)
        assert alive == []
        trained = checkpoint.read_bytes()
        assert not target.exists()
    finally:
        run.end()
    time.sleep(2)
    assert checkpoint.read_bytes() == trained  # nobody is at work on it
    disturbed.change("{}")
    disturbed.snakemake("--unlock")
    disturbed.snakemake(CLASSIFIER)
    assert target.read_bytes() == (tiny.folder / CLASSIFIER).read_bytes()
    assert "starting again" in (disturbed.folder / LOG).read_text()
    assert not checkpoint.exists()


@pytest.fixture
def snakemake():
    """A process in the place of Snakemake."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


def program(text, *arguments, **variables):
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS), **variables}
    return subprocess.Popen(
        [sys.executable, "-c", text, *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("reaped", [True, False], ids=["reaped", "not yet reaped"])
def test_a_program_ends_with_the_snakemake_that_runs_it(snakemake, reaped):
    watching = program(WAITING, 600, **{VARIABLE: str(snakemake.pid)})
    assert watching.stdout.readline() == "watching\n"
    snakemake.send_signal(signal.SIGKILL)
    if reaped:
        snakemake.wait()
    assert watching.wait(SECONDS) == 1


def test_what_is_written_late_does_not_get_its_final_name(snakemake, tmp_path):
    late = program(WRITING, tmp_path / "late.txt", **{VARIABLE: str(snakemake.pid)})
    _, told = late.communicate(timeout=SECONDS)
    assert "the Snakemake that runs this is gone" in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", ["", "no number", "4194304"], ids=["none", "text", "unseen"])
def test_a_program_without_a_snakemake_that_it_sees_runs_to_its_end(number):
    """By hand, under `nohup` or `setsid`, in a container: its first parent may be gone."""
    free = program(WAITING, 2.5, **{VARIABLE: number})
    assert free.wait(SECONDS) == 0
