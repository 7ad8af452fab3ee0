"""Methods by name: each is a module with one function, found without importing it.

Sources of images, nets, attacks, estimators, attribution methods, mutation operators and scores
are kept so.  The file name is the method's name in the configuration; the keyword-only arguments
of its function, other than those that the workflow supplies, are its options there.
"""

import ast
import difflib
import functools
import importlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plumbline.errors import InputError, shown

SUPPLIED = {"seed", "batch", "channels", "size", "classes", "mutate"}
TYPES = {"int": int, "float": (int, float), "bool": bool, "str": str}
OWN_NETS = "PLUMBLINE_NETS"
REPLICATES = "PLUMBLINE_REPLICATES"
TRAITS = {
    "dropout": "no dropout layer",
    "gap_head": "no head of global average pooling and one dense layer",
}


@dataclass(frozen=True)
class Kind:
    """A family of methods: its package under ``plumbline`` and the function that each defines."""

    package: str
    function: str
    exclude: tuple[str, ...] = ()

    def names(self) -> list[str]:
        """All methods of this kind, in the order of the alphabet."""
        files = (Path(__file__).parent / self.package).glob("*.py")
        return sorted(f.stem for f in files if f.stem not in ("__init__", *self.exclude))

    def file(self, name: str) -> str:
        """The module's file, relative to the folder of the scripts."""
        return f"plumbline/{self.package}/{name}.py"

    def load(self, name: str, function: str | None = None) -> Callable:
        """Import the method's function, or another of its module.

        Raises :class:`InputError` if there is no method so named.
        """
        self.check_name(name)
        module = importlib.import_module(f"plumbline.{self.package.replace('/', '.')}.{name}")
        return getattr(module, function or self.function)

    def check_name(self, name: str) -> None:
        """Raise :class:`InputError`, naming the nearest, unless ``name`` is a method."""
        if name not in self.names():
            raise InputError(f"no {shown(name)}{nearest(name, self.names())}")

    def options(self, name: str) -> dict[str, tuple[str, Any]]:
        """Type and default of each option of a method, read from its signature."""
        return _options(Path(__file__).parents[1] / self.file(name), self.function)

    def default(self, name: str, option: str) -> Any:
        """The default of an option that every method of its sort must have.

        Raises :class:`InputError` if ``name`` has no such option.
        """
        known = self.options(name)
        if option not in known:
            raise InputError(f"{name}: {self.function} must take an option {option!r}")
        return known[option][1]

    def constant(self, name: str, constant: str) -> tuple[str, ...]:
        """A literal tuple of the method's module, read from its text; empty if it has none."""
        return _constant(Path(__file__).parents[1] / self.file(name), constant)

    def defines(self, name: str, function: str) -> bool:
        """Whether the method's module also has a ``function``, read from its text."""
        return _defines(Path(__file__).parents[1] / self.file(name), function)

    def check(self, name: str, given: dict[str, Any]) -> None:
        """Raise :class:`InputError` unless ``given`` are options of the method ``name``."""
        self.check_name(name)
        known = self.options(name)
        for option, value in given.items():
            if option not in known:
                raise InputError(f"{name} has no option {option!r}{nearest(option, known)}")
            kind = known[option][0]
            if not _fits(value, kind):
                raise InputError(f"{name}.{option} must be {kind}, not {shown(value)}")


