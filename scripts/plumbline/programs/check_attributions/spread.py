"""Compute an attribution in many stochastic passes: mean and spread of the relevance."""

import argparse
import json

from plumbline.runtime import cli

KEYS = ("dataset", "model", "objective", "method", "source", "samples")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", required=True, help="name of the spread in tables and figures")
    parser.add_argument("--method", required=True, help="name of the method in tables and figures")
    parser.add_argument("--module", required=True, help="its module in attribution/methods")
    parser.add_argument("--set", type=json.loads, default={}, help="its options, as JSON")
    parser.add_argument(
        "--source", choices=["dropout", "noise"], required=True, help="source of randomness"
    )
    parser.add_argument("--samples", type=int, required=True, help="passes per image")
    parser.add_argument(
        "--level",
        type=float,
        default=0.1,
        help="standard deviation of the noise, a share of the image's range",
    )
    parser.add_argument("--classifier", required=True, help="Classifier to explain")
    parser.add_argument("--images", required=True, help="ImageSet")
    parser.add_argument(
        "--count", type=int, required=True, help="number of images used, from the first"
    )
    parser.add_argument("--reference", nargs="*", default=[], help="Spread to compare with")
    parser.add_argument(
        "--memory-mb", type=int, default=512, help="memory for the activations of a batch"
    )
    parser.add_argument("--dataset", required=True, help="key in the table")
    parser.add_argument("--model", required=True, help="key in the table")
    parser.add_argument(
        "--objective",
        default="cross_entropy",
        help="key in the table: training objective of the net",
    )
    parser.add_argument("--out", required=True, help="Spread to write")
    parser.add_argument("--table", required=True, help="CSV to write")
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    import functools

    from plumbline.attribution import spread, steadiness
    from plumbline.errors import ArtefactError
    from plumbline.metrics.intervals import wilson
    from plumbline.models.classifier import Classifier, logits
    from plumbline.registry import ATTRIBUTIONS
    from plumbline.runtime.torch_setup import setup
    from plumbline.storage.artefacts import ImageSet
    from plumbline.storage.tables import row, write_csv

    ATTRIBUTIONS.check(args.module, args.set)
    device = setup(args.device, args.threads)
    classifier = Classifier.load(args.classifier, device)
    images = ImageSet.load(args.images)
    found = spread.explain(
        functools.partial(ATTRIBUTIONS.load(args.module), **args.set),
        classifier,
        images.select(slice(args.count)),
        name=args.name,
        source=args.source,
        samples=args.samples,
        level=args.level,
        seed=args.seed,
        memory=args.memory_mb << 20,
    )
    references = [steadiness.Spread.load(path) for path in args.reference]
    if any(list(each.index) != list(found.index) for each in references):
        raise ArtefactError(f"{args.reference[0]}: explains other images")
    keys = {name: getattr(args, name) for name in KEYS} | {"spread": args.name}
    table = steadiness.rows(found, args.seed, *references, **keys)
    right = (logits(classifier, images.images).argmax(1).numpy() == images.labels).sum()
    n = len(images)
    table.append(row("accuracy", right / n, *wilson(int(right), n), n, **keys))
    found.save(args.out)
    write_csv(args.table, table)
