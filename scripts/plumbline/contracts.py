"""The contract of a kind of methods: what a module must define, read from its text and checked.

A method is one module: its file's name is the method's name in the configuration, and it defines
one function, whose keyword-only arguments, other than those that the workflow supplies, are the
method's options there.  Constants in capitals tell the workflow more about it.  Nothing is
imported before a method runs.
"""

import ast
import copy
import functools
import importlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from plumbline.errors import InputError, close, nearest, shown

SCRIPTS = Path(__file__).parents[1]
TYPES: dict[str, type | tuple[type, ...]] = {
    "int": int,
    "float": (int, float),
    "bool": bool,
    "str": str,
}
OTHERS = "others"


@dataclass(frozen=True)
class Constant:
    """A constant that the modules of a kind may define.

    ``form`` says what its value is: a text, a dictionary from texts to texts, one of ``allowed``,
    a tuple of these, or the name of one of the method's options whose type is in ``allowed``.
    """

    meaning: str
    form: Literal["text", "texts", "choice", "choices", "option"]
    allowed: Collection[str] = ()

    def fault(self, value: Any, options: Mapping[str, tuple[str, Any]]) -> str:
        """What is wrong with ``value``; empty if nothing is."""
        if self.form == "texts":
            pairs = list(value.items()) if isinstance(value, dict) else [(value, value)]
            fits = all(isinstance(text, str) for pair in pairs for text in pair)
            return "" if fits else f"must be a dictionary of texts, not {shown(value)}"
        if self.form == "choices":
            if not isinstance(value, tuple):
                return f"must be a tuple, not {shown(value)}"
            return next(filter(None, (self._unknown(each, self.allowed) for each in value)), "")
        if not isinstance(value, str):
            return f"must be a text, not {shown(value)}"
        if self.form == "option":
            typed = [name for name, (kind, _) in options.items() if kind in self.allowed]
            return self._unknown(value, typed)
        return self._unknown(value, self.allowed) if self.form == "choice" else ""

    @staticmethod
    def _unknown(value: Any, allowed: Collection[str]) -> str:
        return "" if value in list(allowed) else f"no {shown(value)}{nearest(str(value), allowed)}"


@dataclass(frozen=True)
class Module:
    """What the text of a Python file says: its functions, its constants, the names it reads."""

    functions: Mapping[str, ast.FunctionDef]
    constants: Mapping[str, ast.expr]
    read: frozenset[str]
    bound: frozenset[str]
    """All names that exist once the file is imported, imported ones and classes among them."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises SyntaxError or ValueError if ``text`` is not Python."""
        functions: dict[str, ast.FunctionDef] = {}
        constants: dict[str, ast.expr] = {}
        tree = ast.parse(text)
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                functions[node.name] = node
            elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    constants |= _assigned(target, node.value)
        read = {
            node.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        }
        return cls(functions, constants, frozenset(read), frozenset(_bound(tree)))


