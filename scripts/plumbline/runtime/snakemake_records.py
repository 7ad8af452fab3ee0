"""What Snakemake has written down about the files that it made."""

import ast
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from plumbline.errors import ArtefactError

FOLDER = Path(".snakemake/metadata")


@dataclass(frozen=True)
class Record:
    """How the file ``output`` was made: rule, input files, job, shell command, logs, times.

    ``script``, ``code`` (a hash) and ``options`` (command-line flags) are the parts of the rules'
    parameter ``job``; empty, if the rule has none.  ``start`` and ``end`` are in seconds since
    1970.  ``checksums`` are those of the inputs when they were read, as ``sha256:...``; of an
    input above the limit of the profile there is none.
    """

    rule: str
    inputs: tuple[str, ...]
    shell: str
    start: float
    end: float
    output: str = ""
    script: str = ""
    code: str = ""
    options: str = ""
    logs: tuple[str, ...] = ()
    checksums: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path, output: str) -> Self:
        """Read one record file of Snakemake 9, that of ``output``.

        Raises :class:`ArtefactError` if it is damaged, as on a disk that was full.
        """
        try:
            found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            message = f"{file}: a damaged record of {output}, make that anew"
            raise ArtefactError(message) from error
        return cls(
            rule=found["rule"],
            inputs=tuple(found["input"] or ()),
            shell=found["shellcmd"] or "",
            start=found["starttime"] or 0.0,
            end=found["endtime"] or 0.0,
            output=output,
            **_job(found["params"] or ()),
            logs=tuple(found["log"] or ()),
            checksums=found["input_checksums"] or {},
        )


def _job(params: Sequence[str]) -> dict[str, str]:
    """Script, code and options among recorded ``params``: one is the ``repr`` of a dictionary."""
    values = (ast.literal_eval(param) for param in params)
    named = next((value for value in values if isinstance(value, dict)), {})
    return {name: named.get(name, "") for name in ("script", "code", "options")}


def record_of(folder: Path, name: str) -> Record | None:
    """The record of the output ``name``, written as in its rule, of runs in ``folder``, if any.

    Snakemake names the record by the output's name in base64, cut into folders where it is
    longer than a file name may be.
    """
    folder = folder / FOLDER
    if not folder.is_dir():
        return None
    length = os.pathconf(folder, "PC_NAME_MAX") - 1
    code = urlsafe_b64encode(name.encode()).decode()
    *folders, last = [code[at : at + length] for at in range(0, len(code), length)]
    file = folder.joinpath(*(f"@{part}" for part in folders), last)
    return Record.read(file, name) if file.is_file() else None


def remedy(path: str | os.PathLike) -> str:
    """How a damaged file is made again, with its rule if a run in this folder has made it."""
    try:
        record = record_of(Path(), os.fspath(path))
    except (OSError, ArtefactError, KeyError):  # the records may be damaged as well
        record = None
    rule = f"rule {record.rule} makes it: " if record else ""
    return f"{rule}delete it and run again"


def all_records(folder: Path) -> Iterator[Record]:
    """Every record of runs in ``folder``."""
    top = folder / FOLDER
    for file in sorted(top.rglob("*")):
        if file.is_file():
            code = "".join(part.removeprefix("@") for part in file.relative_to(top).parts)
            yield Record.read(file, urlsafe_b64decode(code).decode())
