"""Print what lies behind a file of the workflow, down to the data.

``python -m plumbline.workflow.why FILE`` tells of each file its checksum, rule, time, code,
options, seed, machine, software and inputs.  It reads what Snakemake wrote down when it made the
files, and the
last line of each job's log.
"""

import argparse
import json
import os
import shlex
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from plumbline.errors import ArtefactError, InputError
from plumbline.runtime import cli, job_log
from plumbline.runtime.snakemake_records import FOLDER, Record, record_of
from plumbline.storage.files import checksum


def chain(
    folder: Path, name: str, seen: set[str] | None = None, read: str | None = None
) -> Iterator[str]:
    """Lines about the output ``name`` of runs in ``folder`` and, indented, about its inputs.

    Each file comes with its checksum: ``name`` with that of its content now, an input with that
    of its content when it was ``read``; where none was recorded, it says so.  Each file is told of
    once.  The files of a dataset stand below its manifest.
    """
    seen = set() if seen is None else seen
    if name in seen:
        yield f"{name} (above)"
        return
    seen.add(name)
    yield name
    record = record_of(folder, name)
    file = folder / name
    yield f"  {_digest(file, read)}"
    if record is None:
        yield "  source: no rule made it"
        return
    yield from (f"  {line}" for line in (*_making(record), *_place(folder, record)))
    if file.name == "manifest.json" and file.is_file():
        yield from (f"  {line}" for line in _data(file))
    for each in record.inputs:
        digest = record.checksums.get(each, "")
        yield from (f"    {line}" for line in chain(folder, each, seen, digest))


def _digest(file: Path, read: str | None) -> str:
    """The checksum ``read`` of an input, empty if none was recorded; that of now if it is None."""
    if read:
        return read
    now = f"sha256:{checksum(file)}" if file.is_file() else "gone"
    return now if read is None else f"not recorded; now {now}"


def _making(record: Record) -> Iterator[str]:
    """Rule, time, code, options and seed of one file."""
    made = datetime.fromtimestamp(record.end).astimezone().isoformat(" ", "seconds")
    yield f"rule: {record.rule}, made {made} in {record.end - record.start:.1f} s"
    if record.code:
        yield f"code: {record.code}"
    if record.options:
        yield f"options: {record.options}"
        words = shlex.split(record.options)
        if "--seed" in words:
            yield f"seed: {words[words.index('--seed') + 1]}"


def _place(folder: Path, record: Record) -> Iterator[str]:
    """Machine and software versions of one job, as its log tells them."""
    found = next(filter(None, (job_log.read_provenance(folder / log) for log in record.logs)), None)
    if found is None:
        yield "machine: not known, the log does not tell it"
        return
    machine = [found[part] for part in ("host", "processor", "device", "system")]
    software = {"python": found["python"]} | found["packages"]
    yield f"machine: {', '.join(machine)}"
    yield f"software: {', '.join(f'{name} {version}' for name, version in software.items())}"


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
    own = Path(__file__).resolve().parents[3]
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
    cli.run(main, __doc__, arguments, logged=False)
