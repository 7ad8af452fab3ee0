"""What nets are trained for, in the configuration."""

import copy

import pytest
import yaml
from support import ROOT

from plumbline.config.schema import load
from plumbline.config.training import EvidentialOptions
from plumbline.errors import InputError
from plumbline.training.losses import EVIDENCE, EXPECTED, trained_for

GIVEN = yaml.safe_load((ROOT / "config/config.yaml").read_text())


def changed(**objectives):
    """The default configuration with these entries of training.objectives laid over it."""
    given = copy.deepcopy(GIVEN)
    given["training"]["objectives"] |= objectives
    return given


def test_the_default_objectives_are_those_of_the_estimators():
    objectives = load(GIVEN).training.objectives
    kinds = {name: each.kind for name, each in objectives.items()}
    assert kinds == {
        "evidential": "evidential",
        "evidential_log": "evidential",
        "evidential_digamma": "evidential",
        "bayesian": "bayesian",
    }


def test_options_are_the_same_here_and_in_the_losses():
    for field, known in (("loss", EXPECTED), ("evidence", EVIDENCE)):
        annotation = EvidentialOptions.model_fields[field].annotation
        assert set(annotation.__args__) == set(known)
    training = load(GIVEN).training
    for name, options in training.objectives.items():
        record = {"objective": options.kind, **training.own_options(name)}
        assert trained_for(record).record == record


def test_a_bayesian_objective_overrules_the_options_of_the_net():
    given = changed(
        own={"kind": "bayesian", "epochs": 3, "learning_rate": 0.1}, other={"kind": "bayesian"}
    )
    given["training"]["default"]["weight_decay"] = 0.01
    config = load(given)
    plain = config.training_options("digits", "lenet5")
    assert config.training_options("digits", "lenet5", "cross_entropy") == plain
    assert config.training_options("digits", "lenet5", "evidential") == plain
    # The prior is the only penalty on the weights.
    changes = {"epochs": 3, "learning_rate": 0.1, "weight_decay": 0.0}
    assert config.training_options("digits", "lenet5", "own") == plain.model_copy(update=changes)
    assert config.training_options("digits", "lenet5", "other").epochs == plain.epochs


def test_given_weights_stand_in_for_cross_entropy_alone(tmp_path):
    weights = tmp_path / "weights.pt"
    weights.touch()
    given = copy.deepcopy(GIVEN)
    given["training"]["weights"] = {"digits": {"lenet5": {"path": str(weights)}}}
    config = load(given)
    assert config.objective("digits", "lenet5") == "given"
    assert config.objective("digits", "lenet5", "evidential") == "evidential"
    assert config.objective("digits", "alexnet") == "cross_entropy"


@pytest.mark.parametrize(
    ("objectives", "message"),
    [
        (
            {"x": {"kind": "evidential", "anealing": 3}},
            r"x\.anealing: unknown key; did you mean 'a",
        ),
        ({"x": {"kind": "bayesian", "loss": "log"}}, r"x\.loss: unknown key"),
        ({"x": {"kind": "bayesian", "prior_scale": 0}}, r"x\.prior_scale: .*0"),
        ({"x": {"kind": "laplace"}}, r"x\.kind: allowed are 'evidential', 'bayesian'"),
        ({"x": {"loss": "log"}}, r"x\.kind: is missing"),
        ({"cross_entropy": {"kind": "bayesian"}}, "'cross_entropy' is reserved for nets without"),
        ({"extension_holes": {"kind": "bayesian"}}, "'extension_holes' is reserved for nets"),
        ({"given": {"kind": "bayesian"}}, "'given' is reserved for nets without"),
    ],
)
def test_faults_are_told_with_their_key(objectives, message):
    with pytest.raises(InputError, match=rf"^training\.objectives.*{message}"):
        load(changed(**objectives))


@pytest.mark.parametrize("objective", ["evident", "bayesian"])
def test_a_spread_is_of_an_evidential_net(objective):
    given = copy.deepcopy(GIVEN)
    given["attribution"]["spread"]["lrp_evidential"]["objective"] = objective
    message = rf"^attribution\.spread\.lrp_evidential\.objective: no evidential '{objective}'"
    with pytest.raises(InputError, match=message):
        load(given)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"method": "evidential"}, "cross_entropy is not an objective of kind evidential"),
        ({"method": "evidential", "objective": "bayesian"}, "bayesian is not an objective of kind"),
        (
            {"method": "bayes_by_backprop", "objective": "evidential"},
            "not an objective of kind bayesian",
        ),
    ],
)
def test_an_estimator_asks_nets_of_its_own_kind(entry, message):
    given = copy.deepcopy(GIVEN)
    given["uncertainty"]["estimators"]["mine"] = entry
    with pytest.raises(
        InputError, match=rf"^uncertainty\.estimators\.mine\.objective: .*{message}"
    ):
        load(given)


def test_an_objective_that_something_asks_for_cannot_go():
    given = changed(evidential=None)
    del given["uncertainty"]["estimators"]["evidential"]
    with pytest.raises(InputError, match=r"lrp_evidential\.objective: no evidential"):
        load(given)
