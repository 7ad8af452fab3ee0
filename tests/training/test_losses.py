"""The evidential losses: closed forms against torch.distributions, sampling and the paper."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Dirichlet, kl_divergence
from torch.nn import functional as F

from plumbline.config.training import TrainingOptions
from plumbline.models.classifier import Classifier, logits
from plumbline.training.fit import fit
from plumbline.training.losses import (
    EVIDENCE,
    EXPECTED,
    CrossEntropy,
    Evidential,
    dirichlet,
    divergence,
    log_loss,
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


def test_divergence_and_the_losses_are_means_over_the_distribution():
    alpha = torch.tensor([[1.5, 4.0, 2.0], [9.0, 1.0, 1.2]]).double()
    truth = torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]).double()
    stream = np.random.default_rng(0)
    for place in range(2):
        drawn = torch.from_numpy(stream.dirichlet(alpha[place].numpy(), 200_000))
        one = Dirichlet(alpha[place])
        ratio = one.log_prob(drawn) - Dirichlet(torch.ones(3).double()).log_prob(drawn)
        error = (truth[place] - drawn).square().sum(1)
        entropy = -(truth[place] * drawn.log()).sum(1)
        found = {"divergence": divergence(alpha)}
        found |= {name: loss(alpha, truth) for name, loss in EXPECTED.items()}
        samples = {"divergence": ratio, "squared_error": error, "digamma": entropy}
        for name, each in samples.items():
            four = 4 * each.std() / len(each) ** 0.5  # standard errors
            assert abs(found[name][place] - each.mean()) < four, name
        right = (truth[place] * drawn).sum(1)  # its logarithm is taken of the mean
        four = 4 * right.std() / len(right) ** 0.5
        assert abs((-found["log"][place]).exp() - right.mean()) < four


def test_log_loss_is_the_nll_of_the_mean_and_no_more_than_the_expected_cross_entropy():
    """Jensen: -log E[p] <= E[-log p], so eq. 3 is never above eq. 4."""
    alpha = alphas()
    truth = F.one_hot(torch.arange(len(alpha)) % 7, 7).double()
    mean = Dirichlet(alpha).mean
    expected = F.nll_loss(mean.log(), torch.arange(len(alpha)) % 7, reduction="none")
    torch.testing.assert_close(log_loss(alpha, truth), expected)
    assert (EXPECTED["digamma"](alpha, truth) > expected).all()


@settings(max_examples=40, deadline=None)
@given(
    scale=st.sampled_from([0.0, 1e-3, 1.0, 30.0, 80.0]),
    form=st.sampled_from(sorted(EXPECTED)),
    evidence=st.sampled_from(sorted(EVIDENCE)),
    epoch=st.integers(0, 12),
    seed=st.integers(0, 1000),
)
def test_loss_and_gradients_are_finite(scale, form, evidence, epoch, seed):
    generator = torch.Generator().manual_seed(seed)
    outputs = (scale * torch.randn(8, 5, generator=generator)).requires_grad_()
    labels = torch.randint(0, 5, (8,), generator=generator)
    loss = Evidential(form, evidence, 10).mean_loss(outputs, labels, epoch)
    (gradient,) = torch.autograd.grad(loss, outputs)
    assert loss.isfinite()
    assert gradient.isfinite().all()


def test_the_penalty_grows_to_its_full_weight_and_spares_the_true_class():
    outputs, labels = torch.tensor([[2.0, 3.0, 0.0]]), torch.tensor([1])
    objective = Evidential("squared_error", "relu", 10)
    losses = [objective.mean_loss(outputs, labels, epoch).item() for epoch in (0, 5, 10, 50)]
    alpha = torch.tensor([[3.0, 4.0, 1.0]])
    error = squared_error(alpha, F.one_hot(labels, 3).float()).item()
    penalty = divergence(torch.tensor([[3.0, 1.0, 1.0]])).item()  # without the true class
    expected = [error + weight * penalty for weight in (0, 0.5, 1, 1)]
    assert losses == pytest.approx(expected)


@pytest.mark.parametrize("evidence", sorted(EVIDENCE))
def test_probabilities_and_uncertainty_are_those_of_the_distribution(evidence):
    outputs = torch.randn(20, 6, generator=torch.Generator().manual_seed(1)).double()
    objective = Evidential("squared_error", evidence, 10)
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
    assert objective.mean_loss(outputs, labels, 3) == F.cross_entropy(outputs, labels)
    assert F.nll_loss(objective.log_probabilities(outputs), labels) == F.cross_entropy(
        outputs, labels
    )
    assert objective.uncertainty(outputs).isnan().all()


def test_an_evidential_net_learns_and_is_less_certain_of_noise(digits, tmp_path):
    net, history = fit(
        digits["train"],
        digits["val"],
        model="lenet5",
        options=TrainingOptions(epochs=8, learning_rate=3e-3, network={"width": 8, "dense": 64}),
        seed=0,
        device=torch.device("cpu"),
        objective=Evidential("squared_error", "exp", 100),
    )
    assert list(history[0]) == ["epoch", "train_loss", "val_nll", "val_accuracy"]
    net.save(tmp_path / "net")
    read = Classifier.load(tmp_path / "net")
    objective = trained_for(read.record)
    assert objective == Evidential("squared_error", "exp", 100)
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
