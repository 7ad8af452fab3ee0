"""Kinds of methods, found by name without importing them, and the contract that each must keep.

A method is one module: its file's name is the method's name in the configuration, and it defines
one function, whose keyword-only arguments, other than those that the workflow supplies, are the
method's options there.  Constants in capitals tell the workflow more about it.  Everything here is
read from the text of the modules.
"""

import ast
import copy
import difflib
import functools
import importlib
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from plumbline.errors import InputError, shown

SCRIPTS = Path(__file__).parents[1]
TYPES = {"int": int, "float": (int, float), "bool": bool, "str": str}
OTHERS = "others"
TRAITS = {
    "dropout": "no dropout layer",
    "gap_head": "no head of global average pooling and one dense layer",
}
"""What a method may need of a net, and how its absence is told."""


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
        return "" if value in allowed else f"no {shown(value)}{nearest(str(value), allowed)}"


LABEL = Constant("the name that tables and figures show", "text")
VARIANTS = Constant("the same for entries of the configuration with other names", "texts")
NETS = Constant(
    "the option for how many nets of different training seeds are asked", "option", ("int",)
)
PRESENTATION = {"LABEL", "VARIANTS", "FAMILY"}
"""Constants that change how results are shown, but no result."""


@dataclass(frozen=True)
class Module:
    """What the text of a Python file says: its functions, its constants, the names it reads."""

    functions: Mapping[str, ast.FunctionDef]
    constants: Mapping[str, ast.expr]
    read: frozenset[str]

    @classmethod
    def parse(cls, text: str) -> "Module":
        """Raises SyntaxError or ValueError if ``text`` is not Python."""
        functions, constants = {}, {}
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
        return cls(functions, constants, frozenset(read))


def _assigned(target: ast.expr, value: ast.expr) -> dict[str, ast.expr]:
    """The names that an assignment gives, and their values; ``A, B = 1, 2`` gives two."""
    if isinstance(target, ast.Name):
        return {target.id: value}
    targets = target.elts if isinstance(target, ast.Tuple | ast.List) else []
    same = isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(targets)
    values = value.elts if same else [value] * len(targets)
    pairs = zip(targets, values, strict=True)
    return {name: each for pair in pairs for name, each in _assigned(*pair).items()}


@functools.cache
def _module(file: Path) -> Module:
    try:
        return Module.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{file.name} is not Python: {error}") from None


@dataclass(frozen=True)
class Kind:
    """A kind of methods and its contract.

    The modules lie in ``package`` under ``plumbline``.  Each defines ``function``, which takes the
    arguments ``positional``, of which those in ``optional`` may be left out, and keyword-only ones:
    those that the workflow supplies (``supplied``, name -> annotation), and the method's options,
    ``required`` among them.  ``entry`` are the keys of an entry of the configuration that are no
    options.  ``constants`` are those that a module may define, ``families`` the headings of the
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

    def load(self, name: str, function: str | None = None) -> Callable:
        """Import the method's function, or another of its module.

        Raises :class:`InputError` if there is no method so named.
        """
        self.check_name(name)
        module = importlib.import_module(f"plumbline.{self.package.replace('/', '.')}.{name}")
        return getattr(module, function or self.function)

    def options(self, name: str) -> dict[str, tuple[str, Any]]:
        """Type and default of each option of a method, read from its signature.

        Raises :class:`InputError` if an option has no supported type or no literal default.
        """
        arguments = self._function(name, self.function).args
        pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        return {
            argument.arg: _option(name, argument, default)
            for argument, default in pairs
            if argument.arg not in self.supplied
        }

    def default(self, name: str, option: str) -> Any:
        """The default of an option of a method."""
        return self.options(name)[option][1]

    def settings(self, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Every option of a method: as ``given``, or its default."""
        return {option: default for option, (_, default) in self.options(name).items()} | given

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
        except ValueError:
            raise InputError(f"{name}.py: {constant} must be a literal") from None

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
        file, settings = f"{name}.py", self.settings(name, given)
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
            found = scope["cost"](**{each.arg: settings[each.arg] for each in arguments})
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
        labels, parts = self.labels(), entry.split("_")
        for end in range(len(parts), 0, -1):
            if label := labels.get("_".join(parts[:end])):
                return " ".join([label, *parts[end:]])
        return ""

    def family(self, entry: str) -> str:
        """The key in ``families`` of an entry of the configuration: what a module declares for it,
        for a method whose name begins it, or for all methods that begin alike, if they are several
        (``lrp_mine``); ``others`` if none is declared."""
        declared = {}
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
            raise InputError(f"{name}.py: {fault}")

    def _faults(self, name: str) -> Iterator[str]:
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
        if found != wanted or arguments.vararg or arguments.kwarg:
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
            if constant in self.constants:
                if fault := self.constants[constant].fault(self.constant(name, constant), options):
                    yield f"{constant}: {fault}"
            elif constant.isupper() and constant[0] != "_" and constant not in module.read:
                # What the module itself reads is its own affair.
                yield f"nothing reads the constant {constant}{nearest(constant, self.constants)}"

    def _read(self, name: str) -> Module:
        return _module(SCRIPTS / self.file(name))

    def _function(self, name: str, function: str) -> ast.FunctionDef:
        found = self._read(name).functions
        if function not in found:
            raise InputError(f"{name}.py: defines no function {function}{nearest(function, found)}")
        return found[function]


