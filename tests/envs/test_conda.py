"""`--sdm conda` with a stand-in for conda: each rule has an environment of its own, and enough."""

import os
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from repository import copy_of, differing, fresh, unclocked
from support import ROOT, SCRIPTS

from plumbline.runtime.snakemake_records import all_records
from plumbline.workflow.code_hash import closure
from plumbline.workflow.environments import modules, with_methods
from plumbline.workflow.parsed_rules import parsed_rules

pytestmark = pytest.mark.workflow
CONDA = Path(__file__).with_name("conda") / "bin"
PINNED = rb"(\+\w+| \(pinned; used by other stages\))</dd>"
IMPORT = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"
STAGES = sorted(path.stem for path in (ROOT / "envs").glob("*.yaml"))


def variables(repository):
    """Those of a run that finds the stand-in, which lists the environments that it activates."""
    found = repository.environment
    path = f"{CONDA}:{found['PATH']}"
    return found | {"PATH": path, "ACTIVATED": str(repository.folder / "activated")}


def run(repository, *arguments):
    """Run Snakemake with conda; the process, and how often each stage was activated meanwhile."""
    activated = repository.folder / "activated"
    activated.write_text("")
    process = subprocess.run(
        repository.command(*arguments, "--sdm", "conda"),
        cwd=repository.folder,
        env=variables(repository),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    stages = (stage_of(Path(line)) for line in activated.read_text().splitlines())
    return process, Counter(stages)


def stage_of(prefix):
    """The stage whose file, as Snakemake keeps it beside an environment, an environment is of."""
    text = prefix.with_name(f"{prefix.name}.yaml").read_text()
    return next(stage for stage in STAGES if f"of the stage {stage} import" in text)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    """The tiny configuration, run to its end in environments of the rules' own."""
    repository = fresh(tmp_path_factory.mktemp("conda") / "repository", "tiny.yaml")
    process, activated = run(repository, "--scheduler", "ilp")
    assert process.returncode == 0, process.stdout[-5000:]
    assert "falling back" not in process.stdout.lower()  # to the scheduler of all other runs
    return repository, activated


def test_every_job_runs_in_the_environment_of_its_stage(deployed):
    repository, activated = deployed
    stages = {rule.name: rule.stage for rule in parsed_rules()}
    jobs = {record.shell: record.rule for record in all_records(repository.folder)}
    assert activated == Counter(stages[rule] for rule in jobs.values())
    assert len(activated) >= 8


def test_the_results_are_those_of_one_environment_for_all(deployed, tiny):
    """But for what the report says of packages that its own environment does not have."""
    assert differing(deployed[0], tiny) == ["report/index.html"]
    folders = [each.folder / "results" for each in (deployed[0], tiny)]
    pages = [unclocked(folder)["report/index.html"] for folder in folders]
    ours, theirs = (re.sub(PINNED, b"</dd>", page) for page in pages)
    assert ours == theirs


def test_a_package_that_the_file_does_not_name_is_not_there(deployed, tmp_path):
    repository = copy_of(deployed[0], tmp_path / "copy")
    repository.edit("envs/attacks.yaml", "      - foolbox==3.3.4\n", "      - eagerpy==0.30.0\n")
    process, activated = run(repository, "results/tables/attacks.csv")
    assert process.returncode == 1
    assert "No module named 'foolbox'" in process.stdout
    assert set(activated) == {"attacks"}


@pytest.mark.parametrize("stage", STAGES)
def test_an_environment_has_every_module_that_its_rules_import(stage, deployed, tmp_path):
    """And nothing but what it names.  Of stages that the tiny configuration leaves out every module
    of ours is imported there."""
    file, prefix = ROOT / f"envs/{stage}.yaml", tmp_path / stage
    words = ["env", "create", "--quiet", "--no-default-packages"]
    path = {**os.environ, "PATH": f"{CONDA}:{os.environ['PATH']}"}
    subprocess.run(["conda", *words, "--file", file, "--prefix", prefix], env=path, check=True)
    scripts = {rule.script for rule in parsed_rules() if rule.stage == stage}
    files = [file for script in scripts for file in with_methods(SCRIPTS, script)]
    code = "import importlib.util as u, sys; print([n for n in sys.argv[1:] if not u.find_spec(n)])"
    words = [*modules(SCRIPTS, *files), "snakemake", "pytest"]
    assert python(prefix, code, *words).strip() == "['snakemake', 'pytest']"
    if stage not in deployed[1]:
        paths = (path.relative_to(SCRIPTS).with_suffix("") for path in closure(SCRIPTS, *files))
        ours = {".".join(path.parts).removesuffix(".__init__") for path in paths}
        assert len(ours) > 10
        python(prefix, IMPORT, *ours)


def python(prefix, *words):
    """What a program says in the environment at ``prefix``, with our scripts."""
    command, own = [prefix / "bin/python", "-c", *words], {"PYTHONPATH": str(SCRIPTS)}
    return subprocess.run(
        command, env={**os.environ, **own}, stdout=subprocess.PIPE, text=True, check=True
    ).stdout
