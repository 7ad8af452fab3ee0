"""Results that were damaged, moved, or made while the clock was wrong: what runs again is right."""

import os
import random
import re
import shutil

import pytest
import whole
from repository import fresh

pytestmark = pytest.mark.workflow
NET = "digits/lenet5"
REASON = "does not match its checksum|not a readable safetensors file .*"
NAMED = re.compile(rf": results/(\S+): (?:{REASON}); rule (\w+) makes it: delete it and run again")


def age(path, seconds):
    """Set a file's times to so many seconds from what they are."""
    moment = path.stat().st_mtime + seconds
    os.utime(path, (moment, moment))


def flip(path):
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


def truncate(path):
    os.truncate(path, path.stat().st_size // 2)


# How artefacts are damaged, those with their rules, and what is asked for then: a job reads each.
# One of each kind; later ones are what earlier ones are made from.
DAMAGED = (
    (
        truncate,
        {
            f"attribution/{NET}/gradient_x_input.safetensors": "explain",
            f"uncertainty/{NET}/softmax.safetensors": "predict",
        },
        (
            f"attribution/{NET}/gradient_x_input.degradation.safetensors",
            f"uncertainty/{NET}/scores.parquet",
        ),
    ),
    (
        flip,
        {f"attacks/{NET}/fgsm_eps0.1.safetensors": "attack"},
        (f"uncertainty/{NET}/mc_dropout.safetensors",),
    ),
    (
        flip,
        {f"models/{NET}/cross_entropy/0/classifier.safetensors": "train"},
        (f"models/{NET}/temperature.csv",),
    ),
)


def test_damaged_results_are_named_with_their_rules_and_made_again(tiny, finished_copy):
    results, again = finished_copy.folder / "results", []
    for damage, artefacts, readers in DAMAGED:
        for name in artefacts:
            damage(results / name)
        done = finished_copy.snakemake(*(f"results/{each}" for each in readers), check=False)
        assert done.returncode == 1
        assert dict(NAMED.findall(done.stdout)) == artefacts, done.stdout[-3000:]
        assert "Traceback" not in done.stdout
        for name in artefacts:
            (results / name).unlink()
        again += [*artefacts, *readers]
    finished_copy.snakemake(*(f"results/{each}" for each in again))
    for name in again:
        assert (results / name).read_bytes() == (tiny.folder / "results" / name).read_bytes(), name


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


def test_results_copied_without_their_records_come_out_right(tiny, tmp_path, targets):
    """As `cp -r results` into a fresh clone: nothing is known but the times of the copying."""
    clone = fresh(tmp_path / "clone", tiny.config)
    source = tiny.folder / "results"
    shutil.copytree(source, clone.folder / "results", copy_function=shutil.copy)
    clone.snakemake(*targets)
    whole.equal(tiny.folder / "results", clone.folder / "results")
