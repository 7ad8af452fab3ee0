"""A small but complete tree of results with made-up numbers: what the report is made from.

Only for tests: the shapes, columns and names are those of the workflow, the values are drawn
from a seeded generator so that they look plausible.
"""

from dataclasses import asdict
from itertools import product
from math import nan
from pathlib import Path

import fake_detectors
import fake_extension
import fake_maps
import fake_uncertainty
import numpy as np
import pandas as pd

from plumbline.data.image_sets import parse_all
from plumbline.data.manifest import File, Manifest
from plumbline.detection.tasks import COMPARED
from plumbline.metrics.intervals import wilson
from plumbline.storage.artefacts import Attribution, ImageSet, save_arrays
from plumbline.storage.tables import Row, row, write_csv

DATASET = "digits"
MODELS = ("lenet5", "alexnet")
CLASSES = tuple("0123456789")
EPSILONS = (0.05, 0.3)
ATTACKS = ("fgsm", "pgd")
METHODS = ("gradient", "lrp_epsilon", "lime", "kernel_shap", "random", "intensity")
OPERATORS = ("neuron_activation_inversion", "gaussian_fuzzing")
CORPORA = ("in_distribution", "out_of_distribution", "adversarial")
ESTIMATORS = ("softmax", "mc_dropout", "ensemble")
MEASURES = ("entropy", "mutual_information", "expected_entropy", "max_probability", "variance")
ADAPTIVE, SMALLEST = "pgd_adaptive_label_change", "deepfool"  # the latter has no epsilon
ATTACKED = (*(f"{a}_eps{e:g}" for a in (*ATTACKS, ADAPTIVE) for e in EPSILONS), SMALLEST)
SETS = ("test", "ood_patches", *ATTACKED)
KEYS = parse_all(("calibration", *SETS), [SMALLEST])
BLOCKS = ("conv1", "conv2")
MAIN = {"rate": 0.03, "role": "main", "mutants": 100}
TEST_IMAGES, OTHER_IMAGES, SIDE = 120, 40, 12


def share(rng: np.random.Generator, p: float, n: int) -> tuple[float, float, float, int]:
    hits = int(rng.binomial(n, min(max(p, 0.0), 1.0)))
    return hits / n, *wilson(hits, n), n


def near(rng: np.random.Generator, value: float, spread: float, n: int = 100) -> tuple:
    value = float(value + rng.normal(0, spread / 4))
    return value, value - spread, value + spread, n


def make(root: Path, models: tuple[str, ...] = MODELS, seeds: int = 2) -> Path:
    """Write the tree under ``root`` and return it."""
    rng = np.random.default_rng(7)
    images = _images(rng)
    images.save(root / f"data/{DATASET}/test.safetensors")
    images.select(slice(fake_maps.TRAIN)).save(root / f"data/{DATASET}/train.safetensors")
    for name in (DATASET, "patches"):
        file = File(f"{name}.npz", "ab" * 32, 1234, "bundled")
        Manifest(name, "digits", (file,)).save(root / f"data/{name}/manifest.json")
    for place, model in enumerate(models):
        _training(rng, root / f"models/{DATASET}/{model}", model, 0.97 - 0.02 * place, seeds)
        attacks = root / f"attacks/{DATASET}/{model}"
        for attack in (*ATTACKS, ADAPTIVE):
            _attack(rng, attacks / f"{attack}.csv", model, attack)
        _smallest(rng, attacks / f"{SMALLEST}.csv", model)
        fake_uncertainty.make(root, DATASET, model, images, ATTACKED)
        place = root / f"attribution/{DATASET}/{model}"
        rows = [each for m in METHODS for each in _attribution(rng, place, model, m, images)]
        write_csv(place / "degradation.csv", rows)
        _log_odds(rng, place / "log_odds.csv", model)
        _randomization(rng, place / "randomization.csv", model)
        _visualization(rng, root / f"visualization/{DATASET}/{model}/am_noise.csv", model)
        for operator in OPERATORS:
            _stability(rng, root / f"stability/{DATASET}/{model}", model, operator)
        _conductance(rng, root / f"stability/{DATASET}/{model}/conductance.csv", model)
        _detection(rng, root / f"detection/{DATASET}/{model}.csv", model)
        fitted = fake_detectors.rows(DATASET, model, fitted=model == models[0])
        write_csv(root / f"detection/{DATASET}/{model}/detectors.csv", fitted)
        further = fake_extension.rows(seeds, model)
        write_csv(root / f"latent/{DATASET}/{model}/extension.csv", further)
    for corpus in CORPORA:
        _latent(rng, root / f"latent/{DATASET}/{corpus}", corpus, models)
    return root


