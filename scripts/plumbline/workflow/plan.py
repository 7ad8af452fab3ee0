"""The plan of a run: inputs, outputs and options of all jobs, derived from the configuration.

It determines nets, methods, image sets and tables, the options and code of each job, and the
reasons for omitted entries.  It does not depend on Snakemake and reads no files except the source
of the modules of methods.
"""

from plumbline.config.whole import Config
from plumbline.workflow.stages.attacks import AttackPlan
from plumbline.workflow.stages.attribution import AttributionPlan
from plumbline.workflow.stages.data import DataPlan
from plumbline.workflow.stages.detection import DetectionPlan
from plumbline.workflow.stages.latent import LatentPlan
from plumbline.workflow.stages.report import ReportPlan
from plumbline.workflow.stages.stability import StabilityPlan
from plumbline.workflow.stages.training import TrainingPlan
from plumbline.workflow.stages.uncertainty import UncertaintyPlan
from plumbline.workflow.stages.visualization import VisualizationPlan


class Plan:
    """The plan of one configuration, with a part for each stage."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.data = DataPlan(config)
        self.training = TrainingPlan(config)
        self.attacks = AttackPlan(config)
        self.uncertainty = UncertaintyPlan(config, self.data, self.training)
        self.latent = LatentPlan(config, self.data, self.training, self.uncertainty)
        self.attribution = AttributionPlan(config, self.training)
        self.visualization = VisualizationPlan(config, self.data, self.training)
        self.stability = StabilityPlan(config, self.data)
        self.detection = DetectionPlan(
            config, self.data, self.training, self.uncertainty, self.stability
        )
        self.report = ReportPlan(
            config,
            self.data,
            self.uncertainty,
            self.latent,
            self.attribution,
            self.stability,
            self.detection,
        )
