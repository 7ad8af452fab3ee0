"""Make the adversarial images of one attack on one net, for every epsilon."""

import argparse
import json

from plumbline import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--method", required=True, help="attack, a module of attacks/methods")
    parser.add_argument("--set", type=json.loads, default={}, help="its options, as JSON")
    parser.add_argument("--classifier", required=True, help="Classifier that is attacked")
    parser.add_argument("--images", required=True, help="ImageSet of the sources")
    parser.add_argument("--count", type=int, required=True, help="how many of them, from the first")
    parser.add_argument("--epsilons", type=float, nargs="+", required=True, help="in [0, 1] pixels")
    parser.add_argument("--dataset", required=True, help="key of the table")
    parser.add_argument("--model", required=True, help="key of the table")
    parser.add_argument("--out", nargs="+", required=True, help="ImageSets, one per epsilon")
    parser.add_argument("--table", required=True, help="CSV of the success curve")
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    from plumbline.artefacts import ImageSet
    from plumbline.attacks.success import adversarial_set, craft, success_curve
    from plumbline.methods import ATTACKS
    from plumbline.models.classifier import Classifier
    from plumbline.runtime import setup
    from plumbline.tables import write_csv

    classifier = Classifier.load(args.classifier, setup(args.device, args.threads))
    source = ImageSet.load(args.images).select(slice(args.count))
    perturb = ATTACKS.load(args.method)
    pixels = craft(perturb, classifier, source, args.epsilons, seed=args.seed, **args.set)
    sets = {
        epsilon: adversarial_set(classifier, source, each, args.method, epsilon)
        for epsilon, each in zip(args.epsilons, pixels, strict=True)
    }
    keys = {"dataset": args.dataset, "model": args.model, "attack": args.method}
    write_csv(args.table, success_curve(classifier, source, sets, args.seed, **keys))
    for path, images in zip(args.out, sets.values(), strict=True):
        images.save(path)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)
