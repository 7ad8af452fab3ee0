"""The outline of the page: its sections, their topics, and what each topic shows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Topic:
    """A part of a section: figures by kind, then the sheets of tables, in this order.

    ``see`` says what to look for; it is written where a section has several topics.
    """

    title: str
    figures: tuple[str, ...]
    tables: tuple[str, ...]
    see: str = ""


@dataclass(frozen=True)
class Section:
    """A section of the page; ``id`` names it in links."""

    title: str
    id: str
    topics: tuple[Topic, ...]


def _single(title: str, stage: str, *figures: str) -> Section:
    """A section of one topic, named like the table of its stage."""
    return Section(title, stage, (Topic(title, figures or (stage,), (stage,)),))


UNCERTAINTY = (
    Topic(
        "Estimators",
        ("calibration", "uncertainty"),
        ("uncertainty",),
        "Is an estimator as often right as it says, and is it less sure of what it gets wrong or "
        "should not know? Each must beat the softmax of a single net.",
    ),
    Topic(
        "Errors and coverage",
        ("risk_coverage",),
        (),
        "If only the most certain images are answered, how many errors are left?",
    ),
    Topic(
        "Refusal",
        ("refusal",),
        ("refusal",),
        "Study 001 lets a Bayesian net refuse: what does that cost in answers, and gain?",
    ),
    Topic(
        "Shifts",
        ("shifts", "rotation"),
        (),
        "Does uncertainty grow where accuracy falls, as images are turned, made noisy or attacked?",
    ),
    Topic(
        "More passes, more nets",
        ("sweep",),
        (),
        "How many passes of MC dropout, and how many nets, are worth their time?",
    ),
)
ATTRIBUTION = (
    Topic(
        "Coverage",
        (),
        ("coverage",),
        "Which methods explained which nets on how many images, and why the others did not.",
    ),
    Topic(
        "Gallery",
        ("gallery",),
        (),
        "The maps themselves, a picture for each family of methods: enlarge one, then go through "
        "its neighbours and compare a row with the same row of the controls.",
    ),
    Topic(
        "Degradation",
        ("degradation",),
        ("attribution",),
        "Does the net's accuracy follow the ranking? A method must do better than both the random "
        "ranking and the pixels' own brightness.",
    ),
    Topic(
        "Log-odds",
        ("log_odds",),
        ("log_odds",),
        "Does erasing what speaks for one class and against another turn the net's answer?",
    ),
    Topic(
        "Conservation",
        (),
        ("conservation",),
        "LRP hands the logit down to the pixels: what arrives there, and what is lost on the way "
        "to biases and stabilisers?",
    ),
    Topic(
        "Randomization",
        ("randomization",),
        ("randomization",),
        "Does a map change when the weights do? One that stays similar explains the image, not "
        "the net.",
    ),
    Topic(
        "Spread",
        ("spread",),
        ("spread",),
        "How much of a map is left when dropout or noise varies: trust relevance that is large "
        "beside its standard deviation.",
    ),
    Topic(
        "Cost",
        ("cost",),
        ("cost",),
        "What a better ranking costs: the best methods stand high and to the left.",
    ),
)
LATENT = (
    Topic(
        "Maps",
        ("latent",),
        ("latent",),
        "Is the net uncertain where there are no data? The same maps follow with cells that are "
        "equally likely in the prior, where most of the plane is near the data.",
    ),
    Topic(
        "Chosen points",
        ("latent_points",),
        (),
        "What a place of a map stands for: the decoded image and what every net says of it.",
    ),
    Topic(
        "Distance to the data",
        ("latent_distance",),
        (),
        "Does uncertainty grow with the distance to the training images, and from what level?",
    ),
    Topic(
        "Holes",
        ("holes",),
        ("holes",),
        "Where the net is surer off the data than on them: what class it sees there, and whether "
        "the data have such images already.",
    ),
    Topic(
        "Interpolation",
        ("interpolation",),
        ("interpolation",),
        "Mixing pixels leaves the images that the decoder can make, mixing codes does not: is the "
        "net more uncertain about the first?",
    ),
    Topic(
        "Training on holes",
        ("extension",),
        ("extension",),
        "Do images decoded from holes make a better net, better than images from anywhere off "
        "the data?",
    ),
)
VISUALIZATION = (
    Topic(
        "Images of classes",
        ("visualization",),
        ("visualization",),
        "Is an image that the net is sure of a prototype, which a second net recognises, too, or "
        "an adversarial pattern?",
    ),
    Topic(
        "Generators",
        ("gan",),
        ("generators",),
        "Can a generator make all classes, and does it make more than copies?",
    ),
)
STABILITY = (
    Topic(
        "Label change rate",
        ("stability", "stability_rates"),
        ("stability",),
        "Do small changes of the weights flip the label of an attacked or a wrong image more often "
        "than that of a right one?",
    ),
    Topic(
        "Number of mutants",
        ("stability_mutants",),
        (),
        "How many mutants is the rate worth? Where the curve is flat, fewer would do.",
    ),
    Topic(
        "Sequential test",
        ("stability_sequential",),
        (),
        "After how many mutants is it clear whether a label flips too easily, and is the verdict "
        "right?",
    ),
)
DETECTION = (
    Topic(
        "Order of the scores",
        ("ranks",),
        ("leaderboard",),
        "Which score is best over all tasks, and is it better than the control, which is free?",
    ),
    Topic(
        "Tasks",
        ("detection",),
        ("detection",),
        "Which score tells wrong, foreign and attacked images best, net by net?",
    ),
    Topic(
        "Fitted detectors",
        ("detectors",),
        ("detectors",),
        "Do conductance and label change rate tell of errors what the softmax does not?",
    ),
)
SECTIONS = (
    _single("Accuracy and calibration", "training", "accuracy", "reliability", "training_curves"),
    _single("Attacks", "attacks"),
    Section("Uncertainty", "uncertainty", UNCERTAINTY),
    Section("Maps of latent space", "latent", LATENT),
    Section("Attributions", "attribution", ATTRIBUTION),
    Section("Visualization of classes", "visualization", VISUALIZATION),
    Section("Stability", "stability", STABILITY),
    Section("Detection", "detection", DETECTION),
)
LEFT_OUT = Topic(
    "Left out",
    (),
    (),
    "What the configuration names and this net or dataset cannot have.",
)
KINDS = tuple(kind for section in SECTIONS for topic in section.topics for kind in topic.figures)
