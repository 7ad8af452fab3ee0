"""Run one attack on one net: adversarial images for every epsilon, or of minimal perturbation."""

import argparse
import json

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--attack", required=True, help="name of the attack in the configuration")
    parser.add_argument("--method", required=True, help="its module in attacks/methods")
    parser.add_argument("--set", type=json.loads, default={}, help="its options, as JSON")
    parser.add_argument("--operator", help="module in stability/operators, for an adaptive attack")
    parser.add_argument("--operator-set", type=json.loads, default={}, help="its options, as JSON")
    parser.add_argument("--classifier", required=True, help="Classifier to attack")
    parser.add_argument("--images", required=True, help="ImageSet of the source images")
    parser.add_argument(
        "--count", type=int, required=True, help="number of images used, from the first"
    )
    parser.add_argument(
        "--epsilons",
        type=float,
        nargs="*",
        default=[],
        help="bounds for pixels in [0, 1]; none: minimize",
    )
    parser.add_argument("--dataset", required=True, help="key in the table")
    parser.add_argument("--model", required=True, help="key in the table")
    parser.add_argument(
        "--out", nargs="+", required=True, help="ImageSets to write, one per epsilon"
    )
    parser.add_argument("--table", required=True, help="CSV of success rates and norms to write")
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    from functools import partial

    from plumbline.attacks.success import adversarial_set, craft, rows_of
    from plumbline.models.classifier import Classifier
    from plumbline.registry import ATTACKS, OPERATORS
    from plumbline.runtime.torch_setup import setup
    from plumbline.storage.artefacts import ImageSet
    from plumbline.storage.tables import write_csv

    classifier = Classifier.load(args.classifier, setup(args.device, args.threads))
    source = ImageSet.load(args.images).select(slice(args.count))
    perturb, given = ATTACKS.load(args.method), args.set
    if args.operator:
        given |= {"mutate": partial(OPERATORS.load(args.operator), **args.operator_set)}
    pixels = craft(perturb, classifier, source, args.epsilons, seed=args.seed, **given)
    sets = {
        epsilon: adversarial_set(classifier, source, each, args.attack, epsilon)
        for epsilon, each in zip(args.epsilons or [None], pixels, strict=True)
    }
    keys = {"dataset": args.dataset, "model": args.model}
    keys |= {"attack": args.attack, "method": args.method}
    write_csv(args.table, rows_of(classifier, source, sets, args.seed, **keys))
    for path, images in zip(args.out, sets.values(), strict=True):
        images.save(path)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)
