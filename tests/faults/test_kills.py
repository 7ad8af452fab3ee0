"""kill -9 at twenty random moments of one run: nothing is half-written, nothing comes out else."""

import random
import shutil
import time

import pytest
import whole
from repository import differing
from running import Run

from plumbline.runtime.snakemake_records import all_records

pytestmark = pytest.mark.workflow
KILLS = 20
KINDS = ("job", "snakemake", "group")
MOMENTS = ("start", "job") * 9
ENDS = 10.0  # seconds that Snakemake takes before the first job, and after the last
LONGEST = 3.0  # seconds from a job's start to a kill


def test_a_run_that_is_killed_twenty_times_comes_out_the_same(tiny, disturbed):
    """The moments lie around Snakemake's start, soon after a job's, or anywhere in the rest."""
    rng = random.Random(6)
    kinds = [KINDS[i % len(KINDS)] for i in range(KILLS)]
    rng.shuffle(kinds)
    moments = [*rng.sample(MOMENTS, len(MOMENTS)), "rest", "rest"]
    results, sound = disturbed.folder / "results", set()
    killed, run = [], None
    try:
        while len(killed) < KILLS:
            if run is None or run.over:
                if run and run.process.returncode == 0:  # over before its kills: once more
                    assert differing(disturbed, tiny) == []
                    shutil.rmtree(results)
                run = Run(disturbed)
            wait(moments[len(killed)], run, rng, disturbed, tiny)
            kind = kinds[len(killed)]
            if run.over or not run.kill(kind, rng):
                continue
            killed.append(kind)
            whole.check_all(results, sound)
            if run.over:
                disturbed.snakemake("--unlock")
    finally:
        if run is not None:
            run.end()
    assert sorted(killed) == sorted(kinds)
    disturbed.snakemake("--unlock")
    disturbed.snakemake()
    assert differing(disturbed, tiny) == []
    assert whole.temporaries(results) == []


def wait(moment, run, rng, disturbed, finished):
    """Sleep until a moment of a run; the rest is what a whole run takes for the files it lacks."""
    longest = ENDS
    if moment == "job":
        run.wait_for_job()
        longest = LONGEST
    elif moment == "rest":
        records = list(all_records(finished.folder))
        span = max(each.end for each in records) - min(each.start for each in records)
        made = len(whole.made(disturbed.folder / "results"))
        longest += span * max(0.0, 1 - made / len(records))
    time.sleep(rng.uniform(0, longest))


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
