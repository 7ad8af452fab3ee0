"""The container's recipe is in step with the environments, the launcher and what git keeps."""

import json
import os
import re
from fnmatch import fnmatch

import pytest
from support import ROOT

from plumbline.workflow.environments import PYTHON

LINES = [
    line.split(maxsplit=1)
    for line in (ROOT / "Dockerfile").read_text().splitlines()
    if line and not line.startswith("#")
]


def lines(instruction):
    return [rest for name, rest in LINES if name == instruction]


def test_its_python_is_that_of_the_environments():
    assert lines("FROM") == [f"python:{PYTHON}-slim"]


def test_what_it_copies_is_there_and_the_environment_comes_before_the_sources():
    names = [name for name, _ in LINES]
    first, second = (at for at, name in enumerate(names) if name == "COPY")
    assert first < names.index("RUN") < second
    *files, target = LINES[first][1].split()
    assert target == "./"
    assert {"requirements.txt", "plumbline"} == set(files)
    assert all((ROOT / file).is_file() for file in files)
    assert LINES[second][1] == ". ."


def test_it_makes_the_locked_environment_and_hands_over_to_the_launcher():
    launcher = (ROOT / "plumbline").read_text()
    assert lines("RUN") == ["./plumbline run --version"]
    assert json.loads(lines("ENTRYPOINT")[0]) == ["./plumbline"]
    assert os.access(ROOT / "plumbline", os.X_OK)
    (command,) = json.loads(lines("CMD")[0])
    assert re.search(rf"^{command}\)$", launcher, re.MULTILINE)
    for variable in lines("ARG"):
        assert f"${{{variable}:-}}" in launcher


@pytest.mark.parametrize("name", ["Dockerfile", ".dockerignore"])
def test_no_place_is_named(name):
    text = (ROOT / name).read_text()
    assert not re.search(r"://|index-url|[\w-]+\.(org|com|io|net)\b", text)


def test_what_git_ignores_stays_out_of_the_image():
    ignored = (ROOT / ".dockerignore").read_text().split()
    for pattern in (ROOT / ".gitignore").read_text().split():
        name = pattern.strip("/").replace("*", "x")
        assert any(fnmatch(name, each.removeprefix("**/")) for each in ignored), pattern
