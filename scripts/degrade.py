"""Test an attribution: accuracy when its highest-ranked pixels are kept or deleted."""

import argparse

from plumbline import cli
from plumbline.config.attribution import DegradationOptions


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--classifier", required=True, help="Classifier that was explained")
    parser.add_argument(
        "--images", required=True, help="ImageSet that was explained, from its first"
    )
    parser.add_argument("--train", required=True, help="ImageSet whose mean image is a fill")
    parser.add_argument("--attribution", required=True, help="Attribution to test")
    parser.add_argument("--dataset", required=True, help="key of the table")
    parser.add_argument("--model", required=True, help="key of the table")
    parser.add_argument("--out", required=True, help="CSV of the curves")
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    import torch

    from plumbline.artefacts import Attribution, ImageSet
    from plumbline.attribution import degradation
    from plumbline.errors import ArtefactError
    from plumbline.models.classifier import Classifier
    from plumbline.runtime import setup
    from plumbline.tables import write_csv

    device = setup(args.device, args.threads)
    classifier = Classifier.load(args.classifier, device)
    attribution = Attribution.load(args.attribution)
    images = ImageSet.load(args.images).select(slice(len(attribution.index)))
    if list(images.index) != list(attribution.index):
        raise ArtefactError(f"{args.attribution}: does not explain the first of {args.images}")
    pixels = torch.from_numpy(images.pixels).to(device)
    labels = torch.from_numpy(images.labels).to(device)
    shares, rank = args.options.shares, degradation.ranks(attribution.relevance, args.seed)
    fills = degradation.fill_images(args.options.fills, ImageSet.load(args.train).pixels, device)
    found = degradation.answers(classifier, pixels, labels, rank, shares, fills)
    clean = degradation.clean_answers(classifier, pixels, labels)
    keys = {"dataset": args.dataset, "model": args.model, "method": attribution.method}
    write_csv(args.out, degradation.rows(found, clean, shares, args.seed, **keys))


if __name__ == "__main__":
    cli.run(main, __doc__, arguments, DegradationOptions)
