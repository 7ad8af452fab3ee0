"""Configuration of the stage uncertainty."""

from pydantic import Field

from plumbline.config.base import MethodOptions, Name, Section
from plumbline.methods import ESTIMATORS


class UncertaintySection(Section):
    """Estimators of predictive uncertainty."""

    estimators: dict[Name, MethodOptions] = Field(default_factory=dict)
    """Estimators and their options."""

    def nets(self, estimator: str) -> int:
        """How many nets of different training seeds an estimator asks for."""
        single = ("int", 1)
        _, default = ESTIMATORS.options(estimator).get("members", single)
        return self.estimators[estimator].get("members", default)