def _images(rng: np.random.Generator) -> ImageSet:
    labels = np.arange(TEST_IMAGES) % 10
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    waves = np.sin(6 * x[None] * (1 + labels[:, None, None] / 3)) * np.cos(6 * y[None])
    pixels = 127 + 100 * waves + rng.normal(0, 9, waves.shape)
    return ImageSet(
        name=DATASET,
        images=pixels.clip(0, 255).astype(np.uint8)[:, None],
        labels=labels.astype(np.int64),
        index=np.arange(TEST_IMAGES, dtype=np.int64),
        classes=CLASSES,
    )


def _training(rng, folder: Path, model: str, good: float, seeds: int) -> None:
    keys = {"dataset": DATASET, "model": model}
    rows, bins, temperatures = [], [], []
    for seed in range(seeds):
        epochs = [
            {
                "epoch": epoch,
                "train_nll": 2.3 * 0.7**epoch,
                "val_nll": 0.1 + 2.2 * 0.72**epoch,
                "val_accuracy": good - 0.8 * 0.6**epoch,
            }
            for epoch in range(12)
        ]
        write_csv(folder / f"cross_entropy/{seed}/history.csv", epochs)
        temperatures.append(row("temperature", *near(rng, 1.3, 0.1), **keys, seed=seed))
        for scaling, name in product(("raw", "temperature"), ("train", "val", "test")):
            here = {**keys, "seed": seed, "scaling": scaling, "split": name}
            better = 0.5 if scaling == "temperature" else 1.0
            for cls in ("all", *CLASSES):
                n = 360 if cls == "all" else 36
                rows.append(row("accuracy", *share(rng, good, n), **here, **{"class": cls}))
                for metric, value in (("nll", 0.12), ("ece", 0.03), ("brier", 0.06)):
                    figure = near(rng, value * better, value / 8, n)
                    rows.append(row(metric, *figure, **here, **{"class": cls}))
            for number in range(4, 15):
                confidence = (number + 0.5) / 15
                figure = share(rng, confidence - 0.1 * (better - 0.5), 4 + 3 * number)
                where = {**here, "bin": number, "confidence": confidence}
                bins.append(row("accuracy", *figure, **where))
    write_csv(folder / "evaluation.csv", rows)
    write_csv(folder / "reliability.csv", bins)
    write_csv(folder / "temperature.csv", temperatures)


def _attack(rng, path: Path, model: str, attack: str) -> None:
    keys = {"dataset": DATASET, "model": model, "attack": attack, "method": attack}
    strength = 3 if attack == "pgd" else 1.5
    rows = [row("accuracy", *share(rng, 0.97, 200), **keys, epsilon=0.0)]
    for epsilon in EPSILONS:
        here, hit = {**keys, "epsilon": epsilon}, 1 - np.exp(-strength * epsilon * 5)
        rows.append(row("success_rate", *share(rng, hit, 190), **here))
        rows.append(row("accuracy", *share(rng, 0.97 * (1 - hit), 200), **here))
        rows.append(row("noise_accuracy", *share(rng, 0.97 - epsilon / 5, 200), **here))
        rows.append(row("mean_linf", *near(rng, epsilon, 0.0001, 200), **here))
    write_csv(path, rows)


def _smallest(rng, path: Path, model: str) -> None:
    keys = {"dataset": DATASET, "model": model, "attack": SMALLEST, "method": SMALLEST}
    rows = [row("success_rate", *share(rng, 0.95, 40), **keys)]
    rows.append(row("accuracy", *share(rng, 0.05, 45), **keys))
    rows.append(row("median_l2", *near(rng, 1.4, 0.2, 38), **keys))
    rows.append(row("median_linf", *near(rng, 0.2, 0.04, 38), **keys))
    write_csv(path, rows)


