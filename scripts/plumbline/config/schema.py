"""The whole configuration: checked before anything runs.

``python -m plumbline.config.schema`` prints the JSON schema that editors use; it is kept in
``config/schema.json``.
"""

import json
import os
from itertools import product
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import Field, ValidationError

from plumbline.config.attacks import AttacksSection
from plumbline.config.attribution import AttributionSection
from plumbline.config.base import Name, Section
from plumbline.config.data import DataSection
from plumbline.config.detection import DetectionSection
from plumbline.config.latent import LatentSection
from plumbline.config.stability import StabilitySection
from plumbline.config.training import GivenWeights, TrainingOptions, TrainingSection
from plumbline.config.uncertainty import UncertaintySection
from plumbline.config.visualization import VisualizationSection
from plumbline.errors import InputError, shown
from plumbline.files import located, unreadable
from plumbline.methods import (
    ATTACKS,
    ATTRIBUTIONS,
    ESTIMATORS,
    NETWORKS,
    OPERATORS,
    SCORES,
    SHIFTS,
    nearest,
    unmet,
)

LONGEST = 320  # characters of a line of a message


class Config(Section):
    """One run of the workflow."""

    results: str = "results"
    """Folder of everything that the run makes."""

    seed: int = 0
    """All randomness follows from this number."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto` takes the accelerator if there is one."""

    datasets: tuple[Name, ...] = Field(min_length=1)
    """Datasets that nets are trained on, each a key of `data.sources`."""

    models: tuple[Name, ...] = Field(min_length=1)
    """Architectures, each a module of `scripts/plumbline/models`."""

    data: DataSection
    training: TrainingSection = TrainingSection()
    attacks: AttacksSection = AttacksSection()
    uncertainty: UncertaintySection = UncertaintySection()
    latent: LatentSection = LatentSection()
    attribution: AttributionSection = AttributionSection()
    visualization: VisualizationSection = VisualizationSection()
    stability: StabilitySection = StabilitySection()
    detection: DetectionSection = DetectionSection()

    def training_options(
        self, dataset: str, model: str, objective: str = "seed"
    ) -> TrainingOptions:
        """Options of one net: the default, overruled by its model's, then by its dataset's, last
        by those of what it is trained for."""
        merged = self.training.default.model_dump()
        for layer in (
            self.training.models.get(model, {}),
            self.training.datasets.get(dataset, {}).get(model, {}),
        ):
            network = merged["network"] | layer.get("network", {})
            merged |= {k: v for k, v in layer.items() if k != "entry"} | {"network": network}
        return TrainingOptions(**merged | self.training.overruled(objective))

    def weights(self, dataset: str, model: str) -> GivenWeights | None:
        """The given weights of one net, if it is not to be trained."""
        return self.training.weights.get(dataset, {}).get(model)

    def also_encoded(self, dataset: str) -> list[str]:
        """Out-of-distribution sources that a VAE is fitted on: those with images to train on."""
        sources = self.data.sources
        return [other for other in sources[dataset].ood if sources[other].splits.train > 1e-9]

    def seeds_of(self, dataset: str, model: str) -> int:
        """How many nets there are of one architecture on one dataset."""
        return 1 if self.weights(dataset, model) else self.training.seeds

    @property
    def uncertain_models(self) -> tuple[str, ...]:
        """Every architecture whose uncertainty is measured."""
        return tuple(dict.fromkeys(self.models + self.uncertainty.models))

    def missing(self, estimator: str, dataset: str, model: str) -> str:
        """Why an entry of ``uncertainty.estimators`` does not apply to a net; empty if it does."""
        nets, section = self.seeds_of(dataset, model), self.uncertainty
        if not section.chosen(estimator, model):
            return "not chosen for this net"
        if section.objective_of(estimator) != "seed" and self.weights(dataset, model):
            return "given weights, trained by cross-entropy"
        if section.nets(estimator) > nets:
            return f"only {nets} net with given weights"
        return unmet(ESTIMATORS, section.module_of(estimator), model)

    def estimators(self, dataset: str, model: str) -> list[str]:
        """Entries of ``uncertainty.estimators`` that apply to a net."""
        names = self.uncertainty.estimators
        return [name for name in names if not self.missing(name, dataset, model)]


