"""The software environment of each stage, for ``--software-deployment-method conda``.

``python -m plumbline.workflow.environments`` writes ``envs/<stage>.yaml``: the packages that the
scripts of the stage import, in the versions of ``requirements.txt``.
"""

import ast
import functools
import re
import sys
from collections import defaultdict
from collections.abc import Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

from plumbline import registry
from plumbline.storage.files import write_text
from plumbline.workflow.code_hash import closure
from plumbline.workflow.parsed_rules import ROOT, parsed_rules

OURS = "plumbline"
PYTHON = "3.11"
ON_CONDA_FORGE = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
ONLY_BY_PIP = {"foolbox", "eagerpy"}
PARQUET = {"read_parquet", "to_parquet"}


def environments(root: Path = ROOT) -> dict[str, str]:
    """Text of the environment file of every stage, by its name, for the rules under ``root``."""
    pins = locked(root / "requirements.txt")
    imported: dict[str, set[str]] = defaultdict(set)
    for rule in parsed_rules(root):
        files = with_methods(root / "scripts", rule.script)
        imported[rule.stage] |= third_party(root / "scripts", *files)
    return {stage: _yaml(stage, names, pins) for stage, names in sorted(imported.items())}


def with_methods(folder: Path, script: str) -> list[str]:
    """Files in ``folder`` that a script may run: the script, and all methods and figures that it
    may load."""
    files = [script]
    packages: set[str] = set()
    while new := loaded(folder, *files) - packages:
        packages |= new
        modules = (file for package in new for file in (folder / OURS / package).glob("*.py"))
        files += [module.relative_to(folder).as_posix() for module in modules]
    return sorted(set(files))


def loaded(folder: Path, *files: str) -> set[str]:
    """Packages whose modules are loaded by name in ``files`` and all our code that they import."""
    packages = {
        name: kind.package
        for name, kind in vars(registry).items()
        if isinstance(kind, registry.Kind)
    }
    paths = closure(folder, *files)
    names = set().union(*(_loading(path) for path in paths))
    known = {packages[name] for name in names & packages.keys()}
    parts = {name.removeprefix(f"{OURS}.").replace(".", "/") for name in names if "." in name}
    return known.union(parts, *(_imported_by_name(path) for path in paths))


@functools.cache
def _loading(path: Path) -> frozenset[str]:
    """Names ``X`` of a file's calls ``X.load(...)``, and packages of its ``cli.run_part(...)``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    found = set()
    for call in calls:
        match call:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="load")):
                found.add(name)
            case ast.Call(
                func=ast.Attribute(attr="run_part"), args=[ast.Constant(value=str(package)), *_]
            ):
                found.add(package)
    return frozenset(found)


@functools.cache
def _imported_by_name(path: Path) -> frozenset[str]:
    """Packages ``P`` of one file's calls ``import_module(f"plumbline.P.{name}")``."""
    calls = (
        ast.unparse(node)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    )
    pattern = re.compile(rf"(?:importlib\.)?import_module\(f['\"]{OURS}\.([\w.]+)\.\{{")
    found = (pattern.match(call) for call in calls)
    return frozenset(each[1].replace(".", "/") for each in found if each)


def third_party(folder: Path, *files: str) -> set[str]:
    """Distributions whose modules ``files``, and all our code that they import, import."""
    known = _distributions()
    return {normal(known.get(module, [module])[0]) for module in modules(folder, *files)}


def modules(folder: Path, *files: str) -> set[str]:
    """First names of the installed modules that ``files`` and our code behind them import."""
    found = set().union(*(_imports(path) for path in closure(folder, *files)))
    return found - sys.stdlib_module_names - {OURS}


@functools.cache
def _imports(path: Path) -> frozenset[str]:
    """First names of the modules that one file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.Attribute) and node.attr in PARQUET:
            found.add("pyarrow")  # imported by pandas on demand
    return frozenset(found)


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    return packages_distributions()


def locked(requirements: Path) -> dict[str, str]:
    """Version of each distribution in a file of locked requirements."""
    lines = requirements.read_text(encoding="utf-8").splitlines()
    pins = (line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    return {normal(name): version.strip() for name, version in pins}


def normal(name: str) -> str:
    """The normalized name of a distribution (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _yaml(stage: str, names: set[str], pins: dict[str, str]) -> str:
    lines = [
        f"# What the scripts of the stage {stage} import, in the versions of requirements.txt;",
        "# written by `python -m plumbline.workflow.environments`.",
        "channels:",
        "  - conda-forge",
        "  - nodefaults",
        "dependencies:",
        f"  - python ={PYTHON}",
    ]
    conda = {ON_CONDA_FORGE.get(name, name): pins[name] for name in names - ONLY_BY_PIP}
    lines += [f"  - {name} =={version}" for name, version in sorted(conda.items())]
    if names & ONLY_BY_PIP:
        lines += ["  - pip", "  - pip:"]
        lines += [f"      - {name}=={pins[name]}" for name in sorted(names & ONLY_BY_PIP)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for stage, text in environments().items():
        write_text(ROOT / f"envs/{stage}.yaml", text)
