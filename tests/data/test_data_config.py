"""The section data of the configuration."""

from typing import get_args

import pytest
from pydantic import ValidationError

from plumbline.config.data import DataSection, Origin, Source, Splits
from plumbline.registry import READERS, SOURCES
from plumbline.runtime.cli import flags


def test_every_kind_is_a_module_and_every_module_a_kind():
    kinds = list(get_args(Origin.model_fields["kind"].annotation))
    assert kinds == SOURCES.names() == READERS.names()
    for kind in kinds:
        assert SOURCES.options(kind) == READERS.options(kind) == {}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "npz"}, "kind npz needs a path"),
        ({"kind": "digits", "path": "x"}, "path is for the kinds npz and image_folder"),
        ({"kind": "image_folder", "path": "x"}, "kind image_folder needs a size"),
        ({"kind": "npz", "path": "x", "labels": "y"}, "labels are for the kind image_folder"),
        (
            {"kind": "image_folder", "path": "x", "size": 8, "classes": "y"},
            "classes are for the kind npz, and for image_folder with labels",
        ),
        ({"kind": "digits", "resize": 9}, "resize is for the kind image_folder, not for digits"),
        (
            {"kind": "image_folder", "path": "x", "size": 9, "resize": 8},
            r"resize \(8\) is less than size \(9\)",
        ),
        ({"kind": "digits", "channels": 2}, "Input should be 1 or 3"),
        ({"kind": "digits", "splits": {"test": 0.8}}, "add up to 1.05, more than 1"),
    ],
)
def test_sources_that_make_no_sense_are_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        Source(**fields)


def test_splits_may_use_up_everything():
    assert Splits(val=0.1, calibration=0.2, test=0.7).test == 0.7


def test_what_a_rule_does_not_use_is_not_among_its_options():
    source = Source(kind="npz", path="own.npz", size=28, ood=("other",))
    data = DataSection(mirror="somewhere", downloads="there", sources={"own": source})
    origin = {"kind": "npz", "path": "own.npz", "labels": None, "classes": None}
    assert data.origin("own") == origin
    prepared = {"size", "resize", "channels", "images", "broken", "splits", "splits_of"}
    assert set(data.preparation("own")) == prepared
    text = flags(data.origin("own") | data.preparation("own"))
    assert "somewhere" not in text
    assert "there" not in text


def test_class_names_are_a_list_or_a_file():
    many, one = Origin(kind="npz", path="x", classes=["a", "b"]), ["names.txt"]
    assert many.own_paths == {"path": "x"}
    for given in ("names.txt", one):  # the configuration's form, and a command line's
        origin = Origin(kind="npz", path="x", classes=given)
        assert origin.own_paths == {"path": "x", "classes": "names.txt"}
