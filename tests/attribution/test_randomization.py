"""The sanity check of attributions by randomization of the weights."""

import argparse
import json

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from plumbline.attribution.correlation import is_constant, rank_correlation
from plumbline.attribution.randomization import (
    STAGES,
    map_correlations,
    redrawn,
    rows,
    stages,
    variants,
)
from plumbline.errors import InputError
from plumbline.models.classifier import Architecture, Network
from plumbline.registry import ATTRIBUTIONS
from plumbline.report.figures.randomization import verdicts
from plumbline.report.sections.attribution import randomization as randomization_tables


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), levels=st.sampled_from([2, 5, 1000]))
def test_rank_correlation_is_scipys_over_all_pixels_and_over_some(seed, levels):
    stream = np.random.default_rng(seed)
    first, second = stream.integers(0, levels, (2, 3, 40)).astype(float)
    where = stream.random((3, 40)) < 0.7
    for chosen in (None, where):
        found = rank_correlation(first, second, chosen)
        for one, other, at, value in zip(first, second, where, found, strict=True):
            part = slice(None) if chosen is None else at
            assert value == pytest.approx(spearmanr(one[part], other[part]).statistic)


def test_a_constant_map_ranks_nothing():
    maps = np.array([[1.0, 1, 1, 7], [1, 2, 3, 4], [5, 5, 5, 5]])
    other = np.array([[4.0, 3, 2, 1]] * 3)
    where = np.array([[True, True, True, False]] * 2 + [[False] * 4])
    assert is_constant(maps).tolist() == [False, False, True]
    assert is_constant(maps, where).tolist() == [True, False, True]
    assert rank_correlation(maps, other)[2] == 0
    assert rank_correlation(maps, other, where).tolist() == [0, -1, 0]


def test_stages_go_from_the_output_down_and_hold_every_weight(nets):
    assert stages(nets["lenet5"].network) == [("output",), ("dense1",), ("conv2",), ("conv1",)]
    layers = ["fc", "layer4", "layer3", "layer2", "layer1"]
    assert stages(nets["resnet34"].network) == [*((n,) for n in layers), ("conv1", "bn1")]
    for net in nets.values():
        groups = stages(net.network)
        assert len(groups) <= STAGES
        names = [name for group in groups for name in group]
        assert len(set(names)) == len(names)
        held = {f"{n}.{k}" for n in names for k in net.network.get_submodule(n).state_dict()}
        assert held == set(net.network.state_dict())
    alone = Network({"flatten": torch.nn.Flatten(), "output": torch.nn.Linear(4, 2)}, "flatten")
    assert stages(alone) == [("output",)]


def test_variants_of_a_net(nets):
    found = [(v.kind, v.stage, v.layer, v.redrawn) for v in variants(nets["resnet34"].network)]
    assert found[0] == ("cascade", 0, "", ())
    assert found[2] == ("cascade", 2, "layer4", ("fc", "layer4"))
    assert found[6][:3] == ("cascade", 6, "conv1")
    assert found[8] == ("independent", 2, "layer4", ("layer4",))
    assert found[-1] == ("chance", 6, "conv1", found[6][3])
    assert len(found) == 14


@pytest.mark.parametrize("model", ["lenet5", "resnet34"])
def test_redrawn_layers_are_as_before_training_and_the_others_as_they_were(model, nets):
    net = nets[model]
    before = {name: value.clone() for name, value in net.state_dict().items()}
    layers = stages(net.network)[1]
    state = torch.get_rng_state()
    other = redrawn(net, layers, seed=3)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    torch.manual_seed(3)
    fresh = Architecture(net.architecture.name, net.architecture.arguments).build().state_dict()
    for name, value in other.network.state_dict().items():
        new = name.startswith(layers)
        assert torch.equal(value, fresh[name] if new else before[f"network.{name}"]), name
    if model == "resnet34":  # batch norm as at the start of training
        norm = other.network.layer4[0].bn1
        assert (norm.weight == 1).all()
        assert (norm.running_mean == 0).all()
        assert (norm.running_var == 1).all()
    assert not any(each.requires_grad or other.training for each in other.parameters())


def methods(*names):
    return {name: ATTRIBUTIONS.load(name) for name in names}


@pytest.fixture(scope="module")
def checked(nets, digits):
    """Correlations of four methods and of a broken one, of LeNet-5, as a frame by image."""
    pixels = torch.from_numpy(digits["test"].pixels[:6])

    def empty(classifier, pixels, target, *, seed, batch):
        return torch.zeros_like(pixels), torch.full((len(pixels),), torch.nan)

    target = nets["lenet5"](pixels).argmax(1)
    which = methods("gradient", "gradient_x_input", "random", "intensity") | {"empty": empty}
    found = list(map_correlations(which, nets["lenet5"], pixels, target, seed=1, batch=256))
    return found, pd.DataFrame(rows(found, 2, model="m"))


def value(table, method, kind, stage, of, metric="rank_correlation"):
    part = table[(table["method"] == method) & (table["kind"] == kind) & (table["of"] == of)]
    return part[(part["stage"] == stage) & (part["metric"] == metric)]["value"].item()


def test_controls_are_what_they_must_be(checked):
    _, table = checked
    for of in ("signed", "absolute", "absolute_lit"):
        for kind, stage in (("cascade", 4), ("independent", 2), ("chance", 4)):
            assert value(table, "intensity", kind, stage, of) == pytest.approx(1)
            assert abs(value(table, "random", kind, stage, of)) < 0.1
            assert value(table, "empty", kind, stage, of) == 0
            assert value(table, "empty", kind, stage, of, "constant_share") == 1
            assert value(table, "gradient", kind, stage, of, "constant_share") == 0
        assert value(table, "gradient", "cascade", 0, of) == pytest.approx(1)
        assert value(table, "gradient", "cascade", 4, of) < 0.5
    gain = value(table, "intensity", "cascade", 4, "absolute", "rank_correlation_gain")
    control = value(table, "random", "cascade", 4, "absolute")
    assert gain == pytest.approx(1 - control)


