"""One finished run of a small configuration, and copies of it."""

import pytest
from repository import copy_of, fresh


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The small configuration, run to its end."""
    repository = fresh(tmp_path_factory.mktemp("workflow") / "repository", "small.yaml")
    repository.snakemake()
    return repository


@pytest.fixture
def repository(finished, tmp_path):
    """A copy of the finished run that a test may change."""
    return copy_of(finished, tmp_path / "copy")
