"""What the explorer is made from, with made-up maps in which no two cells are alike."""

from dataclasses import asdict
from itertools import product
from pathlib import Path

import numpy as np
import torch
from scipy.special import ndtri

from plumbline.data.image_sets import ImageSetKey
from plumbline.latent.vae import Vae
from plumbline.storage.artefacts import ImageSet, save_arrays

POINTS, CLASSES, SHAPE = 7, ("zero", "one", "two"), (1, 12, 12)
MODELS = ("lenet5", "resnet20")  # the second has no dropout layer
ESTIMATORS = {"lenet5": ("mc_dropout", "ensemble"), "resnet20": ("ensemble",)}
PGD = ImageSetKey("adversarial", attack="pgd", epsilon=0.3)
CORPORA = {"in_distribution": [], "adversarial": [asdict(PGD)]}
MEASURES = {"entropy": np.log(3), "mutual_information": 0.6, "max_probability": 1.0}
GRIDS = {
    "linear": np.linspace(-6, 6, POINTS),
    "quantile": ndtri((np.arange(POINTS) + 0.5) / POINTS),
}


def make(root: Path) -> Path:
    """Write training images, and VAE, Codes, LatentMaps and Holes of each corpus."""
    rng = np.random.default_rng(3)
    train = ImageSet(
        name="digits",
        images=rng.integers(0, 256, (60, *SHAPE)).astype(np.uint8),
        labels=np.arange(60) % 3,
        index=np.arange(60),
        classes=CLASSES,
    )
    train.save(root / "train.safetensors")
    for number, (corpus, other) in enumerate(CORPORA.items()):
        folder = root / corpus
        _vae(number).save(folder / "vae.safetensors")
        codes = {
            "train": rng.normal(0, 2, (60, 2)).astype(np.float32),
            "train_labels": train.labels,
            "test": rng.normal(0, 3, (30, 2)).astype(np.float32),
            "test_labels": np.arange(30) % 3,
            "other": rng.normal(2, 1, (8 * len(other), 2)).astype(np.float32),
        }
        about = {"corpus": corpus, "other": other}
        save_arrays(folder / "codes.safetensors", "Codes", codes, about)
        place = _place(rng)
        for model in MODELS:
            keys = {"dataset": "digits", "corpus": corpus, "model": model}
            maps, holes = _net(rng, model)
            save_arrays(folder / f"{model}.safetensors", "LatentMap", place | maps, keys)
            save_arrays(folder / f"{model}.holes.safetensors", "Holes", holes, keys)
    return root


def _vae(seed: int) -> Vae:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        vae = Vae(SHAPE)
        for weight in vae.decoder.parameters():
            weight.data *= 4  # images of some contrast
    return vae


def _place(rng: np.random.Generator) -> dict[str, np.ndarray]:
    found = {}
    for grid, axis in GRIDS.items():
        found[f"{grid}.axis"] = axis
        found[f"{grid}.distance"] = rng.uniform(0.01, 9, (POINTS, POINTS))
        found[f"{grid}.density"] = 10 ** rng.uniform(-5, -1, (POINTS, POINTS))
        found[f"{grid}.on_data"] = rng.random((POINTS, POINTS)) < 0.4
    return found


def _net(rng: np.random.Generator, model: str) -> tuple[dict, dict]:
    maps, holes = {}, {}
    for grid, estimator in product(GRIDS, ESTIMATORS[model]):
        maps[f"{grid}.{estimator}.prediction"] = rng.integers(0, 3, (POINTS, POINTS))
        for measure, highest in MEASURES.items():
            values = rng.uniform(0, highest, (POINTS, POINTS))
            maps[f"{grid}.{estimator}.{measure}"] = values
            numbers = rng.integers(0, 14, (POINTS, POINTS)).clip(0, 12) * (values < highest / 2)
            holes[f"{estimator}.{measure}.region"] = numbers.astype(np.int32)
    return maps, holes
