"""Test an attribution: predictions of the net when the most relevant pixels are kept or deleted."""

import argparse

from plumbline.config.attribution import DegradationOptions
from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--classifier", required=True, help="Classifier that was explained")
    parser.add_argument("--images", required=True, help="ImageSet that was explained")
    parser.add_argument(
        "--train", required=True, help="ImageSet whose mean image fills deleted pixels"
    )
    parser.add_argument("--attribution", required=True, help="Attribution to test")
    parser.add_argument(
        "--count", type=int, required=True, help="number of images used, from the first"
    )
    parser.add_argument(
        "--memory-mb", type=int, default=512, help="memory for the activations of a batch"
    )
    parser.add_argument("--dataset", required=True, help="key in the table")
    parser.add_argument("--model", required=True, help="key in the table")
    parser.add_argument("--out", required=True, help="DegradationResult to write")
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    import torch

    from plumbline.attribution import degradation, map_measures
    from plumbline.attribution.budget import batch_size
    from plumbline.attribution.degradation_result import DegradationResult
    from plumbline.errors import ArtefactError
    from plumbline.models.classifier import Classifier
    from plumbline.runtime.torch_setup import setup
    from plumbline.storage.artefacts import Attribution, ImageSet

    device = setup(args.device, args.threads)
    classifier = Classifier.load(args.classifier, device)
    images = ImageSet.load(args.images).select(slice(args.count))
    attribution, count = Attribution.load(args.attribution), len(images)
    if list(images.index) != list(attribution.index[:count]):
        raise ArtefactError(f"{args.attribution}: does not explain the first of {args.images}")
    arrays = images.pixels, images.labels, attribution.target[:count]
    pixels, labels, target = (torch.from_numpy(each).to(device) for each in arrays)
    batch = batch_size(classifier, pixels, args.memory_mb << 20, gradients=False)
    relevance, shares = attribution.relevance[:count], args.options.shares
    rank = degradation.ranks(relevance, args.seed)
    fills = degradation.fillings(args.options.fills, ImageSet.load(args.train).pixels, device)
    right, drop = degradation.degraded_predictions(
        classifier, pixels, labels, target, rank, shares, fills, batch
    )
    clean, _ = degradation.clean_predictions(classifier, pixels, labels, target, batch)
    DegradationResult(
        dataset=args.dataset,
        model=args.model,
        method=attribution.method,
        fills=tuple(fills),
        shares=shares,
        right=right,
        drop=drop,
        clean=clean.cpu().numpy(),
        total_variation=map_measures.total_variation(relevance),
        sparsity=map_measures.sparsity(relevance),
        index=images.index,
    ).save(args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments, DegradationOptions)
