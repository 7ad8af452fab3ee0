"""Checks between the sections of a configuration: names that exist, files that exist."""

import os
from itertools import product
from typing import Any

from pydantic import ValidationError

from plumbline.config.data import labelled
from plumbline.config.messages import explain
from plumbline.config.training import CROSS_ENTROPY, TrainingOptions
from plumbline.config.whole import Config
from plumbline.errors import InputError, nearest, shown
from plumbline.registry import (
    ATTACKS,
    ATTRIBUTIONS,
    ESTIMATORS,
    OPERATORS,
    SCORES,
    SHIFTS,
    check_contracts,
)
from plumbline.storage.files import located, unreadable


def check(config: Config) -> None:
    """Raise :class:`InputError`, naming the key, if the sections are inconsistent."""
    check_contracts()
    named("training.models", config.networks.check_own)
    _check_names(config)
    _check_training(config)
    _check_methods(config)
    _check_paths(config)


def _check_training(config: Config) -> None:
    """Check the options of every net that will be trained."""
    for dataset, model in product(config.datasets, config.uncertain_models):
        key = f"training ({model} on {dataset})"
        if weights := config.weights(dataset, model):
            place = f"training.weights.{dataset}.{model}.network"
            named(place, config.networks.check, model, weights.network)
        try:
            options = config.training_options(dataset, model)
        except ValidationError as error:
            raise InputError(explain(error, TrainingOptions, f"{key}: ")) from None
        named(f"{key}: network", config.networks.check, model, options.network)


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
                values = {getattr(sources[name], key) for name in (dataset, other)}
                if None not in values and len(values) > 1:
                    raise InputError(f"data.sources.{other}.{key}: differs from {dataset}'s")
    for model in config.models:
        named("models", config.networks.check_name, model)
    for model in config.uncertainty.models:
        named("uncertainty.models", config.networks.check_name, model)
    latent = config.latent
    estimators = latent.estimators if latent.corpora else ()
    attack = [latent.attack] if "adversarial" in latent.corpora else []
    for key, names, known in (
        ("training.models", config.training.models, config.networks.names()),
        ("training.datasets", config.training.datasets, sources),
        ("training.weights", config.training.weights, sources),
        ("stability.models", config.stability.models, config.networks.names()),
        ("latent.estimators", estimators, config.uncertainty.estimators),
        ("latent.attack", attack, config.attacks.methods),
        ("latent.extension.models", latent.extension.models, config.networks.names()),
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
        module, own = config.attribution.module_of(name), config.attribution.options_of(name)
        named(f"attribution.methods.{name}", ATTRIBUTIONS.check, module, own)
        for base in config.attribution.modules_of(name)[1:]:
            option = ATTRIBUTIONS.constant(module, "BASE")
            named(f"attribution.methods.{name}.{option}", ATTRIBUTIONS.check_name, base)
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
        named(key, OPERATORS.check_name, section.module_of(name))
        _check_lists(key, entry)
        for model in entry.get("models", ()):
            named(f"{key}.models", config.networks.check_name, model)
    for model in set(section.models) & set(config.models) if section.operators else ():
        for name in section.models[model]:
            if name not in section.operators:
                hint = nearest(name, section.operators)
                raise InputError(f"stability.models.{model}: no operator {name!r}{hint}")
            _check_lists(f"stability.models.{model}.{name}", section.models[model][name])
    for model, name in product(config.models, section.operators):
        key, module = f"stability.operators.{name} (on {model})", section.module_of(name)
        options = section.operator_options(name, model)
        named(key, OPERATORS.check, module, options)
        for rate in section.rates(name, model):
            named(key, OPERATORS.check, module, options | {"rate": rate})


def _check_scores(config: Config) -> None:
    section = config.detection
    for name in section.scores:
        key = f"detection.scores.{name}"
        named(key, SCORES.check, section.module_of(name), section.options_of(name))


def _check_attacks(config: Config) -> None:
    section, operators = config.attacks, config.stability.operators
    for name in section.methods:
        key, module = f"attacks.methods.{name}", section.module_of(name)
        named(key, ATTACKS.check, module, section.options_of(name))
        operator = section.operator_of(name)
        if ATTACKS.takes(module, "mutate"):
            if operator not in operators:
                close = nearest(str(operator), operators)
                raise InputError(f"{key}.operator: no {operator!r}{close}")
        elif operator is not None:
            raise InputError(f"{key}: {module} has no option 'operator'")


def _check_estimators(config: Config) -> None:
    section = config.uncertainty
    softmax = section.estimators.get("softmax")
    if softmax is None or softmax.keys() - {"method"}:
        raise InputError("uncertainty.estimators: softmax, the control of all others, is missing")
    for name, entry in section.estimators.items():
        key = f"uncertainty.estimators.{name}"
        named(key, ESTIMATORS.check, section.module_of(name), section.options_of(name))
        named(key, section.passes, name)
        objectives = (CROSS_ENTROPY, *config.training.objectives)
        if (objective := section.objective_of(name)) not in objectives:
            raise InputError(f"{key}.objective: no {objective!r}{nearest(objective, objectives)}")
        trained = config.training.objectives.get(objective)
        wanted = ESTIMATORS.constant(section.module_of(name), "OBJECTIVES")
        if wanted and (trained is None or trained.kind not in wanted):
            kinds = " or ".join(wanted)
            raise InputError(f"{key}.objective: {objective} is not an objective of kind {kinds}")
        for model in entry.get("models", ()):
            named(f"{key}.models", config.networks.check_name, model)
        if (nets := section.nets(name)) > config.training.seeds:
            option = ESTIMATORS.constant(section.module_of(name), "NETS")
            raise InputError(
                f"{key}.{option}: {nets}, but training.seeds trains only "
                f"{config.training.seeds} nets"
            )
    for name in config.latent.estimators if config.latent.corpora else ():
        if section.objective_of(name) != CROSS_ENTROPY or section.scaled(name):
            raise InputError(
                f"latent.estimators: {name} does not use the nets trained by cross-entropy"
            )
    for name in section.sweep.estimators:
        _check_swept(config, name)
    for shift in section.shifts:
        named("uncertainty.shifts", SHIFTS.check_name, shift)


def _check_swept(config: Config, name: str) -> None:
    """Check an entry of the sweep; one that the configuration removed may still be listed."""
    section, key = config.uncertainty, "uncertainty.sweep.estimators"
    if name not in section.estimators:
        named(key, ESTIMATORS.check_name, name)
        return
    module = section.module_of(name)
    if not ESTIMATORS.constant(module, "PASSES") or ESTIMATORS.constant(module, "NETS"):
        raise InputError(f"{key}: {name} does not make several passes through one net")
    if section.options_of(name).get("mean", "probabilities") != "probabilities":
        raise InputError(f"{key}: {name} returns the mean of its passes, not the passes")


def _check_spread(config: Config) -> None:
    objectives = config.training.objectives
    evidential = (name for name, each in objectives.items() if each.kind == "evidential")
    known = [CROSS_ENTROPY, *evidential]
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
    for dataset in config.datasets:
        source = config.data.sources[dataset]
        if source.path and not source.labels and not labelled(located(source.path, mirror)):
            raise InputError(
                f"datasets: the images of {dataset} have no classes; add them (folders, or labels "
                "in the npz file), or use it only as ood of another dataset"
            )
        _check_training_images(config, dataset)
    for dataset, model in product(config.datasets, config.models):
        weights = config.weights(dataset, model)
        if weights and not weights.url and not located(weights.path or "", mirror).is_file():
            key = f"training.weights.{dataset}.{model}.path"
            raise InputError(f"{key}: no file {weights.path!r}, nor in the mirror")


def _check_training_images(config: Config, dataset: str) -> None:
    """Reject what needs training images if the splits of an image folder leave none."""
    source = config.data.sources[dataset]
    if source.kind != "image_folder" or source.splits.train > 1e-9:
        return
    visualization, scores = config.visualization, config.detection.scores
    users = [
        *(f"training {model}" for model in config.models if not config.weights(dataset, model)),
        *(f"latent.corpora, {corpus}," for corpus in config.latent.corpora),
        *(
            f"visualization.methods.{name}"
            for name in visualization.methods
            if visualization.needs_training_images(name) or visualization.generator_of(name)
        ),
        *(f"detection.scores.{name}" for name in scores if "train" in config.detection.needs(name)),
        *(
            "attribution.degradation.fills, mean,"
            for fill in config.attribution.degradation.fills
            if fill == "mean"
        ),
    ]
    if users:
        raise InputError(
            f"data.sources.{dataset}.splits: no image is left for train, but {users[0]} needs "
            f"training images ({len(users)} such)"
        )


def named(key: str, check: Any, *arguments: Any) -> None:
    """Run a check and prefix its message with the key of the configuration."""
    try:
        check(*arguments)
    except InputError as error:
        raise InputError(f"{key}: {error}") from None
