"""Compare nets that were trained with images from holes, with random ones, and with none."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--vae", required=True, help="VAE whose latent space is mapped")
    parser.add_argument("--map", required=True, help="LatentMap that the holes were found on")
    parser.add_argument("--test", required=True, help="ImageSet that all nets are scored on")
    parser.add_argument("--others", nargs="*", default=[], help="ImageSets of another kind")
    parser.add_argument("--names", nargs="*", default=[], help="a name for each of them")
    parser.add_argument("--holes", required=True, help="ImageSet from the holes")
    parser.add_argument("--random", required=True, help="ImageSet from anywhere off the data")
    parser.add_argument("--classifiers", nargs="+", required=True, help="nets, arm by arm")
    parser.add_argument("--arms", nargs="+", required=True, help="arm of each net")
    parser.add_argument("--seeds", nargs="+", type=int, required=True, help="training seed of each")
    parser.add_argument("--dataset", required=True, help="key of the table")
    parser.add_argument("--model", required=True, help="key of the table")
    parser.add_argument("--target", required=True, help="key of the table: soft or class")
    parser.add_argument("--out", required=True, help="CSV to write")
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    import torch

    from plumbline.latent.extension import without_extra
    from plumbline.latent.grids import points
    from plumbline.latent.trial import MAP, TEST, by_estimator, extra_row, table, trial
    from plumbline.latent.vae import Vae, decode
    from plumbline.models.classifier import Classifier, logits
    from plumbline.runtime.progress import progress
    from plumbline.runtime.torch_setup import setup
    from plumbline.storage.artefacts import ImageSet, load_arrays
    from plumbline.storage.tables import write_csv
    from plumbline.uncertainty.measures import mean_probs, measures

    device = setup(args.device, args.threads)
    test, (arrays, _) = ImageSet.load(args.test), load_arrays(args.map, "LatentMap")
    others = [ImageSet.load(path).images for path in args.others]
    shown = {TEST: test.images} | dict(zip(args.names, others, strict=True))
    sizes = {name: len(shown[name]) for name in args.names}
    judged = trial(test.labels, sizes, arrays["linear.on_data"].ravel(), args.seed)
    shown[MAP] = decode(Vae.load(args.vae, device), points(arrays["linear.axis"]))
    said = {}
    nets = list(zip(args.arms, args.seeds, args.classifiers, strict=True))
    for arm, seed, path in progress(nets, "nets"):
        net = Classifier.load(path, device)
        answers = {name: torch.softmax(logits(net, each), 1) for name, each in shown.items()}
        said[arm, seed] = {
            name: without_extra(probs.numpy()[None], len(test.classes))
            for name, probs in answers.items()
        }
    samples = {
        estimator: {
            who: judged.samples(
                mean_probs(probs[TEST]), {name: measures(each) for name, each in probs.items()}
            )
            for who, probs in found.items()
        }
        for estimator, found in by_estimator(said).items()
    }
    keys = {"dataset": args.dataset, "model": args.model, "target": args.target}
    rows = list(table(judged, samples, **keys))
    for arm, path in (("random", args.random), ("holes", args.holes)):
        rows.append(extra_row(arm, ImageSet.load(path).extra["in_hole"], **keys))
    write_csv(args.out, rows)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)
