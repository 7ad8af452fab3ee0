"""Measure what more passes of MC dropout and more members of an ensemble bring, on test."""

import argparse

from plumbline import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--classifiers", nargs="+", required=True, help="nets of several seeds")
    parser.add_argument("--test", required=True, help="ImageSet to predict")
    parser.add_argument("--images", type=int, help="how many of them, from the first; all")
    parser.add_argument("--samples", type=int, nargs="*", default=[], help="numbers of passes")
    parser.add_argument("--members", type=int, nargs="*", default=[], help="numbers of nets")
    parser.add_argument("--dataset", required=True, help="key of the table")
    parser.add_argument("--model", required=True, help="key of the table")
    parser.add_argument("--out", required=True, help="CSV to write")
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    import torch

    from plumbline.artefacts import ImageSet
    from plumbline.methods import ESTIMATORS
    from plumbline.models.classifier import Classifier
    from plumbline.progress import progress
    from plumbline.runtime import setup
    from plumbline.seeding import derive
    from plumbline.tables import write_csv
    from plumbline.uncertainty.sweep import by_members, by_samples

    device = setup(args.device, args.threads)
    nets = [Classifier.load(path, device) for path in args.classifiers]
    images = ImageSet.load(args.test).select(slice(args.images))
    pixels = torch.from_numpy(images.images)
    keys = {"dataset": args.dataset, "model": args.model}
    rows = []
    if args.samples:
        predict, most = ESTIMATORS.load("mc_dropout"), max(args.samples)
        passes = [
            predict([net], pixels, seed=derive(args.seed, number), samples=most).numpy()
            for number, net in enumerate(progress(nets, "nets"))
        ]
        rows += by_samples(passes, images.labels, args.samples)
    if args.members:
        members = ESTIMATORS.load("ensemble")(nets, pixels, seed=args.seed, members=len(nets))
        rows += by_members(members.numpy(), images.labels, args.members, args.seed)
    write_csv(args.out, [{**keys, **each} for each in rows])


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)
