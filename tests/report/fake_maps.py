"""Made-up latent maps of a corpus, with their holes, ways and tables, for the report's tests."""

from itertools import product
from pathlib import Path

import numpy as np
from scipy.special import ndtri

from plumbline.storage.artefacts import save_arrays
from plumbline.storage.tables import row, write_csv

MEASURES = ("entropy", "mutual_information", "max_probability")
SPACES = ("pixel", "decoded", "latent")
SIDE, TRAIN, REGIONS, POINTS, STEPS, PAIRS = 25, 60, 6, 3, 5, 12
SEEDS = (0, 1)  # of VAEs
AXES = {
    "linear": np.linspace(-6, 6, SIDE),
    "quantile": ndtri((np.arange(SIDE) + 0.5) / SIDE),
}


def make(
    folder: Path, keys: dict, estimators: tuple[str, ...], image: tuple[int, ...], ratio: bool
) -> None:
    """Write LatentMap, Holes, Interpolation and their tables of one net under ``folder``.

    ``image`` is the shape of an image; with a ``ratio`` the table says how adversarial codes lie.
    """
    rng = np.random.default_rng(len(keys["model"]))
    model, rows = keys["model"], []
    arrays = {
        "points.code": np.array([[-1.0, 0.5], [0.0, 0.3], [1.2, 0.1]]),
        "points.image": rng.random((POINTS, *image)).astype(np.float32),
    }
    for grid, axis in AXES.items():
        first, second = np.meshgrid(axis, axis)
        distance = np.hypot(first - 1, second)
        arrays |= {f"{grid}.axis": axis, f"{grid}.distance": distance}
        arrays |= {f"{grid}.density": np.exp(-distance), f"{grid}.on_data": distance < 1.5}
        for estimator in estimators:
            entropy = 2.2 * (1 - np.exp(-distance * rng.uniform(0.3, 0.8)))
            entropy *= 1 - 0.8 * np.exp(-((first + 4) ** 2 + (second + 4) ** 2) / 4)
            found = dict(zip(MEASURES, (entropy, entropy * 0.4, 1 - entropy / 2.5), strict=True))
            found["prediction"] = (first > 0).astype(np.int64)
            for name, values in found.items():
                arrays[f"{grid}.{estimator}.{name}"] = values
                arrays[f"points.{estimator}.{name}"] = values.ravel()[:POINTS]
            for measure, seed in product(MEASURES, SEEDS if grid == "linear" else SEEDS[:1]):
                here = {**keys, "grid": grid, "estimator": estimator, "measure": measure}
                here, share = here | {"seed": seed}, 0.15 + 0.05 * seed
                rows.append(row("hole_share", share, share - 0.03, share + 0.03, 500, **here))
                rows.append(row("distance_correlation", 0.6, 0.56, 0.64, 625, **here))
    for estimator, measure in product(estimators, MEASURES):
        here = {**keys, "grid": "", "estimator": estimator, "measure": measure, "seed": 0}
        for metric in ("mean_on_images", "mean_on_reconstructions", "reconstruction_difference"):
            rows.append(row(metric, 0.2, 0.1, 0.3, 120, **here))
    if ratio:
        rows += [
            row(metric, value, value - 0.1, value + 0.1, 60, **keys, seed=seed)
            for seed in SEEDS
            for metric, value in (
                ("adversarial_spread", 1.0),
                ("clean_spread", 1.2),
                ("spread_ratio", 0.83),
                ("noise_spread_ratio", 0.8),
                ("noise_offset", 0.2),
                ("shift_ratio", 0.9),
                ("adversarial_shift", 1.1),
            )
        ]
    save_arrays(folder / f"{model}.safetensors", "LatentMap", arrays, keys)
    write_csv(folder / f"{model}.csv", rows)
    _holes(rng, folder, keys, estimators, image)
    _ways(rng, folder, keys, estimators, image)


def _holes(rng, folder: Path, keys: dict, estimators: tuple[str, ...], image: tuple) -> None:
    arrays, rows = {"axis": AXES["linear"]}, []
    for estimator, measure in product(estimators, MEASURES):
        key, here = f"{estimator}.{measure}", {**keys, "estimator": estimator, "measure": measure}
        region = np.zeros((SIDE, SIDE), np.int32)
        region[0, :REGIONS] = np.arange(1, REGIONS + 1)
        parts = {
            "region": region,
            "cell": np.arange(REGIONS),
            "code": np.stack([AXES["linear"][:REGIONS], np.full(REGIONS, -6.0)], 1),
            "area": np.ones(REGIONS, np.int64),
            "class": np.arange(REGIONS) % 10,
            "probability": np.full(REGIONS, 0.9),
            "image": rng.random((REGIONS, *image)).astype(np.float32),
            "nearest": rng.integers(0, TRAIN, (REGIONS, 5)),
            "nearest_distance": np.sort(rng.random((REGIONS, 5)), 1),
        }
        arrays |= {f"{key}.{name}": values for name, values in parts.items()}
        for seed, number in product(SEEDS, range(1, 6)):
            own = {**here, "seed": seed, "region": number, "class": str(number - 1)}
            rows.append(row("region_share", 0.1 / number, 0.01, 0.2, 500, **own))
            rows.append(row("novelty", 0.7 + 0.1 * number, 0.6, 1.6, 60, **own))
        for seed, name in product(SEEDS, ("all", *"0123456789")):
            own = {**here, "seed": seed, "region": "", "class": name}
            rows.append(row("class_hole_share", 0.05, 0.04, 0.06, 500, **own))
            rows.append(row("unseen_hole_share", 0.03, 0.02, 0.04, 500, **own))
    about = {**keys, "estimators": estimators, "data_distance": 0.4}
    save_arrays(folder / f"{keys['model']}.holes.safetensors", "Holes", arrays, about)
    write_csv(folder / f"{keys['model']}.holes.csv", rows)


def _ways(rng, folder: Path, keys: dict, estimators: tuple[str, ...], image: tuple) -> None:
    arrays = {"shares": np.linspace(0, 1, STEPS), "pairs": rng.integers(0, 120, (PAIRS, 2))}
    rows = []
    for space in SPACES:
        arrays[f"{space}.image"] = rng.random((STEPS, *image)).astype(np.float32)
        for estimator, measure in product(estimators, MEASURES):
            arrays[f"{estimator}.{space}.{measure}"] = rng.random(STEPS)
            arrays[f"{estimator}.{space}.{measure}.midpoint"] = rng.random(PAIRS)
            here = {**keys, "estimator": estimator, "measure": measure, "space": space}
            rows.append(row("midpoint_mean", 0.5, 0.4, 0.6, PAIRS, **here))
            if space != "latent":
                rows.append(row("difference_to_latent", 0.1, 0.05, 0.15, PAIRS, **here))
    name = f"{keys['model']}.interpolation"
    save_arrays(folder / f"{name}.safetensors", "Interpolation", arrays, keys)
    write_csv(folder / f"{name}.csv", rows)
