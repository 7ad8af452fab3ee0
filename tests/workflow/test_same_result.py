"""The same result in a fresh clone, on one core, and in any order of jobs, byte by byte."""

import random
import subprocess

import pytest
from repository import Repository, differing, fresh

from plumbline.runtime.snakemake_records import all_records

pytestmark = pytest.mark.workflow


def git(folder, *words):
    named = ("-c", "user.name=Plumbline", "-c", "user.email=plumbline@localhost")
    subprocess.run(["git", *named, *words], cwd=folder, check=True, capture_output=True)


def test_one_core_and_another_order_in_a_fresh_clone(tiny, tmp_path):
    """As from `git clone`, with half of the files, chosen at random, made as early as can be."""
    origin = fresh(tmp_path / "origin", tiny.config).folder
    git(origin, "init", "--quiet")
    git(origin, "add", "--all")
    git(origin, "commit", "--quiet", "--message", "all")
    git(tmp_path, "clone", "--quiet", str(origin), "clone")
    clone = Repository(tmp_path / "clone", tiny.config)
    files = sorted(order(tiny))
    first = random.Random(6).sample(files, len(files) // 2)
    clone.snakemake("--cores", "1", "--prioritize", *first)
    assert sorted(order(clone)) == files
    assert order(clone) != order(tiny)
    assert differing(clone, tiny) == []


def order(repository):
    """Outputs by the time at which their jobs started."""
    records = sorted(all_records(repository.folder), key=lambda record: record.start)
    return [record.output for record in records]
