"""What the rules ask for, read from their text."""

import re
from dataclasses import dataclass
from pathlib import Path

from support import ROOT


@dataclass(frozen=True)
class Limits:
    """Memory in megabytes, time in minutes, number of accelerators."""

    memory: int
    minutes: int
    gpus: int


def limits(place: str = "**/*.smk", root: Path = ROOT) -> dict[str, Limits]:
    """What each rule in the files ``place`` of a repository's folder of rules asks for."""
    found = {}
    for path in sorted((root / "rules").glob(place)):
        for block in re.split(r"\n(?=rule |use rule )", path.read_text())[1:]:
            if twin := re.match(r"use rule (\w+) as (\w+)", block):
                found[twin[2]] = found[twin[1]]
                continue
            name = re.match(r"rule (\w+):", block)[1]
            asked = re.search(r"\*\*needs\((\d+), minutes=(\d+)(, gpu=1)?\),", block)
            assert asked, f"rule {name}: its resources are no **needs(…), so its memory cannot grow"
            found[name] = Limits(int(asked[1]), int(asked[2]), int(bool(asked[3])))
    return found


def local() -> set[str]:
    """Rules that run where Snakemake is called, on a cluster too."""
    text = "\n".join(path.read_text() for path in (ROOT / "rules").rglob("*.smk"))
    lists = re.findall(r"^localrules:\n((?: .*\n)+)", text, re.MULTILINE)
    return {name for found in lists for name in re.findall(r"\w+", found)}
