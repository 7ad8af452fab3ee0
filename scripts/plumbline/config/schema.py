"""The whole configuration: checked before anything runs.

``python -m plumbline.config.schema`` prints the JSON schema that editors use; it is kept in
``config/schema.json``.
"""

import json
import os
from itertools import product
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, ValidationError

from plumbline.config.attacks import AttacksSection
from plumbline.config.attribution import AttributionSection
from plumbline.config.base import Name, Section
from plumbline.config.data import DataSection
from plumbline.config.latent import LatentSection
from plumbline.config.stability import StabilitySection
from plumbline.config.training import GivenWeights, TrainingOptions, TrainingSection
from plumbline.config.uncertainty import UncertaintySection
from plumbline.config.visualization import VisualizationSection
from plumbline.errors import InputError
from plumbline.files import located
from plumbline.methods import (
    ATTACKS,
    ATTRIBUTIONS,
    ESTIMATORS,
    NETWORKS,
    OPERATORS,
    nearest,
    unmet,
)


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

    def training_options(self, dataset: str, model: str) -> TrainingOptions:
        """Options of one net: the default, overruled by its model's, then by its dataset's."""
        merged = self.training.default.model_dump()
        for layer in (
            self.training.models.get(model, {}),
            self.training.datasets.get(dataset, {}).get(model, {}),
        ):
            network = merged["network"] | layer.get("network", {})
            merged |= layer | {"network": network}
        return TrainingOptions(**merged)

    def weights(self, dataset: str, model: str) -> GivenWeights | None:
        """The given weights of one net, if it is not to be trained."""
        return self.training.weights.get(dataset, {}).get(model)

    def seeds_of(self, dataset: str, model: str) -> int:
        """How many nets there are of one architecture on one dataset."""
        return 1 if self.weights(dataset, model) else self.training.seeds

    def missing(self, estimator: str, dataset: str, model: str) -> str:
        """Why an estimator does not apply to a net; empty if it does."""
        nets = self.seeds_of(dataset, model)
        if self.uncertainty.nets(estimator) > nets:
            return f"only {nets} net with given weights"
        return unmet(ESTIMATORS, estimator, model)

    def estimators(self, dataset: str, model: str) -> list[str]:
        """Estimators of uncertainty that apply to a net."""
        names = self.uncertainty.estimators
        return [name for name in names if not self.missing(name, dataset, model)]


def load(raw: dict[str, Any]) -> Config:
    """Check a configuration and fill in what is not given.

    Raises :class:`InputError` with a line or more: the key, what is wrong, what is allowed and
    the nearest valid name.  A key whose value is null counts as not given: so a configuration
    that is laid over another takes an entry away.
    """
    try:
        config = Config.model_validate(_without_null(raw))
    except ValidationError as error:
        raise InputError(_explain(error, Config)) from None
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
    place = [str(each) for each in fault["loc"]]
    key, given = prefix + ".".join(place), fault["input"]
    if fault["type"] == "extra_forbidden":
        section: Any = model
        for part in place[:-1]:
            section = _inner(section, part)
        return f"{key}: unknown key{nearest(place[-1], getattr(section, 'model_fields', {}))}"
    if fault["type"] == "missing":
        return f"{key}: is not given"
    if fault["type"] == "too_short":
        return f"{key}: is empty; name at least one"
    if place[:2] == ["attacks", "epsilons"] and fault["type"] == "less_than_equal":
        return f"{key}: {given} is above 1; pixels lie in [0, 1], so 8 of 255 levels is 8/255"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{key}: {message}" + ("" if isinstance(given, dict) else f", not {given!r}")


def _inner(section: Any, part: str) -> Any:
    """The model of the section ``part`` inside ``section``, if there is one."""
    fields = getattr(section, "model_fields", {})
    if part in fields:
        return fields[part].annotation
    for argument in get_args(section):
        if isinstance(argument, type) and issubclass(argument, Section):
            return argument
    return None


def _check_training(config: Config) -> None:
    """Check the options of every net that will be trained."""
    for dataset, model in product(config.datasets, config.models):
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
        if "out_of_distribution" in config.latent.corpora and not sources[dataset].ood:
            raise InputError(
                f"latent.corpora: out_of_distribution, but data.sources.{dataset}.ood is empty"
            )
    for model in config.models:
        _named("models", NETWORKS.check_name, model)
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
    ):
        for name in names:
            if name not in known:
                raise InputError(f"{key}: no {name!r}{nearest(name, known)}")


def _check_methods(config: Config) -> None:
    for key, kind, methods in (
        ("attacks.methods", ATTACKS, config.attacks.methods),
        ("uncertainty.estimators", ESTIMATORS, config.uncertainty.estimators),
        ("stability.operators", OPERATORS, config.stability.operators),
    ):
        for name, options in methods.items():
            _named(key, kind.check, name, options)
    for name in config.attribution.methods:
        modules, own = config.attribution.modules_of(name), config.attribution.options_of(name)
        _named(f"attribution.methods.{name}", ATTRIBUTIONS.check, modules[0], own)
        for module in modules[1:]:
            _named(f"attribution.methods.{name}.base", ATTRIBUTIONS.check_name, module)
    config.visualization.check()
    for model, operators in config.stability.models.items():
        for name, options in operators.items():
            _named(f"stability.models.{model}", OPERATORS.check, name, options)
    if "softmax" not in config.uncertainty.estimators:
        raise InputError("uncertainty.estimators: softmax is missing, the control of all others")
    for name in config.uncertainty.estimators:
        nets = config.uncertainty.nets(name)
        if nets > config.training.seeds:
            raise InputError(
                f"uncertainty.estimators.{name}.members: {nets}, but training.seeds trains "
                f"only {config.training.seeds} nets"
            )


def _check_paths(config: Config) -> None:
    mirror = config.data.mirror or os.environ.get("PLUMBLINE_MIRROR")
    if mirror and not Path(mirror).is_dir():
        raise InputError(f"data.mirror (or PLUMBLINE_MIRROR): no folder {mirror}")
    used = {name for each in config.datasets for name in (each, *config.data.sources[each].ood)}
    for name in sorted(used):
        for key, path in config.data.sources[name].own_paths.items():
            if not located(path, mirror).exists():
                raise InputError(f"data.sources.{name}.{key}: nothing at {path!r}")
    for dataset, model in product(config.datasets, config.models):
        weights = config.weights(dataset, model)
        if weights and not weights.url and not located(weights.path, mirror).is_file():
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