def _attribution(rng, folder: Path, model: str, method: str, images: ImageSet) -> list[Row]:
    n = 30 if method in ("lime", "kernel_shap") else 60
    relevance = (images.pixels[:n] - 0.5) * rng.normal(0.2, 1, (n, 1, SIDE, SIDE))
    Attribution(
        method=method,
        relevance=relevance.astype(np.float32),
        target=np.where(np.arange(n) == 3, 8, images.labels[:n]),
        gap=np.zeros(n, np.float32),
        probability=np.full(n, 0.9, np.float32),
        index=images.index[:n],
    ).save(folder / f"{method}.safetensors")
    keys = {"dataset": DATASET, "model": model, "method": method}
    evaluations = {"lime": 300, "kernel_shap": 300, "random": 0, "intensity": 0}.get(method, 1)
    used = row("evaluations_per_image", *[evaluations] * 3, n, **keys)
    seconds = row("seconds_per_image", 0.0004 + 0.001 * evaluations, nan, nan, n, **keys)
    write_csv(folder / f"{method}.cost.csv", [seconds, used])
    keys |= {"control": ""}
    none = {"ranking": "", "mode": "", "fill": "", "share": ""}
    rows = [row("clean_accuracy", *share(rng, 0.97, n), **keys, **none)]
    speed = {"random": 2, "intensity": 9, "lime": 5}.get(method, 7)
    for ranking, mode, fill in product(("descending", "ascending"), ("keep", "delete"), "01"):
        where = {**keys, "ranking": ranking, "mode": mode, "fill": fill}
        rate = speed if (ranking == "descending") == (mode == "keep") else 2
        for each in (0.02, 0.1, 0.2, 0.5):
            kept = 1 - np.exp(-rate * each)
            p = kept if mode == "keep" else 1 - kept
            rows.append(row("accuracy", *share(rng, 0.1 + 0.85 * p, n), **where, share=each))
        rows.append(row("area", *near(rng, 0.6, 0.05, n), **where, share=""))
        for control in sorted({"random", "intensity"} - {method}):
            if ranking != "descending":
                continue
            against = where | {"control": control, "share": ""}
            gain = near(rng, (speed - (2 if control == "random" else 9)) / 20, 0.05, n)
            rows.append(row("area_gain", *gain, **against))
            rows.append(row("accuracy_gain", *gain, **against | {"share": 0.2}))
    for measure in ("total_variation", "sparsity"):
        rows.append(row(measure, *near(rng, 0.4, 0.05, n), **keys, **none))
    return rows


def _log_odds(rng, path: Path, model: str) -> None:
    rows = []
    for method in METHODS:
        keys = {"dataset": DATASET, "model": model, "method": method, "control": ""}
        strength = {"random": 1, "intensity": 4}.get(method, 6)
        for pair in ("8->3", "9->1"):
            where, n = {**keys, "pair": pair}, 36
            rows.append(row("log_odds_fall", *near(rng, strength, 0.3, n), **where))
            for shift, name in enumerate(("lower_quartile", "median", "upper_quartile"), -1):
                rows.append(row(name, *near(rng, strength + shift, 0.3, n), **where))
            for control in sorted({"random", "intensity"} - {method}):
                gain = near(rng, strength - 2, 0.3, n)
                rows.append(row("log_odds_gain", *gain, **where | {"control": control}))
        rows.append(row("temperature_map_change", 0.0, 0.0, 0.0, 20, **keys, pair=""))
    write_csv(path, rows)


