"""The scripts of the stage as the rules run them, and what they need."""

import json
import re
import subprocess
import sys

from fake_results import CORPORA, DATASET, MODELS
from PIL import Image
from support import ROOT, SCRIPTS

from plumbline.storage.tables import read_rows


def test_tables_are_joined_in_the_order_given_under_all_their_columns(run, fake, tmp_path):
    place = fake / f"models/{DATASET}/lenet5"
    parts = [place / "temperature.csv", place / "evaluation.csv"]
    run("join_tables.py", "--tables", *parts, "--out", tmp_path / "training.csv")
    rows = read_rows(tmp_path / "training.csv")
    assert list(rows[0]) == [
        *("dataset", "model", "seed", "scaling", "split", "class"),
        *("metric", "value", "low", "high", "n"),
    ]
    expected = [row for path in parts for row in read_rows(path)]
    assert len(rows) == len(expected)
    for row, original in zip(rows, expected, strict=True):
        assert {k: v for k, v in row.items() if v} == {k: v for k, v in original.items() if v}


def test_a_faulty_ledger_ends_in_one_line(run, tables, tmp_path):
    (tmp_path / "claims.yaml").write_text("- {id: 001-a}\n")
    arguments = ("--tables", tables["training"], "--out", tmp_path / "out.csv")
    message = run("judge_claims.py", "--claims", tmp_path / "claims.yaml", *arguments, expect=1)
    assert re.fullmatch(r"judge_claims\.py: .*claims\.yaml: claim 001-a: study: .*\n", message)
    assert not (tmp_path / "out.csv").exists()


def test_the_ledger_is_the_same_bytes_again(run, fake, tables, report, tmp_path):
    claims = ROOT / "config/claims.yaml"
    arguments = ("--claims", claims, "--tables", *tables.values())
    run("judge_claims.py", *arguments, "--out", tmp_path / "claims.csv")
    assert (tmp_path / "claims.csv").read_bytes() == (fake / "claims.csv").read_bytes()


def plot(run, figure, out, options=None, expect=0, **inputs):
    files = json.dumps({name: [str(file) for file in files] for name, files in inputs.items()})
    how = ("--inputs", files, "--options", json.dumps(options or {}), "--out", out)
    return run("plot.py", "--figure", figure, *how, expect=expect)


def test_figures_are_drawn_from_the_artefacts_that_their_arguments_ask_for(run, fake, tmp_path):
    place = fake / f"latent/{DATASET}"
    estimators = {"estimators": ["mc_dropout", "ensemble"], "corpus": "adversarial"}
    shared = {
        "codes": [place / "adversarial/codes.safetensors"],
        "maps": [place / f"{c}/{m}.safetensors" for c in CORPORA for m in MODELS],
        "test": [fake / f"data/{DATASET}/test.safetensors"],
    }
    for grid in ("", "quantile"):
        options = estimators | {"measure": "entropy", "grid": grid}
        plot(run, "latent", tmp_path / f"{grid}map.png", options, **shared)
    assert Image.open(tmp_path / "map.png").width == 1237  # two nets
    assert (tmp_path / "map.png").read_bytes() != (tmp_path / "quantilemap.png").read_bytes()
    holes = {
        "maps": [place / f"adversarial/{m}.safetensors" for m in MODELS],
        "holes": [place / f"adversarial/{m}.holes.safetensors" for m in MODELS],
        "train": [fake / f"data/{DATASET}/train.safetensors"],
    }
    plot(run, "holes", tmp_path / "holes.png", estimators, **holes)
    assert Image.open(tmp_path / "holes.png").width == 1650


def test_a_figure_is_drawn_from_tables_as_they_are_and_the_same_again(run, fake, tmp_path):
    scores = [fake / f"uncertainty/{DATASET}/{model}/scores.parquet" for model in MODELS]
    for name in ("first.png", "second.png"):
        plot(run, "risk_coverage", tmp_path / name, {"models": MODELS}, scores=scores)
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()


def test_a_figure_or_an_argument_that_there_is_not_is_told(run, fake, tmp_path):
    tables = [fake / f"models/{DATASET}/lenet5/evaluation.csv"]
    message = plot(run, "acuracy", tmp_path / "a.png", expect=1, evaluation=tables)
    assert message.startswith("plot.py: no figure 'acuracy'; did you mean 'accuracy'?")
    message = plot(run, "accuracy", tmp_path / "a.png", expect=1, evaluations=tables)
    assert message == "plot.py: accuracy takes evaluation, not evaluations\n"
    missing = [tmp_path / "none.csv"]
    message = plot(run, "accuracy", tmp_path / "a.png", expect=1, evaluation=missing)
    assert message.count("\n") == 1
    assert "no such file" in message


def test_no_script_of_the_report_can_import_torch():
    from plumbline.workflow.environments import third_party, with_methods

    for name in ("plot.py", "build_page.py", "join_tables.py", "judge_claims.py"):
        assert "torch" not in third_party(SCRIPTS, *with_methods(SCRIPTS, name)), name


def test_a_script_is_not_named_like_a_package_that_others_import():
    """A script's folder comes first where Python looks for modules."""
    code = (
        "import importlib.util, pathlib, sys; sys.path.pop(0)\n"
        "names = [p.stem for p in pathlib.Path(sys.argv[1]).glob('*.py')]\n"
        "print([n for n in names if importlib.util.find_spec(n)])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, str(SCRIPTS)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
