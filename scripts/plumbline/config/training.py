"""Configuration of the stage training."""

from typing import Any, Literal

from pydantic import Field

from plumbline.config.base import Count, MethodOptions, Name, Positive, Section


class TrainingOptions(Section):
    """How one net is trained."""

    epochs: Count = 20
    """Passes over the training set; the best on val is kept."""

    batch: Count = 64
    """Images per step."""

    optimizer: Literal["adam", "sgd", "adadelta"] = "adam"
    """Optimizer of torch.optim; sgd has momentum 0.9."""

    learning_rate: Positive = 1e-3
    """Step size at the start; it falls to zero along a cosine."""

    weight_decay: float = Field(0.0, ge=0)
    """L2 penalty on the weights."""

    augment: Literal["none", "shift", "shift_flip"] = "none"
    """Random shifts by up to a tenth of the image, and mirror images."""

    normalise: bool = False
    """Subtract the training set's mean and divide by its standard deviation, inside the net."""

    network: MethodOptions = Field(default_factory=dict)
    """Options of the architecture, such as dropout or width."""


class TrainingSection(Section):
    """Nets: how they are trained. A net's options are `default`, then `models`, then `datasets`."""

    seeds: Count = 3
    """Nets trained for every dataset and model, from different random seeds: the deep ensemble and
    the intervals over seeds."""

    default: TrainingOptions = TrainingOptions()
    """Options of every net."""

    models: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    """What differs for one architecture."""

    datasets: dict[Name, dict[Name, dict[str, Any]]] = Field(default_factory=dict)
    """What differs for one dataset and architecture."""
