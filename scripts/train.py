"""Train one classifier and keep it as it was after its best epoch on val.

With extra images, it is also trained to be uncertain of these.
"""

import argparse
import json
from pathlib import Path

from plumbline.config.training import TrainingOptions
from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True, help="architecture, a module of plumbline.models")
    parser.add_argument("--entry", help="file.py:Name that makes it, if it is the user's own")
    parser.add_argument("--train", required=True, help="ImageSet to learn from")
    parser.add_argument("--val", required=True, help="ImageSet that chooses the epoch")
    parser.add_argument(
        "--objective",
        choices=["cross_entropy", "evidential", "bayesian"],
        default="cross_entropy",
        help="what the net is trained for",
    )
    parser.add_argument("--set", type=json.loads, default={}, help="its own options, as JSON")
    parser.add_argument("--extra", nargs="*", default=[], help="ImageSet that is mixed in")
    parser.add_argument(
        "--target",
        choices=["soft", "class"],
        default="soft",
        help="of the extra images: all classes alike, or one more",
    )
    parser.add_argument("--checkpoint", type=Path, help="resume from here, removed at the end")
    parser.add_argument("--out", required=True, help="Classifier to write")
    parser.add_argument("--history", required=True, help="CSV to write, a row per epoch")
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
