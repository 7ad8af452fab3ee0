"""What the rules ask for, at their first attempt."""

from dataclasses import dataclass
from pathlib import Path

from support import ROOT

from plumbline.workflow.parsed_rules import parsed_rules


@dataclass(frozen=True)
class Limits:
    """Memory in megabytes, time in minutes, number of accelerators."""

    memory: int
    minutes: int
    gpus: int


def limits(root: Path = ROOT) -> dict[str, Limits]:
    """What each rule of a repository asks for."""
    return {
        rule.name: Limits(rule.memory[0], rule.minutes, rule.gpus) for rule in parsed_rules(root)
    }


def local() -> set[str]:
    """Rules that run where Snakemake is called, on a cluster too."""
    return {rule.name for rule in parsed_rules() if rule.local}
