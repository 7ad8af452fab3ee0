"""A SLURM that is not installed is told from one that does not start."""

import shutil

import one_node
import pytest
from one_node import NotInstalled, OneNode


def test_what_is_not_installed_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(one_node, "SEARCH", str(tmp_path))
    with pytest.raises(NotInstalled, match=r"munged.*slurmctld.*apt-get install"), OneNode():
        pass


@pytest.mark.skipif(
    not all(shutil.which(name, path=one_node.SEARCH) for name in one_node.PROGRAMS),
    reason="no SLURM here",
)
def test_one_that_does_not_start_is_an_error(monkeypatch):
    wrong = one_node.CONFIGURATION.replace("select/cons_tres", "select/unheard_of")
    monkeypatch.setattr(one_node, "CONFIGURATION", wrong)
    with pytest.raises(RuntimeError, match=r"does not start.*unheard_of"), OneNode():
        pass