@dataclass(frozen=True)
class Networks(Kind):
    """Nets: modules of the package, the user's own from files of theirs, and replicates.

    ``own`` are the user's nets, name -> ``file.py:Name``.  ``replicates`` are second names of other
    nets, name -> the net whose architecture it has: trained again.  Both come from the
    configuration; :data:`NETWORKS` has neither.
    """

    own: Mapping[str, str] = field(default_factory=dict)
    replicates: Mapping[str, str] = field(default_factory=dict)

    def joined(
        self, own: Mapping[str, str], replicates: Mapping[str, str] | None = None
    ) -> "Networks":
        """These nets, with the user's own and replicates."""
        return replace(self, own=own, replicates=replicates or {})

    def check_own(self) -> None:
        """Raise :class:`InputError` if one of the user's nets or a replicate has the name of a net
        here, an own one no file that is Python, or a replicate no net to be one of."""
        here = super().names()
        for name, entry in self.own.items():
            path, _, made = entry.rpartition(":")
            if not (path.endswith(".py") and made.isidentifier()):
                raise InputError(f"{name}.entry: must be file.py:Name, not {shown(entry)}")
            if name in here:
                raise InputError(f"{name}.entry: {name} is a net of plumbline/models already")
            if not Path(path).is_file():
                raise InputError(f"{name}.entry: no file {path}")
            try:
                ast.parse(Path(path).read_text(encoding="utf-8"))
            except (SyntaxError, ValueError) as error:
                raise InputError(f"{name}.entry: {path} is no Python: {error}") from None
        known = sorted({*here, *self.own})
        for name, net in self.replicates.items():
            if name in here:
                raise InputError(
                    f"{name}.architecture: {name} is a net of plumbline/models already"
                )
            if net not in known:
                raise InputError(f"{name}.architecture: no {shown(net)}{nearest(net, known)}")

    def architecture(self, name: str) -> str:
        """The net that ``name`` is a replicate of; itself, if it is none."""
        return self.replicates.get(name, name)

    def made_by(self, name: str) -> str | None:
        """``file.py:Name`` of a net of the user's own; None for a net of the package."""
        return self.own.get(self.architecture(name))

    def names(self) -> list[str]:
        """All nets, in the order of the alphabet."""
        return sorted({*super().names(), *self.own, *self.replicates})

    def file(self, name: str) -> str:
        """The net's file, relative to the folder of the scripts."""
        entry = self.made_by(name)
        if entry is None:
            return super().file(self.architecture(name))
        return os.path.relpath(entry.rpartition(":")[0], SCRIPTS)

    def maker(self, name: str) -> str:
        """``:Name`` of what makes a net of the user's own, which its file does not tell."""
        _, colon, made = (self.made_by(name) or "").rpartition(":")
        return colon + made

    def check(self, name: str, given: Mapping[str, Any]) -> None:
        """As :meth:`Kind.check`; what an own net takes is seen when it is built."""
        self.check_name(name)
        if self.made_by(name) is None:
            super().check(name, given)

    def traits(self, name: str) -> tuple[str, ...]:
        """What a net has of :data:`TRAITS`: what its module says; an own net whose file says
        nothing has dropout if its file names it."""
        found = self.constant(name, "TRAITS")
        if found or self.made_by(name) is None:
            return found
        text = (SCRIPTS / self.file(name)).read_text(encoding="utf-8")
        nodes = ast.walk(ast.parse(text))
        names = {getattr(node, "attr", getattr(node, "id", "")) for node in nodes}
        return ("dropout",) if "Dropout" in names else ()

    def unmet(self, kind: Kind, method: str, model: str) -> str:
        """Why a method does not apply to the net ``model``; empty if it does.

        What a method needs of a net is the constant ``NEEDS`` of its module.
        """
        missing = set(kind.constant(method, "NEEDS")) - set(self.traits(model))
        return " and ".join(TRAITS[trait] for trait in sorted(missing))


