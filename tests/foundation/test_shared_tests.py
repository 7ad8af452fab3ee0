"""How tests are shared among processes."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

CONFTEST = Path(__file__).parents[1] / "conftest.py"
RUN = """
@pytest.fixture
def tiny():
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


def test_those_of_one_file_and_those_of_one_finished_run_stay_together(tmp_path):
    shutil.copy(CONFTEST, tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = workflow: runs Snakemake\n")
    for name in "abc":
        text = (
            FILE.format(run="", needs="") if name == "a" else FILE.format(run=RUN, needs="tiny, ")
        )
        (tmp_path / f"test_{name}.py").write_text(text)
    how = ["-v", "--numprocesses=2", "--dist=loadgroup", "--no-loadscope-reorder"]
    command = [sys.executable, "-m", "pytest", *how, "-p", "no:cacheprovider", str(tmp_path)]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stdout
    found = re.findall(r"\[(gw\d)\].* PASSED .*test_([abc])\.py", said)
    assert len(found) == 9, said
    processes = {name: {gw for gw, other in found if other == name} for name in "abc"}
    assert all(len(each) == 1 for each in processes.values()), said
    assert processes["b"] == processes["c"] != processes["a"], said
