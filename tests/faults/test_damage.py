"""Damaged artefacts: each is refused by its name and by the rule that makes it again."""

import json
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass

import numpy as np
import pytest

from plumbline.data.manifest import File, Manifest
from plumbline.errors import DamagedFileError
from plumbline.runtime import cli
from plumbline.storage.artefacts import (
    Attribution,
    ImageSet,
    Prediction,
    load_arrays,
    load_predictions,
    save_arrays,
    save_predictions,
)
from plumbline.storage.checkpoints import Checkpoint
from plumbline.storage.tables import (
    read_frame,
    read_parquet,
    read_rows,
    row,
    write_csv,
    write_parquet,
)

N = 30
RNG = np.random.default_rng(0)
INDEX = np.arange(N)


def image_set(path):
    ImageSet("x", RNG.integers(0, 256, (N, 1, 9, 9), dtype=np.uint8), INDEX, INDEX).save(path)


def classifier(path):
    import torch

    from plumbline.models.classifier import Architecture, Classifier

    shape = {"channels": 1, "size": 28, "classes": 2, "dense": 8}
    Classifier(Architecture("mlp", shape), ("a", "b"), torch.zeros(1), torch.ones(1)).save(path)


def load_classifier(path):
    from plumbline.models.classifier import Classifier

    return Classifier.load(path)


def prediction():
    return Prediction("e", "x", np.full((1, N, 4), 0.25, np.float32), INDEX, INDEX)


def attribution(path):
    values = np.ones(N, np.float32)
    relevance = RNG.normal(size=(N, 1, 9, 9)).astype(np.float32)
    Attribution("m", relevance, INDEX, values, values, INDEX).save(path)


ARTEFACTS = {
    "ImageSet": (image_set, ImageSet.load),
    "Classifier": (classifier, load_classifier),
    "Prediction": (lambda path: prediction().save(path), Prediction.load),
    "Predictions": (lambda path: save_predictions(path, [prediction()]), load_predictions),
    "Attribution": (attribution, Attribution.load),
    "arrays of a stage": (
        lambda path: save_arrays(path, "Conductance", {"a": RNG.normal(size=(N, 9))}, {}),
        lambda path: load_arrays(path, "Conductance"),
    ),
}
RECORDED = "rule some_rule makes it: delete it and run again"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A name in a folder whose records tell that some_rule made it."""
    monkeypatch.chdir(tmp_path)
    name = "results/made"
    record = {"rule": "some_rule", "input": [], "params": [], "shellcmd": "", "log": []}
    record |= {"starttime": 1.0, "endtime": 2.0, "input_checksums": {}}
    folder = tmp_path / ".snakemake/metadata"
    folder.mkdir(parents=True)
    (folder / urlsafe_b64encode(name.encode()).decode()).write_text(json.dumps(record))
    return name


def message(read, path):
    """What a program says of a damaged file that it reads, after its own name."""
    with pytest.raises(DamagedFileError) as caught:
        read(path)
    return cli.message(caught.value)


@pytest.mark.parametrize("kind", ARTEFACTS)
def test_a_flipped_bit_is_noticed_wherever_it_is(place, tmp_path, kind):
    write, read = ARTEFACTS[kind]
    write(place)
    file = tmp_path / place
    sound = file.read_bytes()
    head = 8 + int.from_bytes(sound[:8], "little")
    content = len(sound[:head].rstrip())  # what is padded after it changes nothing
    payload = RNG.permutation(np.arange(head, len(sound)))[:60]
    for position in (*range(content), *payload):
        damaged = bytearray(sound)
        damaged[position] ^= 1 << int(RNG.integers(8))
        file.write_bytes(damaged)
        told = message(read, place)
        assert told.startswith("results/made: "), position
        assert told.endswith(RECORDED), position
    file.write_bytes(sound)
    read(place)


@pytest.mark.parametrize("kind", ARTEFACTS)
@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.999])
def test_a_truncated_file_is_noticed(place, tmp_path, kind, share):
    write, read = ARTEFACTS[kind]
    write(place)
    content = (tmp_path / place).read_bytes()
    (tmp_path / place).write_bytes(content[: int(share * len(content))])
    assert re.fullmatch(rf"results/made: .*{RECORDED}", message(read, place))


def manifest(path):
    Manifest("d", "digits", (File("a", "0" * 64, 1, "mirror"),)).save(path)


def table(path):
    write_csv(path, [row("accuracy", 0.5, 0.4, 0.6, 10, model="m")])


@pytest.mark.parametrize(
    ("write", "read"),
    [
        (manifest, Manifest.load),
        (table, lambda path: read_frame([path])),
        (table, read_rows),
        (lambda path: write_parquet(path, {"a": [1, 2]}), read_parquet),
    ],
    ids=["manifest", "frame", "rows", "parquet"],
)
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00junk\n\xff\x00"], ids=repr)
def test_tables_and_manifests_that_are_none_are_named(place, tmp_path, write, read, content):
    write(place)
    read(place)
    (tmp_path / place).write_bytes(content)
    assert re.fullmatch(rf"results/made: .*{RECORDED}", message(read, place))


def test_without_a_record_no_rule_is_named(tmp_path):
    (tmp_path / "x").write_bytes(b"junk")
    told = message(ImageSet.load, tmp_path / "x")
    assert re.fullmatch(r".*x: not a readable safetensors .*; delete it and run again", told)


@dataclass
class State(Checkpoint):
    history: list[int]


def test_a_damaged_checkpoint_is_told_and_not_taken_up(tmp_path, capsys):
    path = tmp_path / "c.checkpoint"
    State([0, 1, 2]).save(path, "me")
    assert State.load(path, "me") == State([0, 1, 2])
    sound = path.read_bytes()
    damaged = [sound[: int(share * len(sound))] for share in (0, 0.01, 0.1, 0.5, 0.999)]
    for position in range(len(sound)):
        flipped = bytearray(sound)
        flipped[position] ^= 1 << int(RNG.integers(8))
        damaged.append(bytes(flipped))
    for content in (b"junk", *damaged):
        path.write_bytes(content)
        assert State.load(path, "me") is None
        told = capsys.readouterr().err
        assert re.fullmatch(rf"{path}: saved for .*, or damaged; starting again\n", told)
