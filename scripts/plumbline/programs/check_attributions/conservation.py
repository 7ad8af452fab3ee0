"""Check the conservation of LRP: relevance that reaches the pixels and that is lost on the way."""

import argparse
import json

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--classifier", required=True, help="Classifier to explain")
    parser.add_argument("--images", required=True, help="ImageSet")
    parser.add_argument(
        "--count", type=int, required=True, help="number of images used, from the first"
    )
    parser.add_argument(
        "--methods", type=json.loads, required=True, help="name: [module, options], as JSON"
    )
    parser.add_argument(
        "--memory-mb", type=int, default=512, help="memory for the activations of a batch"
    )
    parser.add_argument("--dataset", required=True, help="key in the table")
    parser.add_argument("--model", required=True, help="key in the table")
    parser.add_argument("--out", required=True, help="CSV to write")
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    import torch

    from plumbline.attribution.budget import batch_size
    from plumbline.attribution.conservation import conservation
    from plumbline.models.classifier import Classifier, logits
    from plumbline.registry import ATTRIBUTIONS
    from plumbline.runtime.torch_setup import setup
    from plumbline.storage.artefacts import ImageSet
    from plumbline.storage.tables import write_csv

    device = setup(args.device, args.threads)
    classifier = Classifier.load(args.classifier, device)
    images = ImageSet.load(args.images).select(slice(args.count))
    pixels = torch.from_numpy(images.pixels).to(device)
    batch = batch_size(classifier, pixels, args.memory_mb << 20)
    target = logits(classifier, pixels, batch).argmax(1).to(device)
    table = []
    for name, (module, options) in args.methods.items():
        ATTRIBUTIONS.check(module, options)
        rules = ATTRIBUTIONS.load(module, "rules")(**options)
        keys = {"dataset": args.dataset, "model": args.model, "method": name}
        found = conservation(classifier, pixels, target, rules, seed=args.seed, batch=batch, **keys)
        table += found
    write_csv(args.out, table)
