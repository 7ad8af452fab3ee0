"""Train a generative adversarial network (GAN)."""

import argparse
from pathlib import Path

from plumbline.config.visualization import GeneratorOptions
from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--generator", required=True, help="module in visualization/generators")
    parser.add_argument("--train", required=True, help="ImageSet to train on")
    parser.add_argument(
        "--checkpoint", type=Path, help="checkpoint to resume from; removed at the end"
    )
    parser.add_argument("--out", required=True, help="Generator to write")
    parser.add_argument(
        "--history", required=True, help="CSV of the history to write, one row per epoch"
    )
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    from plumbline.registry import GENERATORS
    from plumbline.runtime.torch_setup import setup
    from plumbline.storage.artefacts import ImageSet
    from plumbline.storage.tables import write_csv
    from plumbline.visualization.adversarial import fit
    from plumbline.workflow.code_hash import code_hash

    GENERATORS.check(args.generator, args.options.network)
    generator, history = fit(
        ImageSet.load(args.train),
        generator=args.generator,
        options=args.options,
        seed=args.seed,
        device=setup(args.device, args.threads),
        checkpoint=args.checkpoint,
        code=code_hash(Path(__file__).parent, __file__, GENERATORS.file(args.generator)),
    )
    write_csv(args.history, history)
    generator.save(args.out)
    if args.checkpoint:
        args.checkpoint.unlink(missing_ok=True)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments, GeneratorOptions)
