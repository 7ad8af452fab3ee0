"""Every score equals a slow loop, a closed form or a second library, on real digits."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import gaussian_kde, spearmanr
from sklearn.covariance import EmpiricalCovariance
from sklearn.neighbors import NearestNeighbors

from plumbline.attribution.methods.gradient_x_input import attribute
from plumbline.data.image_sets import COLUMNS, TEST, ImageSetKey
from plumbline.detection.material import Material, features, score_sets
from plumbline.errors import InputError
from plumbline.latent.vae import Vae, encode, fit
from plumbline.models.classifier import logits
from plumbline.registry import SCORES


@pytest.fixture(scope="module")
def vae(digits):
    how = {"epochs": 3, "batch": 128, "learning_rate": 1e-3, "seed": 0}
    return fit(digits["train"].images, **how, device=torch.device("cpu"))


@pytest.fixture(scope="module")
def material(digits, nets, vae):
    """The small LeNet-5, and the other nets as if they were its ensemble."""
    members = (nets["lenet5"], nets["alexnet"], nets["resnet34"])
    return Material(nets["lenet5"], digits["train"], members, vae)


@pytest.fixture(scope="module")
def pixels(digits):
    return torch.from_numpy(digits["test"].images[:40])


def ask(name, material, pixels, **options):
    return SCORES.load(name)(material, pixels, seed=0, batch=16, **options).numpy()


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_energy(material, pixels, temperature):
    z = logits(material.classifier, pixels).numpy().astype(float)
    expected = -temperature * logsumexp(z / temperature, axis=1)
    found = ask("energy", material, pixels, temperature=temperature)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    with pytest.raises(InputError, match="above 0"):
        ask("energy", material, pixels, temperature=0.0)


@pytest.mark.parametrize("model", ["lenet5", "alexnet", "resnet34"])
def test_features_are_what_the_last_layer_reads(nets, pixels, model):
    last = [each for each in nets[model].modules() if isinstance(each, torch.nn.Linear)][-1]
    found = features(nets[model], pixels, batch=16)
    expected = logits(nets[model], pixels).double()
    torch.testing.assert_close(last.double()(found), expected, rtol=1e-4, atol=1e-4)
    last.float()


def test_mahalanobis_equals_scikit_learn(material, pixels):
    train = material.train_features.numpy()
    labels = material.train.labels
    means = np.stack([train[labels == each].mean(0) for each in range(10)])
    shared = EmpiricalCovariance(assume_centered=True).fit(train - means[labels])
    found = features(material.classifier, pixels).numpy()
    expected = np.min([shared.mahalanobis(found - mean) for mean in means], axis=0)
    np.testing.assert_allclose(ask("mahalanobis", material, pixels), expected, rtol=1e-5)


def test_mahalanobis_of_classes_that_are_not_counted_from_0(material, pixels):
    kept = np.flatnonzero(material.train.labels >= 5)
    fewer = dataclasses.replace(material, train=material.train.select(kept))
    renamed = dataclasses.replace(fewer.train, labels=fewer.train.labels * 3)
    other = dataclasses.replace(fewer, train=renamed)
    assert (ask("mahalanobis", fewer, pixels) == ask("mahalanobis", other, pixels)).all()


@pytest.mark.parametrize("neighbours", [1, 10])
def test_nearest_neighbours_equal_scikit_learn(material, pixels, neighbours):
    train, found = material.train_features.numpy(), features(material.classifier, pixels).numpy()
    train, found = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (train, found))
    search = NearestNeighbors(n_neighbors=neighbours, algorithm="brute").fit(train)
    expected = search.kneighbors(found)[0][:, -1]
    ours = ask("nearest_neighbours", material, pixels, neighbours=neighbours)
    np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-7)
    with pytest.raises(InputError, match="from 1 to 970"):
        ask("nearest_neighbours", material, pixels, neighbours=971)


def test_a_training_image_is_its_own_nearest_neighbour(material, digits):
    images = torch.from_numpy(digits["train"].images[:5])
    found = ask("nearest_neighbours", material, images, neighbours=1)
    assert found == pytest.approx(np.zeros(5), abs=1e-6)


def test_reconstruction_error_is_0_only_of_what_is_reconstructed_exactly(material, vae, pixels):
    images = pixels.float() / 255
    with torch.no_grad():
        decoded = vae.decode(vae.encode(images)[0])
    expected = ((decoded - images) ** 2).mean((1, 2, 3))
    np.testing.assert_allclose(ask("reconstruction_error", material, pixels), expected, rtol=1e-5)
    # Of noise, which the VAE has never seen, more is lost.
    noise = torch.from_numpy(np.random.default_rng(0).integers(0, 256, pixels.shape, np.uint8))
    assert ask("reconstruction_error", material, noise).min() > expected.max()


def test_latent_density_equals_scipy(material, vae, digits, pixels):
    density = gaussian_kde(encode(vae, digits["train"].images).T.astype(float))
    expected = -density.logpdf(encode(vae, pixels.numpy()).T.astype(float))
    np.testing.assert_allclose(ask("latent_density", material, pixels), expected, rtol=1e-6)


@pytest.mark.parametrize("members", [2, 3])
def test_explanation_disagreement_equals_scipy(material, pixels, members):
    images = pixels[:8].float() / 255
    target = logits(material.classifier, images).argmax(1)
    maps = [attribute(net, images, target, seed=0)[0].sum(1) for net in material.members[:members]]
    expected = [
        1
        - np.mean(
            [
                spearmanr(maps[a][i].ravel(), maps[b][i].ravel()).statistic
                for a in range(members)
                for b in range(a)
            ]
        )
        for i in range(8)
    ]
    found = ask("explanation_disagreement", material, pixels[:8], members=members)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    same = dataclasses.replace(material, members=(material.classifier,) * members)
    alike = ask("explanation_disagreement", same, pixels[:8], members=members)
    assert alike == pytest.approx(np.zeros(8), abs=1e-12)


COST = {"energy": 1, "mahalanobis": 1, "nearest_neighbours": 1, "latent_density": 1}
COST |= {"reconstruction_error": 1, "explanation_disagreement": 1 + 3 * 3}


@pytest.mark.parametrize("name", SCORES.names())
def test_scores_and_costs_of_sets(material, digits, name):
    other = ImageSetKey("out_of_distribution", source="val")
    sets = {TEST: digits["test"].select(slice(30)), other: digits["val"].select(slice(20))}
    found = pd.DataFrame(score_sets(SCORES.load(name), material, sets, 0, name))
    assert list(found.columns) == ["set", *COLUMNS, "index", "score", "evaluations"]
    assert (found["index"] == np.concatenate([each.index for each in sets.values()])).all()
    assert found["evaluations"].nunique() == 1
    assert found["evaluations"].iloc[0] == COST.get(name, found["evaluations"].iloc[0])
    alone = score_sets(SCORES.load(name), material, {other: sets[other]}, 0, name)
    np.testing.assert_allclose(alone["score"], found.loc[found["set"] == "ood_val", "score"])


@pytest.mark.parametrize(
    "values", [torch.zeros(3), torch.zeros(20, 1), torch.full((20,), float("nan"))]
)
def test_what_is_no_score_is_named(material, digits, values):
    sets = {TEST: digits["test"].select(slice(20))}
    with pytest.raises(InputError, match="mine: scores of the 20 images of test"):
        score_sets(lambda *_, **__: values, material, sets, 0, "mine")


def test_a_vae_of_other_images_is_refused_by_its_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        Vae.load(tmp_path / "vae.safetensors")
