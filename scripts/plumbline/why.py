"""Print what lies behind a file of the workflow: code, options, seeds, inputs, down to the data.

``python -m plumbline.why FILE`` reads what Snakemake wrote down when it made the files.
"""

import argparse
import ast
import json
import os
import re
import shlex
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from plumbline import cli
from plumbline.errors import ArtefactError, InputError
from plumbline.files import checksum
from plumbline.records import FOLDER, Record, record_of

CODE = re.compile(r"[0-9a-f]{16}")


def chain(folder: Path, name: str, seen: set[str] | None = None) -> Iterator[str]:
    """Lines about the output ``name`` of runs in ``folder`` and, indented, about its inputs.

    Each file is told of once.  Files that no rule made come with their checksum, and so do the
    files of a dataset below its manifest.
    """
    seen = set() if seen is None else seen
    if name in seen:
        yield f"{name} (above)"
        return
    seen.add(name)
    yield name
    record = record_of(folder, name)
    file = folder / name
    if record is None:
        yield f"  source: sha256 {checksum(file)}" if file.is_file() else "  source: gone"
        return
    yield from (f"  {line}" for line in _making(record))
    if file.name == "manifest.json" and file.is_file():
        yield from (f"  {line}" for line in _data(file))
    for each in record.inputs:
        yield from (f"    {line}" for line in chain(folder, each, seen))


def _making(record: Record) -> Iterator[str]:
    """Rule, time, code, options and seed of one file."""
    made = datetime.fromtimestamp(record.end).strftime("%Y-%m-%d %H:%M:%S")
    yield f"rule: {record.rule}, made {made} in {record.end - record.start:.1f} s"
    values = [str(ast.literal_eval(param)) for param in record.params]
    yield from (f"code: {value}" for value in values if CODE.fullmatch(value))
    for value in values:
        if CODE.fullmatch(value):
            continue
        yield f"options: {value}"
        words = shlex.split(value)
        if "--seed" in words:
            yield f"seed: {words[words.index('--seed') + 1]}"


def _data(manifest: Path) -> Iterator[str]:
    """The files of a dataset with checksum and origin."""
    for each in json.loads(manifest.read_text(encoding="utf-8"))["files"]:
        yield f"data: {each['name']}, sha256 {each['sha256']}, {each['origin']}"


def locate(file: Path) -> tuple[Path, str]:
    """The folder whose runs made ``file``, and its name in their records.

    Raises :class:`InputError` if the file is missing or no rule is known to have made it.
    """
    if not file.is_file():
        raise InputError(f"{file}: no such file")
    file = Path(os.path.abspath(file))
    own = Path(__file__).resolve().parents[2]
    for folder in (*file.parents, Path.cwd(), own):
        names = [str(file)]
        if file.is_relative_to(folder):
            names.append(str(file.relative_to(folder)))
        for name in names:
            if record_of(folder, name):
                return folder, name
    raise ArtefactError(f"{file}: not a result of this workflow, or its record in {FOLDER} is gone")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a file that the workflow made")


def main(args: argparse.Namespace) -> None:
    for line in chain(*locate(args.file)):
        print(line)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)
