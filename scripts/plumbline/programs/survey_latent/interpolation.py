"""Measure uncertainty along interpolations of test images in pixel space and latent space."""

import argparse
import json
from functools import partial

from plumbline.config.latent import InterpolationOptions
from plumbline.runtime import cli

OPTIONS = InterpolationOptions


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--vae", required=True, help="VAE of the latent space")
    parser.add_argument("--test", required=True, help="ImageSet of the test images")
    parser.add_argument("--classifiers", nargs="+", required=True, help="nets of several seeds")
    parser.add_argument(
        "--estimators",
        type=json.loads,
        required=True,
        help="module and options of each estimator by name, as JSON",
    )
    parser.add_argument("--dataset", required=True, help="key in the table")
    parser.add_argument("--corpus", required=True, help="key in the table")
    parser.add_argument("--model", required=True, help="key in the table")
    parser.add_argument("--out", required=True, help="Interpolation to write")
    parser.add_argument(
        "--table", required=True, help="CSV of the estimates at the midpoint, to write"
    )
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    from plumbline.latent.interpolation import interpolate
    from plumbline.latent.vae import Vae
    from plumbline.models.classifier import Classifier
    from plumbline.registry import ESTIMATORS
    from plumbline.runtime.torch_setup import setup
    from plumbline.storage.artefacts import ImageSet, save_arrays
    from plumbline.storage.tables import write_csv
    from plumbline.uncertainty.measures import measures

    device = setup(args.device, args.threads)
    classifiers = [Classifier.load(path, device) for path in args.classifiers]
    predicts = {
        name: partial(ESTIMATORS.load(entry["method"]), classifiers, **entry["options"])
        for name, entry in args.estimators.items()
    }
    vae, test = Vae.load(args.vae, device), ImageSet.load(args.test)
    keys = {"dataset": args.dataset, "corpus": args.corpus, "model": args.model}
    arrays, rows = interpolate(vae, test, predicts, measures, args.options, args.seed, **keys)
    write_csv(args.table, rows)
    save_arrays(args.out, "Interpolation", arrays, {**keys, "classes": test.classes})
