"""How tests are shared among processes."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

CONFTEST = Path(__file__).with_name("conftest.py")
RUN = """
@pytest.fixture
def finished():
    pass
"""
FILE = """
import time
import pytest
{run}
@pytest.mark.parametrize("number", range(3))
def test_it({needs}number):
    time.sleep(0.1)
"""
NEEDS = {"a": "", "b": "finished, ", "c": "finished, ", "d": "tiny, ", "e": "tiny, "}
REPOSITORY = """
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

@dataclass
class Repository:
    folder: Path
    config: str

    def snakemake(self):
        time.sleep(2)
        with open(r"{file}", "a") as file:
            file.write("run ")
        return SimpleNamespace(stdout="printed")

def fresh(folder, config):
    folder.mkdir()
    return Repository(folder, config)
"""


def test_finished_runs_are_shared_and_else_those_of_one_file_stay_together(tmp_path):
    """The finished run is one process's, which tests it; the tiny one is made for all of them."""
    shutil.copy(CONFTEST, tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = workflow: runs Snakemake\n")
    (tmp_path / "repository.py").write_text(REPOSITORY.format(file=tmp_path / "runs"))
    for name, needs in NEEDS.items():
        text = FILE.format(run=RUN if "finished" in needs else "", needs=needs)
        (tmp_path / f"test_{name}.py").write_text(text)
    how = ["-v", "--numprocesses=2", "--dist=loadgroup", "--no-loadscope-reorder"]
    command = [sys.executable, "-m", "pytest", *how, "-p", "no:cacheprovider", str(tmp_path)]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stdout
    found = re.findall(r"\[(gw\d)\].* PASSED .*test_([a-e])\.py", said)
    assert len(found) == 3 * len(NEEDS), said
    processes = {name: {gw for gw, other in found if other == name} for name in NEEDS}
    assert all(len(each) == 1 for each in processes.values()), said
    assert processes["b"] == processes["c"] != processes["a"], said
    assert processes["d"] != processes["e"], said
    assert (tmp_path / "runs").read_text() == "run "
