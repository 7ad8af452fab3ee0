"""Estimators by draws of weights, by evidence, by passes of several nets, by mean logits."""

import pytest
import torch

from plumbline.errors import InputError
from plumbline.models.bayesian import bayesian_layers, drawn_weights
from plumbline.models.classifier import Architecture, Classifier
from plumbline.runtime.seeding import derive
from plumbline.training.losses import Bayesian, Evidential
from plumbline.uncertainty.estimators import (
    bayes_by_backprop,
    dropout_ensemble,
    evidential,
    mc_dropout,
    softmax,
)

BAYESIAN = ("lenet5", "mlp", "resnet34")
SMALL = {"lenet5": {"width": 4, "dense": 16}, "mlp": {"dense": 32}, "resnet34": {"width": 4}}


@pytest.fixture(scope="module")
def pixels(digits):
    return torch.from_numpy(digits["test"].images[:30])


def untrained(model="lenet5", seed=0, objective=None):
    torch.manual_seed(seed)
    arguments = {"channels": 1, "size": 28, "classes": 10, **SMALL[model]}
    architecture = Architecture(model, arguments, objective and objective.initial_scale)
    record = objective.record if objective else {}
    names = tuple("0123456789")
    return Classifier(architecture, names, torch.zeros(1), torch.ones(1), record).eval()


@pytest.mark.parametrize("model", BAYESIAN)
def test_each_draw_is_the_net_with_those_weights(model, pixels):
    """An ordinary net that is given the drawn weights answers the same."""
    net = untrained(model, objective=Bayesian(1.0, 0.05))
    probs = bayes_by_backprop.predict([net], pixels, seed=3, samples=2)
    assert probs.shape == (2, 30, 10)
    assert probs.dtype == torch.float32
    plain = untrained(model)
    weights = {k: v for k, v in net.state_dict().items() if not k.endswith("rho")}
    for number, found in enumerate(probs):
        with drawn_weights(net, derive(3, number)):
            names = {module: name for name, module in net.named_modules()}
            drawn = {
                f"{names[layer]}.{part}": value
                for layer in bayesian_layers(net)
                for part, value in layer.drawn.items()
            }
        plain.load_state_dict(weights | drawn)
        torch.testing.assert_close(found, softmax.predict([plain], pixels, seed=0)[0])


def test_draws_differ_follow_from_the_seed_and_from_nothing_else(pixels):
    net = untrained("mlp", objective=Bayesian(1.0, 0.05))
    state = torch.get_rng_state()
    whole = bayes_by_backprop.predict([net], pixels, seed=1, samples=4)
    assert torch.equal(torch.get_rng_state(), state)
    assert len({each.numpy().tobytes() for each in whole}) == 4
    assert torch.equal(whole[:2], bayes_by_backprop.predict([net], pixels, seed=1, samples=2))
    assert not torch.equal(whole, bayes_by_backprop.predict([net], pixels, seed=2, samples=4))
    for batch in (1, 7):
        parts = bayes_by_backprop.predict([net], pixels, seed=1, samples=4, batch=batch)
        torch.testing.assert_close(parts, whole)
    again = softmax.predict([net], pixels, seed=0)  # the means, no trace of the draws
    assert torch.equal(again, softmax.predict([untrained("mlp")], pixels, seed=0))


def test_the_narrower_the_posterior_the_nearer_to_the_means(pixels):
    nets = [untrained("mlp", objective=Bayesian(1.0, scale)) for scale in (1e-4, 0.05)]
    means = softmax.predict(nets[:1], pixels, seed=0)
    found = [
        (bayes_by_backprop.predict([net], pixels, seed=0, samples=5) - means).abs().max()
        for net in nets
    ]
    assert found[0] < 1e-3 < 1e-2 < found[1]


@pytest.mark.parametrize(
    ("predict", "how", "message"),
    [
        (bayes_by_backprop.predict, {}, "not Bayesian; set objective to an entry"),
        (bayes_by_backprop.predict, {"samples": 0}, r"bayes_by_backprop\.samples must be at lea"),
        (evidential.predict, {}, "not evidential; set objective to an entry"),
        (dropout_ensemble.predict, {"members": 2}, r"dropout_ensemble\.members: 2, but there ar"),
        (dropout_ensemble.predict, {"members": 1, "samples": 0}, r"dropout_ensemble\.samples must"),
        (mc_dropout.predict, {"mean": "median"}, "probabilities or logits, not 'median'"),
    ],
)
def test_what_does_not_fit_is_told(predict, how, message, pixels):
    with pytest.raises(InputError, match=message):
        predict([untrained()], pixels, seed=0, **how)


def test_a_bayesian_net_has_no_dropout_to_sample(pixels):
    net = untrained(objective=Bayesian(1.0, 0.05))
    with pytest.raises(InputError, match="lenet5 has no dropout layer"):
        mc_dropout.predict([net], pixels, seed=0)


@pytest.mark.parametrize("evidence", ["relu", "softplus", "exp"])
def test_evidential_is_the_mean_of_the_dirichlet_distribution(evidence, pixels):
    objective = Evidential("log", evidence, 10)
    net = untrained(objective=objective)
    alpha = evidential.concentration([net], pixels, batch=16)
    probs = evidential.predict([net], pixels, seed=0)
    assert (alpha.shape, alpha.dtype) == ((30, 10), torch.float32)
    assert (probs.shape, probs.dtype) == ((1, 30, 10), torch.float32)
    assert (alpha >= 1).all()
    with torch.no_grad():
        outputs = net(pixels.float() / 255)
    torch.testing.assert_close(probs[0], objective.log_probabilities(outputs).exp())
    torch.testing.assert_close(10 / alpha.sum(1), objective.uncertainty(outputs))


def test_no_evidence_at_all_is_the_uniform_distribution(pixels):
    net = untrained(objective=Evidential("squared_error", "relu", 10))
    torch.nn.init.zeros_(net.network.output.weight)
    torch.nn.init.constant_(net.network.output.bias, -1.0)
    assert (evidential.concentration([net], pixels) == 1).all()
    torch.testing.assert_close(
        evidential.predict([net], pixels, seed=0), torch.full((1, 30, 10), 0.1)
    )


def test_dropout_ensemble_is_mc_dropout_of_each_member(pixels):
    nets = [untrained(seed=seed) for seed in range(3)]
    probs = dropout_ensemble.predict(nets, pixels, seed=4, members=2, samples=3)
    each = [
        mc_dropout.predict([net], pixels, seed=derive(4, member), samples=3)
        for member, net in enumerate(nets)
    ]
    assert torch.equal(probs, torch.cat(each[:2]))
    more = dropout_ensemble.predict(nets, pixels, seed=4, members=3, samples=3)
    assert torch.equal(more, torch.cat(each))
    assert not torch.equal(each[0], mc_dropout.predict(nets, pixels, seed=4, samples=3))


def test_mean_of_logits_is_one_answer_that_differs_from_the_mean_of_probabilities(lenet, pixels):
    probs = mc_dropout.predict([lenet], pixels, seed=1, samples=5)
    (found,) = mc_dropout.predict([lenet], pixels, seed=1, samples=5, mean="logits")
    # Up to a constant for each image, log p are the logits: their mean's softmax is the same.
    torch.testing.assert_close(found, torch.softmax(probs.log().mean(0), 1))
    assert (found - probs.mean(0)).abs().max() > 0.01
    (one,) = mc_dropout.predict([lenet], pixels, seed=1, samples=1, mean="logits")
    assert torch.equal(one, probs[0])
