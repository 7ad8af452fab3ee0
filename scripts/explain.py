"""Explain a net's decisions by one attribution method: the logit of each predicted class."""

import argparse
import json

from plumbline import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--method", required=True, help="method, a module of attribution/methods")
    parser.add_argument("--set", type=json.loads, default={}, help="its options, as JSON")
    parser.add_argument("--classifier", required=True, help="Classifier that is explained")
    parser.add_argument("--images", required=True, help="ImageSet")
    parser.add_argument("--count", type=int, required=True, help="how many of them, from the first")
    parser.add_argument("--out", required=True, help="Attribution to write")
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    import torch

    from plumbline.artefacts import Attribution, ImageSet
    from plumbline.methods import ATTRIBUTIONS
    from plumbline.models.classifier import Classifier, logits
    from plumbline.runtime import setup

    ATTRIBUTIONS.check(args.method, args.set)
    device = setup(args.device, args.threads)
    classifier = Classifier.load(args.classifier, device)
    images = ImageSet.load(args.images).select(slice(args.count))
    target = logits(classifier, images.images).argmax(1)
    relevance, gap = ATTRIBUTIONS.load(args.method)(
        classifier,
        torch.from_numpy(images.pixels).to(device),
        target.to(device),
        seed=args.seed,
        **args.set,
    )
    arrays = (each.cpu().numpy() for each in (relevance, target, gap))
    Attribution(args.method, *arrays, images.index).save(args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)
