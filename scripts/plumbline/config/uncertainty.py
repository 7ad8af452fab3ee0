"""Configuration of the stage uncertainty."""

from typing import Self

from pydantic import Field, field_validator, model_validator

from plumbline.config.base import Count, MethodOptions, Name, Section, Share, for_replicates
from plumbline.config.training import CROSS_ENTROPY
from plumbline.registry import ESTIMATORS


class ShiftOptions(Section):
    """How the first images of `test` are changed, step by step."""

    levels: tuple[float, ...] = Field(min_length=1)
    """Strengths: degrees for rotation, standard deviations of pixels in [0, 1] for noise."""

    images: Count = 200
    """Test images changed."""


class RefusalOptions(Section):
    """When an estimator answers: the median of its sampled probabilities lies above a threshold."""

    accuracy: Share = 0.99
    """The threshold is the smallest that makes this share of the answers right on calibration."""

    fixed: Share = 0.2
    """A threshold to compare with; study 001 sets .2."""


class SweepOptions(Section):
    """How estimates move with the number of passes and of nets."""

    estimators: tuple[Name, ...] = ("mc_dropout", "bayes_by_backprop")
    """Entries of `estimators` whose number of passes varies; those that a net has not are left
    out."""

    samples: tuple[Count, ...] = (1, 2, 5, 10, 20, 50, 100, 200)
    """Numbers of passes; one set of the most passes per net serves all."""

    members: tuple[Count, ...] = (1, 2, 3, 5, 10)
    """Numbers of nets in an ensemble, those beyond training.seeds left out."""

    images: Count | None = None
    """Test images used, from the first; null for all."""


class UncertaintySection(Section):
    """Estimators of predictive uncertainty."""

    estimators: dict[Name, MethodOptions] = Field(default_factory=dict)
    """Estimators and their options. `method` is the module of uncertainty/estimators, if it is not
    the entry's own name; `objective` a key of training.objectives, for nets that are trained for
    it; `temperature: true` divides their logits by the temperature fitted on calibration; `models`
    keeps it to these nets."""

    models: tuple[Name, ...] = ()
    """Further architectures that only training, attacks and uncertainty see."""

    shifts: dict[Name, ShiftOptions] = Field(default_factory=dict)
    """Shifted test sets: modules of data/shifts and their levels."""

    refusal: RefusalOptions = RefusalOptions()
    """Answers that are withheld."""

    sweep: SweepOptions = SweepOptions()
    """What more passes and more nets bring."""

    @field_validator("estimators")
    @classmethod
    def _fit(cls, estimators: dict[str, MethodOptions]) -> dict[str, MethodOptions]:
        kinds = {"method": str, "objective": str, "temperature": bool, "models": (list, tuple)}
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
        """The module of uncertainty/estimators that an entry of ``estimators`` names."""
        return self.estimators[entry].get("method", entry)

    def options_of(self, entry: str) -> MethodOptions:
        """The options of an entry's module."""
        return {k: v for k, v in self.estimators[entry].items() if k not in ESTIMATORS.entry}

    def objective_of(self, entry: str) -> str:
        """What an entry's nets are trained for: ``cross_entropy`` or one of training.objectives."""
        return self.estimators[entry].get("objective", CROSS_ENTROPY)

    def scaled(self, entry: str) -> bool:
        """Whether an entry's nets have their logits divided by their temperature."""
        return self.estimators[entry].get("temperature", False)

    def chosen(self, entry: str, model: str) -> bool:
        """Whether an entry is wanted on a net."""
        return model in self.estimators[entry].get("models", (model,))

    def for_replicates(self, replicates: dict[str, str]) -> Self:
        """The section, with entries that are kept to a net kept to its replicates, too."""
        estimators = for_replicates(self.estimators, replicates)
        return self.model_copy(update={"estimators": estimators})

    def passes(self, entry: str) -> int:
        """How often an entry puts an image before a net: what its module's ``cost`` says."""
        return ESTIMATORS.cost(self.module_of(entry), self.options_of(entry))

    def nets(self, entry: str) -> int:
        """How many nets of different training seeds an entry asks for."""
        return ESTIMATORS.nets(self.module_of(entry), self.options_of(entry))
