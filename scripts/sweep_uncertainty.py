"""Measure estimates on the test split by number of stochastic passes and of ensemble members."""

import argparse
import json
from itertools import islice

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--classifiers", nargs="+", required=True, help="members of the ensemble")
    parser.add_argument(
        "--estimators",
        type=json.loads,
        default={},
        help="module, options and number of nets of each stochastic estimator by name, as JSON",
    )
    parser.add_argument(
        "--nets", nargs="*", default=[], help="Classifiers of these estimators, in order"
    )
    parser.add_argument("--test", required=True, help="ImageSet to predict")
    parser.add_argument(
        "--images", type=int, help="number of images used, from the first; default all"
    )
    parser.add_argument("--samples", type=int, nargs="*", default=[], help="numbers of passes")
    parser.add_argument("--members", type=int, nargs="*", default=[], help="numbers of members")
    parser.add_argument("--dataset", required=True, help="key in the table")
    parser.add_argument("--model", required=True, help="key in the table")
    parser.add_argument("--out", required=True, help="CSV to write")
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    import torch

    from plumbline.models.classifier import Classifier
    from plumbline.registry import ESTIMATORS
    from plumbline.runtime.progress import progress
    from plumbline.runtime.seeding import derive
    from plumbline.runtime.torch_setup import setup
    from plumbline.storage.artefacts import ImageSet
    from plumbline.storage.tables import write_csv
    from plumbline.uncertainty.sweep import by_members, by_samples

    device = setup(args.device, args.threads)
    images = ImageSet.load(args.test).select(slice(args.images))
    pixels = torch.from_numpy(images.images)
    keys = {"dataset": args.dataset, "model": args.model}
    rows = []
    paths = iter(args.nets)
    for name, entry in progress(args.estimators.items(), "estimators"):
        predict = ESTIMATORS.load(entry["method"])
        how = entry["options"] | {ESTIMATORS.constant(entry["method"], "PASSES"): max(args.samples)}
        passes = [
            predict([Classifier.load(path, device)], pixels, seed=derive(args.seed, i), **how)
            for i, path in enumerate(islice(paths, entry["nets"]))
        ]
        own = by_samples([e.numpy() for e in passes], images.labels, args.samples, args.seed)
        rows += [{"estimator": name, **each} for each in own]
    if args.members:
        nets = [Classifier.load(path, device) for path in args.classifiers]
        members = ESTIMATORS.load("ensemble")(nets, pixels, seed=args.seed, members=len(nets))
        joint = by_members(members.numpy(), images.labels, args.members, args.seed)
        rows += [{"estimator": "ensemble", **each} for each in joint]
    write_csv(args.out, [{**keys, **each} for each in rows])


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)
