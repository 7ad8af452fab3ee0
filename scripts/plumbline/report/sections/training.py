"""The section on training: accuracy and calibration."""

from plumbline.report.spec import Section, Topic
from plumbline.report.tables import Frames, ReportTable, mean_cell, of_dataset
from plumbline.report.wording import words

SECTION = Section(
    "Accuracy and calibration",
    (
        Topic(
            "Accuracy and calibration",
            tables=("training",),
        ),
    ),
)


def training(frames: Frames, dataset: str) -> list[ReportTable]:
    """Accuracy and calibration on test, means over seeds, with the fitted temperature."""
    rows = of_dataset(frames["training"], dataset)
    test = rows[(rows["split"] == "test") & (rows["class"] == "all")]
    columns = [
        ("accuracy", test, "raw", "accuracy"),
        ("NLL", test, "raw", "nll"),
        ("NLL, temperature-scaled", test, "temperature", "nll"),
        ("ECE", test, "raw", "ece"),
        ("ECE, temperature-scaled", test, "temperature", "ece"),
        ("Brier score", test, "raw", "brier"),
    ]
    lines = []
    for model in test["model"].unique():
        own = test[test["model"] == model]
        cells = [
            mean_cell(part[(part["model"] == model) & (part["scaling"] == scaling)], metric)
            for _, part, scaling, metric in columns
        ]
        fitted = mean_cell(rows[rows["model"] == model], "temperature")
        lines.append([words(model), *cells, fitted, f"{own['n'].iloc[0]:.0f}"])
    head = ["net", *(title for title, *_ in columns), "temperature", "n"]
    return [ReportTable("Test images: mean over training seeds [95 % interval]", head, lines)]
