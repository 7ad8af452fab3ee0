"""A finished run can be handed on as a Workflow Run RO-Crate that its library reads."""

import json
import os
import platform
import shutil
import subprocess
import sys

import pytest
from repository import copy_of
from rocrate.rocrate import ROCrate
from support import ROOT

from plumbline.errors import InputError
from plumbline.runtime.snakemake_records import Record
from plumbline.storage.files import checksum
from plumbline.workflow import crate as crates
from plumbline.workflow.environments import locked

pytestmark = pytest.mark.workflow
WRITTEN = "ro-crate-metadata.json"


def make(repository, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "plumbline.workflow.crate", *arguments],
        cwd=repository.folder,
        env={**os.environ, "PYTHONPATH": str(repository.folder / "scripts")},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def handed_on(tiny, tmp_path_factory):
    """Results made a crate, moved to where nothing else of the run is; and the repository."""
    repository = copy_of(tiny, tmp_path_factory.mktemp("crate") / "copy")
    done = make(repository)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"results/{WRITTEN}: ")
    assert done.stderr == ""
    target = repository.folder.parent / "elsewhere"
    shutil.copytree(repository.folder / "results", target)
    return target, repository


@pytest.fixture(scope="module")
def crate(handed_on):
    return ROCrate(handed_on[0])


def test_the_library_reads_it_as_a_provenance_run_crate(crate):
    profiles = {each.id for each in crate.root_dataset["conformsTo"]}
    assert {f"https://w3id.org/ro/wfrun/{name}/0.6" for name in ("process", "workflow")} <= profiles
    assert "https://w3id.org/ro/wfrun/provenance/0.6" in profiles
    assert crate.mainEntity.id == "workflow/Snakefile"
    assert {"ComputationalWorkflow", "HowTo"} <= set(crate.mainEntity.type)
    assert crate.mainEntity["programmingLanguage"]["version"] == locked(
        ROOT / "requirements.txt"
    ).get("snakemake")


def test_the_report_every_table_and_every_source_is_named_with_size_and_checksum(handed_on, crate):
    folder, _ = handed_on
    wanted = {"report/index.html"}
    wanted |= {path.relative_to(folder).as_posix() for path in folder.glob("tables/*.csv")}
    wanted |= {
        path.relative_to(folder).as_posix()
        for path in folder.glob("workflow/**/*")
        if path.is_file()
    }
    wanted |= {path.relative_to(folder).as_posix() for path in folder.rglob("*.safetensors")}
    assert len(wanted) > 100
    files = {each.id: each for each in crate.data_entities}
    for name in wanted:
        assert files[name]["sha256"] == checksum(folder / name), name
        assert int(files[name]["contentSize"]) == (folder / name).stat().st_size, name
    assert all((folder / name).is_file() for name in files)


def test_everything_that_is_spoken_of_is_there(handed_on):
    graph = json.loads((handed_on[0] / WRITTEN).read_text())["@graph"]
    there = {each["@id"] for each in graph}

    def named(value):
        if isinstance(value, dict):
            yield value["@id"]
        elif isinstance(value, list):
            for each in value:
                yield from named(each)

    for entity in graph:
        for key, value in entity.items():
            if not key.startswith("@"):
                outside = {each for each in named(value) if "://" not in each} - there
                assert not outside, f"{entity['@id']}: {key}"


def test_every_job_is_told_with_what_it_read_made_and_ran_on(handed_on, crate):
    folder, _ = handed_on
    run, *jobs = crate.root_dataset["mentions"]
    assert run["instrument"] == crate.mainEntity
    assert [each.id for each in run["object"]] == ["config.json"]
    configuration = json.loads((folder / "config.json").read_text())["configuration"]
    assert configuration["datasets"] == ["digits"]
    assert len(jobs) == len(list(folder.glob("benchmarks/**/*.tsv")))
    (order,) = crate.get_by_type("OrganizeAction")
    assert (order["instrument"]["name"], order["result"]) == ("Snakemake", run)
    steps = order["object"]
    assert {each["object"].id for each in steps} == {job.id for job in jobs}
    (training,) = (job for job in jobs if job["name"].startswith("train results/models/digits"))
    assert training["instrument"].id == "workflow/scripts/train.py"
    values = {each["name"]: each["value"] for each in training["object"] if "value" in each}
    assert "--epochs 2" in values["options"]
    assert len(values["code hash"]) == 16
    read = {each.id for each in training["object"]}
    assert {"data/digits/train.safetensors", "data/digits/val.safetensors"} <= read
    assert "models/digits/lenet5/cross_entropy/0/classifier.safetensors" in {
        each.id for each in training["result"]
    }
    assert training["startTime"] <= training["endTime"]
    assert training["location"]["name"].startswith(platform.node())
    versions = {each["name"]: each["softwareVersion"] for each in training["softwareRequirements"]}
    assert versions["torch"].split("+")[0] == locked(ROOT / "requirements.txt")["torch"]
    assert versions["Python"] == ".".join(map(str, sys.version_info[:3]))


def test_it_says_nothing_of_where_it_was_made(handed_on):
    assert str(handed_on[1].folder) not in (handed_on[0] / WRITTEN).read_text()


def test_a_second_call_writes_the_same(handed_on):
    folder, repository = handed_on
    assert make(repository, "results").returncode == 0
    again = repository.folder / "results"
    assert (again / WRITTEN).read_bytes() == (folder / WRITTEN).read_bytes()


@pytest.mark.parametrize("place", ["nowhere", "."])
def test_without_a_finished_run_it_says_so_in_a_line(handed_on, place):
    done = make(handed_on[1], place)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "report/index.html" in done.stderr


def test_a_run_by_another_version_of_the_workflow_is_not_described(tmp_path, monkeypatch):
    record = Record("sweep", (), "", 0.0, 1.0, script="sweep.py")
    monkeypatch.setattr(crates, "locate", lambda path: (tmp_path, path.name))
    monkeypatch.setattr(crates, "jobs_behind", lambda *_: [crates.Job(record, ("results/a",))])
    with pytest.raises(InputError, match=r"another version of the workflow, with sweep\.py$"):
        crates.build(tmp_path, crates.MIT)
    assert list(tmp_path.iterdir()) == []
