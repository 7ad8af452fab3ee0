"""The evidential loss: closed forms against torch.distributions, sampling and the paper."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Dirichlet, kl_divergence
from torch.nn import functional as F

from plumbline.models.classifier import Classifier, logits
from plumbline.training.fit import fit
from plumbline.training.losses import (
    EVIDENCE,
    CrossEntropy,
    Evidential,
    dirichlet,
    divergence,
    squared_error,
    trained_for,
)


def alphas(n=50, classes=7):
    return 1 + 20 * torch.rand(n, classes, generator=torch.Generator().manual_seed(0)).double()


def test_divergence_is_torchs():
    alpha = alphas()
    expected = kl_divergence(Dirichlet(alpha), Dirichlet(torch.ones_like(alpha)))
    torch.testing.assert_close(divergence(alpha), expected, rtol=1e-12, atol=1e-12)
    assert divergence(torch.ones(3, 5)).abs().max() < 1e-6


def test_divergence_and_squared_error_are_means_over_the_distribution():
    alpha = torch.tensor([[1.5, 4.0, 2.0], [9.0, 1.0, 1.2]]).double()
    truth = torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]).double()
    stream = np.random.default_rng(0)
    for place in range(2):
        drawn = torch.from_numpy(stream.dirichlet(alpha[place].numpy(), 200_000))
        one = Dirichlet(alpha[place])
        ratio = one.log_prob(drawn) - Dirichlet(torch.ones(3).double()).log_prob(drawn)
        error = (truth[place] - drawn).square().sum(1)
        for found, samples in ((divergence, ratio), (squared_error, error)):
            arguments = (alpha,) if found is divergence else (alpha, truth)
            four = 4 * samples.std() / len(samples) ** 0.5  # standard errors
            assert abs(found(*arguments)[place] - samples.mean()) < four


@settings(max_examples=40, deadline=None)
@given(
    scale=st.sampled_from([0.0, 1e-3, 1.0, 30.0, 80.0]),
    evidence=st.sampled_from(sorted(EVIDENCE)),
    epoch=st.integers(0, 12),
    seed=st.integers(0, 1000),
)
def test_loss_and_gradients_are_finite(scale, evidence, epoch, seed):
    generator = torch.Generator().manual_seed(seed)
    outputs = (scale * torch.randn(8, 5, generator=generator)).requires_grad_()
    labels = torch.randint(0, 5, (8,), generator=generator)
    loss = Evidential(evidence, 10).loss(outputs, labels, epoch)
    (gradient,) = torch.autograd.grad(loss, outputs)
    assert loss.isfinite()
    assert gradient.isfinite().all()


def test_the_penalty_grows_to_its_full_weight_and_spares_the_true_class():
    outputs, labels = torch.tensor([[2.0, 3.0, 0.0]]), torch.tensor([1])
    objective = Evidential("relu", 10)
    losses = [objective.loss(outputs, labels, epoch).item() for epoch in (0, 5, 10, 50)]
    alpha = torch.tensor([[3.0, 4.0, 1.0]])
    error = squared_error(alpha, F.one_hot(labels, 3).float()).item()
    penalty = divergence(torch.tensor([[3.0, 1.0, 1.0]])).item()  # without the true class
    expected = [error + weight * penalty for weight in (0, 0.5, 1, 1)]
    assert losses == pytest.approx(expected)


@pytest.mark.parametrize("evidence", sorted(EVIDENCE))
def test_probabilities_and_uncertainty_are_those_of_the_distribution(evidence):
    outputs = torch.randn(20, 6, generator=torch.Generator().manual_seed(1)).double()
    objective = Evidential(evidence, 10)
    probabilities = objective.log_probabilities(outputs).exp()
    expected = Dirichlet(dirichlet(outputs, evidence)).mean
    torch.testing.assert_close(probabilities, expected)
    uncertainty = objective.uncertainty(outputs)
    assert ((uncertainty > 0) & (uncertainty <= 1)).all()
    nothing = torch.full((1, 6), -1e4)
    assert objective.uncertainty(nothing).item() == pytest.approx(1)


def test_cross_entropy_is_that_of_torch_and_knows_no_evidence():
    outputs, labels = torch.randn(9, 4), torch.arange(9) % 4
    objective = trained_for({})
    assert objective == CrossEntropy()
    assert objective.loss(outputs, labels, 3) == F.cross_entropy(outputs, labels)
    assert F.nll_loss(objective.log_probabilities(outputs), labels) == F.cross_entropy(
        outputs, labels
    )
    assert objective.uncertainty(outputs).isnan().all()


def test_an_evidential_net_learns_and_is_less_certain_of_noise(digits, tmp_path):
    net, history = fit(
        digits["train"],
        digits["val"],
        model="lenet5",
        network={"width": 8, "dense": 64},
        epochs=8,
        batch=64,
        optimizer="adam",
        learning_rate=3e-3,
        weight_decay=0.0,
        augment="none",
        normalise=False,
        seed=0,
        device=torch.device("cpu"),
        objective=Evidential("exp", 100),
    )
    assert list(history[0]) == ["epoch", "train_loss", "val_nll", "val_accuracy"]
    net.save(tmp_path / "net")
    read = Classifier.load(tmp_path / "net")
    objective = trained_for(read.record)
    assert objective == Evidential("exp", 100)
    test = digits["test"]
    outputs = logits(read, test.images)
    assert (outputs.argmax(1).numpy() == test.labels).mean() > 0.85
    noise = np.random.default_rng(0).random(test.images.shape).astype(np.float32)
    uncertain = objective.uncertainty(logits(read, noise)).mean()
    assert uncertain > 2 * objective.uncertainty(outputs).mean()
    val = digits["val"]
    answers = objective.log_probabilities(logits(read, val.images))
    nll = F.nll_loss(answers, torch.from_numpy(val.labels)).item()
    assert nll == pytest.approx(read.record["best"]["val_nll"])
