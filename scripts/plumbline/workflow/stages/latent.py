"""The plan of the stage latent: corpora, maps, holes, and training on images decoded from holes."""

from dataclasses import dataclass
from typing import Any

from plumbline.config.latent import ARMS
from plumbline.config.training import EXTENDED
from plumbline.registry import ESTIMATORS
from plumbline.workflow.stages.data import DataPlan
from plumbline.workflow.stages.part import Job, Part, options
from plumbline.workflow.stages.training import TrainingPlan
from plumbline.workflow.stages.uncertainty import UncertaintyPlan

SURVEYS = "plumbline/programs/survey_latent"


@dataclass(frozen=True)
class LatentPlan(Part):
    """The VAEs, and the nets that are mapped over their latent spaces."""

    data: DataPlan
    training: TrainingPlan
    uncertainty: UncertaintyPlan

    def unmapped(self, dataset: str, corpus: str) -> str:
        """Reason why a corpus of a dataset has no maps; empty if it has maps."""
        if not self.models(dataset):
            names = ", ".join(self.config.latent.estimators)
            return f"no net has an estimator that is mapped ({names})"
        if corpus == "out_of_distribution" and not self.config.also_encoded(dataset):
            return "no dataset in ood has images to train on"
        return ""

    def corpora(self, dataset: str) -> list[str]:
        """Corpora of a dataset that have maps."""
        entries = self.config.latent.corpora
        return [corpus for corpus in entries if not self.unmapped(dataset, corpus)]

    def mapped(self, dataset: str, model: str) -> dict[str, dict[str, Any]]:
        """Module and options by name of the mapped estimators that apply to a net."""
        section = self.config.uncertainty
        applying = self.uncertainty.estimators(dataset, model)
        return {
            name: {"method": section.module_of(name), "options": section.options_of(name)}
            for name in self.config.latent.estimators
            if name in applying
        }

    def models(self, dataset: str) -> list[str]:
        """Nets that have maps."""
        return [model for model in self.config.models if self.mapped(dataset, model)]

    def nets(self, dataset: str, model: str) -> list[str]:
        """Files of the nets of the mapped estimators."""
        section = self.config.uncertainty
        count = max(section.nets(entry) for entry in self.mapped(dataset, model))
        return self.training.nets(dataset, model, count)

    def vaes(self, stem: str) -> list[str]:
        """Patterns of the files of the VAE whose maps are drawn, then of further VAEs."""
        numbers = ["", *(f".{seed}" for seed in range(1, self.config.latent.vae.seeds))]
        return [f"latent/{{dataset}}/{{corpus}}/{stem}{number}.safetensors" for number in numbers]

    def of_models(self, dataset: str, corpus: str, ending: str) -> list[str]:
        """Files of one corpus and every net that has maps."""
        folder = f"latent/{dataset}/{corpus}"
        return [f"{folder}/{model}.{ending}" for model in self.models(dataset)]

    def of_corpora(self, dataset: str, ending: str) -> list[str]:
        """Files of every corpus and every net that has maps."""
        corpora = self.corpora(dataset)
        return [file for corpus in corpora for file in self.of_models(dataset, corpus, ending)]

    def of_vaes(self, dataset: str, artefact: str) -> list[str]:
        """Files of every corpus: ``vae`` or ``codes`` of the VAE whose maps are drawn."""
        folder = f"latent/{dataset}"
        return [f"{folder}/{corpus}/{artefact}.safetensors" for corpus in self.corpora(dataset)]

    def second(self, dataset: str, corpus: str, split: str) -> list[str]:
        """Files of the images of a corpus in addition to the training set."""
        if corpus == "out_of_distribution":
            others = self.config.also_encoded(dataset)
            return [self.data.split(other, split) for other in others]
        if corpus == "adversarial" and split == "train":
            keys = self.data.attacked[self.config.latent.attack]
            largest = max(keys, key=lambda key: key.epsilon or 0)
            return [self.data.file(dataset, self.config.models[0], largest)]
        return []

    def fit_vae(self, dataset: str, corpus: str) -> Job:
        """Fit the VAEs of a corpus."""
        given = options(self.config.latent.vae)
        return Job(given | {"corpus": corpus} | self.runtime("fit_vae", dataset, corpus))

    def map_latent(self, dataset: str, corpus: str, model: str) -> Job:
        """Map the uncertainty of a net over the latent space of a corpus."""
        given = {
            "estimators": self.mapped(dataset, model),
            "starred": self.config.latent.points,
            "attacked": self.config.models[0] if corpus == "adversarial" else None,
            "dataset": dataset,
            "corpus": corpus,
            "model": model,
            **self.runtime("map_latent", dataset, corpus, model),
        }
        return Job(options(self.config.latent.grid) | given, self._modules("maps", dataset, model))

    def interpolate(self, dataset: str, corpus: str, model: str) -> Job:
        """Measure uncertainty along interpolations between test images.

        The seed depends on the corpus, not on the net, so that all nets see the same pairs.
        """
        given = {
            "estimators": self.mapped(dataset, model),
            "dataset": dataset,
            "corpus": corpus,
            "model": model,
            **self.runtime("interpolate", dataset, corpus),
        }
        section = self.config.latent.interpolation
        return Job(options(section) | given, self._modules("interpolation", dataset, model))

    def _modules(self, survey: str, dataset: str, model: str) -> tuple[str, ...]:
        methods = sorted({entry["method"] for entry in self.mapped(dataset, model).values()})
        return (f"{SURVEYS}/{survey}.py", self.networks.file(model), *map(ESTIMATORS.file, methods))

    def find_holes(self, dataset: str, corpus: str, model: str) -> Job:
        """Find holes: cells off the data where the net is certain."""
        return Job(
            {
                "estimators": list(self.mapped(dataset, model)),
                "seed": self.seed("find_holes", dataset),
                "device": "cpu",
            },
            (f"{SURVEYS}/holes.py",),
        )

    def not_extended(self, dataset: str, model: str) -> str:
        """Reason why a net is not retrained with decoded images; empty if it is."""
        estimator = self.config.latent.extension.estimator
        if self.config.weights(dataset, model):
            return "given weights, so no training"
        if estimator not in self.mapped(dataset, model):
            return f"no map of {estimator}, which shows the holes"
        return ""

    def extended(self, dataset: str) -> list[str]:
        """Nets that are retrained with decoded images: those trained here that have maps."""
        wanted = self.config.latent.extension.models if self.config.latent.corpora else ()
        return [
            model
            for model in self.config.models
            if model in wanted and not self.not_extended(dataset, model)
        ]

    def arms(self) -> list[tuple[str, int]]:
        """Arm and seed of every net in the comparison."""
        seeds = range(self.config.latent.extension.seeds)
        return [(arm, seed) for arm in ARMS for seed in seeds]

    def extended_nets(self, dataset: str, model: str) -> list[str]:
        """Files of these nets: trained without extra images, with random ones, or with holes."""
        folder = f"models/{dataset}/{model}"
        return [
            self.training.net(dataset, model, seed)
            if arm == "none"
            else f"{folder}/{EXTENDED}{arm}/{seed}/classifier.safetensors"
            for arm, seed in self.arms()
        ]

    def sample_holes(self, dataset: str, model: str) -> Job:
        """Decode images from holes, and as many from random points off the data."""
        section = self.config.latent.extension
        return Job(
            {
                "of": f"{section.estimator}.{section.measure}",
                "count": section.images,
                "seed": self.seed("sample_holes", dataset, model),
                "device": "cpu",
            },
            (f"{SURVEYS}/samples.py",),
        )

    def retrain(self, dataset: str, model: str, arm: str, seed: str | int) -> Job:
        """Retrain a net with decoded images.

        The seed is that of normal training: nets of one seed have the same initial weights in all
        arms.
        """
        given = {
            "target": self.config.latent.extension.target,
            **self.training.built(model),
            **self.runtime("train", dataset, model, int(seed)),
        }
        return Job(
            options(self.config.training_options(dataset, model)) | given,
            (self.networks.file(model),),
        )

    def measure_extension(self, dataset: str, model: str) -> Job:
        """Compare the nets of all arms."""
        given = {
            "names": [key.name for key in self.data.foreign_keys(dataset)],
            "arms": [arm for arm, _ in self.arms()],
            "seeds": [seed for _, seed in self.arms()],
            "dataset": dataset,
            "model": model,
            "target": self.config.latent.extension.target,
            **self.runtime("measure_extension", dataset, model),
        }
        return Job(given, (self.networks.file(model),))
