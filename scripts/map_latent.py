"""Map what estimators say about a net over the latent space of a VAE."""

import argparse
import json
from functools import partial

from plumbline import cli
from plumbline.config.latent import GridOptions


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--vae", required=True, help="VAE whose latent space is mapped")
    parser.add_argument("--codes", required=True, help="Codes of images in it")
    parser.add_argument("--test", required=True, help="ImageSet of the test images")
    parser.add_argument("--classifiers", nargs="+", required=True, help="nets of several seeds")
    parser.add_argument(
        "--estimators", type=json.loads, required=True, help="module and options by name, JSON"
    )
    parser.add_argument(
        "--starred", type=json.loads, nargs="*", default=[], help="latent points, each as JSON"
    )
    parser.add_argument("--dataset", required=True, help="key of the table")
    parser.add_argument("--corpus", required=True, help="key of the table")
    parser.add_argument("--model", required=True, help="key of the table")
    parser.add_argument("--attacked", help="net whose adversarial images are in the corpus")
    parser.add_argument("--out", required=True, help="LatentMap to write")
    parser.add_argument("--table", required=True, help="CSV of the figures to write")
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    import numpy as np
    import torch

    from plumbline.artefacts import ImageSet, load_arrays, save_arrays
    from plumbline.latent import closeness
    from plumbline.latent.grids import charts, landmarks
    from plumbline.latent.survey import Place, survey
    from plumbline.latent.vae import Vae
    from plumbline.methods import ESTIMATORS
    from plumbline.models.classifier import Classifier
    from plumbline.progress import progress
    from plumbline.runtime import setup
    from plumbline.tables import write_csv
    from plumbline.uncertainty.measures import mean_probs, measures

    def measure(probs: np.ndarray) -> dict[str, np.ndarray]:
        return measures(probs) | {"prediction": mean_probs(probs).argmax(1)}

    device = setup(args.device, args.threads)
    classifiers = [Classifier.load(path, device) for path in args.classifiers]
    codes, _ = load_arrays(args.codes, "Codes")
    grids = charts(codes["train"], args.options.extent, args.options.points)
    stars = np.array(args.starred or landmarks(codes["train"], codes["train_labels"]))
    images = torch.from_numpy(ImageSet.load(args.test).images)
    place = Place(Vae.load(args.vae, device), grids, images, codes["test"], stars)
    keys = {"dataset": args.dataset, "corpus": args.corpus, "model": args.model}
    arrays, rows = place.arrays(), []
    for name, entry in progress(args.estimators.items(), "estimators"):
        predict = partial(ESTIMATORS.load(entry["method"]), classifiers, **entry["options"])
        found, figures = survey(place, name, predict, measure, args.seed, **keys)
        arrays |= found
        rows += figures
    if args.attacked == args.model:
        rows += closeness.table(*closeness.paired(codes), args.seed, **keys)
    write_csv(args.table, rows)
    save_arrays(args.out, "LatentMap", arrays, keys)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments, GridOptions)