def load(raw: dict[str, Any]) -> Config:
    """Check a configuration and fill in what is not given.

    Raises :class:`InputError` with a line or more: the key, what is wrong, what is allowed and
    the nearest valid name.  A key whose value is null counts as not given: so a configuration
    that is laid over another takes an entry away.
    """
    try:
        return _checked(raw)
    except InputError as error:
        raise InputError("\n".join(map(_short, str(error).split("\n")))) from None


def _short(line: str) -> str:
    """A line whose list of what is allowed ends where it gets too long to be read."""
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} ..."


def _checked(raw: dict[str, Any]) -> Config:
    try:
        config = Config.model_validate(_without_null(raw))
    except ValidationError as error:
        raise InputError(_explain(error, Config)) from None
    _named("training.models", NETWORKS.make_known, config.training.entries)
    _check_names(config)
    _check_training(config)
    _check_methods(config)
    _check_paths(config)
    return config


def _without_null(values: Any) -> Any:
    """``values`` without the keys whose value is null, at any depth."""
    if not isinstance(values, dict):
        return values
    return {key: _without_null(value) for key, value in values.items() if value is not None}


def _explain(error: ValidationError, model: type[Section], prefix: str = "") -> str:
    """A line for each of the first faults that pydantic found in ``model``."""
    faults = error.errors()
    inner = {fault["loc"][:-1] for fault in faults}
    lines = [
        _explain_one(fault, model, prefix)
        for fault in faults
        if not (fault["type"] == "too_short" and fault["loc"] in inner)
    ]
    return "\n".join(lines[:3])


def _explain_one(fault: dict[str, Any], model: type[Section], prefix: str) -> str:
    place, section = _walk(model, [str(each) for each in fault["loc"]])
    place = [part if part.isprintable() and part else repr(part) for part in place]
    key, given = prefix + ".".join(place), fault["input"]
    if fault["type"] == "extra_forbidden":
        return f"{key}: unknown key{nearest(place[-1], getattr(section, 'model_fields', {}))}"
    if fault["type"].startswith("union_tag"):
        allowed = fault["ctx"].get("expected_tags", "")
        return f"{key}.kind: " + (f"allowed are {allowed}" if allowed else "is not given")
    if fault["type"] == "missing":
        return f"{key}: is not given"
    if fault["type"] == "too_short":
        return f"{key}: is empty; name at least one"
    if place[:2] == ["attacks", "epsilons"] and fault["type"] == "less_than_equal":
        return f"{key}: {given} is above 1; pixels lie in [0, 1], so 8 of 255 levels is 8/255"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{key}: {message}" + ("" if isinstance(given, dict) else f", not {shown(given)}")


def _walk(model: type[Section], place: list[str]) -> tuple[list[str], Any]:
    """The keys of a fault's ``place``, and the model that the last of them is looked up in.

    pydantic also names the kind of a section of several kinds, which is no key.
    """
    keys, section, around = [], model, None
    for part in place:
        kinds = _kinds(section)
        if part in kinds:
            section = kinds[part]
        else:
            keys.append(part)
            section, around = _inner(section, part), section
    return keys, around


def _inner(section: Any, part: str) -> Any:
    """The model of the section ``part`` inside ``section``, if there is one."""
    fields = getattr(section, "model_fields", {})
    if part in fields:
        return fields[part].annotation
    for argument in get_args(section):
        if _kinds(argument) or (isinstance(argument, type) and issubclass(argument, Section)):
            return argument
    return None


def _kinds(section: Any) -> dict[str, type[Section]]:
    """The models of a section of several kinds, by its key ``kind``; empty for any other."""
    models = get_args(get_args(section)[0]) if get_origin(section) is Annotated else ()
    return {get_args(each.model_fields["kind"].annotation)[0]: each for each in models}


def _check_training(config: Config) -> None:
    """Check the options of every net that will be trained."""
    for dataset, model in product(config.datasets, config.uncertain_models):
        key = f"training ({model} on {dataset})"
        if weights := config.weights(dataset, model):
            place = f"training.weights.{dataset}.{model}.network"
            _named(place, NETWORKS.check, model, weights.network)
        try:
            options = config.training_options(dataset, model)
        except ValidationError as error:
            raise InputError(_explain(error, TrainingOptions, f"{key}: ")) from None
        _named(f"{key}: network", NETWORKS.check, model, options.network)


