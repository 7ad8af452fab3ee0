"""The whole configuration: all sections, and settings derived from several of them."""

from typing import Any, Literal, Self

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
    """Folder for all results of the run."""

    seed: int = 0
    """Seed of all random numbers."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Device to compute on; `auto` uses an accelerator if available."""

    datasets: tuple[Name, ...] = Field(min_length=1)
    """Datasets on which nets are trained, each a key of `data.sources`."""

    models: tuple[Name, ...] = Field(min_length=1)
    """Architectures, each a module of `scripts/plumbline/models/architectures` or a key of
    `training.models`."""

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
        """Apply the settings of a net in the other sections to its replicates."""
        replicates = self.training.replicates
        return self.model_copy(
            update={
                "uncertainty": self.uncertainty.for_replicates(replicates),
                "stability": self.stability.for_replicates(replicates),
            }
        )

    @property
    def networks(self) -> Networks:
        """All nets that the configuration may use, including user-defined nets and replicates."""
        return NETWORKS.joined(self.training.entries, self.training.replicates)

    def training_options(
        self, dataset: str, model: str, objective: str = CROSS_ENTROPY
    ) -> TrainingOptions:
        """Options of one net: the default, overridden by those of its model, its dataset and its
        objective, in this order."""
        merged = self.training.default.model_dump()
        for layer in self.training.layers(dataset, model):
            merged |= layer | {"network": merged["network"] | layer.get("network", {})}
        return TrainingOptions(**merged | self.training.overruled(objective))

    def weights(self, dataset: str, model: str) -> GivenWeights | None:
        """The given weights of one net, or None if it is to be trained.

        A user-defined net also has the options of its entry.  The options of other nets describe
        the net that is trained, not the published one, and do not apply.
        """
        given = self.training.weights.get(dataset, {}).get(model)
        if given is None or model not in self.training.entries:
            return given
        network: dict[str, Any] = {}
        for layer in self.training.layers(dataset, model):
            network |= layer.get("network", {})
        return given.model_copy(update={"network": network | given.network})

    def objective(self, dataset: str, model: str, wanted: str = CROSS_ENTROPY) -> str:
        """The objective of a net: ``wanted``, or ``given`` instead of cross-entropy."""
        given = wanted == CROSS_ENTROPY and self.weights(dataset, model)
        return GIVEN if given else wanted

    def also_encoded(self, dataset: str) -> list[str]:
        """Out-of-distribution sources with training images, on which a VAE can be fitted."""
        sources = self.data.sources
        return [other for other in sources[dataset].ood if sources[other].splits.train > 1e-9]

    def seeds_of(self, dataset: str, model: str) -> int:
        """Number of nets of one architecture on one dataset."""
        return 1 if self.weights(dataset, model) else self.training.seeds

    @property
    def uncertain_models(self) -> tuple[str, ...]:
        """All architectures whose uncertainty is evaluated."""
        return tuple(dict.fromkeys(self.models + self.uncertainty.models))

    def missing(self, estimator: str, dataset: str, model: str) -> str:
        """Reason why an entry of ``uncertainty.estimators`` does not apply to a net, else empty."""
        nets, section = self.seeds_of(dataset, model), self.uncertainty
        if not section.chosen(estimator, model):
            return "not selected for this net"
        if section.objective_of(estimator) != CROSS_ENTROPY and self.weights(dataset, model):
            return "given weights, trained by cross-entropy"
        if section.nets(estimator) > nets:
            return f"only {nets} net with given weights"
        return self.networks.unmet(ESTIMATORS, section.module_of(estimator), model)

    def estimators(self, dataset: str, model: str) -> list[str]:
        """Entries of ``uncertainty.estimators`` that apply to a net."""
        names = self.uncertainty.estimators
        return [name for name in names if not self.missing(name, dataset, model)]
