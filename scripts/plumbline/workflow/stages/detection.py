"""The plan of the stage detection: scores, detectors, the leaderboard."""

from dataclasses import dataclass

from plumbline.registry import DETECTORS, SCORES
from plumbline.workflow.stages.data import DataPlan, named
from plumbline.workflow.stages.part import Job, Part, options
from plumbline.workflow.stages.stability import StabilityPlan
from plumbline.workflow.stages.training import TrainingPlan
from plumbline.workflow.stages.uncertainty import UncertaintyPlan

COMPARISONS = "plumbline/programs/compare_scores"


@dataclass(frozen=True)
class DetectionPlan(Part):
    """The scores and detectors of each net and their inputs."""

    data: DataPlan
    training: TrainingPlan
    uncertainty: UncertaintyPlan
    stability: StabilityPlan

    def unscored(self, dataset: str, model: str, score: str) -> str:
        """Reason why an entry of ``detection.scores`` does not apply to a net; empty if it does."""
        section, nets = self.config.detection, self.config.seeds_of(dataset, model)
        if section.nets(score) > nets:
            return f"needs {section.nets(score)} nets, there is {nets}"
        if "vae" in section.needs(score) and "in_distribution" not in self.config.latent.corpora:
            return "latent.corpora has no in_distribution"
        return ""

    def scores(self, dataset: str, model: str) -> list[str]:
        """Entries of ``detection.scores`` whose nets and VAE exist."""
        entries = self.config.detection.scores
        return [entry for entry in entries if not self.unscored(dataset, model, entry)]

    def score_files(self, dataset: str, model: str) -> list[str]:
        """Files of these scores."""
        folder = f"detection/{dataset}/{model}/scores"
        return [f"{folder}/{entry}.parquet" for entry in self.scores(dataset, model)]

    def nets(self, dataset: str, model: str, score: str) -> list[str]:
        """Files of the nets of a score."""
        return self.training.nets(dataset, model, self.config.detection.nets(score))

    def needed(self, dataset: str, score: str, what: str) -> list[str]:
        """File of ``train``, the images, or ``vae``, if a score needs it."""
        files = {
            "train": self.data.split(dataset, "train"),
            "vae": f"latent/{dataset}/in_distribution/vae.safetensors",
        }
        return [files[what]] if what in self.config.detection.needs(score) else []

    def score_images(self, dataset: str, model: str, score: str) -> Job:
        """Score every image of every set."""
        section = self.config.detection
        given = {
            "set": section.options_of(score),
            "method": section.module_of(score),
            "score": score,
            **named(self.data.keys(dataset)),
            **self.runtime("score", dataset, model, score),
        }
        return Job(given, (SCORES.file(section.module_of(score)), self.networks.file(model)))

    def detecting(self, model: str) -> bool:
        """Whether detectors are fitted; they need label change rates."""
        methods = self.config.detection.detectors.methods
        return bool(methods and self.stability.operators(model))

    def detector_scores(self, dataset: str, model: str) -> list[str]:
        """File of the detectors' scores, if the net has detectors."""
        file = f"detection/{dataset}/{model}/detectors.parquet"
        return [file] if self.detecting(model) else []

    def detector_tables(self, dataset: str) -> list[str]:
        """Tables of detectors of all nets of a dataset that have detectors."""
        models = filter(self.detecting, self.config.models)
        return [f"detection/{dataset}/{model}/detectors.csv" for model in models]

    def fit_detectors(self, dataset: str, model: str) -> Job:
        """Fit detectors of misclassification on the calibration split."""
        section = self.config.detection.detectors
        given = options(section) | {
            "minimal": self.config.attacks.minimal(),
            "dataset": dataset,
            "model": model,
            "seed": self.seed("fit_detectors", dataset, model),
        }
        return Job(given, tuple(map(DETECTORS.file, section.methods)))

    def compare_scores(self, dataset: str, model: str) -> Job:
        """Evaluate every score as a detector of misclassified, adversarial and OOD images."""
        return Job(
            {
                "dataset": dataset,
                "model": model,
                "near": self.config.data.sources[dataset].near,
                "passes": self.uncertainty.passes(dataset, model),
                "steps": self.config.stability.conductance.steps,
                "seed": self.seed("detect", dataset, model),
            },
            (f"{COMPARISONS}/tasks.py",),
        )

    def rank_scores(self) -> Job:
        """Rank all scores over all nets."""
        given = {"replicates": self.networks.replicates, "seed": self.seed("rank")}
        return Job(given, (f"{COMPARISONS}/ranks.py",))
