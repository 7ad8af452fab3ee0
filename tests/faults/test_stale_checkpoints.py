"""Checkpoints of other trainings: never taken up, told in a line, and no hindrance."""

import argparse
import shlex

import fit_generator
import numpy as np
import pytest
import torch
import train
from support import SCRIPTS

from plumbline.config.training import TrainingOptions
from plumbline.config.visualization import GeneratorOptions
from plumbline.registry import GENERATORS, NETWORKS
from plumbline.runtime import cli
from plumbline.storage.artefacts import ImageSet
from plumbline.storage.checkpoints import Checkpoint, fingerprint
from plumbline.training.fit import Extra
from plumbline.training.losses import CrossEntropy, Evidential
from plumbline.workflow.code_hash import code_hash

RUN = {"epochs": 3, "batch": 32, "learning_rate": 0.01, "seed": 7, "device": "cpu", "train": "few"}
NET = RUN | {"model": "lenet5", "network": {"width": 4, "dense": 16}, "val": "val"}
PROGRAMS = {
    "train": (train, TrainingOptions, NET),
    "retrain": (train, TrainingOptions, NET | {"extra": "extra", "target": "soft"}),
    "fit_generator": (
        *(fit_generator, GeneratorOptions),
        RUN | {"generator": "gan", "network": {"code": 8, "hidden": 16}},
    ),
}
CODE = {
    "train": ("train.py", NETWORKS.file("lenet5")),
    "retrain": ("train.py", NETWORKS.file("lenet5")),
    "fit_generator": ("fit_generator.py", GENERATORS.file("gan")),
}
OF_ALL = {
    "seed": {"seed": 8},
    "rate": {"learning_rate": 0.02},
    "passes": {"epochs": 4},
    "images": {"train": "others"},
}
OF_NETS = {
    "architecture": {"network": {"width": 6, "dense": 16}},
    "validation": {"val": "others"},
}
OWN = {
    "train": {
        "objective": {
            "objective": "evidential",
            "set": {"loss": "log", "evidence": "exp", "annealing": 9},
        }
    },
    "retrain": {"further images": {"extra": "others"}, "classes": {"target": "class"}},
    "fit_generator": {"architecture": {"network": {"code": 9, "hidden": 16}}},
}
CHANGES = {
    f"{program}, {name}": (program, change)
    for program, own in OWN.items()
    for name, change in (OF_ALL | (OF_NETS if program != "fit_generator" else {}) | own).items()
}


SAID = "saved for other options, images or code, or damaged; starting again"


class Killed(Exception):
    """Stands for a process that ends in the middle."""


@pytest.fixture(scope="module")
def images(digits, tmp_path_factory):
    """A folder with small sets of images."""
    folder = tmp_path_factory.mktemp("images")
    parts = {"few": ("train", 0, 100), "others": ("train", 100, 200), "val": ("val", 0, 60)}
    for name, (split, start, end) in (parts | {"extra": ("test", 0, 20)}).items():
        digits[split].select(slice(start, end)).save(folder / name)
    return folder


@pytest.fixture
def run(images, tmp_path):
    """Call with a program's name and other options than above: the bytes of what it makes."""

    def call(name, checkpoint=None, **changes):
        program, model, options = PROGRAMS[name]
        given = options | changes | {"out": str(tmp_path / "out"), "checkpoint": checkpoint}
        for each in given.keys() & {"train", "val", "extra"}:
            given[each] = str(images / given[each])
        parser = argparse.ArgumentParser()
        program.arguments(parser)
        cli.add_options(parser, model)
        words = shlex.split(cli.flags(given | {"history": str(tmp_path / "history")}))
        args = parser.parse_args(words)
        args.options = cli.read_options(args, model)
        program.main(args)
        return (tmp_path / "out").read_bytes() + (tmp_path / "history").read_bytes()

    return call


