"""Which figures a run draws follows from their files; a new one is a file and nothing else."""

import pytest
import yaml
from support import ROOT

from plumbline.config.schema import load
from plumbline.errors import InputError
from plumbline.report import outline
from plumbline.report.planning import FigurePlan
from plumbline.report.spec import Drawing, FigureSpec
from plumbline.workflow.plan import Plan


@pytest.fixture(scope="module")
def plan():
    return Plan(load(yaml.safe_load((ROOT / "config/config.yaml").read_text())))


@pytest.fixture(scope="module")
def figures(plan):
    return FigurePlan(plan)


def test_every_figure_is_drawn_on_the_default_configuration(plan, figures):
    assert {drawing.kind for drawing in figures.drawings} == set(outline.figures())
    assert len(figures.names()) == len(figures.drawings) == len({d.file for d in figures.drawings})
    assert [d.kind for d in figures.drawings][:2] == ["accuracy", "reliability"]


def test_files_are_named_after_what_is_drawn(figures):
    names = figures.names()
    for name in (
        *("accuracy", "uncertainty_entropy_lenet5", "latent_adversarial_max_probability"),
        *("latent_in_distribution_entropy_quantile", "gallery_lenet5_lrp", "sweep_members"),
        *("degradation_gain_alexnet", "spread_resnet34_lrp_dropout", "uncertainty_entropy_mlp"),
    ):
        assert name in names
    assert "uncertainty_mutual_information_mlp" in names
    assert Drawing("latent", "d", {"corpus": "c", "grid": ""}).file == "figures/d/latent_c.png"


def test_inputs_go_by_the_names_of_arguments(plan, figures):
    files = [
        f"shifts/digits/rotation_{level:g}.safetensors"
        for level in plan.config.uncertainty.shifts["rotation"].levels
    ]
    scores = "uncertainty/digits/lenet5/scores.parquet"
    assert figures.inputs("digits", "rotation_lenet5") == [*files, scores]
    assert figures.plot("digits", "rotation_lenet5").options["inputs"] == {
        "sets": [f"results/{file}" for file in files],
        "scores": [f"results/{scores}"],
    }
    assert figures.inputs("digits", "gallery_lenet5_controls")[1:] == [
        f"attribution/digits/lenet5/{name}.safetensors" for name in ("random", "intensity", "edges")
    ]


def test_a_job_has_the_options_and_the_code_of_its_figure_alone(figures):
    job = figures.plot("digits", "latent_adversarial_entropy_quantile")
    assert job.options["figure"] == "latent"
    given = job.options["options"]
    assert (given["corpus"], given["measure"], given["grid"]) == (
        "adversarial",
        "entropy",
        "quantile",
    )
    assert "dataset" not in given  # its drawing does not ask for it
    assert figures.plot("digits", "ranks").options["options"] == {"dataset": "digits"}
    assert figures.stage("digits", "ranks") == "detection"
    assert figures.caption("digits", "ranks").startswith("Mean rank of the scores by their gain")
    assert job.modules == ("plumbline/report/figures/latent.py",)


def test_labels_say_of_what_a_figure_is(figures):
    assert figures.labels("digits", "gallery_lenet5_lrp") == {
        "dataset": "digits",
        "figure": "gallery",
        "model": "lenet5",
        "family": "lrp",
    }


def spec(**fields):
    given = {"stage": "training", "topic": "", "title": "", "caption": "", "inputs": {"table": "t"}}
    return FigureSpec(**given | fields)


def fault(plan, monkeypatch, figures, arguments):
    monkeypatch.setattr(outline, "figures", lambda: figures)
    monkeypatch.setattr(outline, "arguments", lambda kind: arguments)
    with pytest.raises(InputError) as error:
        FigurePlan(plan)
    return str(error.value)


def test_two_figures_of_one_name_are_told(plan, monkeypatch):
    found = {"curves": spec(when=lambda plan, dataset: [{"of": "all"}]), "curves_all": spec()}
    assert fault(plan, monkeypatch, found, ["table"]) == (
        "report/figures/curves_all.py: report/figures/curves.py draws a figure curves_all, too"
    )


def test_a_drawing_that_takes_other_arguments_is_told(plan, monkeypatch):
    found = {"curves": spec(options=lambda plan, at: {"colour": 1})}
    assert fault(plan, monkeypatch, found, ["table", "color"]) == (
        "report/figures/curves.py: draw takes table, color, FIGURE gives colour, table"
    )


def test_what_fails_in_a_declaration_is_told(plan, monkeypatch):
    found = {"curves": spec(when=lambda plan, dataset: plan.trainig.trained(dataset))}
    message = fault(plan, monkeypatch, found, ["table"])
    assert message.startswith("report/figures/curves.py: AttributeError(")
    assert "no attribute 'trainig'" in message
