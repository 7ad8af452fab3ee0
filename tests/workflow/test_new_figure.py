"""A new figure is one file: it is planned, drawn and shown without another edit."""

import zipfile

import pytest
from repository import fresh

from plumbline.report import outline
from plumbline.report.claims.schema import HOW_TO_READ
from plumbline.report.spec import paragraphs

FIGURE = '''"""How many epochs each net was trained for."""

import pandas as pd
from matplotlib.figure import Figure

from plumbline.report.spec import FigureSpec
from plumbline.report.style import panels, styled

FIGURE = FigureSpec(
    stage="training",
    topic="Accuracy and calibration",
    title="epochs",
    caption="The number of epochs of each net.",
    inputs={"history": "models/{dataset}/{model}/cross_entropy/0/history.csv"},
    when=lambda plan, dataset: [{"model": model} for model in plan.config.models],
)


@styled
def draw(history: pd.DataFrame, model: str) -> Figure:
    """One bar."""
    figure, axes = panels(1, 1)
    axes[0, 0].bar([model], [len(history)])
    return figure
'''

pytestmark = pytest.mark.workflow


def test_a_figure_in_a_file_of_its_own_has_a_job_and_a_place_in_the_report(tmp_path):
    repository = fresh(tmp_path / "copy", "tiny.yaml")
    before = repository.pending()
    file = repository.folder / "scripts/plumbline/report/figures/epochs.py"
    file.write_text(FIGURE)
    assert repository.pending() - before == {"plot digits/epochs_lenet5"}
    plan = repository.snakemake("-n", "results/report/index.html", "-p").stdout
    report = next(part for part in plan.split("\n\n") if "rule build_report:" in part)
    assert "results/figures/digits/epochs_lenet5.png" in report


def test_a_figure_that_has_no_place_stops_the_workflow_before_any_job(tmp_path):
    repository = fresh(tmp_path / "copy", "tiny.yaml")
    file = repository.folder / "scripts/plumbline/report/figures/epochs.py"
    file.write_text(FIGURE.replace("Accuracy and calibration", "Accuracy"))
    done = repository.snakemake("-n", check=False)
    assert done.returncode != 0
    assert (
        "Report: report/figures/epochs.py: training has no topic 'Accuracy'; did you mean "
        "'Accuracy and calibration'? (allowed: Accuracy and calibration)"
    ) in done.stdout
    assert "Traceback" not in done.stdout


def test_the_report_of_snakemake_has_captions_categories_and_labels(finished, tmp_path):
    finished.snakemake("--report", str(tmp_path / "report.zip"))
    with zipfile.ZipFile(tmp_path / "report.zip") as archive:
        (name,) = (each for each in archive.namelist() if each.endswith("report.html"))
        page = archive.read(name).decode()
    captions = (outline.figures()["accuracy"].caption, HOW_TO_READ)
    for text in (paragraphs(caption)[0][:60] for caption in captions):
        assert text in " ".join(page.split()), text
    for text in ('"training"', '"claims"', "claims ledger", "risk and coverage"):
        assert text in page, text