@pytest.fixture
def killed(run, tmp_path, monkeypatch):
    """Call with a program's name: the checkpoint of one that ends when its second state is kept."""

    def call(name):
        save, states = Checkpoint.save, []

        def until_killed(state, *where):
            save(state, *where)
            states.append(len(state.history))
            if len(states) == 2:
                raise Killed

        path = str(tmp_path / "checkpoint")
        with monkeypatch.context() as patch:
            patch.setattr(Checkpoint, "save", until_killed)
            with pytest.raises(Killed):
                run(name, path)
        assert states == [1, 2]  # finished epochs
        return path

    return call


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_killed_program_goes_on_with_its_own(run, killed, capsys, monkeypatch, name):
    checkpoint, kept = killed(name), []
    monkeypatch.setattr(Checkpoint, "save", lambda state, *_: kept.append(len(state.history)))
    resumed = run(name, checkpoint)
    assert kept == []  # only the last epoch was left, of which no state is kept
    assert SAID not in capsys.readouterr().err
    assert resumed == run(name)


@pytest.mark.parametrize(("name", "changes"), CHANGES.values(), ids=CHANGES)
def test_another_one_begins_anew_and_comes_out_as_if_there_were_none(
    run, killed, capsys, name, changes
):
    checkpoint = killed(name)
    capsys.readouterr()
    made = run(name, checkpoint, **changes)
    told = [line for line in capsys.readouterr().err.splitlines() if SAID in line]
    assert told == [f"{checkpoint}: {SAID}"]
    assert made == run(name, **changes)


@pytest.mark.parametrize("name", PROGRAMS)
def test_other_code_begins_anew(run, killed, capsys, monkeypatch, name):
    """Each program asks for the hash that its rule has, but for the environment's file."""
    checkpoint, asked = killed(name), []

    def edited(root, script, *files):
        asked.append(code_hash(root, script, *files))
        return "edited"

    monkeypatch.setattr("plumbline.workflow.code_hash.code_hash", edited)
    made = run(name, checkpoint)
    assert asked == [code_hash(SCRIPTS, *CODE[name])]
    assert SAID in capsys.readouterr().err
    assert made == run(name)


def test_what_an_earlier_version_left_is_no_hindrance(run, killed, capsys):
    checkpoint = killed("train")
    torch.save({"epoch": 1, "weights": {}}, checkpoint)
    made = run("train", checkpoint)
    assert f"{checkpoint}: {SAID}" in capsys.readouterr().err
    assert made == run("train")


def arguments(**others):
    pixels = np.arange(32, dtype=np.uint8).reshape(2, 1, 4, 4)
    labels = np.arange(2)
    provenance = {"files": ["a"], "share": 0.1}
    images = ImageSet("x", pixels, labels, labels, ("a", "b"), provenance, {"own": labels})
    given = {"train": images, "extra": None, "objective": CrossEntropy(), "rate": 0.1}
    return given | {"device": torch.device("cpu"), "checkpoint": "a"} | others


def test_the_fingerprint_depends_on_all_but_the_place():
    same = fingerprint(arguments())
    assert same == fingerprint(arguments(device=torch.device("cuda"), checkpoint="b"))
    backwards = arguments()["train"].select(slice(None, None, -1))
    empty = np.empty((0, 1, 4, 4), np.uint8), np.empty((0, 2), np.float32)
    others = [
        arguments(rate=0.1 + 1e-16),
        arguments(train=backwards),
        arguments(train=backwards.select(slice(None, None, -1)).select(slice(1))),
        arguments(objective=Evidential("log", "exp", 9)),
        arguments(objective=Evidential("log", "exp", 8)),
        arguments(extra=Extra(*empty)),
        arguments(extra=Extra(empty[0], empty[1].astype(np.float64))),
        arguments(further=None),
    ]
    found = {same, *map(fingerprint, others)}
    assert len(found) == 1 + len(others)
    assert fingerprint(arguments(train=backwards.select(slice(None, None, -1)))) == same
