"""Replicates: a net under a second name, trained as the first from seeds of its own."""

import pytest
import yaml
from snakemake.utils import update_config
from support import ROOT

from plumbline.config.schema import load
from plumbline.errors import InputError
from plumbline.models.classifier import Architecture
from plumbline.registry import ATTRIBUTIONS

B = {"architecture": "lenet5"}
OWN = """
from torch import nn

def make(size, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(size**2, classes), nn.Dropout())
"""


@pytest.fixture
def default():
    return yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))


def with_nets(default, models, **nets):
    update_config(default, {"models": models, "training": {"models": nets}})
    return default


def test_a_replicate_is_trained_as_its_architecture_is(default):
    config = load(with_nets(default, ["lenet5", "lenet5_b"], lenet5_b=B))
    assert config.training_options("digits", "lenet5_b") == config.training_options(
        "digits", "lenet5"
    )
    assert config.training_options("digits", "lenet5_b").epochs == 15
    assert config.networks.file("lenet5_b") == config.networks.file("lenet5")
    assert (
        config.networks.architecture("lenet5_b")
        == "lenet5"
        == config.networks.architecture("lenet5")
    )
    assert config.networks.replicates == {"lenet5_b": "lenet5"}


def test_what_is_chosen_for_the_architecture_holds_for_its_replicates(default):
    given = with_nets(
        default,
        ["resnet34", "resnet34_b", "lenet5", "lenet5_b"],
        resnet34_b={"architecture": "resnet34"},
        lenet5_b=B,
    )
    given["training"]["datasets"] = {"digits": {"lenet5": {"epochs": 3}}}
    config = load(given)
    assert config.training_options("digits", "lenet5_b").epochs == 3
    for net in ("resnet34", "lenet5"):
        twin = f"{net}_b"
        stability = config.stability
        assert stability.operators_of(twin) == stability.operators_of(net)
        for entry in stability.operators_of(net):
            assert stability.rates(entry, twin) == stability.rates(entry, net)
            assert stability.entry_of(entry, twin) == stability.entry_of(entry, net)
        assert config.estimators("digits", twin) == config.estimators("digits", net)
        assert config.networks.unmet(ATTRIBUTIONS, "cam", twin) == config.networks.unmet(
            ATTRIBUTIONS, "cam", net
        )
    assert "bayes_by_backprop" in config.estimators("digits", "lenet5_b")
    assert stability.rates("gaussian_fuzzing", "resnet34_b") == (0.015, 0.005, 0.03)


def test_an_own_net_has_replicates_too(default, tmp_path):
    file = tmp_path / "own.py"
    file.write_text(OWN, encoding="utf-8")
    mine = {"entry": f"{file}:make", "epochs": 2}
    config = load(
        with_nets(default, ["mine", "mine_b"], mine=mine, mine_b={"architecture": "mine"})
    )
    assert config.networks.file("mine_b") == config.networks.file("mine")
    assert config.networks.traits("mine_b") == ("dropout",)
    shape = {"channels": 1, "size": 4, "classes": 3}
    assert len(Architecture("mine", shape, entry=config.networks.made_by("mine_b")).build()) == 3


@pytest.mark.parametrize(
    ("nets", "message"),
    [
        ({"lenet5_b": {"architecture": "lenet55"}}, "lenet5_b.architecture: no 'lenet55'; did"),
        ({"lenet5_b": {"architecture": 5}}, "lenet5_b.architecture must be the name of a net"),
        ({"lenet5_b": B | {"epochs": 3}}, "no options other than architecture"),
        ({"alexnet": {"architecture": "lenet5"}}, "a net of models/architectures already"),
        ({"lenet5_b": B, "c": {"architecture": "lenet5_b"}}, "c.architecture: no 'lenet5_b'"),
    ],
    ids=["unknown", "number", "options", "taken", "of a replicate"],
)
def test_bad_replicates_are_refused(default, nets, message):
    default["training"]["models"].pop("alexnet")
    with pytest.raises(InputError, match=r"training\.models") as refused:
        load(with_nets(default, ["lenet5", *nets], **nets))
    assert message in str(refused.value)


def test_the_overlay_is_one_architecture_on_small_ground(default):
    overlay = yaml.safe_load((ROOT / "config/replicates.yaml").read_text(encoding="utf-8"))
    update_config(default, overlay)
    config = load(default)
    assert {config.networks.architecture(net) for net in config.models} == {"lenet5"}
    assert not config.attribution.methods
    assert not config.visualization.methods
