"""Draw one figure of the report."""

import argparse
import json

from plumbline.runtime import cli

INPUTS = "files that the arguments of its draw are read from, JSON lists by name"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--figure", required=True, help="a module in plumbline/report/figures")
    parser.add_argument("--inputs", type=json.loads, required=True, help=INPUTS)
    parser.add_argument("--options", type=json.loads, default={}, help="further arguments, JSON")
    parser.add_argument("--out", required=True, help="PNG to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.report.drawing import draw

    draw(args.figure, args.inputs, args.options, args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)
