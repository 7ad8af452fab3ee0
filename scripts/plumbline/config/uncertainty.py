"""Configuration of the stage uncertainty."""

from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from plumbline.config.base import Count, MethodOptions, Name, Section, Share, for_replicates
from plumbline.config.training import CROSS_ENTROPY
from plumbline.registry import ESTIMATORS


class ShiftOptions(Section):
    """A distribution shift of the first images of `test`, at several levels."""

    levels: tuple[float, ...] = Field(min_length=1)
    """Levels: degrees for rotation, standard deviations of pixels in [0, 1] for noise."""

    images: Count = 200
    """Number of test images to shift."""


class RefusalOptions(Section):
    """Selective prediction: an image is accepted if the median of the sampled probabilities of its
    predicted class is above a threshold."""

    accuracy: Share = 0.99
    """Accuracy of accepted predictions on calibration; the smallest threshold that reaches it is
    used."""

    fixed: Share = 0.2
    """A fixed threshold for comparison; study 001 uses 0.2."""


class SweepOptions(Section):
    """Estimates as a function of the number of passes and of nets."""

    estimators: tuple[Name, ...] = ("mc_dropout", "bayes_by_backprop")
    """Entries of `estimators` whose number of passes is varied; entries that do not apply to a net
    are omitted."""

    samples: tuple[Count, ...] = (1, 2, 5, 10, 20, 50, 100, 200)
    """Numbers of passes; the largest number is computed once per net and used for all."""

    members: tuple[Count, ...] = (1, 2, 3, 5, 10)
    """Numbers of nets in an ensemble; those above training.seeds are omitted."""

    images: Count | None = None
    """Number of test images, from the first; all if not given."""


class UncertaintySection(Section):
    """Estimators of predictive uncertainty."""

    estimators: dict[Name, MethodOptions] = Field(default_factory=dict)
    """Estimators and their options. `method` is the module of uncertainty/estimators, by default
    the name of the entry; `objective` is the key of training.objectives for which its nets are
    trained; `temperature: true` divides their logits by the temperature fitted on calibration;
    `models` restricts the entry to these nets."""

    models: tuple[Name, ...] = ()
    """Additional architectures for training, attacks and uncertainty only."""

    shifts: dict[Name, ShiftOptions] = Field(default_factory=dict)
    """Shifted test sets: modules of data/shifts and their levels."""

    refusal: RefusalOptions = RefusalOptions()
    """Selective prediction."""

    sweep: SweepOptions = SweepOptions()
    """Dependence of estimates on the number of passes and of nets."""

    @field_validator("estimators")
    @classmethod
    def _fit(cls, estimators: dict[str, MethodOptions]) -> dict[str, MethodOptions]:
        kinds: dict[str, Any] = {"method": str, "objective": str, "temperature": bool}
        kinds["models"] = (list, tuple)
        for name, options in estimators.items():
            for key, kind in kinds.items():
                if key in options and not isinstance(options[key], kind):
                    raise ValueError(f"{name}.{key}: wrong kind of value {options[key]!r}")
        return estimators

    @model_validator(mode="after")
    def _temperature_of_logits(self) -> Self:
        for name in self.estimators:
            if self.scaled(name) and self.objective_of(name) != CROSS_ENTROPY:
                raise ValueError(f"estimators.{name}: temperature is fitted for cross-entropy only")
        return self

    def module_of(self, entry: str) -> str:
        """The module of uncertainty/estimators that an entry of ``estimators`` uses."""
        return self.estimators[entry].get("method", entry)

    def options_of(self, entry: str) -> MethodOptions:
        """The options of an entry's module."""
        return {k: v for k, v in self.estimators[entry].items() if k not in ESTIMATORS.entry}

    def objective_of(self, entry: str) -> str:
        """Objective of an entry's nets: ``cross_entropy`` or a key of training.objectives."""
        return self.estimators[entry].get("objective", CROSS_ENTROPY)

    def scaled(self, entry: str) -> bool:
        """Whether the logits of an entry's nets are divided by their temperature."""
        return self.estimators[entry].get("temperature", False)

    def chosen(self, entry: str, model: str) -> bool:
        """Whether an entry is applied to a net."""
        return model in self.estimators[entry].get("models", (model,))

    def for_replicates(self, replicates: dict[str, str]) -> Self:
        """The section, with entries that are restricted to a net extended to its replicates."""
        estimators = for_replicates(self.estimators, replicates)
        return self.model_copy(update={"estimators": estimators})

    def passes(self, entry: str) -> int:
        """Number of forward passes per image of an entry, from its module's ``cost``."""
        return ESTIMATORS.cost(self.module_of(entry), self.options_of(entry))

    def nets(self, entry: str) -> int:
        """Number of nets of different training seeds that an entry needs."""
        return ESTIMATORS.nets(self.module_of(entry), self.options_of(entry))
