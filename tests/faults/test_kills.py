"""kill -9 at twenty random moments of one run: nothing is half-written, nothing comes out else."""

import random
import shutil
import time

import pytest
import whole
from running import Run

pytestmark = pytest.mark.workflow
KILLS = 20
LONGEST = 3.0  # seconds from a job's start to a kill
KINDS = ("job", "snakemake", "group")


def test_a_run_that_is_killed_twenty_times_comes_out_the_same(undisturbed, disturbed, targets):
    rng = random.Random(6)
    kinds = [KINDS[i % len(KINDS)] for i in range(KILLS)]
    rng.shuffle(kinds)
    results = disturbed.folder / "results"
    nolock, killed, run = [], [], None
    try:
        while len(killed) < KILLS:
            if run is None or run.over:
                if run and run.process.returncode == 0:  # over before its kills: once more
                    whole.equal(undisturbed.folder / "results", results)
                    shutil.rmtree(results)
                run = Run(disturbed, *nolock, *targets)
            if not run.wait_for_job():
                continue
            time.sleep(rng.uniform(0, LONGEST))
            kind = kinds[len(killed)]
            if run.over or not run.kill(kind, rng):
                continue
            killed.append(kind)
            nolock = ["--nolock"]  # instead of a further start with --unlock, to save time
            for path in whole.made(results).values():
                whole.check(path)
    finally:
        if run is not None:
            run.end()
    assert sorted(killed) == sorted(kinds)
    disturbed.snakemake("--unlock")
    disturbed.snakemake(*targets)
    whole.equal(undisturbed.folder / "results", results)
    assert whole.temporaries(results) == []


def test_the_lock_of_a_killed_run_is_explained(disturbed, targets):
    run = Run(disturbed, *targets)
    try:
        assert run.wait_for_job()
        second = disturbed.snakemake(*targets, check=False)
        run.kill("group", random)
    finally:
        run.end()
    for done in (second, disturbed.snakemake(*targets, check=False)):
        assert done.returncode == 1
        assert "cannot be locked" in done.stdout
        assert "--unlock" in done.stdout
        assert "Traceback" not in done.stdout
