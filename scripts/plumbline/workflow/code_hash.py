"""Hash of a script and of all our code that it imports, blind to comments and docstrings.

Snakemake sees neither an edited module nor an unchanged script with a new time stamp rightly.
Every rule therefore has this hash among its parameters: an edit that can change a result
reruns exactly the rules whose scripts import the edited module, and nothing else does.
"""

import ast
import functools
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from plumbline.registry import KINDS, PRESENTATION

METHODS = tuple(f"plumbline/{kind.package}" for kind in KINDS)


@functools.cache
def code_hash(root: Path, *files: str | Path) -> str:
    """Hash of ``files`` and of every module under ``root`` that they import, directly or not.

    Python files count by their syntax tree without docstrings, layout and comments, methods also
    without the constants that only figures and tables show; other files (an environment, a
    template) by their bytes.  Paths are relative to ``root``.  A module that is imported by a
    computed name is not seen: name it among ``files``.
    """
    digest = hashlib.sha256()
    for path in sorted(closure(root, *files)):
        digest.update(_name(root, path).encode())
        digest.update(_read(path)[0].encode())
    for path in sorted(root / f for f in files if Path(f).suffix != ".py"):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def text_hash(texts: Mapping[str, str]) -> str:
    """Hash of texts by name; empty if there are none."""
    if not texts:
        return ""
    return hashlib.sha256(json.dumps(texts, sort_keys=True).encode()).hexdigest()[:8]


def closure(root: Path, *files: str | Path) -> set[Path]:
    """The Python files among ``files`` and all modules under ``root`` that they import."""
    return set().union(*(_closure(root, root / f) for f in files if Path(f).suffix == ".py"))


@functools.cache
def _closure(root: Path, start: Path) -> frozenset[Path]:
    found: set[Path] = set()
    waiting = [start]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported(root, path)
    return frozenset(found)


@functools.cache
def _name(root: Path, path: Path) -> str:
    """What a file counts as: its path under ``root``, its name if it stands elsewhere."""
    inside = path.relative_to(root)
    return path.name if ".." in inside.parts else inside.as_posix()


@functools.cache
def _read(path: Path) -> tuple[str, tuple[str, ...]]:
    """Fingerprint of a file, and the names that it imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    names = tuple(_imported_names(tree))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            # Bare strings are docstrings or the descriptions of fields: they change no result.
            body[:] = [each for each in body if not _is_bare_string(each)]
    if path.parent.as_posix().endswith(METHODS):
        tree.body = [each for each in tree.body if not _is_presentation(each)]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), names


def _is_bare_string(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _is_presentation(node: ast.AST) -> bool:
    """Whether a statement says only how a method's results are shown."""
    targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
    return any(isinstance(target, ast.Name) and target.id in PRESENTATION for target in targets)


@functools.cache
def _imported(root: Path, path: Path) -> tuple[Path, ...]:
    # A file of the user's own also imports what stands beside it.
    roots = [root, path.parent] if ".." in path.relative_to(root).parts else [root]
    names = _read(path)[1]
    return tuple(file for place in roots for name in names for file in _locate(place, name))


def _imported_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError("relative imports are not followed: import by full name")
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _locate(root: Path, name: str) -> Iterator[Path]:
    """Files that importing ``name`` runs: each package's ``__init__`` and the module."""
    place = root
    for part in name.split("."):
        place = place / part
        for file in (place / "__init__.py", place.with_suffix(".py")):
            if file.is_file():
                yield file
