"""The plan of the stage attribution: methods that apply to a net, and their tests."""

import functools
from dataclasses import dataclass
from typing import Any

from plumbline.config.training import CROSS_ENTROPY
from plumbline.registry import ATTRIBUTIONS
from plumbline.workflow.stages.part import Job, Part, options
from plumbline.workflow.stages.training import TrainingPlan

Entries = list[str]
CHECKS = "plumbline/programs/check_attributions"


@functools.cache
def _family(entry: str) -> str:
    return ATTRIBUTIONS.family(entry)


@dataclass(frozen=True)
class AttributionPlan(Part):
    """The attribution methods of each net and their tests."""

    training: TrainingPlan

    def inapplicable(self, entry: str, model: str) -> str:
        """Why an entry of ``attribution.methods`` does not apply to a net; empty if it does."""
        modules = self.config.attribution.modules_of(entry)
        reasons = (self.networks.unmet(ATTRIBUTIONS, module, model) for module in modules)
        return next(filter(None, reasons), "")

    def entries(self, model: str) -> Entries:
        """Entries of ``attribution.methods`` that apply to a net."""
        names = self.config.attribution.methods
        return [entry for entry in names if not self.inapplicable(entry, model)]

    def files(self, dataset: str, model: str, ending: str) -> list[str]:
        """A file of every entry of a net."""
        return [f"attribution/{dataset}/{model}/{entry}.{ending}" for entry in self.entries(model)]

    def families(self, model: str) -> dict[str, Entries]:
        """The entries of a net by family, without empty families, in order."""
        family_of = {entry: _family(entry) for entry in self.entries(model)}
        return {
            family: [entry for entry, own in family_of.items() if own == family]
            for family in ATTRIBUTIONS.families
            if family in family_of.values()
        }

    def compared(self, model: str) -> bool:
        """Whether methods of a net are compared with the random ranking."""
        return {"random"} < set(self.entries(model))

    def gallery(self, dataset: str) -> dict[str, Any]:
        """Criteria for the images that every method explains for the gallery."""
        section = self.config.attribution.gallery
        return options(section) | {
            "images": section.images.get(dataset, ()),
            "seed": self.seed("gallery", dataset),
        }

    def explain(self, dataset: str, model: str, method: str) -> Job:
        """Explain test images of one net by one method."""
        section = self.config.attribution
        given = {
            "name": method,
            "method": section.module_of(method),
            "set": section.options_of(method),
            "count": section.images_of(method),
            "gallery": self.gallery(dataset),
        }
        return Job(
            given | self._common("explain", dataset, model, method), self._files(model, method)
        )

    def measure_degradation(self, dataset: str, model: str, method: str) -> Job:
        """Degradation test of one method."""
        section = self.config.attribution
        given = options(section.degradation) | {"count": section.images_of(method)}
        return Job(
            given | self._common("degrade", dataset, model, method),
            (self.networks.file(model),),
        )

    def compare_attributions(self, dataset: str, model: str) -> Job:
        """Compare all methods of a net by the degradation test."""
        return Job({"seed": self.seed("compare", dataset, model)})

    def with_log_odds(self, model: str) -> Entries:
        """Entries of the log-odds test that apply to a net; empty if the test is not configured."""
        test = self.config.attribution.log_odds
        chosen = test.methods if test.pairs else ()
        return [entry for entry in chosen if not self.inapplicable(entry, model)]

    def propagating(self, model: str) -> Entries:
        """Entries that propagate relevance by rules, so that its conservation can be checked."""
        section = self.config.attribution
        return [
            entry
            for entry in self.entries(model)
            if ATTRIBUTIONS.defines(section.module_of(entry), "rules")
        ]

    def randomized(self, model: str) -> Entries:
        """Entries of the parameter randomization test that apply to a net."""
        section = self.config.attribution
        chosen = section.randomization.methods or section.methods
        return [entry for entry in chosen if not self.inapplicable(entry, model)]

    def checked(self, model: str, check: str) -> Entries:
        """Entries of a net in a check: ``conservation``, ``log_odds`` or ``randomization``."""
        return {
            "conservation": self.propagating,
            "log_odds": self.with_log_odds,
            "randomization": self.randomized,
        }[check](model)

    def check(self, dataset: str, model: str, check: str) -> Job:
        """Run a check for all its entries in one job."""
        section, entries = self.config.attribution, self.checked(model, check)
        called = {entry: [section.module_of(entry), section.options_of(entry)] for entry in entries}
        of_check: dict[str, Any] = {
            "conservation": {"count": section.images},
            "log_odds": {
                "pairs": section.log_odds.pairs,
                "share": section.log_odds.share,
                "count": section.log_odds.images,
            },
            "randomization": {"count": section.randomization.images},
        }
        seeds = {"conservation": "conserve", "log_odds": "log_odds", "randomization": "randomize"}
        return Job(
            of_check[check] | {"methods": called} | self._common(seeds[check], dataset, model),
            (f"{CHECKS}/{check}.py", *self._files(model, *entries)),
        )

    def no_spread(self, dataset: str, model: str, spread: str) -> str:
        """Why an entry of ``attribution.spread`` does not apply to a net; empty if it does."""
        entry = self.config.attribution.spread[spread]
        if entry.source == "dropout" and "dropout" not in self.networks.traits(model):
            return "no dropout layer"
        if entry.objective != CROSS_ENTROPY and self.config.weights(dataset, model):
            return "given weights, trained by cross-entropy"
        return self.inapplicable(entry.method, model)

    def spreads(self, dataset: str, model: str) -> Entries:
        """Entries of ``attribution.spread`` that apply to a net."""
        entries = self.config.attribution.spread
        return [name for name in entries if not self.no_spread(dataset, model, name)]

    def plain_spread(self, dataset: str, model: str, spread: str) -> list[str]:
        """File of the spread that differs from an evidential one only by the net, if any."""
        entries = self.config.attribution.spread
        if entries[spread].objective == CROSS_ENTROPY:
            return []
        plain = entries[spread].model_copy(update={"objective": CROSS_ENTROPY})
        same = [name for name in self.spreads(dataset, model) if entries[name] == plain]
        return [f"attribution/{dataset}/{model}/spread/{name}.safetensors" for name in same[:1]]

    def spread_objective(self, dataset: str, model: str, spread: str) -> str:
        """Training objective of the net of an entry of ``attribution.spread``."""
        entry = self.config.attribution.spread[spread]
        return self.config.objective(dataset, model, entry.objective)

    def spread_net(self, dataset: str, model: str, spread: str) -> str:
        """File of the net of an entry of ``attribution.spread``."""
        objective = self.config.attribution.spread[spread].objective
        return self.training.net(dataset, model, objective=objective)

    def check_spread(self, dataset: str, model: str, spread: str) -> Job:
        """Measure the spread of one attribution over stochastic passes.

        The seed does not depend on the entry: masks and noise are equal, so that images are paired.
        """
        section = self.config.attribution
        entry = section.spread[spread]
        given = entry.model_dump(exclude={"images"}) | {
            "name": spread,
            "count": entry.images,
            "module": section.module_of(entry.method),
            "set": section.options_of(entry.method),
            "objective": self.spread_objective(dataset, model, spread),
        }
        return Job(
            given | self._common("spread", dataset, model),
            (f"{CHECKS}/spread.py", *self._files(model, entry.method)),
        )

    def _common(self, rule: str, dataset: str, model: str, *names: str) -> dict[str, Any]:
        """Options of all programs of the stage."""
        return {
            "memory_mb": self.config.attribution.memory_mb,
            "dataset": dataset,
            "model": model,
            **self.runtime(rule, dataset, model, *names),
        }

    def _files(self, model: str, *entries: str) -> tuple[str, ...]:
        """Files of the modules of these entries and of the net."""
        section = self.config.attribution
        modules = {module for entry in entries for module in section.modules_of(entry)}
        return (*map(ATTRIBUTIONS.file, sorted(modules)), self.networks.file(model))
