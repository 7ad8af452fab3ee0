"""What reruns after a change: exactly what the change can alter, and nothing else."""

import os
import re
import shutil

import pytest
from support import ROOT, SCRIPTS

from plumbline.workflow.parsed_rules import parsed_rules

pytestmark = pytest.mark.workflow


def rules(jobs):
    return {job.split()[0] for job in jobs}


def test_nothing_changed_nothing_to_do(finished):
    assert finished.pending() == set()


def test_touched_sources_rerun_nothing(repository):
    for path in repository.folder.rglob("*"):
        if ".snakemake" not in path.parts and "results" not in path.parts:
            os.utime(path)
    assert repository.pending() == set()


def test_a_moved_folder_reruns_nothing(repository):
    shutil.move(repository.folder, repository.folder.with_name("elsewhere"))
    moved = type(repository)(repository.folder.with_name("elsewhere"))
    assert moved.pending() == set()


def test_comments_and_docstrings_rerun_nothing(repository):
    repository.edit("scripts/train.py", '"""', '"""In other words: ')
    repository.edit("scripts/plumbline/training/fit.py", "import math", "import math  # for exp")
    repository.edit("scripts/plumbline/config/training.py", "Images per step", "Pictures per step")
    repository.edit("rules/training.smk", "\nrule train", "\n# Why not.\nrule train")
    assert repository.pending() == set()


def test_an_edited_method_reruns_that_method_and_what_follows(repository):
    """Its explanation, and the jobs that hold all methods of a net against each other."""
    module = "scripts/plumbline/attribution/methods/intensity.py"
    text = (repository.folder / module).read_text()
    (repository.folder / module).write_text(text + "\n\n_UNUSED = 1\n")
    tables = ("attribution", "cost", "log_odds", "randomization")
    expected = {f"join_tables {table}" for table in tables}
    expected |= {"judge_claims", "record_configuration", "build_report"}
    place = "digits/lenet5"
    expected |= {f"{rule} {place}/intensity" for rule in ("explain", "measure_degradation")}
    checks = ("log_odds", "randomization")
    expected |= {f"check_attributions {place}/{check}" for check in checks}
    expected |= {f"compare_attributions {place}"}
    figures = ["cost_lenet5", "log_odds_lenet5", "randomization_lenet5", "gallery_lenet5_controls"]
    figures += [f"degradation_{part}_lenet5" for part in ("gain", "keep", "delete")]
    expected |= {f"plot digits/{name}" for name in figures}
    assert repository.pending() == expected


def test_another_name_for_a_method_redraws_what_shows_it_and_computes_nothing(repository):
    module = "scripts/plumbline/attribution/methods/intensity.py"
    repository.edit(module, 'LABEL = "intensity', 'LABEL = "brightness')
    jobs = repository.pending()
    assert rules(jobs) == {"plot", "judge_claims", "build_report"}
    drawn = {job.split()[1] for job in jobs if job.startswith("plot ")}
    assert {"digits/cost_lenet5", "digits/gallery_lenet5_controls"} <= drawn
    assert not {"digits/accuracy", "digits/ranks", "digits/attacks"} & drawn


def test_an_edited_figure_is_drawn_again_alone(repository):
    module = repository.folder / "scripts/plumbline/report/figures/accuracy.py"
    module.write_text(module.read_text() + "\n\nUNUSED = 1\n")
    drawn = {"plot digits/accuracy", "record_configuration", "build_report"}
    assert repository.pending() == drawn


def test_a_method_that_is_built_on_another_reruns_with_it(repository):
    module = "scripts/plumbline/attribution/methods/guided_backpropagation.py"
    text = (repository.folder / module).read_text()
    (repository.folder / module).write_text(text + "\n\n_UNUSED = 1\n")
    explained = {job for job in repository.pending() if job.startswith("explain digits")}
    assert explained == {
        "explain digits/lenet5/guided_backpropagation",
        "explain digits/lenet5/smoothgrad_guided",
    }


def test_a_method_that_does_not_apply_has_no_job_and_the_report_says_why(finished):
    assert not list((finished.folder / "results").rglob("*cam*"))
    page = (finished.folder / "results/report/index.html").read_text()
    assert "no head of global average pooling and one dense layer" in page


def test_two_swapped_values_rerun(repository):
    repository.change("training: {default: {batch: 3}, models: {lenet5: {epochs: 32}}}\n")
    assert {
        "train digits/lenet5/cross_entropy/0",
        "train digits/lenet5/cross_entropy/1",
    } <= repository.pending()


def test_a_changed_seed_reruns_everything_that_is_random(repository):
    repository.change("seed: 1\n")
    assert {"prepare", "train", "fit_vae", "mutate", "explain"} <= rules(repository.pending())


def test_an_edited_environment_reruns_its_stage(repository):
    path = repository.folder / "envs/stability.yaml"
    path.write_text(path.read_text().replace("dependencies:", "dependencies:\n  - six ==1.17.0"))
    jobs = rules(repository.pending())
    assert {"mutate", "measure_conductance", "compare_scores", "build_report"} <= jobs
    assert not {"train", "predict", "explain", "attack"} & jobs


def test_a_new_epsilon_makes_its_sets_and_leaves_the_nets(repository):
    repository.change("attacks: {epsilons: [0.1, 0.2]}\n")
    jobs = rules(repository.pending())
    assert {"attack", "predict"} <= jobs
    assert not {"train", "explain", "prepare", "evaluate"} & jobs


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("datasets: []", "datasets: is empty"),
        ("models: [lenet_5]", "did you mean 'lenet5'"),
        ("attacks: {epsilons: [8]}", "8 is above 1"),
        ("training: {default: {epochs: few}}", "training.default.epochs"),
        ("data: {mirror: /nowhere}", "no folder /nowhere"),
    ],
)
def test_bad_input_stops_before_any_job_with_one_line(repository, change, message):
    repository.change(change + "\n")
    done = repository.snakemake(check=False)
    assert done.returncode == 1
    told = [line for line in done.stdout.splitlines() if "Configuration:" in line]
    assert len(told) == 1
    assert message in told[0]
    assert "Traceback" not in done.stdout
    assert "rule" not in done.stdout.replace("rules", "")


def test_every_rule_has_what_every_rule_must_have():
    """A log, a benchmark, the environment of its stage, a time, a memory that grows."""
    for rule in parsed_rules():
        assert rule.log, rule
        assert rule.benchmark, rule
        assert rule.stage in (rule.file, "report"), rule
        assert rule.minutes > 0, rule
        assert rule.memory[1] == 2 * rule.memory[0] > 0, rule


def test_every_script_is_run_by_a_rule():
    assert {rule.script for rule in parsed_rules()} == {f.name for f in SCRIPTS.glob("*.py")}


def test_the_picture_of_the_rules_shows_every_rule():
    picture = (ROOT / "docs/rulegraph.svg").read_text()
    shown = set(re.findall(r"<title>(\w+)</title>", picture)) - {"plumbline"}
    assert shown == {rule.name for rule in parsed_rules()}
