"""Configuration of the stage training."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from plumbline.config.base import Count, MethodOptions, Name, Positive, Section
from plumbline.errors import shown


class TrainingOptions(Section):
    """Training of one net."""

    epochs: Count = 20
    """Number of passes over the training set; the best epoch on val is kept."""

    batch: Count = 64
    """Images per step."""

    optimizer: Literal["adam", "sgd", "adadelta"] = "adam"
    """Optimizer of torch.optim."""

    learning_rate: Positive = 1e-3
    """Initial learning rate; it decreases to zero along a cosine."""

    momentum: float = Field(0.9, gt=0, lt=1)
    """Nesterov momentum of sgd."""

    weight_decay: float = Field(0.0, ge=0)
    """L2 penalty on the weights."""

    augment: Literal["none", "shift", "shift_flip"] = "none"
    """Augmentation: random shifts by up to a tenth of the image, and horizontal flips."""

    normalise: bool = False
    """Subtract the training set's mean and divide by its standard deviation, as part of the net."""

    network: MethodOptions = Field(default_factory=dict)
    """Options of the architecture, such as dropout or width."""


class EvidentialOptions(Section):
    """Evidential nets, trained to output evidence instead of probabilities."""

    kind: Literal["evidential"]
    """Sensoy, Kaplan and Kandemir 2018."""

    loss: Literal["squared_error", "log", "digamma"] = "squared_error"
    """Loss under the Dirichlet distribution: the expected squared error (their eq. 5), the negative
    logarithm of the expected probability (eq. 3), or the expected cross-entropy (eq. 4)."""

    evidence: Literal["relu", "softplus", "exp"] = "exp"
    """Function that turns outputs into evidence; with relu some images have no evidence for any
    class."""

    annealing: Count = 200
    """Number of epochs over which the weight of the penalty on misleading evidence grows to 1. If
    epochs have few steps, a small number makes the net lose all evidence."""


class BayesianOptions(Section):
    """Bayesian nets: every weight has its own normal distribution; dropout is removed."""

    kind: Literal["bayesian"]
    """Bayes by backprop, Blundell et al. 2015."""

    prior_scale: Positive = 1.0
    """Standard deviation of every weight in the prior distribution."""

    initial_scale: Positive = 0.02
    """Standard deviation of every weight at the start of training. With few images, training ends
    long before the divergence from the prior takes effect, and the standard deviations stay near
    this value."""

    epochs: Count | None = None
    """Number of passes over the training set; by default as for the ordinary net."""

    learning_rate: Positive | None = None
    """Initial learning rate; by default as for the ordinary net."""


CROSS_ENTROPY = "cross_entropy"  # the default objective
GIVEN = "given"  # used instead for nets with given weights
PLAIN = (CROSS_ENTROPY, GIVEN)
EXTENDED = "extension_"  # begins the folders of nets trained with extra images
OVERRULING = {"epochs", "learning_rate"}
ObjectiveOptions = Annotated[EvidentialOptions | BayesianOptions, Field(discriminator="kind")]


class GivenWeights(Section):
    """Weights trained elsewhere and used unchanged. If they were trained on the official training
    set, the dataset needs `splits_of: test`."""

    path: str | None = None
    """File of the weights, your own or in the mirror: safetensors, or a PyTorch state dict."""

    url: str | None = None
    """Address of the published file, which is downloaded if there is no file at `path`."""

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{8,64}$")] | None = None
    """SHA-256 of the file at `url`, or at least its first eight digits."""

    mean: tuple[float, ...] | None = None
    """Mean to subtract from the pixels of each channel, in [0, 1]; by default none."""

    std: tuple[Positive, ...] | None = None
    """Standard deviation by which the pixels of each channel are then divided."""

    network: MethodOptions = Field(default_factory=dict)
    """Options of the architecture, such as dropout or width."""

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if not (self.path or self.url):
            raise ValueError("weights need a path or a url")
        if bool(self.url) != bool(self.sha256):
            raise ValueError("url and sha256 must be given together, to check the download")
        if len(self.mean or ()) != len(self.std or ()):
            raise ValueError("mean and std need one number per channel each")
        return self


