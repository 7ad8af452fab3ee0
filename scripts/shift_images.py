"""Apply one distribution shift at one level to the first images of a set."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--shift", required=True, help="a module in data/shifts")
    parser.add_argument("--level", type=float, required=True, help="strength of the shift")
    parser.add_argument("--images", required=True, help="ImageSet to shift")
    parser.add_argument(
        "--count", type=int, required=True, help="number of images used, from the first"
    )
    parser.add_argument("--seed", type=int, default=0, help="random seed")
    parser.add_argument("--out", required=True, help="ImageSet to write")


def main(args: argparse.Namespace) -> None:
    from dataclasses import replace

    from plumbline.data.image_sets import ImageSetKey
    from plumbline.registry import SHIFTS
    from plumbline.storage.artefacts import ImageSet

    key = ImageSetKey("shifted", shift=args.shift, level=args.level)
    shift = SHIFTS.load(args.shift)
    source = ImageSet.load(args.images).select(slice(args.count))
    shifted = replace(
        source,
        name=f"{source.name}_{key.name}",
        images=shift(source.pixels, args.level, seed=args.seed),
        provenance={**source.provenance, "shift": args.shift, "level": args.level},
    )
    shifted.save(args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)
