"""Configurations that a generator breaks: each ends in a short message that names a key."""

import copy
import re
import subprocess
import sys

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import ROOT

from plumbline.config.schema import LONGEST, load
from plumbline.errors import InputError

DEFAULT = yaml.safe_load((ROOT / "config/config.yaml").read_text())
NESTED = {"deep": [{"er": [None, {}]}, [[1]]]}
JUNK = [
    *("", "\u202e\x00", "x" * 300, "yes", "8/0", "1/2/3", "a/b", "../..", "lenet5 "),
    *(-1, 0, 10**30, 1e308, -1e-300, float("nan"), float("inf"), 0.5, True, False),
    *([], [[]], [None], {}, NESTED, [NESTED], {"": 1}, {1: 2}, {None: 3}),
]


def places(config, at=()):
    """Where every value of a configuration stands."""
    if at:
        yield at
    if isinstance(config, dict | list):
        keys = config if isinstance(config, dict) else range(len(config))
        for key in keys:
            yield from places(config[key], (*at, key))


PLACES = sorted(places(DEFAULT), key=repr)


def around(config, place):
    for key in place[:-1]:
        config = config[key]
    return config


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(PLACES),
        st.one_of(
            st.tuples(st.just("value"), st.sampled_from(JUNK)),
            st.tuples(st.just("value"), st.text(max_size=10)),
            st.tuples(st.just("value"), st.none()),
            st.tuples(st.just("rename"), st.sampled_from(["s", "_x", " ", "é", "-"])),
            st.tuples(st.just("remove"), st.none()),
        ),
    ),
    min_size=1,
    max_size=3,
)


def changed(changes):
    """The default configuration with ``changes``, but for places that an earlier one took away."""
    config = copy.deepcopy(DEFAULT)
    for place, (kind, new) in changes:
        try:
            outer = around(config, place)
            old = outer[place[-1]]
        except (KeyError, TypeError, IndexError):
            continue
        if kind == "value":
            outer[place[-1]] = copy.deepcopy(new)
        else:
            del outer[place[-1]]
        if kind == "rename" and isinstance(outer, dict):
            outer[f"{place[-1]}{new}"] = old
    return config


def names_a_key(message, config):
    """Whether the message has a key that stands in the configuration or belongs there."""
    first = re.split(r"[.:( ]", message, maxsplit=1)[0]
    return first in {*DEFAULT, *map(str, config)}


def check(config):
    """Whether ``config`` is refused; asserts that each of its few short lines names a key."""
    try:
        load(config)
    except InputError as error:
        lines = str(error).split("\n")
        assert len(lines) <= 3, lines
        assert max(map(len, lines)) <= LONGEST + 4, lines
        assert all(line.isprintable() for line in lines), lines
        assert all(names_a_key(line, config) for line in lines), lines
        return True
    return False


REFUSED = []


@settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(changes=CHANGES)
def test_every_fault_is_a_short_message_that_names_a_key(changes):
    if check(changed(changes)):
        REFUSED.append(changes)


def test_two_hundred_configurations_were_refused():
    assert len({repr(changes) for changes in REFUSED}) >= 200


@pytest.mark.workflow
@pytest.mark.parametrize("text", ["datasets: [digits", "just words", "\x00"])
def test_a_file_that_is_no_configuration_is_refused_without_a_traceback(tmp_path, text):
    done = dry_run(tmp_path, text)
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "Config file" in said
    assert "Traceback" not in said


@pytest.mark.workflow
@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("seed: {deep: []}", "seed"),
        ("models: [lenet, 3]", "models.1"),
        ("colour: blue", "colour"),
    ],
)
def test_the_program_tells_a_fault_in_one_line(tmp_path, text, key):
    done = dry_run(tmp_path, text)
    assert done.returncode == 1
    assert f"\nConfiguration: {key}: " in done.stderr
    assert "Traceback" not in done.stderr


def dry_run(folder, text):
    """A dry run of the repository with ``text`` laid over its configuration."""
    (folder / "changes.yaml").write_text(text)
    words = (
        "-n",
        "--quiet",
        "--cores",
        "1",
        "--directory",
        folder,
        "--snakefile",
        ROOT / "Snakefile",
    )
    configs = ("--configfile", ROOT / "config/config.yaml", folder / "changes.yaml")
    command = [sys.executable, "-m", "snakemake", *map(str, (*words, *configs))]
    return subprocess.run(command, capture_output=True, text=True)
