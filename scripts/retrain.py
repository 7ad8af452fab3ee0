"""Train one classifier as train.py does, with further images that it is to be uncertain of."""

import argparse
from pathlib import Path

from plumbline.config.training import TrainingOptions
from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True, help="architecture, a module of plumbline.models")
    parser.add_argument("--entry", help="file.py:Name that makes it, if it is the user's own")
    parser.add_argument("--train", required=True, help="ImageSet to learn from")
    parser.add_argument("--val", required=True, help="ImageSet that chooses the epoch")
    parser.add_argument("--extra", required=True, help="ImageSet that is mixed in")
    parser.add_argument(
        "--target", choices=["soft", "class"], required=True, help="all classes alike, or one more"
    )
    parser.add_argument("--checkpoint", type=Path, help="resume from here, removed at the end")
    parser.add_argument("--out", required=True, help="Classifier to write")
    parser.add_argument("--history", required=True, help="CSV to write, a row per epoch")
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    from plumbline.latent.extension import with_targets
    from plumbline.registry import NETWORKS
    from plumbline.runtime.torch_setup import setup
    from plumbline.storage.artefacts import ImageSet
    from plumbline.storage.tables import write_csv
    from plumbline.training.fit import Extra, fit
    from plumbline.workflow.code_hash import code_hash

    networks = NETWORKS.joined({args.model: args.entry} if args.entry else {})
    networks.check(args.model, args.options.network)
    extra = ImageSet.load(args.extra)
    train, targets = with_targets(ImageSet.load(args.train), len(extra), args.target)
    classifier, history = fit(
        train,
        ImageSet.load(args.val),
        model=args.model,
        entry=args.entry,
        options=args.options,
        seed=args.seed,
        device=setup(args.device, args.threads),
        extra=Extra(extra.images, targets),
        checkpoint=args.checkpoint,
        code=code_hash(Path(__file__).parent, __file__, networks.file(args.model)),
    )
    write_csv(args.history, history)
    classifier.save(args.out)
    if args.checkpoint:
        args.checkpoint.unlink(missing_ok=True)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments, TrainingOptions)