def _bound(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((each.asname or each.name).partition(".")[0] for each in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _assigned(target: ast.expr, value: ast.expr) -> dict[str, ast.expr]:
    """The names that an assignment gives, and their values; ``A, B = 1, 2`` gives two."""
    if isinstance(target, ast.Name):
        return {target.id: value}
    targets = target.elts if isinstance(target, ast.Tuple | ast.List) else []
    values = value.elts if isinstance(value, ast.Tuple | ast.List) else []
    if len(values) != len(targets):
        values = [value] * len(targets)
    pairs = zip(targets, values, strict=True)
    return {name: each for pair in pairs for name, each in _assigned(*pair).items()}


@functools.cache
def read_module(file: Path) -> Module:
    """The file's :class:`Module`; raises SyntaxError or ValueError if it is not Python."""
    return Module.parse(file.read_text(encoding="utf-8"))


def not_python(error: SyntaxError | ValueError) -> str:
    """What is wrong with a file that :meth:`Module.parse` cannot read."""
    if isinstance(error, SyntaxError) and error.lineno:
        return f"not Python: {error.msg} (line {error.lineno})"
    return f"not Python: {error}"


@dataclass(frozen=True)
class Kind:
    """A kind of methods and its contract.

    The modules lie in ``package`` under ``plumbline``.  Each defines ``function``, which takes the
    arguments ``positional`` and keyword-only ones: those that the workflow supplies (``supplied``,
    name -> annotation), and the method's options, ``required`` among them.  The arguments in
    ``optional`` may be left out.  ``entry`` are the keys of an entry of the configuration that are
    no options.  ``constants`` are those that a module may define, ``families`` the headings of the
    groups of methods by the value of ``FAMILY``.  If it is ``costed``, each module also defines
    ``cost``.
    """

    package: str
    function: str
    positional: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    supplied: Mapping[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    entry: tuple[str, ...] = ("method",)
    constants: Mapping[str, Constant] = field(default_factory=dict)
    families: Mapping[str, str] = field(default_factory=dict)
    costed: bool = False

    def names(self) -> list[str]:
        """All methods of this kind, in the order of the alphabet."""
        files = (SCRIPTS / "plumbline" / self.package).glob("*.py")
        return sorted(file.stem for file in files if file.stem != "__init__")

    def file(self, name: str) -> str:
        """The module's file, relative to the folder of the scripts."""
        return f"plumbline/{self.package}/{name}.py"

    def module(self, name: str) -> str:
        """The module as messages name it."""
        return f"{self.package}/{name}.py"

    def load(self, name: str, function: str | None = None) -> Callable:
        """Import the method's function, or another of its module.

        Raises :class:`InputError` if there is no method so named, or if it imports what is not
        there.
        """
        self.check_name(name)
        try:
            module = importlib.import_module(f"plumbline.{self.package.replace('/', '.')}.{name}")
        except ImportError as error:
            raise InputError(f"{self.module(name)} cannot be imported: {error}") from None
        return getattr(module, function or self.function)

    def options(self, name: str) -> dict[str, tuple[str, Any]]:
        """Type and default of each option of a method, read from its signature.

        Raises :class:`InputError` if an option has no supported type or no literal default.
        """
        arguments = self._function(name, self.function).args
        pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        return {
            argument.arg: _option(self.module(name), argument, default)
            for argument, default in pairs
            if argument.arg not in self.supplied
        }

    def default(self, name: str, option: str) -> Any:
        """The default of an option of a method."""
        return self.options(name)[option][1]

    def settings(self, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Every option of a method: as ``given``, or its default."""
        defaults = {option: default for option, (_, default) in self.options(name).items()}
        return {**defaults, **given}

    def takes(self, name: str, argument: str) -> bool:
        """Whether a method's function has an argument that not every method of its kind has."""
        arguments = self._function(name, self.function).args
        return argument in {each.arg for each in arguments.args + arguments.kwonlyargs}

    def defines(self, name: str, function: str) -> bool:
        """Whether the method's module also has a ``function``."""
        return function in self._read(name).functions

    def constant(self, name: str, constant: str) -> Any:
        """The value of a constant of the method's module; empty if it defines none."""
        node = self._read(name).constants.get(constant)
        if node is None:
            return {"texts": {}, "choices": ()}.get(self.constants[constant].form, "")
        try:
            return ast.literal_eval(node)
        except (TypeError, ValueError):
            raise InputError(f"{self.module(name)}: {constant} must be a literal") from None

    def nets(self, name: str, given: Mapping[str, Any]) -> int:
        """How many nets of different training seeds a method asks, with the options ``given``."""
        option = self.constant(name, "NETS")
        return self.settings(name, given)[option] if option else 1

    def cost(self, name: str, given: Mapping[str, Any]) -> int:
        """How often an image is put before a net, with the options ``given``: what the method's
        own function ``cost`` says, which takes the options that matter.

        The function is run by itself, without the rest of its module, and so uses only its
        arguments and what is built into Python.

        Raises :class:`InputError` if it fails or does not return a whole number above 0.
        """
        file, settings = self.module(name), self.settings(name, given)
        node = copy.deepcopy(self._function(name, "cost"))
        arguments = [*node.args.args, *node.args.kwonlyargs]
        for argument in arguments:
            argument.annotation = None
            if argument.arg not in settings:
                hint = nearest(argument.arg, settings)
                raise InputError(f"{file}: cost takes {argument.arg!r}, which is no option{hint}")
        node.returns, node.decorator_list = None, []
        scope: dict[str, Any] = {}
        exec(compile(ast.Module([node], []), file, "exec"), scope)
        try:
            named = {each.arg: settings[each.arg] for each in arguments}
            found = scope["cost"](**(settings if node.args.kwarg else named))
        except Exception as error:  # an author's code can raise anything
            raise InputError(f"{file}: cost fails: {error}") from None
        if type(found) is not int or found < 1:
            raise InputError(f"{file}: cost must be a whole number above 0, not {shown(found)}")
        return found

    def labels(self) -> dict[str, str]:
        """The display names that the modules declare, by method and by variant."""
        found = {name: self.constant(name, "LABEL") for name in self.names()}
        for name in list(found):
            found |= self.constant(name, "VARIANTS")
        return {name: label for name, label in found.items() if label}

    def label(self, entry: str) -> str:
        """The display name of an entry of the configuration: what a module declares for it, or for
        a method whose name begins it, and the words that follow; empty if none is declared."""
        return labelled(entry, self.labels())

    def family(self, entry: str) -> str:
        """The key in ``families`` of an entry of the configuration: what a module declares for it,
        for a method whose name begins it, or for all methods that begin alike, if they are several
        (``lrp_mine``); ``others`` if none is declared."""
        declared: dict[str, str] = {}
        for name in self.names():
            own = self.constant(name, "FAMILY") or OTHERS
            declared |= dict.fromkeys((name, *self.constant(name, "VARIANTS")), own)
        parts = entry.split("_")
        for end in range(len(parts), 0, -1):
            beginning = "_".join(parts[:end])
            if beginning in declared:
                return declared[beginning]
            alike = [own for name, own in declared.items() if name.startswith(f"{beginning}_")]
            if len(alike) > 1 and len(set(alike)) == 1:
                return alike[0]
        return OTHERS

    def check_name(self, name: str) -> None:
        """Raise :class:`InputError`, naming the nearest, unless ``name`` is a method."""
        if name not in self.names():
            raise InputError(f"no {shown(name)}{nearest(name, self.names())}")

    def check(self, name: str, given: Mapping[str, Any]) -> None:
        """Raise :class:`InputError` unless ``given`` are options of the method ``name``."""
        self.check_name(name)
        known = self.options(name)
        for option, value in given.items():
            if option in self.supplied:
                raise InputError(f"{name}.{option} is supplied by the workflow, and is no option")
            if option not in known:
                raise InputError(f"{name} has no option {option!r}{nearest(option, known)}")
            kind = known[option][0]
            if not _fits(value, kind):
                raise InputError(f"{name}.{option} must be {kind}, not {shown(value)}")

    def check_contract(self, name: str) -> None:
        """Raise :class:`InputError`, in a line, unless a method's module keeps the contract."""
        for fault in self._faults(name):
            raise InputError(f"{self.module(name)}: {fault}")

    def _faults(self, name: str) -> Iterator[str]:
        if not re.fullmatch("[a-z0-9][a-z0-9_]*", name):
            yield "a method's file has a name of small letters, digits and underscores"
        arguments = self._function(name, self.function).args
        yield from self._faults_of_arguments(arguments)
        options = self.options(name)
        for option in self.required:
            if option not in options:
                yield f"{self.function} must take an option {option!r}{nearest(option, options)}"
        for option in options:
            if option in self.entry:
                yield f"option {option!r} needs another name: the workflow reads this key itself"
        yield from self._faults_of_constants(name, options)
        if self.costed:
            self.cost(name, {})

    def _faults_of_arguments(self, arguments: ast.arguments) -> Iterator[str]:
        found = tuple(each.arg for each in arguments.posonlyargs + arguments.args)
        wanted = tuple(
            each for each in self.positional if each in found or each not in self.optional
        )
        keywords = {each.arg for each in arguments.kwonlyargs}
        missing = set(self.supplied) - keywords - set(self.optional)
        if found != wanted or missing or arguments.vararg or arguments.kwarg:
            signature = ", ".join([*self.positional, "*", *self.supplied])
            given = ast.unparse(arguments)
            yield f"{self.function} must take ({signature}, options), not ({given})"
        for each in arguments.kwonlyargs:
            kind = each.annotation and ast.unparse(each.annotation).partition("[")[0]
            if each.arg in self.supplied and kind != self.supplied[each.arg]:
                yield (
                    f"option {each.arg!r} needs another name: the workflow supplies {each.arg}, "
                    f"of type {self.supplied[each.arg]}"
                )

    def _faults_of_constants(
        self, name: str, options: Mapping[str, tuple[str, Any]]
    ) -> Iterator[str]:
        module = self._read(name)
        for constant in module.constants:
            if expected := self.constants.get(constant):
                if fault := expected.fault(self.constant(name, constant), options):
                    yield f"{constant} ({expected.meaning}): {fault}"
            elif constant.isupper() and constant[0] != "_" and constant not in module.read:
                # What the module itself reads is its own affair.
                yield f"nothing reads the constant {constant}{nearest(constant, self.constants)}"

    def _read(self, name: str) -> Module:
        try:
            return read_module(SCRIPTS / self.file(name))
        except (SyntaxError, ValueError) as error:
            raise InputError(f"{self.module(name)}: {not_python(error)}") from None

    def _function(self, name: str, function: str) -> ast.FunctionDef:
        found = self._read(name).functions
        if function not in found:
            raise InputError(f"{self.module(name)}: no function {function}{close(function, found)}")
        return found[function]


def labelled(entry: str, labels: Mapping[str, str]) -> str:
    """The longest name in ``labels`` that begins an entry's name, its label, and the words that
    follow; empty if none does."""
    parts = entry.split("_")
    for end in range(len(parts), 0, -1):
        if label := labels.get("_".join(parts[:end])):
            return " ".join([label, *parts[end:]])
    return ""


def _fits(value: Any, kind: str) -> bool:
    return any(
        isinstance(value, TYPES[part]) and isinstance(value, bool) == (part == "bool")
        for part in kind.split(" | ")
    )


def _option(module: str, argument: ast.arg, default: ast.expr | None) -> tuple[str, Any]:
    where = f"{module}: option {argument.arg!r}"
    try:
        if argument.annotation is None or default is None:
            raise ValueError
        kind, value = ast.unparse(argument.annotation), ast.literal_eval(default)
    except (ValueError, TypeError):
        raise InputError(f"{where} needs a type and a literal default") from None
    for part in kind.split(" | "):
        if part not in TYPES:
            raise InputError(f"{where}: no type {part}{nearest(part, TYPES)}")
    if not _fits(value, kind):
        raise InputError(f"{where} is {kind}, but its default is {shown(value)}")
    return kind, value
