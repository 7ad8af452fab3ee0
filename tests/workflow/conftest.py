"""One finished run of a small configuration, and dry runs of copies of it."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
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


@dataclass(frozen=True)
class Repository:
    """A copy of the repository in which the workflow ran."""

    folder: Path

    def snakemake(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        """Run Snakemake on the small configuration; its output is one text."""
        configs = ["config/config.yaml", "small.yaml"]
        if (self.folder / "changes.yaml").exists():
            configs.append("changes.yaml")
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        environment.pop("PLUMBLINE_MIRROR", None)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "snakemake", "--cores", "2"),
                *arguments,
                *("--configfile", *configs),
            ],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert not check or done.returncode == 0, done.stdout[-5000:]
        return done

    def pending(self) -> set[str]:
        """Jobs that a dry run would run, each as ``rule dataset/model/...``; `all` is none."""
        output = self.snakemake("--dry-run").stdout
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
        """Lay further configuration over the small one."""
        (self.folder / "changes.yaml").write_text(text)


def copy_of(source: Path, target: Path) -> Repository:
    """A copy with results and records, time stamps kept."""
    shutil.copytree(source, target, symlinks=True, copy_function=shutil.copy2)
    return Repository(target)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The small configuration, run to its end."""
    folder = tmp_path_factory.mktemp("workflow") / "repository"
    folder.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignore)
        else:
            shutil.copy2(ROOT / name, folder / name)
    shutil.copy2(Path(__file__).with_name("small.yaml"), folder)
    repository = Repository(folder)
    repository.snakemake()
    return repository


@pytest.fixture
def repository(finished, tmp_path):
    """A copy of the finished run that a test may change."""
    return copy_of(finished.folder, tmp_path / "copy")
