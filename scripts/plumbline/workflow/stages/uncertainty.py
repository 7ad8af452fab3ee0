"""The plan of the stage uncertainty: estimators, their nets, and sweeps."""

from dataclasses import dataclass
from typing import Any

from plumbline.config.training import CROSS_ENTROPY
from plumbline.registry import ESTIMATORS
from plumbline.workflow.stages.data import DataPlan, Keys
from plumbline.workflow.stages.part import Job, Part, options
from plumbline.workflow.stages.training import TrainingPlan


@dataclass(frozen=True)
class UncertaintyPlan(Part):
    """The estimators of each net and their inputs."""

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
        """Files of the nets of an estimator."""
        section = self.config.uncertainty
        objective = section.objective_of(estimator)
        return self.training.nets(dataset, model, section.nets(estimator), objective)

    def temperature(self, dataset: str, model: str, estimator: str) -> list[str]:
        """File of the temperatures, for an estimator with temperature scaling."""
        scaled = self.config.uncertainty.scaled(estimator)
        return [f"models/{dataset}/{model}/temperature.csv"] if scaled else []

    def keys(self, dataset: str) -> Keys:
        """Image sets that the estimators predict."""
        return [*self.data.keys(dataset), *self.data.shifted_keys()]

    def sets(self, dataset: str, model: str) -> list[str]:
        """Files of these sets."""
        return [self.data.file(dataset, model, key) for key in self.keys(dataset)]

    def rotations(self) -> tuple[float, ...]:
        """Angles of rotated test images, in degrees."""
        shifts = self.config.uncertainty.shifts
        return shifts["rotation"].levels if "rotation" in shifts else ()

    def passes(self, dataset: str, model: str) -> dict[str, int]:
        """Number of network evaluations of each estimator per image."""
        entries = self.estimators(dataset, model)
        return {entry: self.config.uncertainty.passes(entry) for entry in entries}

    def several(self, dataset: str, model: str) -> bool:
        """Whether an estimator of a net has mutual information, which is 0 for a single pass."""
        section = self.config.uncertainty
        return any(
            section.passes(entry) > 1 or section.objective_of(entry) != CROSS_ENTROPY
            for entry in self.estimators(dataset, model)
        )

    def predict(self, dataset: str, model: str, estimator: str) -> Job:
        """Predictions of one estimator on every image set."""
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
        """Scores of every image by every measure, estimates, and selective prediction."""
        given = {
            "minimal": self.config.attacks.minimal(),
            "dataset": dataset,
            "model": model,
            "seed": self.seed("measure", dataset, model),
            "refusal_seed": self.seed("refuse", dataset, model),
        }
        return Job(options(self.config.uncertainty.refusal) | given)

    def swept(self, dataset: str, model: str) -> dict[str, dict[str, Any]]:
        """Module, options and number of nets of the estimators whose number of passes varies,
        sorted by name.
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
        """Files of the nets of these estimators, concatenated."""
        names = self.swept(dataset, model)
        return [file for name in names for file in self._swept_nets(dataset, model, name)]

    def _swept_nets(self, dataset: str, model: str, name: str) -> list[str]:
        if self.config.uncertainty.objective_of(name) == CROSS_ENTROPY:
            return self.training.nets(dataset, model)
        return self.nets(dataset, model, name)

    def sweep_options(self, dataset: str, model: str) -> dict[str, Any]:
        """Options of the sweep; ``samples`` is empty without stochastic estimators."""
        given = self.config.uncertainty.sweep.model_dump(exclude={"estimators"})
        return given if self.swept(dataset, model) else given | {"samples": ()}

    def sweeping(self, dataset: str, vary: str) -> list[str]:
        """Nets whose number of ``samples`` or ``members`` varies."""
        models = self.config.uncertain_models
        return [model for model in models if self.sweep_options(dataset, model)[vary]]

    def sweep_uncertainty(self, dataset: str, model: str) -> Job:
        """Measure estimators by number of passes, and ensembles by number of members."""
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
