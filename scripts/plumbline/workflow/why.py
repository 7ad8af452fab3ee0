"""Print the lineage of a file of the workflow: how it was made, from what, back to the data.

``python -m plumbline.workflow.why FILE`` prints checksum, rule, time, code, options, seed, machine
and software of the file and, indented, of all its inputs.  The sources are the records that
Snakemake writes when it makes a file, and the last line of the job's log.
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
    """Yield lines about the output ``name`` of runs in ``folder`` and, indented, its inputs.

    The checksum of an input is the recorded one of the content that was ``read``, empty if none
    was recorded; None stands for the file that the lineage is of, whose current content counts.
    A file that was described before (``seen``) is only named.  The files of a dataset follow its
    manifest.
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
        yield "  source: not made by a rule"
        return
    yield from (f"  {line}" for line in (*_making(record), *_environment(folder, record)))
    if file.name == "manifest.json" and file.is_file():
        yield from (f"  {line}" for line in _data(file))
    for source in record.inputs:
        digest = record.checksums.get(source, "")
        yield from (f"    {line}" for line in chain(folder, source, seen, digest))


def _digest(file: Path, read: str | None) -> str:
    """The checksum ``read``; if that is None, or empty, the checksum of the current content."""
    if read:
        return read
    now = f"sha256:{checksum(file)}" if file.is_file() else "missing"
    return now if read is None else f"not recorded; now {now}"


def _making(record: Record) -> Iterator[str]:
    """Rule, time, code, options and seed of the job that made a file."""
    made = datetime.fromtimestamp(record.end).astimezone().isoformat(" ", "seconds")
    yield f"rule: {record.rule}, made {made} in {record.end - record.start:.1f} s"
    if record.code:
        yield f"code: {record.code}"
    if record.options:
        yield f"options: {record.options}"
        words = shlex.split(record.options)
        if "--seed" in words:
            yield f"seed: {words[words.index('--seed') + 1]}"


def _environment(folder: Path, record: Record) -> Iterator[str]:
    """Machine and software versions of a job, from the last line of its log."""
    found = next(
        filter(None, (job_log.read_environment(folder / log) for log in record.logs)), None
    )
    if found is None:
        yield "machine: not recorded in a log"
        return
    machine = [found[part] for part in ("host", "processor", "device", "system")]
    software = {"python": found["python"]} | found["packages"]
    yield f"machine: {', '.join(machine)}"
    yield f"software: {', '.join(f'{name} {version}' for name, version in software.items())}"


def _data(manifest: Path) -> Iterator[str]:
    """The files of a dataset with checksum and origin."""
    for entry in json.loads(manifest.read_text(encoding="utf-8"))["files"]:
        yield f"data: {entry['name']}, sha256 {entry['sha256']}, {entry['origin']}"


def locate(file: Path) -> tuple[Path, str]:
    """The working folder of the run that made ``file``, and the file's name in its records.

    Raises :class:`InputError` if the file is missing or there is no record of it.
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
