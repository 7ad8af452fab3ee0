"""Draw the degradation test of one net: gains over the controls, and curves by family."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--table", required=True, help="CSV of the degradation test")
    parser.add_argument(
        "--parts", nargs="+", required=True, choices=["gain", "keep", "delete"], help="what to draw"
    )
    parser.add_argument("--out", nargs="+", required=True, help="PNG to write, for each part")


def main(args: argparse.Namespace) -> None:
    from plumbline.report.figures import degradation
    from plumbline.report.style import save
    from plumbline.storage.tables import read_frame

    table = read_frame([args.table])
    for part, path in zip(args.parts, args.out, strict=True):
        gain = part == "gain"
        save(degradation.gains(table) if gain else degradation.curves(table, part), path)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)
