"""A second dataset beside a finished one: both go to one report, and each reruns for itself."""

import pandas as pd
import pytest
from repository import copy_of

pytestmark = pytest.mark.workflow
SECOND = """
datasets: [digits, halves]
data:
  sources:
    halves: {kind: digits, size: 28, channels: 1, images: 280, ood: []}
"""
EPOCHS = "training: {datasets: {halves: {lenet5: {epochs: 3}}}}\n"
# The leaderboard is one table of all datasets, from which each one's figure is drawn.
SHARED = {"plot digits/ranks"}


def of_digits(jobs):
    return {job for job in jobs if "digits" in job}


def test_a_dataset_is_added_and_changed_without_the_other(tiny, tmp_path):
    repository = copy_of(tiny, tmp_path / "copy")
    repository.change(SECOND)
    assert of_digits(repository.pending()) == SHARED
    repository.snakemake()
    assert repository.pending() == set()
    page = (repository.folder / "results/report/index.html").read_text()
    assert "halves" in page
    for name in ("training", "uncertainty", "attribution", "stability", "leaderboard"):
        table = pd.read_csv(repository.folder / f"results/tables/{name}.csv")
        assert set(table["dataset"]) - {"all"} == {"digits", "halves"}, name

    repository.change(SECOND + EPOCHS)
    jobs = repository.pending()
    for job in ("train halves/lenet5/cross_entropy/0", "explain halves/lenet5/gradient_x_input"):
        assert job in jobs
    assert "mutate halves/lenet5/neuron_activation_inversion" in jobs
    assert of_digits(jobs) == SHARED
    assert "prepare" not in {job.split()[0] for job in jobs}
