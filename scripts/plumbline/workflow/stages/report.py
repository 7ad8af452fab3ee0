"""The plan of the stage report: joined tables, and omitted entries with reasons."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass

from plumbline.config.attribution import NOT_CHOSEN
from plumbline.registry import (
    ATTACKS,
    ATTRIBUTIONS,
    DETECTORS,
    ESTIMATORS,
    GENERATORS,
    OPERATORS,
    SCORES,
    VISUALIZATIONS,
)
from plumbline.workflow.stages.attribution import AttributionPlan
from plumbline.workflow.stages.data import DataPlan
from plumbline.workflow.stages.detection import DetectionPlan
from plumbline.workflow.stages.latent import LatentPlan
from plumbline.workflow.stages.part import Job, Part
from plumbline.workflow.stages.shown import shown
from plumbline.workflow.stages.stability import StabilityPlan
from plumbline.workflow.stages.uncertainty import UncertaintyPlan

PAGES = "plumbline/report/pages"
PROGRAMS = "plumbline/programs/build_page"
MEASURES = ("entropy", "mutual_information", "max_probability")  # that are mapped
LeftOut = tuple[str, str, str, str, str]


@dataclass(frozen=True)
class ReportPlan(Part):
    """Inputs of the report."""

    data: DataPlan
    uncertainty: UncertaintyPlan
    latent: LatentPlan
    attribution: AttributionPlan
    stability: StabilityPlan
    detection: DetectionPlan

    def nets(self) -> list[tuple[str, str]]:
        """All pairs of dataset and model."""
        return [
            (dataset, model) for dataset in self.config.datasets for model in self.config.models
        ]

    def uncertain_nets(self) -> list[tuple[str, str]]:
        """All pairs of dataset and model whose uncertainty is measured."""
        models = self.config.uncertain_models
        return [(dataset, model) for dataset in self.config.datasets for model in models]

    def parts(self) -> dict[str, list[str]]:
        """The CSV files of each joined table; none if its stage does not run."""
        return self._parts

    @functools.cached_property
    def _parts(self) -> dict[str, list[str]]:
        return self._training() | self._latent() | self._attribution() | self._others()

    def tables(self) -> list[str]:
        """Names of the tables of the run."""
        return [*(table for table, parts in self.parts().items() if parts), "leaderboard"]

    def _training(self) -> dict[str, list[str]]:
        nets, uncertain, attacks = self.nets(), self.uncertain_nets(), self.config.attacks.methods
        sweeping = self.uncertainty.sweeping
        return {
            "training": [
                f"models/{dataset}/{model}/{name}.csv"
                for name in ("evaluation", "temperature")
                for dataset, model in uncertain
            ],
            "reliability": [f"models/{dataset}/{model}/reliability.csv" for dataset, model in nets],
            "attacks": [
                f"attacks/{dataset}/{model}/{attack}.csv"
                for dataset, model in nets
                for attack in attacks
            ],
            "uncertainty": [
                f"uncertainty/{dataset}/{model}/measures.csv" for dataset, model in uncertain
            ],
            "refusal": [
                f"uncertainty/{dataset}/{model}/refusal.csv" for dataset, model in uncertain
            ],
            "sweep": [
                f"uncertainty/{dataset}/{model}/sweep.csv"
                for dataset, model in uncertain
                if model in sweeping(dataset, "samples") + sweeping(dataset, "members")
            ],
        }

    def _latent(self) -> dict[str, list[str]]:
        datasets, plan = self.config.datasets, self.latent
        return {
            "latent": [file for dataset in datasets for file in plan.of_corpora(dataset, "csv")],
            "holes": [
                file for dataset in datasets for file in plan.of_corpora(dataset, "holes.csv")
            ],
            "interpolation": [
                file
                for dataset in datasets
                for corpus in plan.corpora(dataset)[:1]
                for file in plan.of_models(dataset, corpus, "interpolation.csv")
            ],
            "extension": [
                f"latent/{dataset}/{model}/extension.csv"
                for dataset in datasets
                for model in plan.extended(dataset)
            ],
        }

    def _attribution(self) -> dict[str, list[str]]:
        plan = self.attribution
        applying = {
            "attribution": ("degradation", lambda model: self.config.attribution.methods),
            "log_odds": ("log_odds", plan.with_log_odds),
            "conservation": ("conservation", plan.propagating),
            "randomization": ("randomization", plan.randomized),
        }
        found = {
            table: [
                f"attribution/{dataset}/{model}/{name}.csv"
                for dataset, model in self.nets()
                if entries(model)
            ]
            for table, (name, entries) in applying.items()
        }
        cost = [file for net in self.nets() for file in plan.files(*net, "cost.csv")]
        spread = [
            f"attribution/{dataset}/{model}/spread/{name}.csv"
            for dataset, model in self.nets()
            for name in plan.spreads(dataset, model)
        ]
        return found | {"cost": cost, "spread": spread}

    def _others(self) -> dict[str, list[str]]:
        nets, visualization = self.nets(), self.config.visualization
        operators = [file for net in nets for file in self.stability.files(*net, "csv")]
        conductance = [f"stability/{dataset}/{model}/conductance.csv" for dataset, model in nets]
        return {
            "visualization": [
                f"visualization/{dataset}/{model}/{name}.csv"
                for dataset, model in nets
                for name in visualization.methods
            ],
            "generators": [
                f"visualization/{dataset}/{generator}.csv"
                for dataset in self.config.datasets
                for generator in visualization.used_generators()
            ],
            "stability": [*operators, *conductance] if self.config.stability.operators else [],
            "detection": [f"detection/{dataset}/{model}.csv" for dataset, model in nets],
            "detectors": [
                file
                for dataset in self.config.datasets
                for file in self.detection.detector_tables(dataset)
            ],
        }

    def explorer(self, dataset: str) -> Job:
        """The page to explore the latent maps of a dataset."""
        return Job(
            {
                "dataset": dataset,
                "estimators": self.config.latent.estimators,
                "measures": MEASURES,
                "back": f"index.html#latent-{dataset}",
            },
            (
                f"{PROGRAMS}/explorer.py",
                *(f"{PAGES}/explorer{rest}" for rest in (".html", ".js", "_arrays.js")),
            ),
            shown(self.config, "latent", dataset),
        )

    def leaderboard(self) -> Job:
        """The page of the leaderboard."""
        files = (
            f"{PROGRAMS}/leaderboard.py",
            *(f"{PAGES}/leaderboard{rest}" for rest in (".html", ".js")),
        )
        return Job({"back": "index.html#detection"}, files, shown(self.config, "detection"))

    def explorers(self) -> list[str]:
        """Pages to explore latent maps, one for every dataset that has maps."""
        datasets = filter(self.latent.corpora, self.config.datasets)
        return [f"report/latent_{dataset}.html" for dataset in datasets]

    def coverage(self) -> dict[str, dict[str, dict[str, str]]]:
        """Why an attribution has no job, by dataset, net and method; empty if it has one."""
        section = self.config.attribution
        used = {module for entry in section.methods for module in section.modules_of(entry)}
        unused = {name: NOT_CHOSEN for name in ATTRIBUTIONS.names() if name not in used}
        nets = {name: dict.fromkeys(section.methods, NOT_CHOSEN) for name in self.networks.names()}
        for model in self.config.models:
            inapplicable = self.attribution.inapplicable
            nets[model] = {entry: inapplicable(entry, model) for entry in section.methods}
        found = {model: unused | reasons for model, reasons in nets.items()}
        return dict.fromkeys(self.config.datasets, found)

    def left_out(self) -> list[LeftOut]:
        """Entries, except attributions, that do not apply to a net or dataset: stage, dataset, net
        (or empty), entry, reason."""
        datasets = self.config.datasets
        return [row for dataset in datasets for row in self._candidates(dataset) if row[-1]]

    def _candidates(self, dataset: str) -> Iterator[LeftOut]:
        """All entries of a dataset; the reason is empty for those that apply."""
        config = self.config
        for model in config.uncertain_models:
            for entry in config.uncertainty.estimators:
                reason = config.missing(entry, dataset, model)
                yield "uncertainty", dataset, model, entry, reason
        for corpus in config.latent.corpora:
            yield "latent", dataset, "", corpus, self.latent.unmapped(dataset, corpus)
        for model in config.latent.extension.models if config.latent.corpora else ():
            if model in config.models:
                reason = self.latent.not_extended(dataset, model)
                yield "latent", dataset, model, "extension", reason
        for model in config.models:
            for entry in config.attribution.spread:
                reason = self.attribution.no_spread(dataset, model, entry)
                yield "attribution", dataset, model, entry, reason
            for entry in config.detection.scores:
                reason = self.detection.unscored(dataset, model, entry)
                yield "detection", dataset, model, entry, reason

    def modules(self) -> list[str]:
        """Files of all configured nets and methods, relative to the folder of the scripts."""
        config = self.config
        chosen = (
            (self.networks, config.uncertain_models),
            (ATTACKS, map(config.attacks.module_of, config.attacks.methods)),
            (ESTIMATORS, map(config.uncertainty.module_of, config.uncertainty.estimators)),
            (
                ATTRIBUTIONS,
                (
                    module
                    for entry in config.attribution.methods
                    for module in config.attribution.modules_of(entry)
                ),
            ),
            (VISUALIZATIONS, map(config.visualization.module_of, config.visualization.methods)),
            (GENERATORS, config.visualization.used_generators()),
            (OPERATORS, map(config.stability.module_of, config.stability.operators)),
            (SCORES, map(config.detection.module_of, config.detection.scores)),
            (DETECTORS, config.detection.detectors.methods),
        )
        return [kind.file(name) for kind, names in chosen for name in sorted(set(names))]
