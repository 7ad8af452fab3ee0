"""Map the uncertainty of a net over the latent spaces of the VAEs of one corpus."""

import argparse
import json
from functools import partial

from plumbline.config.latent import GridOptions
from plumbline.runtime import cli

OPTIONS = GridOptions


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--vaes", nargs="+", required=True, help="VAEs of several seeds")
    parser.add_argument(
        "--codes", nargs="+", required=True, help="Codes of the images under each VAE"
    )
    parser.add_argument("--test", required=True, help="ImageSet of the test images")
    parser.add_argument("--classifiers", nargs="+", required=True, help="nets of several seeds")
    parser.add_argument(
        "--estimators",
        type=json.loads,
        required=True,
        help="module and options of each estimator by name, as JSON",
    )
    parser.add_argument(
        "--starred", type=json.loads, nargs="*", default=[], help="latent points, each as JSON"
    )
    parser.add_argument("--dataset", required=True, help="key in the table")
    parser.add_argument("--corpus", required=True, help="key in the table")
    parser.add_argument("--model", required=True, help="key in the table")
    parser.add_argument("--attacked", help="net whose adversarial images are in the corpus")
    parser.add_argument(
        "--maps",
        nargs="+",
        required=True,
        help="LatentMap of each VAE to write; only the first is complete",
    )
    parser.add_argument("--table", required=True, help="CSV of the estimates, to write")
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    import numpy as np
    import torch

    from plumbline.latent.survey import survey_all
    from plumbline.latent.vae import Vae
    from plumbline.models.classifier import Classifier
    from plumbline.registry import ESTIMATORS
    from plumbline.runtime.progress import progress
    from plumbline.runtime.torch_setup import setup
    from plumbline.storage.artefacts import ImageSet, load_arrays, save_arrays
    from plumbline.storage.tables import write_csv
    from plumbline.uncertainty.measures import mean_probs, measures

    def measure(probs: np.ndarray) -> dict[str, np.ndarray]:
        return measures(probs) | {"prediction": mean_probs(probs).argmax(1)}

    device = setup(args.device, args.threads)
    classifiers = [Classifier.load(path, device) for path in args.classifiers]
    predicts = {
        name: partial(ESTIMATORS.load(entry["method"]), classifiers, **entry["options"])
        for name, entry in args.estimators.items()
    }
    files = progress(list(zip(args.vaes, args.codes, strict=True)), "VAEs")
    keys = {"dataset": args.dataset, "corpus": args.corpus, "model": args.model}
    surveyed = survey_all(
        ((Vae.load(vae, device), load_arrays(codes, "Codes")[0]) for vae, codes in files),
        torch.from_numpy(ImageSet.load(args.test).images),
        predicts,
        measure,
        args.options,
        starred=args.starred,
        attacked=args.attacked == args.model,
        seed=args.seed,
        **keys,
    )
    table = []
    for path, (arrays, rows) in zip(args.maps, surveyed, strict=True):
        save_arrays(path, "LatentMap", arrays, keys)
        table += rows
    write_csv(args.table, table)
