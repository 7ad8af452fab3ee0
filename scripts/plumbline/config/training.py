"""Configuration of the stage training."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from plumbline.config.base import Count, MethodOptions, Name, Positive, Section
from plumbline.errors import shown


class TrainingOptions(Section):
    """How one net is trained."""

    epochs: Count = 20
    """Passes over the training set; the best on val is kept."""

    batch: Count = 64
    """Images per step."""

    optimizer: Literal["adam", "sgd", "adadelta"] = "adam"
    """Optimizer of torch.optim."""

    learning_rate: Positive = 1e-3
    """Step size at the start; it falls to zero along a cosine."""

    momentum: float = Field(0.9, gt=0, lt=1)
    """Of sgd, in Nesterov's form."""

    weight_decay: float = Field(0.0, ge=0)
    """L2 penalty on the weights."""

    augment: Literal["none", "shift", "shift_flip"] = "none"
    """Random shifts by up to a tenth of the image, and mirror images."""

    normalise: bool = False
    """Subtract the training set's mean and divide by its standard deviation, inside the net."""

    network: MethodOptions = Field(default_factory=dict)
    """Options of the architecture, such as dropout or width."""


class EvidentialOptions(Section):
    """Evidential nets: they are trained for evidence, not for probabilities."""

    kind: Literal["evidential"]
    """Sensoy, Kaplan and Kandemir 2018."""

    loss: Literal["squared_error", "log", "digamma"] = "squared_error"
    """What is expected under the Dirichlet distribution: the squared error (their eq. 5), the
    probability, whose logarithm is taken (eq. 3), or the cross-entropy (eq. 4)."""

    evidence: Literal["relu", "softplus", "exp"] = "exp"
    """What makes evidence of the net's outputs; with relu some images get none for any class."""

    annealing: Count = 200
    """Epochs over which the penalty of misleading evidence grows to its full weight; where an epoch
    has few steps, too few of them make the net give up all evidence."""


class BayesianOptions(Section):
    """Bayesian nets: every weight has a normal distribution of its own, and no dropout is left."""

    kind: Literal["bayesian"]
    """Bayes by backprop, Blundell et al. 2015."""

    prior_scale: Positive = 1.0
    """Standard deviation of every weight before any image is seen."""

    initial_scale: Positive = 0.02
    """Standard deviation of every weight when training starts. Where images are few, training ends
    long before the divergence from the prior has its way, and the weights' deviations stay near
    this."""

    epochs: Count | None = None
    """Passes over the training set; as the ordinary net, if not given."""

    learning_rate: Positive | None = None
    """Step size at the start; as the ordinary net, if not given."""


CROSS_ENTROPY = "cross_entropy"  # the objective of a net that `objectives` says nothing about
GIVEN = "given"  # in its place where the weights were not trained here
PLAIN = (CROSS_ENTROPY, GIVEN)
OVERRULING = {"epochs", "learning_rate"}
ObjectiveOptions = Annotated[EvidentialOptions | BayesianOptions, Field(discriminator="kind")]


class GivenWeights(Section):
    """Weights that somebody else trained, taken over as they are. If they saw the official training
    set, the dataset wants `splits_of: test`."""

    path: str | None = None
    """File of the weights, your own or in the mirror: safetensors, or a PyTorch state dict."""

    url: str | None = None
    """Address of the published file, downloaded if there is nothing at `path`."""

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{8,64}$")] | None = None
    """SHA-256 of the file at `url`, or its first digits, eight at least."""

    mean: tuple[float, ...] | None = None
    """What is subtracted from the pixels of each channel, in [0, 1]; nothing, if not given."""

    std: tuple[Positive, ...] | None = None
    """What the pixels of each channel are then divided by."""

    network: MethodOptions = Field(default_factory=dict)
    """Options of the architecture, such as dropout or width."""

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if not (self.path or self.url):
            raise ValueError("weights need a path or a url")
        if bool(self.url) != bool(self.sha256):
            raise ValueError("url and sha256 go together: a download is checked")
        if len(self.mean or ()) != len(self.std or ()):
            raise ValueError("mean and std need a number for each channel")
        return self


class TrainingSection(Section):
    """Nets: how they are trained. A net's options are `default`, then `models`, then `datasets`."""

    seeds: Count = 3
    """Nets trained for every dataset and model, from different random seeds: the deep ensemble and
    the intervals over seeds."""

    default: TrainingOptions = TrainingOptions()
    """Options of every net."""

    models: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    """What differs for one architecture. `entry: file.py:Name` makes it a net of your own: a class
    or function in that file, called with `network` and with those of channels, size and classes
    that it has arguments for. `architecture: lenet5` makes the name a replicate of that net: the
    same options, other random seeds; the leaderboard joins them, with intervals over nets."""

    datasets: dict[Name, dict[Name, dict[str, Any]]] = Field(default_factory=dict)
    """What differs for one dataset and architecture."""

    weights: dict[Name, dict[Name, GivenWeights]] = Field(default_factory=dict)
    """Nets that are not trained but given, by dataset and architecture; each is one net, whatever
    `seeds` says."""

    objectives: dict[Name, ObjectiveOptions] = Field(default_factory=dict)
    """What nets are trained for other than `cross_entropy`; such nets are trained where
    `uncertainty.estimators` or `attribution.spread` names one."""

    @field_validator("models", "datasets")
    @classmethod
    def _networks_have_options(cls, layers: dict[str, Any]) -> dict[str, Any]:
        """The options of a net, merged key by key, are a dictionary wherever they stand."""
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
        """A net's folder has the name of its objective."""
        for name in objectives:
            if name in PLAIN:
                raise ValueError(f"{name!r} is the name of nets without an entry here")
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
                raise ValueError(f"{name}: a replicate has no options but its architecture's")
        return models

    @property
    def entries(self) -> dict[str, str]:
        """Nets of the user's own: name -> ``file.py:Name``."""
        return {name: each["entry"] for name, each in self.models.items() if "entry" in each}

    @property
    def replicates(self) -> dict[str, str]:
        """Nets that are trained as another one is, from other seeds: name -> that net."""
        key = "architecture"
        return {name: each[key] for name, each in self.models.items() if key in each}

    def layers(self, dataset: str, model: str) -> list[dict[str, Any]]:
        """What differs from ``default`` for one net: its model's options, then its dataset's; those
        of a replicate are its architecture's."""
        name = self.replicates.get(model, model)
        found = self.models.get(name, {}), self.datasets.get(dataset, {}).get(name, {})
        return [{k: v for k, v in layer.items() if k != "entry"} for layer in found]

    def overruled(self, objective: str) -> dict[str, Any]:
        """What an objective changes in the options of a net."""
        options = self.objectives.get(objective)
        if not isinstance(options, BayesianOptions):
            return {}
        given = options.model_dump(include=OVERRULING, exclude_none=True)
        return given | {"weight_decay": 0.0}  # the prior has its place

    def own_options(self, objective: str) -> dict[str, Any]:
        """What an objective has beside them, without its kind."""
        return self.objectives[objective].model_dump(exclude={"kind", *OVERRULING})