def test_black_pixels_keep_the_correlation_of_gradient_x_input_high(checked):
    _, table = checked
    whole = value(table, "gradient_x_input", "cascade", 4, "absolute")
    assert whole > value(table, "gradient_x_input", "cascade", 4, "absolute_lit") + 0.2


def test_a_correlation_is_that_of_maps_made_by_hand(checked, nets, digits):
    from plumbline.runtime.seeding import derive

    found, _ = checked
    pixels = torch.from_numpy(digits["test"].pixels[:6])
    net = nets["lenet5"]
    target = net(pixels).argmax(1)
    other = redrawn(net, ("output", "dense1"), derive(1, "weights", False))
    maps = [
        ATTRIBUTIONS.load("gradient")(each, pixels, target, seed=0)[0].abs().flatten(1)
        for each in (net, other)
    ]
    own = [
        each
        for each in found
        if (each.method, each.of) == ("gradient", "absolute")
        and (each.variant.kind, each.variant.stage) == ("cascade", 2)
    ]
    expected = [spearmanr(one, two).statistic for one, two in zip(*maps, strict=True)]
    assert own[0].values == pytest.approx(expected)


def test_every_method_meets_the_same_nets_each_made_once(nets, digits, monkeypatch):
    pixels = torch.from_numpy(digits["test"].pixels[:2])
    seen = {"one": [], "two": []}

    def recorder(name):
        def attribute(classifier, pixels, target, *, seed, batch):
            seen[name].append(classifier)
            return pixels * 1.0, torch.zeros(len(pixels))

        return attribute

    which = {name: recorder(name) for name in seen}
    target = torch.zeros(2, dtype=torch.int64)
    list(map_correlations(which, nets["lenet5"], pixels, target, seed=1, batch=256))
    assert seen["one"] == seen["two"]
    assert len({id(net) for net in seen["one"]}) == 1 + 10
    cascade, alone = seen["one"][2], seen["one"][6]  # the output layer re-drawn in both
    assert torch.equal(cascade.network.output.weight, alone.network.output.weight)


def test_relevance_that_is_not_finite_is_told(nets, digits):
    def broken(classifier, pixels, target, *, seed, batch):
        return pixels / 0, torch.zeros(len(pixels))

    pixels = torch.from_numpy(digits["test"].pixels[:2])
    target = torch.zeros(2, dtype=torch.int64)
    with pytest.raises(InputError, match="broken: relevance is not finite"):
        list(map_correlations({"broken": broken}, nets["lenet5"], pixels, target, seed=1, batch=9))


def test_the_program_writes_the_same_table_twice(digits, lenet, tmp_path):
    from plumbline.programs.check_attributions import randomization as program

    lenet.save(tmp_path / "net")
    digits["test"].save(tmp_path / "test")
    text = json.dumps({"lrp": ["lrp_epsilon", {"epsilon": 0.2}], "random": ["random", {}]})
    arguments = argparse.Namespace(
        classifier=tmp_path / "net",
        images=tmp_path / "test",
        count=3,
        methods=json.loads(text),
        memory_mb=64,
        dataset="digits",
        model="lenet5",
        out=tmp_path / "table.csv",
        seed=4,
        device="cpu",
        threads=1,
    )
    program.main(arguments)
    first = (tmp_path / "table.csv").read_bytes()
    program.main(arguments)
    assert (tmp_path / "table.csv").read_bytes() == first
    assert first.startswith(b"dataset,model,method,kind,layer,stage,of,metric,value,low,high,n\n")
    assert set(pd.read_csv(tmp_path / "table.csv")["method"]) == {"lrp", "random"}
    arguments.methods = {"lrp": ["lrp_epsilon", {"epsilom": 0.2}]}
    with pytest.raises(InputError, match="did you mean 'epsilon'"):
        program.main(arguments)


def planted(**intervals):
    """Rows of a cascade of two stages for each method: low and high of the last two."""
    parts = [
        {"method": name, "kind": "cascade", "of": "absolute_lit", "metric": "rank_correlation"}
        | {"stage": stage, "low": low, "high": high, "value": low, "n": 9, "layer": f"layer{stage}"}
        for name, ends in intervals.items()
        for stage, (low, high) in enumerate([(1.0, 1.0), *ends])
    ]
    return pd.DataFrame(parts).assign(dataset="d", model="lenet5")


def test_a_method_fails_by_any_stage_and_passes_by_all():
    table = planted(
        gradient=[(0.1, 0.6), (0.0, 0.1)],
        lrp_epsilon=[(0.6, 0.8), (0.0, 0.1)],
        guided_backpropagation=[(0.8, 0.9), (0.0, 0.1)],
        intensity=[(1.0, 1.0), (1.0, 1.0)],
    )
    assert verdicts(table) == {
        "gradient": "passes",
        "lrp_epsilon": "undecided",
        "guided_backpropagation": "fails",
        "intensity": "fails",
    }
    (found,) = randomization_tables({"randomization": table}, "d")
    down_to = {line[1]: line[-2:] for line in found.rows}
    assert down_to["guided backpropagation"] == ["layer1", "fails"]
    assert down_to["intensity (control)"] == ["layer2", "fails"]
    assert down_to["gradient"] == ["–", "passes"]