@dataclass(frozen=True)
class Networks(Kind):
    """Nets: modules of the package, the user's own from files of theirs, and replicates.

    A replicate is a second name of another net: the same architecture, trained again.  Own nets
    and replicates are kept in environment variables, so that the programs of the jobs know them
    as well as the workflow that reads the configuration.
    """

    def own(self) -> dict[str, str]:
        """The user's nets: name -> ``file.py:Name``."""
        return json.loads(os.environ.get(OWN_NETS, "{}"))

    def replicates(self) -> dict[str, str]:
        """Replicates: name -> the net whose architecture they have."""
        return json.loads(os.environ.get(REPLICATES, "{}"))

    def architecture(self, name: str) -> str:
        """The net that ``name`` is a replicate of; itself, if it is none."""
        return self.replicates().get(name, name)

    def make_known(self, own: dict[str, str], replicates: dict[str, str] | None = None) -> None:
        """Take the user's nets, and replicates, to this process and those that it starts, for
        methods.

        Raises :class:`InputError` if one has the name of a net here, an own one no file that is
        Python, or a replicate no net to be one of.
        """
        replicates = replicates or {}
        for name, entry in own.items():
            path, _, made = entry.rpartition(":")
            if not (path.endswith(".py") and made.isidentifier()):
                raise InputError(f"{name}.entry: must be file.py:Name, not {shown(entry)}")
            self._refuse_taken(name, "entry")
            if not Path(path).is_file():
                raise InputError(f"{name}.entry: no file {path}")
            try:
                _parsed(Path(path))
            except (SyntaxError, ValueError) as error:
                raise InputError(f"{name}.entry: {path} is no Python: {error}") from None
        known = sorted({*super().names(), *own})
        for name, net in replicates.items():
            self._refuse_taken(name, "architecture")
            if net not in known:
                raise InputError(f"{name}.architecture: no {shown(net)}{nearest(net, known)}")
        os.environ[OWN_NETS] = json.dumps(own, sort_keys=True)
        os.environ[REPLICATES] = json.dumps(replicates, sort_keys=True)

    def _refuse_taken(self, name: str, key: str) -> None:
        if name in super().names():
            raise InputError(f"{name}.{key}: {name} is a net of plumbline/models already")

    def names(self) -> list[str]:
        """All nets, in the order of the alphabet."""
        return sorted({*super().names(), *self.own(), *self.replicates()})

    def file(self, name: str) -> str:
        """The net's file, relative to the folder of the scripts."""
        name = self.architecture(name)
        entry = self.own().get(name)
        if entry is None:
            return super().file(name)
        return os.path.relpath(entry.rpartition(":")[0], Path(__file__).parents[1])

    def maker(self, name: str) -> str:
        """``:Name`` of what makes a net of the user's own, which its file does not tell."""
        _, colon, made = self.own().get(self.architecture(name), "").rpartition(":")
        return colon + made

    def check(self, name: str, given: dict[str, Any]) -> None:
        """As :meth:`Kind.check`; what an own net takes is seen when it is built."""
        if self.architecture(name) not in self.own():
            super().check(name, given)

    def constant(self, name: str, constant: str) -> tuple[str, ...]:
        """As :meth:`Kind.constant`; an own net without ``TRAITS`` has dropout if its file does."""
        found = super().constant(name, constant)
        if found or constant != "TRAITS" or self.architecture(name) not in self.own():
            return found
        tree = _parsed(Path(__file__).parents[1] / self.file(name))
        names = {getattr(node, "attr", getattr(node, "id", "")) for node in ast.walk(tree)}
        return ("dropout",) if "Dropout" in names else ()


def unmet(kind: Kind, method: str, model: str) -> str:
    """Why ``method`` does not apply to the net ``model``; empty if it does.

    A method's module names what it needs of a net in ``NEEDS``, a net's module what it has in
    ``TRAITS``: keys of :data:`TRAITS`.
    """
    missing = set(kind.constant(method, "NEEDS")) - set(NETWORKS.constant(model, "TRAITS"))
    return " and ".join(TRAITS[trait] for trait in sorted(missing))


def nearest(name: str, known: Any) -> str:
    """``; did you mean x? (allowed: ...)`` for an error message."""
    close = difflib.get_close_matches(str(name), [str(each) for each in known], n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{hint} (allowed: {', '.join(map(str, known)) or 'none'})"


def _fits(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "bool"
    return kind not in TYPES or isinstance(value, TYPES[kind])


def _parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


@functools.cache
def _options(file: Path, function: str) -> dict[str, tuple[str, Any]]:
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            return {
                argument.arg: _option(file, argument, default)
                for argument, default in pairs
                if argument.arg not in SUPPLIED
            }
    raise InputError(f"{file.name} defines no function {function}")


def _option(file: Path, argument: ast.arg, default: ast.expr | None) -> tuple[str, Any]:
    try:
        return ast.unparse(argument.annotation), ast.literal_eval(default)
    except (AttributeError, TypeError, ValueError):
        message = f"{file.name}: option {argument.arg!r} needs a type and a literal default"
        raise InputError(message) from None


@functools.cache
def _defines(file: Path, function: str) -> bool:
    body = ast.parse(file.read_text(encoding="utf-8")).body
    return any(isinstance(node, ast.FunctionDef) and node.name == function for node in body)


@functools.cache
def _constant(file: Path, constant: str) -> tuple[str, ...]:
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == constant:
            return ast.literal_eval(node.value)
    return ()


SOURCES = Kind("data/sources", "obtain")
READERS = Kind("data/sources", "read")
SHIFTS = Kind("data/shifts", "shift")
NETWORKS = Networks(
    "models/architectures",
    "build",
)
ATTACKS = Kind("attacks/methods", "perturb")
ESTIMATORS = Kind("uncertainty/estimators", "predict")
ATTRIBUTIONS = Kind("attribution/methods", "attribute")
OPERATORS = Kind("stability/operators", "mutate")
SCORES = Kind("detection/scores", "score")
DETECTORS = Kind("detection/detectors", "fit")
VISUALIZATIONS = Kind("visualization/methods", "visualize")
GENERATORS = Kind("visualization/generators", "build")
