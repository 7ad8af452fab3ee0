"""Write the ImageSets train, val, calibration and test of one dataset."""

import argparse

from plumbline.config.data import Preparation
from plumbline.runtime import cli

SPLITS = ("train", "val", "calibration", "test")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--manifest", required=True, help="manifest written by fetch.py")
    for split in SPLITS:
        parser.add_argument(f"--{split}", required=True, help="ImageSet to write")
    parser.add_argument("--seed", type=int, default=0, help="random seed")


def main(args: argparse.Namespace) -> None:
    from plumbline.data.manifest import Manifest
    from plumbline.data.pool import Wanted, make_sets
    from plumbline.registry import READERS
    from plumbline.runtime.seeding import derive

    wish, manifest = args.options, Manifest.load(args.manifest)
    manifest.verify()
    seed, skip = derive(args.seed, "read"), wish.broken == "skip"
    wanted = Wanted(wish.size, wish.channels, seed, wish.resize, skip)
    sets = make_sets(
        READERS.load(manifest.kind)(manifest, wanted),
        manifest.dataset,
        size=wish.size,
        channels=wish.channels,
        images=wish.images,
        shares=wish.splits.model_dump(),
        shares_of=wish.splits_of,
        seed=args.seed,
        provenance={"kind": manifest.kind, "sha256": manifest.sha256},
    )
    for split in SPLITS:
        sets[split].save(getattr(args, split))


if __name__ == "__main__":
    cli.run(main, __doc__, arguments, Preparation)
