"""Runs to be disturbed; the tiny one of all tests is what they are held against."""

import pytest
from repository import copy_of, fresh

TABLES = ("training", "attacks", "uncertainty")


@pytest.fixture(scope="session")
def targets():
    """Three tables, behind which stand images, nets, attacks and predictions."""
    return [f"results/tables/{name}.csv" for name in TABLES]


@pytest.fixture
def disturbed(tmp_path):
    """The sources alone, in a folder of their own."""
    return fresh(tmp_path / "disturbed", "tiny.yaml")


@pytest.fixture
def finished_copy(tiny, tmp_path):
    """A copy of the undisturbed run that a test may change."""
    return copy_of(tiny, tmp_path / "copy")
