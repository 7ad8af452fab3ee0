"""Figures of made-up nets that were trained with images from holes, with others, and with none."""

import numpy as np

from plumbline.latent.trial import MAP, TEST, by_estimator, extra_row, table, trial
from plumbline.storage.tables import Row
from plumbline.uncertainty.measures import mean_probs, measures

SHARPNESS = {"none": 1.0, "random": 2.0, "holes": 3.0}
SIZES = {TEST: 60, "ood_patches": 20, MAP: 40}


def rows(seeds: int, model: str) -> list[Row]:
    """What measure_extension.py writes of nets of as many ``seeds``."""
    rng = np.random.default_rng(seeds)
    said = {}
    for arm, strength in SHARPNESS.items():
        for seed in range(seeds):
            said[arm, seed] = {}
            for name, n in SIZES.items():
                raw = np.exp(rng.normal(size=(1, n, 3)) + strength * np.eye(3)[np.arange(n) % 3])
                said[arm, seed][name] = raw / raw.sum(-1, keepdims=True)
    judged = trial(np.arange(60) % 3, {"ood_patches": 20}, np.arange(40) < 9, seed=0)
    samples = {
        estimator: {
            who: judged.samples(
                mean_probs(probs[TEST]), {name: measures(each) for name, each in probs.items()}
            )
            for who, probs in found.items()
        }
        for estimator, found in by_estimator(said).items()
    }
    keys = {"dataset": "digits", "model": model, "target": "soft"}
    in_holes = {"random": np.arange(8) < 6, "holes": np.ones(8, bool)}
    extra = [extra_row(arm, inside, **keys) for arm, inside in in_holes.items()]
    return [*table(judged, samples, **keys), *extra]
