"""Erase the pixels that favour one class over another, and measure the decrease of the log-odds."""

import argparse
import json
from functools import partial

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--classifier", required=True, help="Classifier to explain")
    parser.add_argument("--images", required=True, help="ImageSet")
    parser.add_argument(
        "--methods", type=json.loads, required=True, help="name: [module, options], as JSON"
    )
    parser.add_argument(
        "--pairs", type=json.loads, nargs="+", required=True, help='class names, ["8", "3"]'
    )
    parser.add_argument("--share", type=float, default=0.2, help="largest share of pixels erased")
    parser.add_argument("--count", type=int, default=100, help="largest number of images per class")
    parser.add_argument(
        "--memory-mb", type=int, default=512, help="memory for the activations of a batch"
    )
    parser.add_argument("--dataset", required=True, help="key in the table")
    parser.add_argument("--model", required=True, help="key in the table")
    parser.add_argument("--out", required=True, help="CSV to write")
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    import torch

    from plumbline.attribution import log_odds
    from plumbline.attribution.budget import batch_size
    from plumbline.models.classifier import Classifier
    from plumbline.registry import ATTRIBUTIONS
    from plumbline.runtime.seeding import derive
    from plumbline.runtime.torch_setup import setup
    from plumbline.storage.artefacts import ImageSet
    from plumbline.storage.tables import write_csv

    device = setup(args.device, args.threads)
    classifier, images = Classifier.load(args.classifier, device), ImageSet.load(args.images)
    pairs = log_odds.known_pairs(args.pairs, images)
    chosen = {
        origin: torch.from_numpy(images.select(places).pixels).to(device)
        for origin, places in log_odds.first_of_class(images.labels, pairs, args.count).items()
    }
    first = torch.from_numpy(images.select(slice(log_odds.TEMPERED)).pixels).to(device)
    found, temperatures = {}, {}
    for name, (module, options) in args.methods.items():
        ATTRIBUTIONS.check(module, options)
        attribute = partial(ATTRIBUTIONS.load(module), **options)
        batch = batch_size(classifier, first, args.memory_mb << 20)
        how = {"seed": derive(args.seed, name), "batch": batch}
        found[name] = log_odds.changes(
            attribute, classifier, chosen, pairs, share=args.share, **how
        )
        temperatures[name] = log_odds.temperature_change(attribute, classifier, first, **how)
    keys = {"dataset": args.dataset, "model": args.model}
    write_csv(args.out, log_odds.rows(found, temperatures, images.classes, args.seed, **keys))
