"""The profiles are accepted by Snakemake and do what their comments say."""

import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
# Each of two jobs ends only when the other has begun.
SNAKEFILE = """
rule all:
    input: "0", "1"
rule one:
    input: "input"
    output: "{i}"
    params: options="--a 1"
    resources: gpu=1, mem_mb=500
    shell: "touch begun{wildcards.i}; for t in $(seq 300); do "
           "[ -e begun0 ] && [ -e begun1 ] && touch {output} && exit; sleep 0.2; done; exit 1"
"""


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(ROOT / "profiles/default", tmp_path / "profiles/default")
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "input").write_text("x")
    return tmp_path


def snakemake(folder, *arguments):
    command = [sys.executable, "-m", "snakemake", *arguments]
    done = subprocess.run(
        command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.workflow
@pytest.mark.skipif(Path("/dev/nvidia0").exists(), reason="there, they take turns")
@pytest.mark.skipif(os.cpu_count() == 1, reason="one core")
def test_without_a_gpu_jobs_that_can_use_one_run_side_by_side(folder):
    snakemake(folder)
    os.utime(folder / "input", (2e9, 2e9))
    assert "Nothing to be done" in snakemake(folder, "-n")
    text = (folder / "Snakefile").read_text()
    (folder / "Snakefile").write_text(text.replace("--a 1", "--a 2"))
    assert "Params have changed" in snakemake(folder, "-n")


@pytest.mark.workflow
def test_the_command_line_overrules_the_profile(folder):
    shell = SNAKEFILE.replace("[ -e begun0 ] && [ -e begun1 ] && ", "")
    (folder / "Snakefile").write_text(shell)
    assert "Provided cores: 1 " in snakemake(folder, "--cores", "1", "--resources", "gpu=3")


def test_both_profiles_agree_on_what_is_out_of_date():
    default, slurm = (
        yaml.safe_load((ROOT / f"profiles/{name}/profile.yaml").read_text())
        for name in ("default", "slurm")
    )
    for key in ("rerun-triggers", "max-checksum-file-size", "keep-going", "rerun-incomplete"):
        assert slurm[key] == default[key]
    assert "software-env" not in default["rerun-triggers"]
    assert slurm["executor"] == "slurm"


def test_snakemake_still_looks_for_work_in_ever_more_chains():
    """If not, what `onstart` in the Snakefile takes away can stay."""
    from snakemake.scheduling.job_scheduler import JobScheduler

    looks = inspect.getsource(JobScheduler.schedule)
    assert "if self.job_rate_limiter is not None" in looks
    assert "self._schedule_reevalutation(self.job_rate_limiter.timespan)" in looks
    assert "workflow.scheduler.job_rate_limiter = None" in (ROOT / "Snakefile").read_text()
