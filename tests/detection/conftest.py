"""What tests of the stage detection share."""

import subprocess
import sys

import pytest
from support import SCRIPTS


@pytest.fixture(scope="session")
def run_script():
    """Run a script as the rules do; returns what it printed on standard error."""

    def call(script, *arguments, expect=0, scripts=SCRIPTS):
        command = [sys.executable, str(scripts / script), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == expect, done.stderr
        return done.stderr

    return call
