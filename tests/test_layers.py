"""The layers of the library: no stage imports one above it or beside it."""

import ast

import pytest
from support import SCRIPTS

from plumbline.workflow.code_hash import closure

ROWS = (
    {"runtime", "metrics"},
    {"storage"},
    {"config"},
    {"data"},
    {"workflow"},
    {"models"},
    {"training"},
    {"attacks", "uncertainty", "latent", "attribution", "visualization", "stability"},
    {"detection"},
    {"report"},
    {"programs"},
    {"benchmarks"},
)
RANK = {stage: rank for rank, row in enumerate(ROWS) for stage in row}
LIBRARY = SCRIPTS / "plumbline"
LONGEST = 45  # lines of a function, its docstring among them


def imported(path):
    """Full names of all modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield node.module


def test_every_folder_of_the_library_is_a_stage():
    folders = {path.name for path in LIBRARY.iterdir() if (path / "__init__.py").exists()}
    assert folders == set(RANK)


@pytest.mark.parametrize("stage", sorted(RANK))
def test_imports_point_down(stage):
    for path in (LIBRARY / stage).rglob("*.py"):
        for name in imported(path):
            parts = name.split(".")
            if parts[0] == "plumbline" and len(parts) > 1 and parts[1] in RANK:
                other = parts[1]
                assert other == stage or RANK[other] < RANK[stage], f"{path} imports {name}"


def test_the_library_knows_nothing_of_snakemake_and_of_the_workflow_s_paths():
    for path in LIBRARY.rglob("*.py"):
        if path.parent.name not in ("workflow", "benchmarks"):
            assert not [name for name in imported(path) if name.split(".")[0] == "snakemake"]
            assert "results/" not in path.read_text(), path


def test_what_only_draws_or_counts_does_not_import_torch():
    files = [path for stage in ("report", "config") for path in (LIBRARY / stage).rglob("*.py")]
    compared = [f"plumbline/programs/compare_scores/{part}.py" for part in ("tasks", "ranks")]
    files += closure(SCRIPTS, "compare_scores.py", *compared)
    for path in files:
        assert "torch" not in {name.split(".")[0] for name in imported(path)}, path


def test_no_function_is_longer_than_a_screen():
    for path in SCRIPTS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                lines = node.end_lineno - node.lineno + 1
                assert lines <= LONGEST, f"{path}: {node.name} has {lines} lines"
