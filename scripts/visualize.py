"""Synthesize images of the classes of a net, and evaluate them with it and a second net."""

import argparse
import json
from functools import partial

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", required=True, help="name of the entry in visualization.methods")
    parser.add_argument("--method", required=True, help="its module in visualization/methods")
    parser.add_argument("--set", type=json.loads, default={}, help="its options, as JSON")
    parser.add_argument("--classifier", required=True, help="Classifier to visualize")
    parser.add_argument("--second", nargs="*", default=[], help="independently trained Classifier")
    parser.add_argument("--train", nargs="*", default=[], help="ImageSet to start from")
    parser.add_argument(
        "--generator", nargs="*", default=[], help="Generator whose codes are optimized"
    )
    parser.add_argument(
        "--against", nargs="*", default=[], help="ImageSet of an entry to compare with"
    )
    parser.add_argument("--test", required=True, help="ImageSet of real images, the control")
    parser.add_argument(
        "--classes",
        nargs="*",
        default=[],
        help="class names; default 10 classes of the test images",
    )
    parser.add_argument("--starts", type=int, required=True, help="number of images per class")
    parser.add_argument("--dataset", required=True, help="key in the table")
    parser.add_argument("--model", required=True, help="key in the table")
    parser.add_argument("--out", required=True, help="ImageSet to write")
    parser.add_argument("--table", required=True, help="CSV to write")
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    import torch

    from plumbline.models.classifier import Classifier
    from plumbline.registry import VISUALIZATIONS
    from plumbline.runtime.torch_setup import setup
    from plumbline.storage.artefacts import ImageSet
    from plumbline.storage.tables import write_csv
    from plumbline.visualization import evidence
    from plumbline.visualization.generator import Generator
    from plumbline.visualization.material import Material

    VISUALIZATIONS.check(args.method, args.set)
    device = setup(args.device, args.threads)
    classifier = Classifier.load(args.classifier, device)
    second = next((Classifier.load(path, device) for path in args.second), None)
    material = Material(
        next(map(ImageSet.load, args.train), None),
        next((Generator.load(path, device) for path in args.generator), None),
    )
    test = ImageSet.load(args.test)
    present = evidence.pictured(args.name, test, material.train)
    targets = evidence.targets(classifier.classes, args.classes, args.starts, present)
    wanted = torch.from_numpy(targets).to(device)
    method = VISUALIZATIONS.load(args.method)
    make = partial(method, classifier, wanted, material, seed=args.seed)
    targets, start, images = evidence.make_distinct(make, targets, args.set)
    test = evidence.of_classes(test, targets)
    score = partial(evidence.target_probabilities, classifier, second)
    found = {
        "made": score(images, targets),
        "start": score(start, targets),
        "test": score(test.images, test.labels),
    }
    others = [ImageSet.load(path) for path in args.against]
    against = {"start": found["start"]} | {each.name: evidence.recall(each) for each in others}
    keys = {"dataset": args.dataset, "model": args.model, "visualization": args.name}
    write_csv(args.table, evidence.rows(found, against, classifier.classes, args.seed, **keys))
    evidence.keep(args.name, images, found["made"], classifier, second).save(args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)
