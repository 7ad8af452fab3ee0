"""Configuration of the stage stability."""

from pydantic import Field

from plumbline.config.base import Count, MethodOptions, Name, Section, Share


class MutantOptions(Section):
    """Mutants: copies of a net with small changes of its weights."""

    mutants: Count = 100
    """Accepted mutants per operator; the studies used 100 and 500."""

    accept: Share = 0.9
    """A mutant is accepted if its accuracy on calibration is at least this share of the net's."""

    images: Count = 100
    """Images of each set that mutants classify."""


class ConductanceOptions(Section):
    """Conductance of the last convolutional block."""

    steps: Count = 10
    """Steps along the path from the baseline to the image."""


class StabilitySection(Section):
    """How easily small changes of a net change its answer."""

    mutation: MutantOptions = MutantOptions()
    """How many mutants, and which are accepted."""

    operators: dict[Name, MethodOptions] = Field(default_factory=dict)
    """Mutation operators and their options."""

    models: dict[Name, dict[Name, MethodOptions]] = Field(default_factory=dict)
    """What differs for one architecture, by operator: the deeper a net, the lower the rate that
    it bears."""

    conductance: ConductanceOptions = ConductanceOptions()
    """Conductance of feature maps."""

    def operator_options(self, operator: str, model: str) -> MethodOptions:
        """Options of one operator, overruled by those for the architecture."""
        return self.operators[operator] | self.models.get(model, {}).get(operator, {})
