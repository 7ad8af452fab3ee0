"""The plan of the stage uncertainty: estimators, the nets that they ask, what is swept."""

from dataclasses import dataclass
from typing import Any

from plumbline.config.training import CROSS_ENTROPY
from plumbline.registry import ESTIMATORS
from plumbline.workflow.stages.data import DataPlan, Keys
from plumbline.workflow.stages.part import Job, Part, options
from plumbline.workflow.stages.training import TrainingPlan


@dataclass(frozen=True)
class UncertaintyPlan(Part):
    """Which estimators a net has, and what they are asked."""

    data: DataPlan
    training: TrainingPlan

    def estimators(self, dataset: str, model: str) -> list[str]:
        """Entries of ``uncertainty.estimators`` that apply to a net."""
        return self.config.estimators(dataset, model)

    def files(self, dataset: str, model: str) -> list[str]:
        """Predictions of every estimator of a net."""
        folder = f"uncertainty/{dataset}/{model}"
        return [f"{folder}/{entry}.safetensors" for entry in self.estimators(dataset, model)]

    def nets(self, dataset: str, model: str, estimator: str) -> list[str]:
        """Files of the nets that an estimator asks."""
        section = self.config.uncertainty
        objective = section.objective_of(estimator)
        return self.training.nets(dataset, model, section.nets(estimator), objective)

    def temperature(self, dataset: str, model: str, estimator: str) -> list[str]:
        """File of the nets' temperatures, for an estimator that divides their logits by them."""
        scaled = self.config.uncertainty.scaled(estimator)
        return [f"models/{dataset}/{model}/temperature.csv"] if scaled else []

    def keys(self, dataset: str) -> Keys:
        """Image sets that the estimators are asked about."""
        return [*self.data.keys(dataset), *self.data.shifted_keys()]

    def sets(self, dataset: str, model: str) -> list[str]:
        """Files of these sets."""
        return [self.data.file(dataset, model, key) for key in self.keys(dataset)]

    def rotations(self) -> tuple[float, ...]:
        """Degrees by which test images are turned."""
        shifts = self.config.uncertainty.shifts
        return shifts["rotation"].levels if "rotation" in shifts else ()

    def passes(self, dataset: str, model: str) -> dict[str, int]:
        """How often each estimator puts an image before a net."""
        entries = self.estimators(dataset, model)
        return {entry: self.config.uncertainty.passes(entry) for entry in entries}

    def several(self, dataset: str, model: str) -> bool:
        """Whether an estimator of a net has mutual information: of one pass it is 0."""
        section = self.config.uncertainty
        return any(
            section.passes(entry) > 1 or section.objective_of(entry) != CROSS_ENTROPY
            for entry in self.estimators(dataset, model)
        )

    def predict(self, dataset: str, model: str, estimator: str) -> Job:
        """What one estimator says of every image set."""
        section = self.config.uncertainty
        given = {
            "set": section.options_of(estimator),
            "method": section.module_of(estimator),
            "estimator": estimator,
            "names": [key.name for key in self.keys(dataset)],
            **self.runtime("predict", dataset, model, estimator),
        }
        return Job(
            given, (ESTIMATORS.file(section.module_of(estimator)), self.networks.file(model))
        )

    def score_uncertainty(self, dataset: str, model: str) -> Job:
        """Score every image by every measure, measure the scores, and withhold answers."""
        given = {
            "minimal": self.config.attacks.minimal(),
            "dataset": dataset,
            "model": model,
            "seed": self.seed("measure", dataset, model),
            "refusal_seed": self.seed("refuse", dataset, model),
        }
        return Job(options(self.config.uncertainty.refusal) | given)

    def swept(self, dataset: str, model: str) -> dict[str, dict[str, Any]]:
        """Module, options and number of nets of the estimators whose number of passes varies.

        In the order of their names, as options are written.
        """
        section = self.config.uncertainty
        return {
            name: {
                "method": section.module_of(name),
                "options": section.options_of(name),
                "nets": len(self._swept_nets(dataset, model, name)),
            }
            for name in sorted(section.sweep.estimators)
            if name in self.estimators(dataset, model)
        }

    def swept_nets(self, dataset: str, model: str) -> list[str]:
        """Files of the nets that these estimators ask, one after another."""
        names = self.swept(dataset, model)
        return [file for name in names for file in self._swept_nets(dataset, model, name)]

    def _swept_nets(self, dataset: str, model: str, name: str) -> list[str]:
        if self.config.uncertainty.objective_of(name) == CROSS_ENTROPY:
            return self.training.nets(dataset, model)
        return self.nets(dataset, model, name)

    def sweep_options(self, dataset: str, model: str) -> dict[str, Any]:
        """What varies: without an estimator of several passes, not their number."""
        given = self.config.uncertainty.sweep.model_dump(exclude={"estimators"})
        return given if self.swept(dataset, model) else given | {"samples": ()}

    def sweeping(self, dataset: str, vary: str) -> list[str]:
        """Nets whose number of ``samples`` or ``members`` varies."""
        models = self.config.uncertain_models
        return [model for model in models if self.sweep_options(dataset, model)[vary]]

    def sweep_uncertainty(self, dataset: str, model: str) -> Job:
        """Measure estimators with more and more passes, and ensembles of more and more nets."""
        estimators = self.swept(dataset, model)
        methods = sorted({entry["method"] for entry in estimators.values()})
        given = {
            "estimators": estimators,
            "dataset": dataset,
            "model": model,
            **self.runtime("sweep", dataset, model),
        }
        return Job(
            self.sweep_options(dataset, model) | given,
            (*map(ESTIMATORS.file, ["ensemble", *methods]), self.networks.file(model)),
        )
