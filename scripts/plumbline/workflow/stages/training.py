"""The plan of the stage training: nets that are trained and nets with given weights."""

from typing import Any

from plumbline.config.training import CROSS_ENTROPY, GivenWeights
from plumbline.errors import InputError
from plumbline.workflow.stages.part import Job, Part, options


class TrainingPlan(Part):
    """The nets of a run and how they are obtained."""

    def net(self, dataset: str, model: str, seed: int = 0, objective: str = CROSS_ENTROPY) -> str:
        """File of one net with this training seed and objective, or of imported weights."""
        objective = self.config.objective(dataset, model, objective)
        return f"models/{dataset}/{model}/{objective}/{seed}/classifier.safetensors"

    def nets(
        self,
        dataset: str,
        model: str,
        count: int | None = None,
        objective: str = CROSS_ENTROPY,
    ) -> list[str]:
        """Files of the first ``count`` nets of one architecture, or of all."""
        count = self.config.seeds_of(dataset, model) if count is None else count
        return [self.net(dataset, model, seed, objective) for seed in range(count)]

    def objectives(self) -> list[str]:
        """Training objectives of the run."""
        return [CROSS_ENTROPY, *self.config.training.objectives]

    def trained(self, dataset: str) -> list[tuple[str, int]]:
        """Model and seed of every net that is trained on a dataset by cross-entropy."""
        return [
            (model, seed)
            for model in self.config.models
            if not self.config.weights(dataset, model)
            for seed in range(self.config.training.seeds)
        ]

    def weights(self, dataset: str, model: str) -> GivenWeights:
        """The given weights of a net; raises :class:`InputError` if it has none."""
        weights = self.config.weights(dataset, model)
        if weights is None:
            raise InputError(f"training.weights: none for {model} on {dataset}")
        return weights

    def train(self, dataset: str, model: str, objective: str, seed: str | int) -> Job:
        """Train one net."""
        given = options(self.config.training_options(dataset, model, objective))
        own: dict[str, Any] = {}
        if objective != CROSS_ENTROPY:
            own["objective"] = self.config.training.objectives[objective].kind
            own["set"] = self.config.training.own_options(objective)
        return Job(
            given | own | self.built(model) | self.runtime("train", dataset, model, int(seed)),
            (self.networks.file(model),),
        )

    def import_weights(self, dataset: str, model: str) -> Job:
        """Import the given weights of a net."""
        given = options(self.weights(dataset, model))
        return Job(
            given | self.built(model),
            (self.networks.file(model),),
        )

    def built(self, model: str) -> dict[str, Any]:
        """Options that define an architecture: its name, and the entry of a user-supplied one."""
        networks = self.networks
        return {"model": networks.architecture(model), "entry": networks.made_by(model)}

    def evaluate(self, dataset: str, model: str) -> Job:
        """Fit the temperatures of all nets of one architecture and evaluate them on all splits."""
        given = {
            "dataset": dataset,
            "model": model,
            "temperature_seed": self.seed("calibrate", dataset, model),
            **self.runtime("evaluate", dataset, model),
        }
        return Job(given, (self.networks.file(model),))
