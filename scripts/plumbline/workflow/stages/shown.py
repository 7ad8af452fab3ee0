"""Labels and families of nets and methods, which modules declare and figures and pages show.

These are read from the text of the modules when a figure is drawn, so no code hash covers them.
"""

from collections.abc import Iterable

from plumbline.config.whole import Config
from plumbline.registry import (
    ATTACKS,
    ATTRIBUTIONS,
    DETECTORS,
    ESTIMATORS,
    GENERATORS,
    NETWORKS,
    OPERATORS,
    SCORES,
    SHIFTS,
    SOURCES,
    VISUALIZATIONS,
    Kind,
    label,
)

EVERYWHERE = ("data", "models")
BESIDE = {
    "uncertainty": ("attacks",),
    "latent": ("uncertainty", "attacks"),
    "stability": ("attacks",),
    "detection": ("uncertainty", "attacks", "stability"),
}
"""The stages whose entries the figures of a stage show beside its own."""


def shown(config: Config, stage: str = "", dataset: str = "") -> dict[str, str]:
    """Label and family of every entry that the figures of a stage may show; of all stages, if none
    is given.

    Of the sources only those of ``dataset`` count, if one is given: another dataset of the
    configuration does not redraw its figures.
    """
    stages = {*EVERYWHERE, stage, *BESIDE.get(stage, ())}
    return {
        f"{kind.package}/{entry}": f"{label(entry)}|{kind.family(entry) if kind.families else ''}"
        for kind, entries in _entries(config, dataset)
        for entry in entries
        if not stage or kind.package.split("/")[0] in stages
    }


def _entries(config: Config, dataset: str) -> Iterable[tuple[Kind, Iterable[str]]]:
    """The names in the configuration of every kind's methods."""
    sources = config.data.sources
    return (
        (SOURCES, (dataset, *sources[dataset].ood) if dataset else sources),
        (SHIFTS, config.uncertainty.shifts),
        (NETWORKS, config.uncertain_models),
        (ATTACKS, config.attacks.methods),
        (ESTIMATORS, config.uncertainty.estimators),
        (ATTRIBUTIONS, config.attribution.methods),
        (VISUALIZATIONS, config.visualization.methods),
        (GENERATORS, config.visualization.used_generators()),
        (OPERATORS, config.stability.operators),
        (SCORES, config.detection.scores),
        (DETECTORS, config.detection.detectors.methods),
    )
