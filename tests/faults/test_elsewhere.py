"""Results that were damaged, moved, or made while the clock was wrong: what runs again is right."""

import os
import random
import re
import shutil

import pytest
import whole
from repository import fresh

pytestmark = pytest.mark.workflow
DAMAGED = {
    "data/digits/test.safetensors": "prepare",
    "models/digits/lenet5/seed0/classifier.safetensors": "train",
    "uncertainty/digits/lenet5/softmax.safetensors": "predict",
}


def age(path, seconds):
    """Set a file's times to so many seconds from what they are."""
    moment = path.stat().st_mtime + seconds
    os.utime(path, (moment, moment))


def test_damaged_results_are_named_with_their_rules_and_made_again(
    undisturbed, finished_copy, targets
):
    results = finished_copy.folder / "results"
    for name in DAMAGED:
        content = bytearray((results / name).read_bytes())
        content[-5] ^= 1
        (results / name).write_bytes(content)
    named = {}
    for _ in DAMAGED:  # what only a later job reads comes to light only then
        done = finished_copy.snakemake(*targets, check=False)
        if done.returncode == 0:
            break
        found = re.findall(
            r": results/(\S+): does not match its checksum; rule (\w+) makes it: delete it and run",
            done.stdout,
        )
        assert found, done.stdout[-3000:]
        assert "Traceback" not in done.stdout
        named |= dict(found)
        for name, _ in found:
            (results / name).unlink(missing_ok=True)
    finished_copy.snakemake(*targets)
    assert named == DAMAGED
    # Not all that failed jobs would have made is there: the tables from it are as they should be.
    whole.equal(undisturbed.folder / "results/tables", results / "tables")


def test_a_clock_that_was_set_back_or_forth_reruns_nothing(finished_copy, targets):
    rng = random.Random(0)
    for path in whole.made(finished_copy.folder / "results").values():
        age(path, rng.choice([-1e8, -1e5, 0, 1e5, 1e8]))
    assert finished_copy.pending(*targets) == set()


def test_a_change_is_seen_though_the_clock_was_set_back(finished_copy, targets):
    """A run that ends after the images are made anew, when all results are of the next year."""
    for path in whole.made(finished_copy.folder / "results").values():
        age(path, 3e7)
    finished_copy.change("data: {sources: {digits: {images: 280}}}\n")
    finished_copy.snakemake("--until", "prepare", "--", *targets)
    rules = {job.split()[0] for job in finished_copy.pending(*targets)}
    assert {"train", "evaluate", "attack", "predict"} <= rules


def test_a_folder_copied_without_times_reruns_nothing(finished_copy, targets):
    """As `cp -r` copies to another machine: with the records in .snakemake."""
    rng = random.Random(1)
    for path in finished_copy.folder.rglob("*"):
        age(path, rng.uniform(0, 1000))
    assert finished_copy.pending(*targets) == set()


def test_results_copied_without_their_records_come_out_right(undisturbed, tmp_path, targets):
    """As `cp -r results` into a fresh clone: nothing is known but the order of times."""
    clone = fresh(tmp_path / "clone", undisturbed.config)
    shutil.copytree(undisturbed.folder / "results", clone.folder / "results")
    clone.snakemake(*targets)
    whole.equal(undisturbed.folder / "results", clone.folder / "results")
