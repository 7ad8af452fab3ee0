"""The whole configuration: all of its sections, and what follows from several of them."""

from typing import Literal, Self

from pydantic import Field, model_validator

from plumbline.config.attacks import AttacksSection
from plumbline.config.attribution import AttributionSection
from plumbline.config.base import Name, Section
from plumbline.config.data import DataSection
from plumbline.config.detection import DetectionSection
from plumbline.config.latent import LatentSection
from plumbline.config.stability import StabilitySection
from plumbline.config.training import (
    CROSS_ENTROPY,
    GIVEN,
    GivenWeights,
    TrainingOptions,
    TrainingSection,
)
from plumbline.config.uncertainty import UncertaintySection
from plumbline.config.visualization import VisualizationSection
from plumbline.registry import ESTIMATORS, NETWORKS, Networks


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
    """Architectures, each a module of `scripts/plumbline/models/architectures`."""

    data: DataSection
    training: TrainingSection = TrainingSection()
    attacks: AttacksSection = AttacksSection()
    uncertainty: UncertaintySection = UncertaintySection()
    latent: LatentSection = LatentSection()
    attribution: AttributionSection = AttributionSection()
    visualization: VisualizationSection = VisualizationSection()
    stability: StabilitySection = StabilitySection()
    detection: DetectionSection = DetectionSection()

    @model_validator(mode="after")
    def _replicates_are_treated_alike(self) -> Self:
        """What the other sections say of a net holds for its replicates."""
        replicates = self.training.replicates
        return self.model_copy(
            update={
                "uncertainty": self.uncertainty.for_replicates(replicates),
                "stability": self.stability.for_replicates(replicates),
            }
        )

    @property
    def networks(self) -> Networks:
        """Every net that the configuration may name: with the user's own and replicates."""
        return NETWORKS.joined(self.training.entries, self.training.replicates)

    def training_options(
        self, dataset: str, model: str, objective: str = CROSS_ENTROPY
    ) -> TrainingOptions:
        """Options of one net: the default, overruled by its model's, then by its dataset's, last
        by those of what it is trained for."""
        merged = self.training.default.model_dump()
        for layer in self.training.layers(dataset, model):
            merged |= layer | {"network": merged["network"] | layer.get("network", {})}
        return TrainingOptions(**merged | self.training.overruled(objective))

    def weights(self, dataset: str, model: str) -> GivenWeights | None:
        """The given weights of one net, if it is not to be trained.

        A net of the user's own has the options of its entry with them; those of a net here are
        of the size that is trained, not of the published one.
        """
        given = self.training.weights.get(dataset, {}).get(model)
        if given is None or model not in self.training.entries:
            return given
        network = {}
        for layer in self.training.layers(dataset, model):
            network |= layer.get("network", {})
        return given.model_copy(update={"network": network | given.network})

    def objective(self, dataset: str, model: str, wanted: str = CROSS_ENTROPY) -> str:
        """What a net was trained for: ``wanted``, or ``given`` in place of cross-entropy."""
        given = wanted == CROSS_ENTROPY and self.weights(dataset, model)
        return GIVEN if given else wanted

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
        if section.objective_of(estimator) != CROSS_ENTROPY and self.weights(dataset, model):
            return "given weights, trained by cross-entropy"
        if section.nets(estimator) > nets:
            return f"only {nets} net with given weights"
        return self.networks.unmet(ESTIMATORS, section.module_of(estimator), model)

    def estimators(self, dataset: str, model: str) -> list[str]:
        """Entries of ``uncertainty.estimators`` that apply to a net."""
        names = self.uncertainty.estimators
        return [name for name in names if not self.missing(name, dataset, model)]