def _randomization(rng, path: Path, model: str) -> None:
    layers = ("", "output", "dense1", "conv1")
    nets = [("cascade", stage) for stage in range(4)]
    nets += [("independent", stage) for stage in range(1, 4)] + [("chance", 3)]
    rows = []
    for method, (kind, stage) in product(METHODS, nets):
        alike = 1 if method == "intensity" else 1 - 0.3 * stage
        for of in ("signed", "absolute", "absolute_lit"):
            keys = {"dataset": DATASET, "model": model, "method": method, "kind": kind}
            keys |= {"layer": layers[stage], "stage": stage, "of": of}
            rows.append(row("rank_correlation", *near(rng, alike, 0.05, 20), **keys))
            rows.append(row("constant_share", *share(rng, 0.0, 20), **keys))
            if (kind, stage) == ("cascade", 3) and method != "random":
                rows.append(row("rank_correlation_gain", *near(rng, alike, 0.05, 20), **keys))
    write_csv(path, rows)


def _visualization(rng, path: Path, model: str) -> None:
    keys = {"dataset": DATASET, "model": model, "visualization": "am_noise"}
    rows = []
    for images in ("made", "start", "test"):
        for name in ("0", "1", "all"):
            own = keys | {"images": images, "against": "", "class": name}
            rows.append(row("probability", *near(rng, 0.97, 0.01, 30), **own))
            rows.append(row("second_probability", *near(rng, 0.7, 0.1, 30), **own))
        for metric in ("sure", "second_recognition"):
            rows.append(row(metric, *share(rng, 0.8, 30), **own))
    against = keys | {"images": "made", "against": "start", "class": "all"}
    rows.append(row("second_probability_difference", *near(rng, 0.5, 0.1, 30), **against))
    write_csv(path, rows)


def _stability(rng, folder: Path, model: str, operator: str) -> None:
    keys = {"dataset": DATASET, "model": model, "operator": operator}
    parts, rows = [], []
    for name in SETS:
        n = 40
        mean = 0.05 if name == "test" else 0.4
        rates = rng.binomial(100, rng.beta(20 * mean, 20 * (1 - mean), n)) / 100
        labels = np.arange(n) % 10
        parts.append(
            pd.DataFrame(
                {
                    **KEYS[name].columns(),
                    "index": np.arange(n),
                    "label": labels,
                    "operator": operator,
                    "prediction": np.where(rng.random(n) < 0.9, labels, 3),
                    "label_change_rate": rates,
                    "standard_error": np.sqrt(rates * (1 - rates) / 100),
                    "mutants": 100,
                }
            )
        )
        rows += _changes(rng, name, rates, keys)
    rows.append(
        row(
            "rejection_rate",
            *share(rng, 0.12, 114),
            **keys,
            **MAIN,
            **KEYS["calibration"].columns(),
        )
    )
    write_csv(folder / f"{operator}.csv", rows)
    pd.concat(parts, ignore_index=True).to_parquet(folder / f"{operator}.parquet")


def _conductance(rng, path: Path, model: str) -> None:
    rows = []
    for name in ("calibration", *SETS):
        keys = {"dataset": DATASET, "model": model, **KEYS[name].columns()}
        for block in BLOCKS:
            gap = near(rng, 0.01, 0.002)
            rows.append(row("completeness_gap", *gap, **keys, block=block))
        if model == MODELS[-1]:  # as of nets that end in global average pooling
            rows.append(row("closed_form_gap", *near(rng, 0.003, 0.001), **keys, block=BLOCKS[-1]))
    write_csv(path, rows)


def _changes(rng, name: str, rates: np.ndarray, keys: Row) -> list[Row]:
    """Rows of one image set: rates at two strengths, AUROC by number of mutants, a test."""
    rows, n, where = [], len(rates), {**KEYS[name].columns(), "answers": "all", "threshold": ""}
    for role, rate, answers in product(
        ("main", "further"), (0.03, 0.01, 0.05), ("all", "right", "wrong")
    ):
        if (role == "main") == (rate == 0.03):
            figure = near(rng, rates.mean() * rate / 0.03, 0.03, n)
            here = {**keys, **MAIN, **where, "role": role, "rate": rate, "answers": answers}
            rows.append(row("label_change_rate", *figure, **here))
    for mutants in (10, 50, 100):
        here = {**keys, **MAIN, **where, "answers": "wrong", "mutants": mutants}
        figure = near(rng, 0.8 + mutants / 1000, 0.03, n)
        rows.append(row("auroc", *figure, 15, **here, against=""))
        if mutants > 10:
            more = near(rng, mutants / 1000, 0.03, n)
            rows.append(row("auroc_difference", *more, 15, **here, against=10))
    for threshold, answers in product(("mean", "quantile"), ("all", "right", "wrong")):
        here = {**keys, **MAIN, **where, "threshold": threshold, "answers": answers}
        parts = {"suspicious": 0.3, "undecided": 0.2, "normal": 0.5}
        rows += [row(each, *near(rng, p, 0.05, n), **here) for each, p in parts.items()]
        rows.append(row("mutants_needed", *near(rng, 40, 5, n), **here))
        if answers == "wrong":
            rows.append(row("balanced_accuracy", *near(rng, 0.8, 0.05, n), **here))
        rows.append(row("threshold", 0.04, nan, nan, 1, **here))
    return rows


