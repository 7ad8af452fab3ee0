"""What lies behind a file is told from Snakemake's own records."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from plumbline.errors import InputError
from plumbline.records import all_records, record_of
from plumbline.why import chain, locate

SCRIPTS = Path(__file__).parents[2] / "scripts"
CODE = "0123456789abcdef"
LONG = "a_very_long_name_of_a_model/" * 9 + "classifier.txt"
MANIFEST = {
    "files": [{"name": "images", "sha256": "feed", "origin": "mirror"}],
}
SNAKEFILE = f"""
rule all:
    input: "results/table.csv"
rule fetch:
    input: "own.npz"
    output: "results/data/manifest.json"
    params: code="{CODE}", options="--kind npz"
    shell: "cp manifest {{output}}"
rule train:
    input: "results/data/manifest.json"
    output: "results/{LONG}"
    params: code="fedcba9876543210", options="--epochs 3 --seed 42"
    shell: "echo weights > {{output}}"
rule table:
    input: "results/{LONG}", "results/data/manifest.json"
    output: "results/table.csv"
    shell: "touch {{output}}"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small workflow after its run."""
    folder = tmp_path_factory.mktemp("workflow")
    (folder / "Snakefile").write_text(SNAKEFILE)
    (folder / "manifest").write_text(json.dumps(MANIFEST))
    (folder / "own.npz").write_bytes(b"images")
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--quiet", "all"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


def test_the_chain_ends_in_the_data(folder):
    lines = list(chain(folder, "results/table.csv"))
    tree = [(len(line) - len(line.lstrip()), line.strip().split(", made")[0]) for line in lines]
    digest = hashlib.sha256(b"images").hexdigest()
    assert tree == [
        (0, "results/table.csv"),
        (2, "rule: table"),
        (4, f"results/{LONG}"),
        (6, "rule: train"),
        (6, "code: fedcba9876543210"),
        (6, "options: --epochs 3 --seed 42"),
        (6, "seed: 42"),
        (8, "results/data/manifest.json"),
        (10, "rule: fetch"),
        (10, f"code: {CODE}"),
        (10, "options: --kind npz"),
        (10, "data: images, sha256 feed, mirror"),
        (12, "own.npz"),
        (14, f"source: sha256 {digest}"),
        (4, "results/data/manifest.json (above)"),
    ]


def test_records_of_long_names_are_found_and_all_are_listed(folder):
    assert record_of(folder, f"results/{LONG}").rule == "train"
    assert sorted(record.rule for record in all_records(folder)) == ["fetch", "table", "train"]


@pytest.mark.parametrize("place", [".", "results", "results/data"])
def test_a_file_is_found_from_anywhere(folder, place, monkeypatch):
    monkeypatch.chdir(folder / place)
    file = Path(os.path.relpath(folder / "results/table.csv"))
    assert locate(file) == (folder, "results/table.csv")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("results/tabel.csv", "no such file"),
        ("own.npz", "not a result"),
        ("results", "no such file"),
    ],
)
def test_what_is_no_result_is_refused(folder, name, message):
    with pytest.raises(InputError, match=message):
        locate(folder / name)


def test_the_program_prints_the_chain_or_one_line(folder):
    command = [sys.executable, "-m", "plumbline.why"]
    own = os.environ | {"PYTHONPATH": str(SCRIPTS)}
    good = subprocess.run(
        [*command, "results/table.csv"], cwd=folder, env=own, capture_output=True, text=True
    )
    assert good.returncode == 0
    assert good.stdout.splitlines() == list(chain(folder, "results/table.csv"))
    bad = subprocess.run([*command, "own.npz"], cwd=folder, env=own, capture_output=True, text=True)
    assert bad.returncode == 1
    assert bad.stdout == ""
    assert bad.stderr.count("\n") == 1
