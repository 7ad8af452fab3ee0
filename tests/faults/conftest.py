"""One undisturbed run of a few stages, to hold the disturbed ones against."""

import pytest
from repository import copy_of, fresh

TABLES = ("training", "attacks", "uncertainty")


@pytest.fixture(scope="session")
def targets():
    """Three tables, behind which stand images, nets, attacks and predictions."""
    return [f"results/tables/{name}.csv" for name in TABLES]


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory, targets):
    """The tables of the tiny configuration, made without a fault."""
    repository = fresh(tmp_path_factory.mktemp("faults") / "repository", "tiny.yaml")
    repository.snakemake(*targets)
    return repository


@pytest.fixture
def disturbed(tmp_path):
    """The sources alone, in a folder of their own."""
    return fresh(tmp_path / "disturbed", "tiny.yaml")


@pytest.fixture
def finished_copy(undisturbed, tmp_path):
    """A copy of the undisturbed run that a test may change."""
    return copy_of(undisturbed, tmp_path / "copy")
