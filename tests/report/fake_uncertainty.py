"""Made-up answers of estimators, and the tables that the stage uncertainty makes of them."""

from pathlib import Path

import numpy as np

from plumbline.data.image_sets import parse_all
from plumbline.data.shifts import rotation
from plumbline.storage.artefacts import ImageSet, Prediction
from plumbline.storage.tables import write_csv, write_parquet
from plumbline.uncertainty import estimates, refusal
from plumbline.uncertainty.measures import scores
from plumbline.uncertainty.sweep import by_members, by_samples

ESTIMATORS = {"softmax": 1, "mc_dropout": 6, "ensemble": 3, "evidential": 1}  # and samples
ANGLES = (0, 30, 90, 180)
LEVELS = (0.1, 0.3)
CLASSES, CHANGED = 10, 40


def make(root: Path, dataset: str, model: str, images: ImageSet, attacks: tuple[str, ...]) -> None:
    """Write the tables of one net, and the turned images of its test set."""
    changed = {f"rotation_{angle}": 1 + angle / 30 for angle in ANGLES}
    changed |= {f"noise_{level:g}": 1 + 3 * level for level in LEVELS}
    changed |= {name: 2.5 for name in attacks}
    for angle in ANGLES:
        turned = rotation.shift(images.pixels[:CHANGED], angle, seed=0)
        ImageSet(
            f"{dataset}_rotation_{angle}",
            turned,
            images.labels[:CHANGED],
            images.index[:CHANGED],
            images.classes,
        ).save(root / f"shifts/{dataset}/rotation_{angle}.safetensors")
    rng = np.random.default_rng(len(model))
    sets = {"calibration": 1.0, "test": 1.0, "ood_patches": 4.0} | changed
    folder, keys = root / f"uncertainty/{dataset}/{model}", {"dataset": dataset, "model": model}
    found = {
        estimator: {name: _answers(rng, estimator, name, hard) for name, hard in sets.items()}
        for estimator in ESTIMATORS
    }
    rows = []
    of = parse_all(sets, [name for name in attacks if "_eps" not in name])
    for name, key in of.items():
        for own in found.values():
            rows += estimates.rows(own[name], found["softmax"][name], key, 0, **keys)
            if key.made_from_test:
                rows += estimates.rises(own[name], own["test"], key, 0, **keys)
    write_csv(folder / "measures.csv", rows)
    write_parquet(
        folder / "scores.parquet", scores([own[n] for n in sets for own in found.values()], of)
    )
    how = {"accuracy": 0.97, "fixed": 0.2, "seed": 0}
    typed = [{of[name]: each for name, each in own.items()} for own in found.values()]
    rows = [row for own in typed for row in refusal.rows(own, **how, **keys)]
    write_csv(folder / "refusal.csv", rows)
    nets = [_answers(rng, "mc_dropout", "test", 1.0) for _ in range(3)]
    labels = nets[0].labels
    passes = [each.probs for each in nets]
    rows = [{"estimator": "mc_dropout", **e} for e in by_samples(passes, labels, [1, 2, 6], 0)]
    own = by_samples(passes[:1], labels, [1, 2, 6], 0)
    rows += [{"estimator": "bayes_by_backprop", **each} for each in own]
    own = by_members(np.stack([each.probs[0] for each in nets]), labels, [1, 2, 3], 0)
    rows += [{"estimator": "ensemble", **each} for each in own]
    write_csv(folder / "sweep.csv", [keys | row for row in rows])


def _answers(rng: np.random.Generator, estimator: str, name: str, hard: float) -> Prediction:
    """Answers that are worse the harder the images are."""
    n = 120 if name in ("test", "calibration") else CHANGED
    labels, samples = np.arange(n) % CLASSES, ESTIMATORS[estimator]
    logits = (1 + 9 * rng.random((n, 1))) / hard * np.eye(CLASSES)[labels]
    logits = logits + rng.normal(0, 1, (n, CLASSES)) + rng.normal(0, 0.5, (samples, n, CLASSES))
    probs = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    alpha = None
    if estimator == "evidential":
        alpha = (1 + 20 * probs[0] / hard).astype(np.float32)
        probs = (alpha / alpha.sum(-1, keepdims=True))[None]
    labels = np.full(n, -1) if name.startswith("ood_") else labels
    return Prediction(estimator, name, probs.astype(np.float32), labels, np.arange(n), alpha)
