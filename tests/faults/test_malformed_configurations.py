"""Configurations that a generator breaks: each ends in a short message that names a key."""

import copy
import random
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
PLAIN = [
    *("", "\u202e\x00", "x" * 300, "yes", "8/0", "1/2/3", "a/b", "../..", "lenet5 "),
    *(-1, 0, 10**30, 1e308, -1e-300, float("nan"), float("inf"), 0.5, True, False),
]
FILLED = [[[]], [None], NESTED, [NESTED], {"": 1}, {1: 2}, {None: 3}]
JUNK = [*PLAIN, *FILLED, [], {}]


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
    min_size=2,
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


def names_the_place(message, place):
    """Whether the message has a key on the way to ``place``, below the top where that has one."""
    keys = [key for key in place if isinstance(key, str)]
    return any(re.search(rf"(?<!\w){re.escape(key)}(?!\w)", message) for key in keys[1:] or keys)


def refusal(config):
    """Why ``config`` is refused, if it is; asserts that each of its few short lines names a key."""
    try:
        load(config)
    except InputError as error:
        lines = str(error).split("\n")
        assert len(lines) <= 3, lines
        assert max(map(len, lines)) <= LONGEST + 4, lines
        assert all(line.isprintable() for line in lines), lines
        assert all(names_a_key(line, config) for line in lines), lines
        return str(error)
    return ""


def test_two_hundred_wrong_values_are_told_with_the_key_where_they_stand():
    """Two at every place, one of them a list or a section."""
    rng = random.Random(0)
    wrong = [(place, rng.choice(kind)) for place in PLACES for kind in (PLAIN, FILLED)]
    told = [(place, refusal(changed([(place, ("value", value))]))) for place, value in wrong]
    told = [(place, message) for place, message in told if message]
    assert len(told) >= 200
    for place, message in told:
        assert len(message) <= LONGEST + 4, message
        # Of what is missing in this list the key that asks for it tells.
        known = "extension.estimator" if place[:2] == ("latent", "estimators") else ""
        assert names_the_place(message, place) or (known and known in message), (place, message)


@settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(changes=CHANGES)
def test_several_faults_are_few_short_lines_that_name_keys(changes):
    refusal(changed(changes))


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
