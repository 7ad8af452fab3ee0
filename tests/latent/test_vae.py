"""The VAE: its loss piece by piece, its sampling, and what fitting it does."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from plumbline.errors import ArtefactError, InputError
from plumbline.latent.vae import Vae, decode, divergence, encode, fit, sample

CPU = torch.device("cpu")
OPTIONS = {"batch": 64, "learning_rate": 1e-3, "seed": 3, "device": CPU}


@pytest.fixture(scope="module")
def images(digits):
    return digits["train"].images[:300]


@pytest.fixture(scope="module")
def vae(images):
    return fit(images, epochs=20, **OPTIONS)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_divergence_equals_that_of_torch_distributions():
    mean, log_variance = torch.randn(2, 50, 2, generator=seeded(), dtype=torch.float64)
    posterior = Normal(mean, (log_variance / 2).exp())
    expected = kl_divergence(posterior, Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(divergence(mean, log_variance), expected)
    assert divergence(torch.zeros(1, 2), torch.zeros(1, 2)) == 0


def test_loss_equals_the_formula_in_terms_of_distributions(vae, images):
    pixels = torch.from_numpy(images[:9]).float() / 255
    mean, log_variance = vae.encode(pixels)
    deviation = (log_variance / 2).exp()
    codes = mean + deviation * torch.randn(mean.shape, generator=seeded(1))
    likely = Bernoulli(vae.decode(codes), validate_args=False).log_prob(pixels).sum((1, 2, 3))
    divergences = kl_divergence(Normal(mean, deviation), Normal(0.0, 1.0)).sum(1)
    expected = (divergences - likely).mean()
    torch.testing.assert_close(vae.loss(pixels, seeded(1)), expected)


def test_loss_bounds_the_exact_likelihood(vae, images):
    """In two dimensions log p(x) can be integrated: no ELBO may exceed it."""
    pixels = torch.from_numpy(images[:20]).float() / 255
    axis = torch.linspace(-6, 6, 121)
    codes = torch.cartesian_prod(axis, axis)
    with torch.no_grad():
        decoded = vae.decode(codes).flatten(1).double()
        x = pixels.flatten(1).double()
        likely = x @ decoded.log().T + (1 - x) @ (-decoded).log1p().T
        prior = Normal(0.0, 1.0).log_prob(codes).sum(1)
        exact = (likely + prior).logsumexp(1) + 2 * math.log(float(axis[1] - axis[0]))
        generator = seeded(2)
        elbo = -torch.stack([vae.loss(pixels, generator) for _ in range(100)]).mean()
    assert elbo < exact.mean()


def test_sampling_has_the_posterior_s_mean_and_standard_deviation():
    mean = torch.tensor([[1.0, -2.0]]).expand(40_000, 2)
    log_variance = torch.tensor([[0.0, -3.0]]).expand(40_000, 2)
    codes = sample(mean, log_variance, seeded(4))
    deviation = (log_variance[0] / 2).exp()
    # Standard errors: deviation / 200 of the mean, deviation / 283 of the deviation.
    assert ((codes.mean(0) - mean[0]).abs() < 4 * deviation / 200).all()
    assert ((codes.std(0) - deviation).abs() < 4 * deviation / 283).all()


def test_fitting_lowers_the_loss_and_is_reproducible(vae, images):
    losses = vae.record["loss"]
    assert losses[-1] < losses[9] < losses[0]
    again = fit(images, epochs=3, **OPTIONS)
    assert again.record["loss"] == losses[:3]
    other = fit(images, epochs=3, **OPTIONS | {"seed": 4})
    assert other.record["loss"] != losses[:3]


def test_fitting_leaves_the_global_generator_alone(images):
    state = torch.get_rng_state()
    fit(images[:10], epochs=1, **OPTIONS)
    assert torch.equal(torch.get_rng_state(), state)


def test_bytes_and_floats_are_the_same_images(images):
    losses = [
        fit(each, epochs=2, **OPTIONS).record["loss"]
        for each in (images[:64], images[:64].astype(np.float32) / 255)
    ]
    assert losses[0] == losses[1]


def test_a_diverging_fit_names_epoch_and_step(images):
    with pytest.raises(InputError, match=r"the loss is (nan|inf) in epoch \d+, step \d+: lower"):
        fit(images, epochs=5, **OPTIONS | {"learning_rate": 1e6})


def test_reconstructions_are_nearer_than_other_images_and_codes_stay_in_order(vae, images):
    codes = encode(vae, images, batch=7)
    np.testing.assert_allclose(codes, encode(vae, images), atol=1e-5)
    assert codes.shape == (300, 2)
    decoded = decode(vae, codes).numpy()
    assert decoded.shape == images.shape
    assert 0 <= decoded.min() <= decoded.max() <= 1
    own = ((decoded - images / 255) ** 2).mean()
    others = ((decoded - np.roll(images, 1, axis=0) / 255) ** 2).mean()
    assert own < 0.8 * others
    assert encode(vae, images[:0]).shape == (0, 2)


def test_any_channels_and_size():
    pixels = np.random.default_rng(0).integers(0, 256, (20, 3, 5, 6), dtype=np.uint8)
    vae = fit(pixels, epochs=1, **OPTIONS)
    assert decode(vae, encode(vae, pixels)).shape == (20, 3, 5, 6)


def test_saved_and_loaded_it_is_the_same(vae, images, tmp_path):
    vae.save(tmp_path / "vae")
    loaded = Vae.load(tmp_path / "vae")
    assert loaded.record == vae.record
    assert (encode(loaded, images) == encode(vae, images)).all()
    assert not loaded.training
    (tmp_path / "damaged").write_bytes((tmp_path / "vae").read_bytes()[:-1000])
    with pytest.raises(ArtefactError, match="damaged"):
        Vae.load(tmp_path / "damaged")
