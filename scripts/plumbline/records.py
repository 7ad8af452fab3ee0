"""What Snakemake has written down about the files that it made."""

import json
import os
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

FOLDER = Path(".snakemake/metadata")


@dataclass(frozen=True)
class Record:
    """How one file was made: rule, input files, params, shell command, start and end.

    Each of ``params`` is the ``repr`` of a value; the times are in seconds since 1970.
    """

    rule: str
    inputs: tuple[str, ...]
    params: tuple[str, ...]
    shell: str
    start: float
    end: float

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read one record file of Snakemake 9."""
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return cls(
            rule=found["rule"],
            inputs=tuple(found["input"] or ()),
            params=tuple(found["params"] or ()),
            shell=found["shellcmd"] or "",
            start=found["starttime"] or 0.0,
            end=found["endtime"] or 0.0,
        )


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
    return Record.read(file) if file.is_file() else None


def all_records(folder: Path) -> Iterator[Record]:
    """Every record of runs in ``folder``."""
    for file in sorted((folder / FOLDER).rglob("*")):
        if file.is_file():
            yield Record.read(file)
