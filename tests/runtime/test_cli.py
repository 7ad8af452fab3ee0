"""Options of the configuration as options of a command line."""

import argparse
import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.config.training import TrainingOptions
from plumbline.errors import InputError
from plumbline.runtime import cli


@settings(deadline=None)
@given(
    epochs=st.integers(1, 99),
    rate=st.floats(1e-6, 1e3),
    normalise=st.booleans(),
    width=st.integers(1, 99),
)
def test_flags_are_the_inverse_of_the_options(epochs, rate, normalise, width):
    options = TrainingOptions(
        epochs=epochs, learning_rate=rate, normalise=normalise, network={"width": width}
    )
    parser = argparse.ArgumentParser()
    cli.add_options(parser, TrainingOptions)
    line = shlex.split(cli.flags(options.model_dump()))
    assert cli.read_options(parser.parse_args(line), TrainingOptions) == options


def test_flags_do_not_depend_on_the_order_of_keys_and_see_swapped_values():
    assert cli.flags({"a": 1, "b": 2}) == cli.flags({"b": 2, "a": 1}) == "--a 1 --b 2"
    assert cli.flags({"a": 2, "b": 1}) != cli.flags({"a": 1, "b": 2})
    assert cli.flags({"a": None, "c": [0.1, 0.2], "d": "x y"}) == "--c 0.1 0.2 --d 'x y'"


def test_a_wrong_option_names_the_flag():
    parser = argparse.ArgumentParser()
    cli.add_options(parser, TrainingOptions)
    with pytest.raises(InputError, match="--learning-rate"):
        cli.read_options(parser.parse_args(["--learning-rate", "-1"]), TrainingOptions)
