"""Every kind of methods, with its contract: attributions, attacks, estimators, nets and others."""

import ast
import functools
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from plumbline.contracts import OTHERS, SCRIPTS, Constant, Kind, Module, labelled, not_python
from plumbline.errors import InputError, close, nearest, shown

TRAITS = {
    "dropout": "no dropout layer",
    "gap_head": "no head of global average pooling and one dense layer",
}
"""What a method may need of a net, and how its absence is told."""


@dataclass(frozen=True)
class Networks(Kind):
    """Nets: modules of the package, the user's own from files of theirs, and replicates.

    ``own`` are the user's nets, name -> ``file.py:Name``.  ``replicates`` are second names of other
    nets, name -> the net whose architecture it has: trained again.  Both come from the
    configuration; :data:`NETWORKS` has neither.
    """

    own: Mapping[str, str] = field(default_factory=dict)
    replicates: Mapping[str, str] = field(default_factory=dict)

    def joined(self, own: Mapping[str, str], replicates: Mapping[str, str] | None = None) -> Self:
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
                raise InputError(f"{name}.entry: {name} is a net of models/architectures already")
            if not Path(path).is_file():
                raise InputError(f"{name}.entry: no file {path}")
            self._check_file(name, path, made)
        known = sorted({*here, *self.own})
        for name, net in self.replicates.items():
            if name in here:
                raise InputError(
                    f"{name}.architecture: {name} is a net of models/architectures already"
                )
            if net not in known:
                raise InputError(f"{name}.architecture: no {shown(net)}{nearest(net, known)}")

    def _check_file(self, name: str, path: str, made: str) -> None:
        """Raise :class:`InputError` unless an own net's file is Python, names the net, and declares
        no traits but known ones."""
        try:
            bound = Module.parse(Path(path).read_text(encoding="utf-8")).bound
        except (SyntaxError, ValueError) as error:
            raise InputError(f"{name}.entry: {path}: {not_python(error)}") from None
        if made not in bound and "*" not in bound:
            hint = close(made, bound)
            raise InputError(f"{name}.entry: {path} has no class or function {made}{hint}")
        expected = self.constants["TRAITS"]
        if fault := expected.fault(self.constant(name, "TRAITS"), {}):
            raise InputError(f"{name}.entry: {path}: TRAITS ({expected.meaning}): {fault}")

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


LABEL = Constant("the name that tables and figures show", "text")
VARIANTS = Constant("the same for entries of the configuration with other names", "texts")
NETS = Constant(
    "the option for how many nets of different training seeds it asks", "option", ("int",)
)
PRESENTATION = {"LABEL", "VARIANTS", "FAMILY"}
"""Constants that change how results are shown, but no result."""
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
    # An attack without epsilons searches for the smallest change.
    optional=("epsilons", "batch", "mutate"),
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
    optional=("batch",),
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
    optional=("batch",),
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


@functools.cache
def labels() -> dict[str, str]:
    """The display names that the modules of all kinds declare, by method and by variant."""
    return {name: label for kind in reversed(KINDS) for name, label in kind.labels().items()}


def label(entry: str) -> str:
    """The display name of an entry of any kind, as :meth:`Kind.label`."""
    return labelled(entry, labels())
