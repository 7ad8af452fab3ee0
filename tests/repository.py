"""A copy of the repository in which a test runs the workflow."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from support import ROOT

SOURCES = (
    "Snakefile",
    "rules",
    "scripts",
    "envs",
    "config",
    "profiles",
    "docs",
    "requirements.txt",
)


# What was measured with a clock or says when it was made; all else is the same in every run.
CLOCKED = ("logs/*", "benchmarks/*", "figures/*/cost_*.png")
TIMES = {  # parts of files
    "*cost.csv": re.compile(rb"^.*,seconds_per_image,.*\n", re.MULTILINE),
    "report/index.html": re.compile(
        rb"Built [-:\d ]+ UTC|<dt>(Built|Job times)</dt>.*"
        rb'|<h4 id="[\w-]+-cost">(?s:.*?)(?=<h4|<h3|</section>)'
    ),
}


@dataclass(frozen=True)
class Repository:
    """A copy of the repository in which the workflow ran, on the configuration ``config``."""

    folder: Path
    config: str = "small.yaml"

    def command(self, *arguments: str) -> list[str]:
        """The command line of Snakemake with ``arguments``."""
        configs = ["config/config.yaml", self.config]
        if (self.folder / "changes.yaml").exists():
            configs.append("changes.yaml")
        words = [sys.executable, "-m", "snakemake", "--configfile", *configs]
        return [*words, "--cores", "2", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """The variables of its runs: this Python first, no mirror."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        found = {**os.environ, "PATH": path}
        found.pop("PLUMBLINE_MIRROR", None)
        return found

    def snakemake(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        """Run Snakemake; its output is one text."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert not check or done.returncode == 0, done.stdout[-5000:]
        return done

    def pending(self, *targets: str) -> set[str]:
        """Jobs that a dry run would run, each as ``rule dataset/model/...``; `all` is none."""
        output = self.snakemake("--dry-run", "--printshellcmds", *targets).stdout
        if "Nothing to be done" in output:
            return set()
        jobs = set()
        for block in re.split(r"\n\s*\n", output):
            rule = re.search(r"^(?:local)?rule (\w+):$", block, re.MULTILINE)
            if rule and rule[1] != "all":
                found = re.search(r"^    wildcards: (.*)$", block, re.MULTILINE)
                values = re.findall(r"\w+=([^,]+)", found[1]) if found else []
                jobs.add(" ".join([rule[1], "/".join(values)]).strip())
        assert jobs, output
        return jobs

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text that must be there in one of the copy's files."""
        path = self.folder / name
        text = path.read_text()
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new, 1))

    def change(self, text: str) -> None:
        """Lay further configuration over its own."""
        (self.folder / "changes.yaml").write_text(text)


def unclocked(results: Path) -> dict[str, bytes]:
    """Content by name of the files in a results folder, without what a clock has a part in."""
    found = {}
    for path in sorted(results.rglob("*")):
        name = path.relative_to(results).as_posix()
        if path.is_file() and not any(fnmatch(name, each) for each in CLOCKED):
            found[name] = path.read_bytes()
            for each in (times for files, times in TIMES.items() if fnmatch(name, files)):
                found[name], cut = each.subn(b"", found[name])
                assert cut, name
    return found


def differing(one: Repository, other: Repository) -> list[str]:
    """Results of two repositories that only one has or that are not equal byte by byte."""
    ours, theirs = (unclocked(each.folder / "results") for each in (one, other))
    assert len(ours) > 60
    return sorted(name for name in ours | theirs if ours.get(name) != theirs.get(name))


def copy_of(repository: Repository, target: Path) -> Repository:
    """A copy with results and records, time stamps kept."""
    shutil.copytree(repository.folder, target, symlinks=True, copy_function=shutil.copy2)
    return Repository(target, repository.config)


def fresh(folder: Path, config: str) -> Repository:
    """A copy of the sources alone, with a configuration of tests/workflow."""
    folder.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignore)
        else:
            shutil.copy2(ROOT / name, folder / name)
    shutil.copy2(ROOT / "tests/workflow" / config, folder)
    return Repository(folder, config)
