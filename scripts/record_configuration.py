"""Keep the configuration of the run, with what follows from it, beside the results.

The file holds `configuration` with all defaults, `coverage` and `left_out` (what has no job, and
why), `hashes` of the code, and `pins`, the versions of the packages.
"""

import argparse
from pathlib import Path

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--source", type=Path, required=True, help="JSON that the workflow wrote")
    parser.add_argument("--out", type=Path, required=True, help="JSON to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.storage.files import read_json, write_text

    read_json(args.source)  # damaged, it is not kept
    write_text(args.out, args.source.read_text(encoding="utf-8"))


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)