class TrainingSection(Section):
    """Training of nets. The options of a net are `default`, overridden by `models`, then by
    `datasets`."""

    seeds: Count = 3
    """Number of nets trained for every dataset and model, with different random seeds, for deep
    ensembles and intervals over seeds."""

    default: TrainingOptions = TrainingOptions()
    """Options of every net."""

    models: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    """Options that differ for one architecture. `entry: file.py:Name` defines your own net: a class
    or function in that file, called with `network` and with those of channels, size and classes
    that it has arguments for. `architecture: lenet5` makes the name a replicate of that net, with
    the same options and other random seeds; the leaderboard joins replicates, with intervals over
    nets."""

    datasets: dict[Name, dict[Name, dict[str, Any]]] = Field(default_factory=dict)
    """Options that differ for one dataset and architecture."""

    weights: dict[Name, dict[Name, GivenWeights]] = Field(default_factory=dict)
    """Nets with given weights, which are not trained, by dataset and architecture; there is one net
    each, whatever `seeds` is."""

    objectives: dict[Name, ObjectiveOptions] = Field(default_factory=dict)
    """Training objectives other than `cross_entropy`. Nets are trained for an objective if
    `uncertainty.estimators` or `attribution.spread` uses it."""

    @field_validator("models", "datasets")
    @classmethod
    def _networks_have_options(cls, layers: dict[str, Any]) -> dict[str, Any]:
        """Check that the options ``network``, which are merged key by key, are dictionaries."""
        for name, layer in layers.items():
            for key, value in {"": layer, **layer}.items():
                network = value.get("network", {}) if isinstance(value, dict) else {}
                if not isinstance(network, dict):
                    place = ".".join(filter(None, (name, key, "network")))
                    raise ValueError(f"{place} must be a dictionary, not {shown(network)}")
        return layers

    @field_validator("objectives")
    @classmethod
    def _names_of_folders(cls, objectives: dict[str, Any]) -> dict[str, Any]:
        """Reject reserved names: the folder of a net has the name of its objective."""
        for name in objectives:
            if name in PLAIN or name.startswith(EXTENDED):
                raise ValueError(f"{name!r} is reserved for nets without an entry here")
        return objectives

    @field_validator("models")
    @classmethod
    def _entries_are_texts(cls, models: dict[str, Any]) -> dict[str, Any]:
        for name, options in models.items():
            if not isinstance(options.get("entry", ""), str):
                raise ValueError(f"{name}.entry must be file.py:Name")
            if not isinstance(options.get("architecture", ""), str):
                raise ValueError(f"{name}.architecture must be the name of a net")
            if "architecture" in options and len(options) > 1:
                raise ValueError(f"{name}: a replicate has no options other than architecture")
        return models

    @property
    def entries(self) -> dict[str, str]:
        """User-defined nets: name -> ``file.py:Name``."""
        models = self.models.items()
        return {name: options["entry"] for name, options in models if "entry" in options}

    @property
    def replicates(self) -> dict[str, str]:
        """Nets that are trained like another one with other seeds: name -> that net."""
        key, models = "architecture", self.models.items()
        return {name: options[key] for name, options in models if key in options}

    def layers(self, dataset: str, model: str) -> list[dict[str, Any]]:
        """Options of one net that differ from ``default``: those of its model, then those of its
        dataset; a replicate has those of its architecture."""
        name = self.replicates.get(model, model)
        found = self.models.get(name, {}), self.datasets.get(dataset, {}).get(name, {})
        return [{k: v for k, v in layer.items() if k != "entry"} for layer in found]

    def overruled(self, objective: str) -> dict[str, Any]:
        """Training options that an objective overrides."""
        options = self.objectives.get(objective)
        if not isinstance(options, BayesianOptions):
            return {}
        given = options.model_dump(include=OVERRULING, exclude_none=True)
        return given | {"weight_decay": 0.0}  # replaced by the prior

    def own_options(self, objective: str) -> dict[str, Any]:
        """Options of an objective other than those that override training options."""
        return self.objectives[objective].model_dump(exclude={"kind", *OVERRULING})
