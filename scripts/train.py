"""Train one classifier and store the weights of its best epoch on the validation split.

With extra images, it is also trained to be uncertain about them.
"""

import argparse
import json
from pathlib import Path

from plumbline.config.training import TrainingOptions
from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True, help="a module of models/architectures")
    parser.add_argument("--entry", help="file.py:Name of a user-supplied architecture")
    parser.add_argument("--train", required=True, help="ImageSet to train on")
    parser.add_argument("--val", required=True, help="ImageSet for the choice of the epoch")
    parser.add_argument(
        "--objective",
        choices=["cross_entropy", "evidential", "bayesian"],
        default="cross_entropy",
        help="training objective",
    )
    parser.add_argument(
        "--set", type=json.loads, default={}, help="options of the objective, as JSON"
    )
    parser.add_argument("--extra", nargs="*", default=[], help="ImageSet of extra training images")
    parser.add_argument(
        "--target",
        choices=["soft", "class"],
        default="soft",
        help="target of the extra images: uniform over the classes, or an additional class",
    )
    parser.add_argument(
        "--checkpoint", type=Path, help="checkpoint to resume from; removed at the end"
    )
    parser.add_argument("--out", required=True, help="Classifier to write")
    parser.add_argument(
        "--history", required=True, help="CSV of the history to write, one row per epoch"
    )
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    from plumbline.registry import NETWORKS
    from plumbline.runtime.torch_setup import setup
    from plumbline.storage.artefacts import ImageSet
    from plumbline.storage.tables import write_csv
    from plumbline.training.extra_images import with_targets
    from plumbline.training.fit import Extra, fit
    from plumbline.training.losses import trained_for
    from plumbline.workflow.code_hash import code_hash

    networks = NETWORKS.joined({args.model: args.entry} if args.entry else {})
    networks.check(args.model, args.options.network)
    train, extra = ImageSet.load(args.train), None
    for path in args.extra:
        images = ImageSet.load(path).images
        train, targets = with_targets(train, len(images), args.target)
        extra = Extra(images, targets)
    classifier, history = fit(
        train,
        ImageSet.load(args.val),
        model=args.model,
        entry=args.entry,
        options=args.options,
        seed=args.seed,
        device=setup(args.device, args.threads),
        objective=trained_for({"objective": args.objective, **args.set}),
        extra=extra,
        checkpoint=args.checkpoint,
        code=code_hash(Path(__file__).parent, __file__, networks.file(args.model)),
    )
    write_csv(args.history, history)
    classifier.save(args.out)
    if args.checkpoint:
        args.checkpoint.unlink(missing_ok=True)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments, TrainingOptions)