def _detection(rng, path: Path, model: str) -> None:
    # A single net's other measures are constant, or its entropy: no scores.
    scores = ["softmax.entropy", "softmax.max_probability"]
    scores += [f"{e}.{m}" for e in ESTIMATORS if e != "softmax" for m in MEASURES]
    scores += [f"label_change_rate.{operator}" for operator in OPERATORS] + ["conductance"]
    tasks = [("misclassified", "test", "all"), ("ood", "ood_patches", "all")]
    tasks += [("adversarial", name, p) for name in ATTACKED for p in ("all", "successful")]
    rows = []
    for (task, name, positives), score in product(tasks, scores):
        keys = {"dataset": DATASET, "model": model, "task": task}
        keys |= KEYS[name].columns()
        keys |= {"positives": positives, "score": score, "against": ""}
        keys |= {"distance": "far" if task == "ood" else "", "evaluations": 1.0}
        auroc = min(0.97, 0.88 + rng.normal(0, 0.04) - 0.3 * (score == "conductance"))
        rows.append(row("auroc", *near(rng, auroc, 0.025, 360), 120, **keys))
        rows.append(row("aupr", *near(rng, auroc - 0.2, 0.04, 360), 120, **keys))
        rows.append(row("fpr95", *near(rng, 1.1 - auroc, 0.05, 360), 120, **keys))
        rows.append(row("aurc", 1.05 - auroc, 1.02 - auroc, 1.08 - auroc, 360, 120, **keys))
        if score != "softmax.max_probability":
            rows.append(row("auroc_gain", *near(rng, auroc - 0.88, 0.02, 360), 120, **keys))
        for other in (second for first, second in COMPARED if first == score):
            figure = near(rng, 0.02, 0.01, 360)
            rows.append(row("auroc_difference", *figure, 120, **{**keys, "against": other}))
    write_csv(path, rows)


def _latent(rng, folder: Path, corpus: str, models: tuple[str, ...]) -> None:
    codes = {
        "train": rng.normal((1, 0), 1.2, (fake_maps.TRAIN, 2)).astype(np.float32),
        "train_labels": np.arange(fake_maps.TRAIN) % 10,
        "test": rng.normal((1, 0), 1.2, (TEST_IMAGES, 2)).astype(np.float32),
        "test_labels": np.arange(TEST_IMAGES) % 10,
        "other": np.empty((0, 2), np.float32),
    }
    others = []
    if corpus != "in_distribution":
        codes["other"] = rng.normal((-3, 2), 0.6, (OTHER_IMAGES, 2)).astype(np.float32)
        name = "ood_patches" if corpus == "out_of_distribution" else "pgd_eps0.3"
        others = [asdict(KEYS[name])]
    save_arrays(folder / "codes.safetensors", "Codes", codes, {"corpus": corpus, "other": others})
    for place, model in enumerate(models):
        keys = {"dataset": DATASET, "corpus": corpus, "model": model}
        ratio = corpus == "adversarial" and place == 0
        fake_maps.make(folder, keys, ESTIMATORS[1:], (1, SIDE, SIDE), ratio)


if __name__ == "__main__":
    import sys

    make(Path(sys.argv[1]), ("lenet5", "alexnet", "resnet34"), 3)
