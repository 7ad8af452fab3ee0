"""Store the configuration of the run, with values derived from it, among the results.

The file holds `configuration` with all defaults, `coverage` and `left_out` (entries without a job,
with reasons), `figures`, `hashes` of the code, and `pins`, the locked package versions.
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
