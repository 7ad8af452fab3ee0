"""Compare nets retrained with images from holes, with random off-data images, or neither."""

import argparse
from typing import TYPE_CHECKING, Any

from plumbline.runtime import cli

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from plumbline.models.classifier import Classifier


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--vae", required=True, help="VAE of the mapped latent space")
    parser.add_argument("--map", required=True, help="LatentMap in which the holes were found")
    parser.add_argument("--test", required=True, help="ImageSet to evaluate all nets on")
    parser.add_argument("--others", nargs="*", default=[], help="out-of-distribution ImageSets")
    parser.add_argument(
        "--names", nargs="*", default=[], help="name of each set, in the same order"
    )
    parser.add_argument("--holes", required=True, help="ImageSet decoded from the holes")
    parser.add_argument(
        "--random", required=True, help="ImageSet decoded from random points off the data"
    )
    parser.add_argument(
        "--classifiers", nargs="+", required=True, help="Classifiers, grouped by arm"
    )
    parser.add_argument("--arms", nargs="+", required=True, help="arm of each Classifier")
    parser.add_argument(
        "--seeds", nargs="+", type=int, required=True, help="training seed of each Classifier"
    )
    parser.add_argument("--dataset", required=True, help="key in the table")
    parser.add_argument("--model", required=True, help="key in the table")
    parser.add_argument("--target", required=True, help="key in the table: soft or class")
    parser.add_argument("--out", required=True, help="CSV to write")
    cli.add_runtime(parser)


def _probabilities(net: "Classifier", images: "np.ndarray | Tensor", classes: int) -> "np.ndarray":
    """Probabilities of the K known classes for ``images`` [N, C, H, W]; [1, N, K]."""
    from plumbline.latent.extension import without_extra
    from plumbline.models.classifier import logits

    return without_extra(logits(net, images).softmax(1).numpy()[None], classes)


def main(args: argparse.Namespace) -> None:
    from plumbline.latent.grids import points
    from plumbline.latent.trial import MAP, TEST, all_samples, extra_row, table, trial
    from plumbline.latent.vae import Vae, decode
    from plumbline.models.classifier import Classifier
    from plumbline.runtime.progress import progress
    from plumbline.runtime.torch_setup import setup
    from plumbline.storage.artefacts import ImageSet, load_arrays
    from plumbline.storage.tables import write_csv
    from plumbline.uncertainty.measures import mean_probs, measures

    device = setup(args.device, args.threads)
    test, (arrays, _) = ImageSet.load(args.test), load_arrays(args.map, "LatentMap")
    others = [ImageSet.load(path).images for path in args.others]
    shown: dict[str, Any] = {TEST: test.images} | dict(zip(args.names, others, strict=True))
    sizes = {name: len(shown[name]) for name in args.names}
    judged = trial(test.labels, sizes, arrays["linear.on_data"].ravel(), args.seed)
    shown[MAP] = decode(Vae.load(args.vae, device), points(arrays["linear.axis"]))
    nets = list(zip(args.arms, args.seeds, args.classifiers, strict=True))
    predictions = {}
    for arm, seed, path in progress(nets, "nets"):
        net = Classifier.load(path, device)
        predictions[arm, seed] = {
            name: _probabilities(net, images, len(test.classes)) for name, images in shown.items()
        }
    samples = all_samples(judged, predictions, mean_probs, measures)
    keys = {"dataset": args.dataset, "model": args.model, "target": args.target}
    rows = list(table(judged, samples, **keys))
    for arm, path in (("random", args.random), ("holes", args.holes)):
        rows.append(extra_row(arm, ImageSet.load(path).extra["in_hole"], **keys))
    write_csv(args.out, rows)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)