def _check_names(config: Config) -> None:
    sources = config.data.sources
    for dataset in config.datasets:
        if dataset not in sources:
            raise InputError(f"datasets: no data.sources.{dataset}{nearest(dataset, sources)}")
        for other in sources[dataset].ood:
            if other not in sources:
                hint = nearest(other, sources)
                raise InputError(f"data.sources.{dataset}.ood: no data.sources.{other}{hint}")
            for key in ("size", "channels"):
                pair = {getattr(sources[name], key) for name in (dataset, other)}
                if None not in pair and len(pair) > 1:
                    raise InputError(f"data.sources.{other}.{key}: differs from {dataset}'s")
        if "out_of_distribution" in config.latent.corpora and not config.also_encoded(dataset):
            raise InputError(
                f"latent.corpora: out_of_distribution, but data.sources.{dataset}.ood has no "
                "images to train on"
            )
    for model in config.models:
        _named("models", NETWORKS.check_name, model)
    for model in config.uncertainty.models:
        _named("uncertainty.models", NETWORKS.check_name, model)
    latent = config.latent
    estimators = latent.estimators if latent.corpora else ()
    attack = [latent.attack] if "adversarial" in latent.corpora else []
    for key, names, known in (
        ("training.models", config.training.models, NETWORKS.names()),
        ("training.datasets", config.training.datasets, sources),
        ("training.weights", config.training.weights, sources),
        ("stability.models", config.stability.models, NETWORKS.names()),
        ("latent.estimators", estimators, config.uncertainty.estimators),
        ("latent.attack", attack, config.attacks.methods),
        ("latent.extension.models", latent.extension.models, NETWORKS.names()),
    ):
        for name in names:
            if name not in known:
                raise InputError(f"{key}: no {name!r}{nearest(name, known)}")
    seeds, wanted = config.training.seeds, latent.extension.seeds
    if latent.corpora and set(latent.extension.models) & set(config.models) and wanted > seeds:
        raise InputError(
            f"latent.extension.seeds: {wanted}, but training.seeds trains only {seeds} nets"
        )


def _check_methods(config: Config) -> None:
    _check_operators(config)
    _check_attacks(config)
    for name in config.attribution.methods:
        modules, own = config.attribution.modules_of(name), config.attribution.options_of(name)
        _named(f"attribution.methods.{name}", ATTRIBUTIONS.check, modules[0], own)
        for module in modules[1:]:
            _named(f"attribution.methods.{name}.base", ATTRIBUTIONS.check_name, module)
    config.visualization.check()
    config.detection.detectors.check()
    _check_scores(config)
    _check_estimators(config)
    _check_spread(config)


def _check_lists(key: str, entry: dict[str, Any]) -> None:
    for option in {"rates", "models"} & entry.keys():
        value = entry[option]
        plain = isinstance(value, list) and all(isinstance(v, str | int | float) for v in value)
        if not plain:
            raise InputError(f"{key}.{option}: must be a list, not {shown(value)}")


def _check_operators(config: Config) -> None:
    section = config.stability
    for name, entry in section.operators.items():
        key = f"stability.operators.{name}"
        _named(key, OPERATORS.check_name, section.module_of(name))
        _check_lists(key, entry)
        for model in entry.get("models", ()):
            _named(f"{key}.models", NETWORKS.check_name, model)
    for model in set(section.models) & set(config.models) if section.operators else ():
        for name in section.models[model]:
            if name not in section.operators:
                hint = nearest(name, section.operators)
                raise InputError(f"stability.models.{model}: no operator {name!r}{hint}")
            _check_lists(f"stability.models.{model}.{name}", section.models[model][name])
    for model, name in product(config.models, section.operators):
        key, module = f"stability.operators.{name} (on {model})", section.module_of(name)
        options = section.operator_options(name, model)
        for rate in section.rates(name, model):
            _named(key, OPERATORS.check, module, options | {"rate": rate})


def _check_scores(config: Config) -> None:
    section = config.detection
    for name in section.scores:
        key = f"detection.scores.{name}"
        _named(key, SCORES.check, section.module_of(name), section.options_of(name))


