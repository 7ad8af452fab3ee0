"""Compute attributions of one method for a net: relevances for the logit of the predicted class."""

import argparse
import json
from functools import partial

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", required=True, help="name of the method in tables and figures")
    parser.add_argument("--method", required=True, help="module in attribution/methods")
    parser.add_argument("--set", type=json.loads, default={}, help="its options, as JSON")
    parser.add_argument("--classifier", required=True, help="Classifier to explain")
    parser.add_argument("--images", required=True, help="ImageSet")
    parser.add_argument(
        "--count", type=int, required=True, help="number of images used, from the first"
    )
    parser.add_argument(
        "--gallery", type=json.loads, help="criteria for further images of the gallery, as JSON"
    )
    parser.add_argument(
        "--memory-mb", type=int, default=512, help="memory for the activations of a batch"
    )
    parser.add_argument("--dataset", required=True, help="key in the table")
    parser.add_argument("--model", required=True, help="key in the table")
    parser.add_argument("--out", required=True, help="Attribution to write")
    parser.add_argument("--cost", required=True, help="CSV of the cost to write")
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    import torch

    from plumbline.attribution.explanation import explain
    from plumbline.attribution.selection import explained, gallery
    from plumbline.models.classifier import Classifier
    from plumbline.registry import ATTRIBUTIONS
    from plumbline.runtime.torch_setup import setup
    from plumbline.storage.artefacts import ImageSet
    from plumbline.storage.tables import write_csv

    ATTRIBUTIONS.check(args.method, args.set)
    device = setup(args.device, args.threads)
    images = ImageSet.load(args.images)
    shown = gallery(images.labels, **args.gallery) if args.gallery else images.index[:0]
    images = images.select(explained(len(images), args.count, shown))
    attribution, cost = explain(
        partial(ATTRIBUTIONS.load(args.method), **args.set),
        Classifier.load(args.classifier, device),
        torch.from_numpy(images.pixels).to(device),
        images.index,
        name=args.name,
        seed=args.seed,
        memory=args.memory_mb << 20,
    )
    attribution.save(args.out)
    keys = {"dataset": args.dataset, "model": args.model, "method": args.name}
    write_csv(args.cost, [keys | each for each in cost])


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)
