"""Configuration of the stage stability."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from plumbline.config.base import Count, MethodOptions, Name, Section, Share, for_replicates
from plumbline.registry import OPERATORS

Inside = Annotated[float, Field(gt=0, lt=1)]


class SequentialOptions(Section):
    """How few mutants tell whether a label flips too easily: the probability ratio test."""

    alpha: Inside = 0.05
    """Largest share of the images that change as often as the upper rate and are called normal."""

    beta: Inside = 0.05
    """Largest share of those that change as rarely as the lower rate and are called suspicious."""

    sigma: Inside = 0.5
    """Both rates lie this share of the threshold away from it."""

    level: Inside = 0.99
    """The threshold `mean` is the upper end of this interval of the mean label change rate of the
    calibration images that the net gets right; Wang et al. 2019."""

    false_alarms: Inside = 0.05
    """The threshold `quantile` is exceeded by this share of them."""

    @model_validator(mode="after")
    def _tell_apart(self) -> Self:
        if self.alpha + self.beta >= 1:
            raise ValueError("alpha and beta together must be below 1")
        return self


class MutantOptions(Section):
    """Mutants: copies of a net with small changes of its weights."""

    mutants: Count = 100
    """Accepted mutants per operator; the studies used 100 and 500."""

    further_mutants: Count = 20
    """Accepted mutants at each further rate of an operator."""

    accept: Share = 0.9
    """A mutant is accepted if its accuracy on calibration is at least this share of the net's."""

    images: Count = 100
    """Images of each set but calibration and test that mutants classify, from the first."""

    test_images: Count = 400
    """Images of test that they classify: more, because the net errs on few."""

    sequential: SequentialOptions = SequentialOptions()
    """The sequential test of the label change rate."""

    stop_early: Literal["never", "mean", "quantile"] = "never"
    """Ask no more mutants about an image once the sequential test with this threshold has its
    verdict; rates and estimates then rest on fewer mutants."""


class ConductanceOptions(Section):
    """Conductance of every block."""

    steps: Count = 10
    """Steps along the path from the baseline to the image."""

    images: Count | None = None
    """Images of each set but calibration, from the first; null for all."""


class StabilitySection(Section):
    """How easily small changes of a net change its answer."""

    mutation: MutantOptions = MutantOptions()
    """How many mutants, and which are accepted."""

    operators: dict[Name, MethodOptions] = Field(default_factory=dict)
    """Mutation operators and their options. `method` is the module of stability/operators, if it is
    not the entry's own name; `rates` are tried beside the main one, `rate`, which is halved while
    no two mutants keep the accuracy; `models` keeps it to these nets."""

    models: dict[Name, dict[Name, MethodOptions]] = Field(default_factory=dict)
    """What differs for one architecture, by operator: the deeper a net, the lower the rate that
    it bears."""

    conductance: ConductanceOptions = ConductanceOptions()
    """Conductance of feature maps."""

    def module_of(self, entry: str) -> str:
        """The module of stability/operators that an entry of ``operators`` names."""
        return self.operators[entry].get("method", entry)

    def operators_of(self, model: str) -> list[str]:
        """Entries of ``operators`` that are wanted on a net."""
        entries = self.operators.items()
        return [name for name, options in entries if model in options.get("models", (model,))]

    def for_replicates(self, replicates: dict[str, str]) -> Self:
        """The section, with all that is said of a net said of its replicates, too."""
        operators = for_replicates(self.operators, replicates)
        twins = {twin: self.models[net] for twin, net in replicates.items() if net in self.models}
        return self.model_copy(update={"operators": operators, "models": self.models | twins})

    def entry_of(self, entry: str, model: str) -> MethodOptions:
        """All that is said of an operator on a net: the entry, overruled by the architecture's."""
        return self.operators[entry] | self.models.get(model, {}).get(entry, {})

    def operator_options(self, entry: str, model: str) -> MethodOptions:
        """Options of an entry's module on one net."""
        return {k: v for k, v in self.entry_of(entry, model).items() if k not in OPERATORS.entry}

    def rates(self, entry: str, model: str) -> tuple[float, ...]:
        """Rates at which an operator is tried on a net, the main one first."""
        options = self.entry_of(entry, model)
        main = options.get("rate", OPERATORS.default(self.module_of(entry), "rate"))
        return tuple(dict.fromkeys((main, *options.get("rates", ()))))
