"""Image sets: names, keys and columns say the same, and no name is taken for another kind."""

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.config.attacks import AttacksSection
from plumbline.data.image_sets import (
    COLUMNS,
    ImageSetKey,
    columns_of,
    keys_of,
    parse_all,
)
from plumbline.errors import InputError
from plumbline.registry import SHIFTS
from plumbline.storage.tables import read_frame, read_rows, write_csv
from plumbline.workflow.stages.data import adversarial_keys

NAMES = st.from_regex("[a-z][a-z0-9_]{0,11}", fullmatch=True)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)
# Attacks that the configuration accepts, see the test of refusals.
ATTACKS = st.sampled_from(["fgsm", "pgd_20", "rotation", "a_eps", "hop_skip_jump", "eps0"])
BOUNDED = st.builds(
    ImageSetKey,
    st.just("adversarial"),
    attack=ATTACKS,
    epsilon=st.floats(1e-9, 1, exclude_min=True),
)
KEYS = st.one_of(
    st.sampled_from([ImageSetKey("clean"), ImageSetKey("calibration")]),
    st.builds(ImageSetKey, st.just("out_of_distribution"), source=NAMES),
    BOUNDED,
    st.builds(ImageSetKey, st.just("adversarial"), attack=ATTACKS),
    st.builds(
        ImageSetKey, st.just("shifted"), shift=st.sampled_from(SHIFTS.names()), level=NUMBERS
    ),
)


@given(KEYS)
def test_a_name_gives_its_key_back(key):
    assert ImageSetKey.parse(key.name, [key.attack]) == key
    assert ImageSetKey.of(key.columns()) == key


def test_names_are_those_of_the_files():
    keys = parse_all(
        ["test", "calibration", "ood_letters_eps1", "pgd_eps1e-05", "rotation_-30", "deepfool"],
        ["deepfool"],
    )
    assert list(keys.values()) == [
        ImageSetKey("clean"),
        ImageSetKey("calibration"),
        ImageSetKey("out_of_distribution", source="letters_eps1"),
        ImageSetKey("adversarial", attack="pgd", epsilon=1e-5),
        ImageSetKey("shifted", shift="rotation", level=-30),
        ImageSetKey("adversarial", attack="deepfool"),
    ]
    assert ImageSetKey("adversarial", attack="pgd", epsilon=8 / 255).name == "pgd_eps0.0313725"


@pytest.mark.parametrize(
    "name", ["tset", "deepfool", "ood_", "_eps0.1", "pgd_eps0.10", "pgd_eps", "tilt_3", "noise_x"]
)
def test_an_unknown_name_is_an_error(name):
    with pytest.raises(InputError, match=f"no image set '{name}'"):
        ImageSetKey.parse(name)


def test_the_nearest_name_is_told():
    with pytest.raises(InputError, match="did you mean 'deepfool'"):
        ImageSetKey.parse("depfool", ["deepfool"])


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("clean", {"source": "letters"}),
        ("out_of_distribution", {}),
        ("adversarial", {"epsilon": 0.1}),
        ("adversarial", {"attack": "pgd", "level": 1}),
        ("shifted", {"shift": "noise"}),
        ("shfted", {"shift": "noise", "level": 1}),
    ],
)
def test_a_key_has_the_fields_of_its_kind(kind, given):
    with pytest.raises(ValueError, match="image set"):
        ImageSetKey(kind, **given)


@pytest.mark.parametrize(
    ("entry", "options"),
    [
        ("ood_letters", {"method": "deepfool"}),
        ("ood_letters", {"method": "fgsm"}),
        ("test", {"method": "deepfool"}),
        ("pgd_eps1", {"method": "deepfool"}),
        ("rotation_30", {"method": "deepfool"}),
    ],
)
def test_an_attack_whose_set_would_pass_for_another_kind_is_refused(entry, options):
    section = AttacksSection(methods={entry: options})
    with pytest.raises(InputError, match=rf"^attacks\.methods\.{entry}: .* another kind"):
        adversarial_keys(section, entry)


def test_an_attack_has_a_set_for_each_epsilon_or_one():
    section = AttacksSection(epsilons=[0.1, "8/255"], methods={"fgsm": {}, "deepfool": {}})
    assert [key.name for key in adversarial_keys(section, "fgsm")] == [
        "fgsm_eps0.1",
        "fgsm_eps0.0313725",
    ]
    assert [key.name for key in adversarial_keys(section, "deepfool")] == ["deepfool"]


def test_tables_keep_keys(tmp_path):
    names = ["test", "ood_letters", "pgd_eps0.1", "deepfool", "noise_0.2", "calibration"]
    keys = parse_all(names, ["deepfool"])
    write_csv(tmp_path / "t.csv", [key.columns() | {"metric": "x"} for key in keys.values()])
    rows = read_rows(tmp_path / "t.csv")
    assert list(rows[0]) == ["set", *COLUMNS, "metric"]
    assert [ImageSetKey.of(row) for row in rows] == list(keys.values())
    no_set = pd.DataFrame([{"set": "all", "metric": "x"}])
    table = pd.concat([read_frame([tmp_path / "t.csv"]), no_set], ignore_index=True)
    assert keys_of(table) == keys
    columns = columns_of(keys.values(), [2] * len(keys))
    assert list(columns["set"]) == [name for name in names for _ in range(2)]
    assert keys_of(pd.DataFrame(columns)) == keys
    assert math.isnan(columns["epsilon"][0])
