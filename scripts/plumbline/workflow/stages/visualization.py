"""The plan of the stage visualization: class visualizations and generators."""

from dataclasses import dataclass

from plumbline.registry import GENERATORS, VISUALIZATIONS
from plumbline.workflow.stages.data import DataPlan
from plumbline.workflow.stages.part import Job, Part, options
from plumbline.workflow.stages.training import TrainingPlan


@dataclass(frozen=True)
class VisualizationPlan(Part):
    """The class visualizations, their inputs, and the nets that evaluate them."""

    data: DataPlan
    training: TrainingPlan

    def fit_generator(self, dataset: str, generator: str) -> Job:
        """Train a generative adversarial network."""
        given = options(self.config.visualization.generators[generator])
        return Job(
            given | {"generator": generator} | self.runtime("fit_gan", dataset, generator),
            (GENERATORS.file(generator),),
        )

    def judging_nets(self, dataset: str) -> list[str]:
        """Files of the nets that evaluate a generator: the first of each architecture."""
        return [self.training.net(dataset, model) for model in self.config.models]

    def measure_generator(self, dataset: str, generator: str) -> Job:
        """Measure samples of a generator."""
        models = self.config.models
        given = {
            "dataset": dataset,
            "models": models,
            **self.runtime("measure_gan", dataset, generator),
        }
        return Job(given, (GENERATORS.file(generator), *map(self.networks.file, models)))

    def second_net(self, dataset: str, model: str) -> list[tuple[str, int]]:
        """Model and seed of an independently trained net: another seed if possible, else another
        model; empty if the run has no other net.
        """
        if self.config.seeds_of(dataset, model) > 1:
            return [(model, 1)]
        return [(other, 0) for other in self.config.models if other != model][:1]

    def second_files(self, dataset: str, model: str) -> list[str]:
        """File of the independently trained net."""
        return [self.training.net(dataset, *net) for net in self.second_net(dataset, model)]

    def generator(self, dataset: str, visualization: str) -> list[str]:
        """File of the generator whose codes a visualization optimizes, if any."""
        return [
            f"visualization/{dataset}/{name}.safetensors" for name in self._searched(visualization)
        ]

    def _searched(self, visualization: str) -> list[str]:
        name = self.config.visualization.generator_of(visualization)
        return [name] if name else []

    def training_images(self, dataset: str, visualization: str) -> list[str]:
        """File of the training images, for a visualization that starts from them."""
        needed = self.config.visualization.needs_training_images(visualization)
        return [self.data.split(dataset, "train")] if needed else []

    def compared_with(self, dataset: str, model: str, visualization: str) -> list[str]:
        """File of the visualization that another one is compared with, if any."""
        other = self.config.visualization.against_of(visualization)
        return [f"visualization/{dataset}/{model}/{other}.safetensors"] if other else []

    def visualize(self, dataset: str, model: str, visualization: str) -> Job:
        """Synthesize images for classes of one net.

        The seed does not depend on the entry, so that all entries start from the same images.
        """
        section = self.config.visualization
        given = {
            "name": visualization,
            "method": section.module_of(visualization),
            "set": section.options_of(visualization),
            "classes": section.classes,
            "starts": section.starts,
            "dataset": dataset,
            "model": model,
            **self.runtime("visualize", dataset, model),
        }
        nets = [model, *(other for other, _ in self.second_net(dataset, model))]
        modules = [
            VISUALIZATIONS.file(section.module_of(visualization)),
            *map(GENERATORS.file, self._searched(visualization)),
            *map(self.networks.file, nets),
        ]
        return Job(given, tuple(modules))
