"""What lies behind a file is told from Snakemake's own records."""

import base64
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from plumbline.errors import InputError
from plumbline.runtime import job_log
from plumbline.runtime.snakemake_records import FOLDER, all_records, record_of
from plumbline.workflow.why import chain, locate

SCRIPTS = Path(__file__).parents[2] / "scripts"
CODE = "0123456789abcdef"
LONG = "a_very_long_name_of_a_model/" * 9 + "classifier.txt"
DIGESTS = {
    name: f"sha256:{hashlib.sha256(content).hexdigest()}"
    for name, content in {"table": b"", "net": b"weights\n", "images": b"images"}.items()
}
TOLD = {
    "host": "node7",
    "processor": "Some 9000, 2 CPUs",
    "device": "cuda, Some GPU",
    "system": "Linux-6",
    "python": "3.11.7",
    "packages": {"numpy": "2.4.6", "torch": "2.13.0"},
}
MANIFEST = {
    "files": [{"name": "images", "sha256": "feed", "origin": "mirror"}],
}
SNAKEFILE = f"""
rule all:
    input: "results/table.csv"
rule fetch:
    input: "own.npz"
    output: "results/data/manifest.json"
    params: job=dict(script="make.py", code="{CODE}", options="--kind npz")
    shell: "cp manifest {{output}}"
rule train:
    input: "results/data/manifest.json"
    output: "results/{LONG}"
    log: "results/logs/train.log"
    params: job=dict(script="train.py", code="fedcba9876543210", options="--epochs 3 --seed 42")
    shell: "echo weights > {{output}}; cp told {{log}}"
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
    (folder / "told").write_text(f"epochs: 3 of 3\n{job_log.MARK}{json.dumps(TOLD)}\n")
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--quiet", "all"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


def test_the_chain_ends_in_the_data(folder):
    lines = list(chain(folder, "results/table.csv"))
    tree = [(len(line) - len(line.lstrip()), line.strip().split(", made")[0]) for line in lines]
    manifest = hashlib.sha256(json.dumps(MANIFEST).encode()).hexdigest()
    unknown = "machine: not recorded in a log"
    assert tree == [
        (0, "results/table.csv"),
        (2, DIGESTS["table"]),
        (2, "rule: table"),
        (2, unknown),
        (4, f"results/{LONG}"),
        (6, DIGESTS["net"]),
        (6, "rule: train"),
        (6, "code: fedcba9876543210"),
        (6, "options: --epochs 3 --seed 42"),
        (6, "seed: 42"),
        (6, "machine: node7, Some 9000, 2 CPUs, cuda, Some GPU, Linux-6"),
        (6, "software: python 3.11.7, numpy 2.4.6, torch 2.13.0"),
        (8, "results/data/manifest.json"),
        (10, f"sha256:{manifest}"),
        (10, "rule: fetch"),
        (10, f"code: {CODE}"),
        (10, "options: --kind npz"),
        (10, unknown),
        (10, "data: images, sha256 feed, mirror"),
        (12, "own.npz"),
        (14, DIGESTS["images"]),
        (14, "source: not made by a rule"),
        (4, "results/data/manifest.json (above)"),
    ]
    assert re.search(r"made \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+\d\d:\d\d in \d+\.\d s", lines[2])


def test_the_checksum_is_that_of_what_was_read(folder, tmp_path):
    """Of an input that was altered afterwards the record tells what was read."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "own.npz").write_bytes(b"other")
    assert DIGESTS["images"] in "\n".join(chain(copy, "results/table.csv"))
    assert record_of(copy, "results/data/manifest.json").checksums == {"own.npz": DIGESTS["images"]}


def test_what_was_read_but_not_recorded_is_not_claimed(folder, tmp_path):
    """As of an input above the limit of Snakemake's profile, or in a run without the profile."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    for path in (copy / FOLDER).rglob("*"):
        if path.is_file():
            path.write_text(json.dumps(json.loads(path.read_text()) | {"input_checksums": {}}))
    lines = list(chain(copy, "results/table.csv"))
    assert f"  {DIGESTS['table']}" in lines
    assert f"      not recorded; now {DIGESTS['net']}" in lines
    (copy / "own.npz").unlink()
    assert "              not recorded; now missing" in chain(copy, "results/table.csv")


def test_a_job_tells_in_its_log_what_ran_it(tmp_path):
    """The line of a real script, read back; on a failure there is none."""
    log = tmp_path / "log"
    command = [
        sys.executable,
        SCRIPTS / "join_tables.py",
        "--out",
        tmp_path / "out.csv",
        "--tables",
    ]
    part = tmp_path / "part.csv"
    part.write_text("metric,value,low,high,n\naccuracy,1,1,1,3\n")
    with open(log, "w") as stream:
        subprocess.run([*command, part], stdout=stream, stderr=stream, check=True)
    told = job_log.read_environment(log)
    assert told["host"] == platform.node()
    assert told["python"] == platform.python_version()
    assert told["device"] == "cpu"
    assert told["packages"]["pydantic"] == metadata.version("pydantic")
    with open(log, "w") as stream:
        subprocess.run([*command, tmp_path / "gone.csv"], stdout=stream, stderr=stream)
    assert job_log.read_environment(log) is None
    assert job_log.read_environment(tmp_path / "no.log") is None


def test_versions_are_those_of_the_installed_packages():
    import numpy
    import yaml

    packages = json.loads(job_log.environment_line().removeprefix(job_log.MARK))["packages"]
    assert packages["numpy"] == numpy.__version__ == metadata.version("numpy")
    assert packages["yaml"] == yaml.__version__
    assert not {"json", "plumbline", "test_why"} & set(packages)


def test_records_of_long_names_are_found_and_all_are_listed(folder):
    assert record_of(folder, f"results/{LONG}").rule == "train"
    made = {record.output: record.rule for record in all_records(folder)}
    assert made == {
        "results/table.csv": "table",
        "results/data/manifest.json": "fetch",
        f"results/{LONG}": "train",
    }


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


def test_a_record_that_was_cut_off_is_told(folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    name = base64.urlsafe_b64encode(b"results/table.csv").decode()
    (copy / FOLDER / name).write_text("{")
    with pytest.raises(InputError, match=r"a damaged record of results/table\.csv, make that anew"):
        list(chain(copy, "results/table.csv"))


def test_the_program_prints_the_chain_or_one_line(folder):
    command = [sys.executable, "-m", "plumbline.workflow.why"]
    own = os.environ | {"PYTHONPATH": str(SCRIPTS)}
    good = subprocess.run(
        [*command, "results/table.csv"], cwd=folder, env=own, capture_output=True, text=True
    )
    assert good.returncode == 0
    assert good.stdout.splitlines() == list(chain(folder, "results/table.csv"))
    assert good.stderr == ""
    bad = subprocess.run([*command, "own.npz"], cwd=folder, env=own, capture_output=True, text=True)
    assert bad.returncode == 1
    assert bad.stdout == ""
    assert bad.stderr.count("\n") == 1
