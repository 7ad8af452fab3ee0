"""The section on visualization: images generated for classes, and generators."""

import pandas as pd

from plumbline.report.spec import Section, Topic
from plumbline.report.tables import Frames, ReportTable, cell, of_dataset
from plumbline.report.wording import words

SECTION = Section(
    "Visualization of classes",
    (
        Topic(
            "Images of classes",
            tables=("visualization",),
            see="Is an image about which the net is certain a prototype, which a second net also "
            "recognises, or an adversarial pattern?",
        ),
        Topic(
            "Generators",
            tables=("generators",),
            see="Does a generator produce all classes, and not only copies of training images?",
        ),
    ),
)


def visualization(frames: Frames, dataset: str) -> list[ReportTable]:
    """Predictions for the images generated for classes, for test images and for the starts."""
    rows = of_dataset(frames["visualization"], dataset)
    every = rows[rows["class"] == "all"]
    columns = (
        ("probability", "probability"),
        ("second_probability", "probability, second net"),
        ("sure", "probability ≥ .99"),
        ("second_recognition", "recognised by the second net"),
    )
    lines = []
    for model, own in every.groupby("model", sort=False):
        first = own["visualization"].iloc[0]
        test = own[(own["visualization"] == first) & (own["images"] == "test")]
        shown = [("test images (control)", test, "–")]
        for entry, part in own.groupby("visualization", sort=False):
            gain = cell(part[part["against"] == "start"], "second_probability_difference")
            made = part[(part["images"] == "made") & part["against"].isna()]
            shown.append((words(entry), made, gain))
        for name, part, gain in shown:
            cells = [cell(part, metric) for metric, _ in columns]
            lines.append([words(model), name, *cells, gain, f"{part['n'].max():.0f}"])
    titles = [title for _, title in columns]
    head = ["net", "images", *titles, "second net: gain over the start", "n"]
    title = "Mean probability of the class for which an image was generated [95 % interval]"
    return [ReportTable(title, head, lines, 2), *_compared(every)]


def _compared(rows: pd.DataFrame) -> list[ReportTable]:
    """Paired differences between visualizations and those they are compared with."""
    pairs = rows[rows["against"].notna() & (rows["against"] != "start")]
    lines = [
        [
            words(model),
            f"{words(entry)} minus {words(other)}",
            cell(part, "probability_difference"),
            cell(part, "second_probability_difference"),
            f"{part['n'].max():.0f}",
        ]
        for (model, entry, other), part in pairs.groupby(
            ["model", "visualization", "against"], sort=False
        )
    ]
    head = ["net", "difference", "probability", "probability, second net", "n"]
    title = "Paired differences from the same starts [95 % interval]"
    return [ReportTable(title, head, lines, 2)] if lines else []


def generators(frames: Frames, dataset: str) -> list[ReportTable]:
    """Losses and samples of each generator, with test images as the control."""
    rows = of_dataset(frames["generators"], dataset)
    sampled = rows[rows["images"].notna()]
    models = list(sampled["model"].dropna().unique())
    lines = []
    for (name, images), part in sampled.groupby(["generator", "images"], sort=False):
        own = part[part["model"].isna()]
        cells = [cell(own, metric) for metric in ("nearest_distance", "copied_share")]
        for metric in ("sure_share", "class_entropy"):
            cells += [cell(part[part["model"] == model], metric) for model in models]
        kind = "samples" if images == "samples" else "test images (control)"
        lines.append([words(name), kind, *cells, f"{own['n'].max():.0f}"])
    head = ["generator", "images", "distance to nearest training image", "copies"]
    head += [f"{what}, {words(model)}" for what in ("sure", "spread") for model in models]
    title = (
        "Samples [95 % interval]: copies are closer to a training image than 99 % of the test "
        "images; sure: largest probability ≥ .9; spread: entropy of the classes, 1 if uniform"
    )
    losses = rows[rows["images"].isna()].groupby("generator", sort=False)
    metrics = ("generator_loss", "discriminator_loss")
    told = [[words(name), *(cell(part, m) for m in metrics)] for name, part in losses]
    return [
        ReportTable(title, [*head, "n"], lines, 2),
        ReportTable(
            "Losses, means over the last tenth of the epochs (nats)",
            ["generator", *(words(metric) for metric in metrics)],
            told,
        ),
    ]
