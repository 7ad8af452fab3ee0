"""The library alone, as pip installs it: all of its files, and no need of the repository."""

import os
import shutil
import subprocess
import sys
from zipfile import ZipFile

import pytest
from support import ROOT, SCRIPTS

pytestmark = pytest.mark.workflow
PROGRAM = """
import sys
from importlib import import_module
from pathlib import Path
site, *names = sys.argv[1:]
for name in names:
    module = import_module(name)
    assert Path(module.__file__).is_relative_to(site), module.__file__
from plumbline.registry import ATTACKS, ATTRIBUTIONS
from plumbline.models.classifier import Architecture
assert "pgd" in ATTACKS.names() and "gradient" in ATTRIBUTIONS.names()
print(len(Architecture("lenet5", {"channels": 1, "size": 28, "classes": 10}).build()))
"""


def quiet(*command, **how):
    done = subprocess.run(command, capture_output=True, text=True, **how)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy of the sources by the setuptools that are here."""
    folder = tmp_path_factory.mktemp("sources")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(SCRIPTS, folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel")
    quiet(
        *pip,
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--wheel-dir",
        "out",
        ".",
        cwd=folder,
    )
    (found,) = (folder / "out").glob("plumbline-*.whl")
    return found


def test_every_file_of_the_library_is_in_it(wheel):
    files = {
        path.relative_to(SCRIPTS).as_posix()
        for path in (SCRIPTS / "plumbline").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    packed = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == files


def test_every_module_is_imported_from_anywhere(wheel, tmp_path):
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install")
    quiet(*pip, "--no-deps", "--no-index", "--target", str(site), str(wheel))
    variables = {**os.environ, "PYTHONPATH": str(site)}
    files = [name for name in ZipFile(wheel).namelist() if name.endswith(".py")]
    names = [name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in files]
    program = (sys.executable, "-c", PROGRAM, str(site), *names)
    assert int(quiet(*program, cwd=elsewhere, env=variables)) == 12
