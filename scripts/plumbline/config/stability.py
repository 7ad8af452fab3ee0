"""Configuration of the stage stability."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from plumbline.config.base import Count, MethodOptions, Name, Section, Share, for_replicates
from plumbline.registry import OPERATORS

Inside = Annotated[float, Field(gt=0, lt=1)]


class SequentialOptions(Section):
    """Sequential probability ratio test of the label change rate."""

    alpha: Inside = 0.05
    """Maximum probability that an image with the upper rate of changes is called normal."""

    beta: Inside = 0.05
    """Maximum probability that an image with the lower rate of changes is called suspicious."""

    sigma: Inside = 0.5
    """Distance of the two rates from the threshold, as a share of the threshold."""

    level: Inside = 0.99
    """Confidence level of the interval of the mean label change rate of correctly classified
    calibration images, whose upper end is the threshold `mean`; Wang et al. 2019."""

    false_alarms: Inside = 0.05
    """Share of the same images whose rate exceeds the threshold `quantile`."""

    @model_validator(mode="after")
    def _tell_apart(self) -> Self:
        if self.alpha + self.beta >= 1:
            raise ValueError("alpha and beta together must be below 1")
        return self


class MutantOptions(Section):
    """Mutants: copies of a net with small changes of its weights."""

    mutants: Count = 100
    """Number of accepted mutants per operator; the studies used 100 and 500."""

    further_mutants: Count = 20
    """Number of accepted mutants at each further rate of an operator."""

    accept: Share = 0.9
    """A mutant is accepted if its accuracy on calibration is at least this share of the net's."""

    images: Count = 100
    """Number of images of each set, except calibration and test, that mutants classify, from the
    first."""

    test_images: Count = 400
    """Number of images of test that mutants classify: more, because few are misclassified."""

    sequential: SequentialOptions = SequentialOptions()
    """The sequential test of the label change rate."""

    stop_early: Literal["never", "mean", "quantile"] = "never"
    """Stop evaluating mutants on an image once the sequential test with this threshold has reached
    a verdict; rates and estimates are then based on fewer mutants."""


class ConductanceOptions(Section):
    """Conductance of every block."""

    steps: Count = 10
    """Number of steps along the path from the baseline to the image."""

    images: Count | None = None
    """Number of images of each set except calibration, from the first; all if not given."""


class StabilitySection(Section):
    """Stability of predictions under small changes of a net."""

    mutation: MutantOptions = MutantOptions()
    """Number of mutants, and their acceptance."""

    operators: dict[Name, MethodOptions] = Field(default_factory=dict)
    """Mutation operators and their options. `method` is the module of stability/operators, by
    default the name of the entry. `rate` is the main rate, which is halved until at least two
    mutants are accepted; `rates` are tried in addition. `models` restricts the entry to these
    nets."""

    models: dict[Name, dict[Name, MethodOptions]] = Field(default_factory=dict)
    """Options that differ for an architecture, by operator: deeper nets tolerate lower rates."""

    conductance: ConductanceOptions = ConductanceOptions()
    """Conductance of feature maps."""

    def module_of(self, entry: str) -> str:
        """The module of stability/operators that an entry of ``operators`` uses."""
        return self.operators[entry].get("method", entry)

    def operators_of(self, model: str) -> list[str]:
        """Entries of ``operators`` that are applied to a net."""
        entries = self.operators.items()
        return [name for name, options in entries if model in options.get("models", (model,))]

    def for_replicates(self, replicates: dict[str, str]) -> Self:
        """The section, with the settings of a net applied to its replicates as well."""
        operators = for_replicates(self.operators, replicates)
        twins = {twin: self.models[net] for twin, net in replicates.items() if net in self.models}
        return self.model_copy(update={"operators": operators, "models": self.models | twins})

    def entry_of(self, entry: str, model: str) -> MethodOptions:
        """All settings of an operator for a net: the entry, overridden by the architecture's."""
        return self.operators[entry] | self.models.get(model, {}).get(entry, {})

    def operator_options(self, entry: str, model: str) -> MethodOptions:
        """Options of an entry's module for one net."""
        return {k: v for k, v in self.entry_of(entry, model).items() if k not in OPERATORS.entry}

    def rates(self, entry: str, model: str) -> tuple[float, ...]:
        """Rates at which an operator is applied to a net, the main one first."""
        options = self.entry_of(entry, model)
        main = options.get("rate", OPERATORS.default(self.module_of(entry), "rate"))
        return tuple(dict.fromkeys((main, *options.get("rates", ()))))