def _check_attacks(config: Config) -> None:
    section, operators = config.attacks, config.stability.operators
    for name in section.methods:
        key, module = f"attacks.methods.{name}", section.module_of(name)
        _named(key, ATTACKS.check, module, section.options_of(name))
        operator = section.operator_of(name)
        if "mutate" in ATTACKS.constant(module, "SUPPLIES"):
            if operator not in operators:
                raise InputError(f"{key}.operator: no {operator!r}{nearest(operator, operators)}")
        elif operator is not None:
            raise InputError(f"{key}: {module} has no option 'operator'")


def _check_estimators(config: Config) -> None:
    section = config.uncertainty
    softmax = section.estimators.get("softmax")
    if softmax is None or softmax.keys() - {"method"}:
        raise InputError("uncertainty.estimators: softmax is missing, the control of all others")
    for name, entry in section.estimators.items():
        key = f"uncertainty.estimators.{name}"
        _named(key, ESTIMATORS.check, section.module_of(name), section.options_of(name))
        objectives = ("seed", *config.training.objectives)
        if (objective := section.objective_of(name)) not in objectives:
            raise InputError(f"{key}.objective: no {objective!r}{nearest(objective, objectives)}")
        trained = config.training.objectives.get(objective)
        wanted = ESTIMATORS.constant(section.module_of(name), "OBJECTIVES")
        if wanted and (trained is None or trained.kind not in wanted):
            kinds = " or ".join(wanted)
            raise InputError(f"{key}.objective: {objective} nets are not of the kind {kinds}")
        for model in entry.get("models", ()):
            if model not in NETWORKS.names():
                raise InputError(f"{key}.models: no {model!r}{nearest(model, NETWORKS.names())}")
        if (nets := section.nets(name)) > config.training.seeds:
            raise InputError(
                f"{key}.members: {nets}, but training.seeds trains only "
                f"{config.training.seeds} nets"
            )
    for name in config.latent.estimators if config.latent.corpora else ():
        if section.objective_of(name) != "seed" or section.scaled(name):
            raise InputError(
                f"latent.estimators: {name} asks other nets than those that cross-entropy trains"
            )
    for name in section.sweep.estimators:
        _check_swept(config, name)
    for shift in section.shifts:
        _named("uncertainty.shifts", SHIFTS.check_name, shift)


def _check_swept(config: Config, name: str) -> None:
    """Check an entry whose passes vary; one that a configuration takes away may be named."""
    section, key = config.uncertainty, "uncertainty.sweep.estimators"
    if name not in section.estimators:
        _named(key, ESTIMATORS.check_name, name)
        return
    options = ESTIMATORS.options(section.module_of(name))
    if "samples" not in options or "members" in options:
        raise InputError(f"{key}: {name} does not put an image before one net several times")
    if section.options_of(name).get("mean", "probabilities") != "probabilities":
        raise InputError(f"{key}: {name} gives a mean, not its passes")


def _check_spread(config: Config) -> None:
    objectives = config.training.objectives
    known = ["seed", *(name for name, each in objectives.items() if each.kind == "evidential")]
    for name, entry in config.attribution.spread.items():
        if entry.objective not in known:
            key, hint = f"attribution.spread.{name}.objective", nearest(entry.objective, known)
            raise InputError(f"{key}: no evidential {entry.objective!r}{hint}")


def _check_paths(config: Config) -> None:
    mirror = config.data.mirror or os.environ.get("PLUMBLINE_MIRROR")
    if fault := unreadable(mirror):
        raise InputError(f"data.mirror (or PLUMBLINE_MIRROR): {fault}")
    used = {name for each in config.datasets for name in (each, *config.data.sources[each].ood)}
    for name in sorted(used):
        for key, path in config.data.sources[name].own_paths.items():
            if not os.path.exists(located(path, mirror)):
                raise InputError(f"data.sources.{name}.{key}: nothing at {path!r}")
    for dataset, model in product(config.datasets, config.models):
        weights = config.weights(dataset, model)
        if weights and not weights.url and not os.path.isfile(located(weights.path, mirror)):
            key = f"training.weights.{dataset}.{model}.path"
            raise InputError(f"{key}: no file {weights.path!r}, nor in the mirror")


def _named(key: str, check: Any, *arguments: Any) -> None:
    """Run a check and put the configuration's key before its message."""
    try:
        check(*arguments)
    except InputError as error:
        raise InputError(f"{key}: {error}") from None


if __name__ == "__main__":
    print(json.dumps(Config.model_json_schema(), indent=2))
