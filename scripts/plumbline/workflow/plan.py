"""The plan of a run: what every rule of the workflow asks the configuration.

Which nets, methods, image sets and tables there are, what a job's program is called with, which
code counts for it, and why something is left out.  Nothing here knows Snakemake, nothing is read
but the text of the methods' modules.
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
    """The plan of one configuration, a part for each stage."""

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
