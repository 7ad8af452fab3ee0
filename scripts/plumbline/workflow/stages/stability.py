"""The plan of the stage stability: mutants and conductance."""

from dataclasses import dataclass

from plumbline.registry import OPERATORS
from plumbline.workflow.stages.data import DataPlan, Keys, named
from plumbline.workflow.stages.part import Job, Part, options


@dataclass(frozen=True)
class StabilityPlan(Part):
    """The mutation operators of each net and the image sets of their mutants."""

    data: DataPlan

    def operators(self, model: str) -> list[str]:
        """Entries of ``stability.operators`` that are configured for a net."""
        return self.config.stability.operators_of(model)

    def files(self, dataset: str, model: str, ending: str) -> list[str]:
        """A file of every operator of a net."""
        folder = f"stability/{dataset}/{model}"
        return [f"{folder}/{operator}.{ending}" for operator in self.operators(model)]

    def of_dataset(self, dataset: str, ending: str) -> list[str]:
        """A file of every operator of every net of a dataset."""
        models = self.config.models
        return [file for model in models for file in self.files(dataset, model, ending)]

    def keys(self, dataset: str) -> Keys:
        """Image sets that mutants classify, besides calibration, which is used for acceptance."""
        return [key for key in self.data.keys(dataset) if key.kind != "calibration"]

    def sets(self, dataset: str, model: str) -> list[str]:
        """Files of these sets."""
        return [self.data.file(dataset, model, key) for key in self.keys(dataset)]

    def further_sets(self) -> list[str]:
        """Names of the sets of the further rates: test, and the strongest set of each attack."""
        return ["test", *(keys[-1].name for keys in self.data.attacked.values())]

    def mutate(self, dataset: str, model: str, operator: str) -> Job:
        """Measure label change rates of mutants of one net by one operator."""
        section = self.config.stability
        main, *further = section.rates(operator, model)
        given = options(section.mutation) | {
            "operator": operator,
            "method": section.module_of(operator),
            "dataset": dataset,
            "model": model,
            **named(self.keys(dataset)),
            "further_sets": self.further_sets(),
            "set": section.operator_options(operator, model) | {"rate": main},
            "further_rates": further,
            **self.runtime("mutate", dataset, model, operator),
        }
        return Job(given, (OPERATORS.file(section.module_of(operator)), self.networks.file(model)))

    def measure_conductance(self, dataset: str, model: str) -> Job:
        """Measure the conductance of a net's blocks."""
        given = options(self.config.stability.conductance) | {
            "dataset": dataset,
            "model": model,
            **named(self.data.keys(dataset)),
            **self.runtime("conduct", dataset, model),
        }
        return Job(given, (self.networks.file(model),))
