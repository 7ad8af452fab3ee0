"""Temperature scaling recovers what was planted and never changes an answer."""

import pytest
import torch
from scipy.optimize import minimize_scalar

from plumbline.models.classifier import logits
from plumbline.training.temperature import (
    fit_temperature,
    temperature_interval,
    with_temperature,
)


def planted(temperature, n=4000):
    """Logits that are ``temperature`` times too large for the labels drawn from them."""
    generator = torch.Generator().manual_seed(1)
    true = 2 * torch.randn(n, 5, generator=generator)
    labels = torch.multinomial(true.softmax(1), 1, generator=generator)[:, 0]
    return true * temperature, labels


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_a_planted_temperature_is_found(temperature):
    logits, labels = planted(temperature)
    value, low, high = temperature_interval(logits, labels, seed=0, resamples=50)
    assert low < temperature < high
    assert value == pytest.approx(temperature, rel=0.06)


def test_the_optimum_is_scipys():
    logits, labels = planted(1.7, n=300)
    nll = torch.nn.CrossEntropyLoss()
    found = minimize_scalar(
        lambda log_t: nll(logits.double() / torch.tensor(log_t).exp(), labels).item(),
        bounds=(-3, 3),
        method="bounded",
        options={"xatol": 1e-9},
    )
    expected = torch.tensor(found.x).exp().item()
    assert fit_temperature(logits, labels) == pytest.approx(expected, rel=1e-5)


def test_the_answer_never_changes():
    logits, labels = planted(3.0, n=200)
    scaled = logits / fit_temperature(logits, labels)
    assert torch.equal(scaled.argmax(1), logits.argmax(1))


def test_a_net_without_errors_gets_a_finite_temperature():
    logits = 10 * torch.eye(5)
    assert 0 < fit_temperature(logits, torch.arange(5)) <= 1


def test_a_net_with_a_temperature_gives_divided_logits_on_every_way_through(lenet, digits):
    pixels = torch.from_numpy(digits["test"].pixels[:8])
    plain, scaled = logits(lenet, pixels), with_temperature(lenet, 4.0)
    torch.testing.assert_close(logits(scaled, pixels), plain / 4)
    torch.testing.assert_close(scaled.head(scaled.trunk(pixels)), plain / 4)
    torch.testing.assert_close(scaled.classify(scaled.features(pixels)), plain / 4)
    assert torch.equal(logits(lenet, pixels), plain)
    with pytest.raises(ValueError, match="above 0"):
        with_temperature(lenet, 0.0)
