"""The plan of the stage attacks."""

from typing import Any

from plumbline.registry import ATTACKS, OPERATORS
from plumbline.workflow.stages.part import Job, Part


class AttackPlan(Part):
    """The configured attacks and the options of their jobs."""

    def bounded(self) -> list[str]:
        """Attacks that make an image set for every epsilon."""
        minimal = self.config.attacks.minimal()
        return [entry for entry in self.config.attacks.methods if entry not in minimal]

    def attack(self, dataset: str, model: str, attack: str) -> Job:
        """Attack one net by one method; an adaptive attack also runs a mutation operator."""
        section, stability = self.config.attacks, self.config.stability
        given: dict[str, Any] = {
            "set": section.options_of(attack),
            "method": section.module_of(attack),
            "attack": attack,
            "dataset": dataset,
            "model": model,
            "count": section.images_of(attack),
            **self.runtime("attack", dataset, model, attack),
        }
        modules = [ATTACKS.file(section.module_of(attack)), self.networks.file(model)]
        if attack in self.bounded():
            given["epsilons"] = section.epsilons
        if operator := section.operator_of(attack):
            given["operator"] = stability.module_of(operator)
            given["operator_set"] = stability.operator_options(operator, model)
            modules.append(OPERATORS.file(stability.module_of(operator)))
        return Job(given, tuple(modules))