def nearest(name: str, known: Any) -> str:
    """``; did you mean x? (allowed: ...)`` for an error message."""
    close = difflib.get_close_matches(str(name), [str(each) for each in known], n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{hint} (allowed: {', '.join(map(str, known)) or 'none'})"


def _fits(value: Any, kind: str) -> bool:
    return any(
        isinstance(value, TYPES[part]) and isinstance(value, bool) == (part == "bool")
        for part in kind.split(" | ")
    )


def _option(method: str, argument: ast.arg, default: ast.expr | None) -> tuple[str, Any]:
    where = f"{method}.py: option {argument.arg!r}"
    try:
        kind, value = ast.unparse(argument.annotation), ast.literal_eval(default)
    except (AttributeError, TypeError, ValueError):
        raise InputError(f"{where} needs a type and a literal default") from None
    for part in kind.split(" | "):
        if part not in TYPES:
            raise InputError(f"{where}: no type {part}{nearest(part, TYPES)}")
    if not _fits(value, kind):
        raise InputError(f"{where} is {kind}, but its default is {shown(value)}")
    return kind, value


SEED = {"seed": "int"}
BATCH = SEED | {"batch": "int"}
SHOWN = {"LABEL": LABEL, "VARIANTS": VARIANTS}


def _family(families: Mapping[str, str]) -> Constant:
    return Constant("the methods that it stands with in figures", "choice", families)


def _needs(allowed: Collection[str]) -> Constant:
    return Constant("what it cannot do without", "choices", allowed)


SOURCES = Kind("data/sources", "obtain", ("places",), entry=(), constants=SHOWN)
READERS = Kind("data/sources", "read", ("manifest", "wanted"), entry=(), constants=SHOWN)
SHIFTS = Kind(
    "data/shifts",
    "shift",
    ("images", "level"),
    supplied=SEED,
    entry=("levels", "images"),
    constants=SHOWN,
)
NETWORKS = Networks(
    "models/architectures",
    "build",
    supplied=dict.fromkeys(("channels", "size", "classes"), "int"),
    entry=(),
    constants=SHOWN
    | {"TRAITS": Constant("what the net has that a method may need", "choices", TRAITS)},
)
ATTACKS = Kind(
    "attacks/methods",
    "perturb",
    ("classifier", "pixels", "labels", "epsilons"),
    optional=("epsilons",),  # an attack without them looks for the smallest change
    supplied=BATCH | {"mutate": "Callable"},
    entry=("method", "images", "operator"),
    constants=SHOWN | {"ADAPTIVE": Constant("the detector that the attack knows", "text")},
)
ESTIMATOR_FAMILIES = {
    "ensemble": "Ensembles",
    "dropout": "Dropout",
    "bayesian": "Bayesian nets",
    "evidential": "Evidential nets",
    "softmax": "Softmax of a single net",
}
ESTIMATORS = Kind(
    "uncertainty/estimators",
    "predict",
    ("classifiers", "pixels"),
    supplied=BATCH,
    entry=("method", "objective", "temperature", "models"),
    constants=SHOWN
    | {
        "FAMILY": _family(ESTIMATOR_FAMILIES),
        "NEEDS": _needs(TRAITS),
        "OBJECTIVES": Constant(
            "what its nets must be trained for", "choices", ("evidential", "bayesian")
        ),
        "NETS": NETS,
        "PASSES": Constant(
            "the option for how many random passes through one net are returned", "option", ("int",)
        ),
    },
    families=ESTIMATOR_FAMILIES,
    costed=True,
)
ATTRIBUTION_FAMILIES = {
    "gradient": "Gradients",
    "modified_backward": "Modified backward passes",
    "lrp": "Relevance propagation",
    "deeplift": "DeepLIFT",
    "activation_maps": "Activation maps",
    "perturbation": "Perturbation",
    OTHERS: "Others",
    "controls": "Controls",
}
ATTRIBUTIONS = Kind(
    "attribution/methods",
    "attribute",
    ("classifier", "pixels", "target"),
    supplied=BATCH,
    entry=("method", "images"),
    constants=SHOWN
    | {
        "FAMILY": _family(ATTRIBUTION_FAMILIES),
        "NEEDS": _needs(TRAITS),
        "BASE": Constant(
            "the option that names another method, which it calls", "option", ("str",)
        ),
    },
    families=ATTRIBUTION_FAMILIES,
)
OPERATORS = Kind(
    "stability/operators",
    "mutate",
    ("network",),
    supplied=SEED,
    required=("rate",),
    entry=("method", "rates", "models"),
    constants=SHOWN,
)
SCORES = Kind(
    "detection/scores",
    "score",
    ("material", "pixels"),
    supplied=BATCH,
    constants=SHOWN | {"NEEDS": _needs(("train", "vae")), "NETS": NETS},
)
DETECTORS = Kind(
    "detection/detectors",
    "fit",
    ("features", "wrong"),
    supplied=SEED,
    entry=(),
    constants=SHOWN,
)
VISUALIZATIONS = Kind(
    "visualization/methods",
    "visualize",
    ("classifier", "targets", "material"),
    supplied=SEED,
    required=("steps",),
    entry=("method", "against"),
    constants=SHOWN,
)
GENERATORS = Kind(
    "visualization/generators",
    "build",
    supplied=dict.fromkeys(("channels", "size"), "int"),
    required=("code",),
    entry=(),
    constants=SHOWN,
)
KINDS = (
    *(NETWORKS, ESTIMATORS, ATTACKS, OPERATORS, ATTRIBUTIONS, VISUALIZATIONS, GENERATORS),
    *(SCORES, DETECTORS, SHIFTS, SOURCES, READERS),
)


def check_contracts() -> None:
    """Raise :class:`InputError`, in a line, if a module of any kind breaks its contract."""
    for kind in KINDS:
        for name in Kind.names(kind):
            kind.check_contract(name)


def labels() -> dict[str, str]:
    """The display names that the modules of all kinds declare, by method and by variant."""
    found: dict[str, str] = {}
    for kind in reversed(KINDS):
        found |= kind.labels()
    return found


def label(entry: str) -> str:
    """The display name of an entry of any kind; empty if none is declared."""
    return next(filter(None, (kind.label(entry) for kind in KINDS)), "")
