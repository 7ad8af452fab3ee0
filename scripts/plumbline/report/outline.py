"""The outline of the page: sections, their topics, and the figures and tables of each topic.

It is derived from the modules in ``figures`` and ``sections``, one for each figure and each stage.
Their declarations ``FIGURE`` and ``SECTION`` are evaluated without the rest of the module, whose
imports the workflow does not need when it starts.
"""

import ast
import builtins
import functools
from collections.abc import Collection
from pathlib import Path
from typing import Any

from plumbline.contracts import not_python
from plumbline.errors import InputError, nearest, shown
from plumbline.report.spec import FigureSpec, Section, Topic

ROOM = Path(__file__).parent
STAGES = (
    "training",
    "attacks",
    "uncertainty",
    "latent",
    "attribution",
    "visualization",
    "stability",
    "detection",
)
"""Stages that have a section, in the order of the page."""


@functools.cache
def figures() -> dict[str, FigureSpec]:
    """Declarations of all figures by module name, in the order of the page.

    Raises :class:`InputError` for a missing declaration, or an unknown section or topic.
    """
    found = {file.stem: declared(file, "FIGURE", FigureSpec) for file in _modules(ROOM / "figures")}
    for name, spec in found.items():
        where = f"report/figures/{name}.py"
        if spec.stage not in sections():
            hint = nearest(spec.stage, sections())
            raise InputError(f"{where}: no section {shown(spec.stage)}{hint}")
        topics = [topic.title for topic in sections()[spec.stage].topics]
        if spec.topic not in topics:
            hint = nearest(spec.topic, topics)
            raise InputError(f"{where}: {spec.stage} has no topic {shown(spec.topic)}{hint}")
    places = {
        (stage, topic.title): place
        for place, (stage, topic) in enumerate(
            (stage, topic) for stage, section in sections().items() for topic in section.topics
        )
    }
    order = sorted(
        found.items(),
        key=lambda item: (places[item[1].stage, item[1].topic], item[1].order, item[0]),
    )
    return dict(order)


@functools.cache
def sections() -> dict[str, Section]:
    """The section of every stage, in the order of the page.

    Raises :class:`InputError` for a missing declaration, or a table without a function.
    """
    files = {file.stem: file for file in _modules(ROOM / "sections")}
    for stage in files:
        if stage not in STAGES:
            hint = nearest(stage, STAGES)
            raise InputError(f"report/sections/{stage}.py: no stage {shown(stage)}{hint}")
    found = {
        stage: declared(files[stage], "SECTION", Section) for stage in STAGES if stage in files
    }
    for stage, section in found.items():
        functions = _functions(files[stage])
        for table in (table for topic in section.topics for table in topic.tables):
            if table not in functions:
                raise InputError(f"report/sections/{stage}.py: no function for the table {table}")
    return found


def figures_of(stage: str, topic: Topic) -> list[str]:
    """Names of the figures of a topic, in order."""
    return [
        name for name, spec in figures().items() if (spec.stage, spec.topic) == (stage, topic.title)
    ]


def modules() -> list[str]:
    """Files of all figures and sections, relative to the folder of the scripts."""
    files = [file for folder in ("figures", "sections") for file in _modules(ROOM / folder)]
    return [f"plumbline/report/{file.relative_to(ROOM)}" for file in files]


def module(figure: str) -> str:
    """The file of a figure, relative to the folder of the scripts."""
    return f"plumbline/report/figures/{figure}.py"


@functools.cache
def arguments(figure: str) -> list[str]:
    """Names of the arguments of a figure's ``draw``; raises :class:`InputError` without one."""
    for node in _parsed(ROOM / f"figures/{figure}.py").body:
        if isinstance(node, ast.FunctionDef) and node.name == "draw":
            return [each.arg for each in (*node.args.args, *node.args.kwonlyargs)]
    raise InputError("no function draw")


def check(tables: Collection[str]) -> None:
    """Raise :class:`InputError` if a topic has neither figures nor tables, or names a table that is
    not in ``tables``, the tables that the workflow can write."""
    for stage, section in sections().items():
        for topic in section.topics:
            where = f"report/sections/{stage}.py: topic {topic.title!r}"
            if not topic.tables and not figures_of(stage, topic):
                raise InputError(f"{where} has no figure and no table")
            for table in topic.tables:
                if table not in tables:
                    raise InputError(f"{where}: no table {shown(table)}{nearest(table, tables)}")


def declared(file: Path, name: str, kind: type) -> Any:
    """The value of type ``kind`` that the module ``file`` assigns to ``name``.

    Only this expression is evaluated; it may use the classes of :mod:`plumbline.report.spec` and
    built-in functions.  Raises :class:`InputError` if there is no such assignment, or the
    expression uses other names or fails.
    """
    where = f"report/{file.parent.name}/{file.name}"
    known = {each.__name__: each for each in (FigureSpec, Section, Topic)}
    for node in _parsed(file).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            if unknown := _free_names(node.value) - {*known, *vars(builtins)}:
                raise InputError(f"{where}: {name} must not use {', '.join(sorted(unknown))}")
            expression = compile(ast.Expression(node.value), str(file), "eval")
            try:
                value = eval(expression, dict(known))
            except (TypeError, ValueError) as error:
                reason = str(error).removeprefix(f"{kind.__name__}.__init__() ")
                raise InputError(f"{where}: {name}: {reason}") from None
            if not isinstance(value, kind):
                break
            return value
    raise InputError(f"{where} declares no {name} = {kind.__name__}(...)")


def _free_names(expression: ast.expr) -> set[str]:
    """Free names of an expression."""
    names = [node for node in ast.walk(expression) if isinstance(node, ast.Name)]
    bound = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    bound |= {node.arg for node in ast.walk(expression) if isinstance(node, ast.arg)}
    return {node.id for node in names} - bound


def _functions(file: Path) -> set[str]:
    return {node.name for node in _parsed(file).body if isinstance(node, ast.FunctionDef)}


def _modules(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*.py") if file.stem != "__init__")


def _parsed(file: Path) -> ast.Module:
    try:
        return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
    except (SyntaxError, ValueError) as error:
        where = f"report/{file.parent.name}/{file.name}"
        raise InputError(f"{where}: {not_python(error)}") from None
