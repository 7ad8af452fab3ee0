"""Every script, given a missing file or garbage: one plain message that names it, status 1."""

import argparse
import json
import runpy
import sys

import pytest
from support import SCRIPTS

PARTS = {
    package.parent.name: sorted(path.stem for path in package.parent.glob("[a-z]*.py"))
    for package in SCRIPTS.glob("plumbline/programs/*/__init__.py")
}
ALL = [
    " ".join([path.stem, part]).strip()
    for path in sorted(SCRIPTS.glob("*.py"))
    for part in PARTS.get(path.stem, ("",))
]
GARBAGE = b"\xff\xfe\x00 no such thing \n\xff\x00"

# Values of arguments that are no files; all others are given the bad file.
PLAIN = {
    "--dataset": "digits",
    "--model": "lenet5",
    "--models": "lenet5",
    "--corpus": "in_distribution",
    "--count": "1",
    "--seeds": "0",
    "--starts": "1",
    "--samples": "1",
    "--level": "1",
    "--levels": "1",
    "--epsilons": "0.1",
    "--back": "index.html",
    "--target": "soft",
    "--pairs": '["8", "3"]',
    "--gallery": '{"images": [], "per_class": 1, "classes": 1, "seed": 0}',
    "--kind": "image_folder",
}
METHODS = {
    "attack": "fgsm",
    "explain": "gradient",
    "mutate": "gaussian_fuzzing",
    "predict": "softmax",
    "score_images": "density",
    "check_attributions spread": "gradient",
    "visualize": "activation_maximization",
}
OWN = {
    "fit_generator": {"--generator": "gan"},
    "shift_images": {"--shift": "noise"},
    "survey_latent samples": {"--of": "all"},
}
FURTHER = {"import_weights": "--path", "fetch": "--path"}


class ParsedError(Exception):
    """Carries a parser out of the script that made it."""


def arguments(script, monkeypatch):
    """The required arguments of a script, which is stopped where it would read them."""

    def stop(parser):
        raise ParsedError(parser)

    with monkeypatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", stop)
        with pytest.raises(ParsedError) as stopped:
            run(script, [], patch)
    (parser,) = stopped.value.args
    return [action for action in parser._actions if action.required]


def run(script, words, patch):
    """Run a script, or a part of it, in this process."""
    name, *part = script.split()
    patch.setattr(sys, "argv", [f"{name}.py", *part, *words])
    runpy.run_path(str(SCRIPTS / f"{name}.py"), run_name="__main__")


def value(script, action, bad):
    flag = action.option_strings[0] if action.option_strings else ""
    if flag in OWN.get(script, {}):
        return OWN[script][flag]
    if flag in PLAIN:
        return PLAIN[flag]
    if flag == "--method" and script in METHODS:
        return METHODS[script]
    if action.choices:
        return next(iter(action.choices))
    if action.type is json.loads:
        return "{}"
    if action.type in (int, float):
        return "1"
    return str(bad)


@pytest.mark.parametrize("content", [None, GARBAGE], ids=["missing", "garbage"])
@pytest.mark.parametrize("script", ALL)
def test_a_bad_file_is_told_in_a_line(script, content, tmp_path, monkeypatch, capsys):
    bad = tmp_path / "bad.file"
    if content is not None:
        bad.write_bytes(content)
    words = []
    for action in arguments(script, monkeypatch):
        words += [*action.option_strings[:1], value(script, action, bad)]
    if script in FURTHER:
        words += [FURTHER[script], str(bad)]
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PLUMBLINE_MIRROR", raising=False)
    with pytest.raises(SystemExit) as caught:
        run(script, words, monkeypatch)
    message = caught.value.code
    assert isinstance(message, str), (message, capsys.readouterr().err)
    assert message.startswith(f"{script.split()[0]}.py: ")
    assert "bad.file" in message
    assert message.count("\n") <= 1
    assert len(message) < 600
    assert [path.name for path in tmp_path.iterdir()] == ([] if content is None else ["bad.file"])


def test_an_unknown_part_is_told_with_the_nearest_name(monkeypatch):
    with pytest.raises(SystemExit) as caught:
        run("survey_latent map", [], monkeypatch)
    assert caught.value.code.startswith("survey_latent.py: no part 'map'; did you mean 'maps'?")
