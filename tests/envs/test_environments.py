"""The software environments name what the code imports, in the versions of the lock."""

import re
import sys
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version
from rattler import BuildString, MatchSpec, PackageRecord
from rattler.exceptions import InvalidMatchSpecError
from repository import fresh

from plumbline.workflow.environments import (
    ON_CONDA_FORGE,
    environments,
    locked,
    normal,
    third_party,
    with_methods,
)
from plumbline.workflow.parsed_rules import parsed_rules

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"
BUILD = BuildString("0")
LOCK = locked(ROOT / "requirements.txt")
TESTS = locked(ROOT / "requirements-test.txt")
RULES = parsed_rules()
ENVIRONMENTS = environments()


def packages(text):
    """Version by name on the index of a file's packages, and its channels."""
    content = yaml.safe_load(text)
    *names, last = content["dependencies"]
    names += last["pip"] if isinstance(last, dict) else [last]
    split = (re.split(r" ?==?", each) for each in names if each != "pip")
    versions = {name: version for name, version in split}
    back = {conda: name for name, conda in ON_CONDA_FORGE.items()}
    return {back.get(name, name): version for name, version in versions.items()}, content[
        "channels"
    ]


@pytest.mark.parametrize("stage", ENVIRONMENTS)
def test_the_file_is_what_its_scripts_import_today(stage):
    file = ROOT / f"envs/{stage}.yaml"
    assert file.is_file(), "python -m plumbline.workflow.environments writes it"
    assert file.read_text() == ENVIRONMENTS[stage], (
        "python -m plumbline.workflow.environments writes it anew"
    )


@pytest.mark.parametrize("file", sorted((ROOT / "envs").iterdir()), ids=lambda file: file.stem)
def test_pins_are_the_lock_s_and_only_conda_forge_is_asked(file):
    versions, channels = packages(file.read_text())
    assert channels == ["conda-forge", "nodefaults"]
    assert versions.pop("python") == "3.11"
    assert versions == {name: LOCK[name] for name in versions}
    assert file.stem in ENVIRONMENTS


@pytest.mark.parametrize("file", sorted((ROOT / "envs").iterdir()), ids=lambda file: file.stem)
def test_every_line_is_a_match_spec_that_its_version_alone_meets(file):
    """Read by the library of conda's own formats; nothing is asked of a channel."""
    for line in yaml.safe_load(file.read_text())["dependencies"]:
        if isinstance(line, dict):
            assert all(Requirement(each).specifier for each in line["pip"])
            continue
        spec = MatchSpec(line, strict=True)
        name, _, version = line.partition(" ")
        assert spec.name.normalized == name
        if version:
            version = version.strip("= ")
            for found, meets in ((version, True), (f"{version}.1", name == "python"), ("0", False)):
                record = PackageRecord(name, found, BUILD, 0, "linux-64")
                assert spec.matches(record) is meets, f"{line}: {found}"


def test_a_line_that_is_none_is_refused():
    with pytest.raises(InvalidMatchSpecError):
        MatchSpec("numpy => 2", strict=True)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_runs_the_script_that_it_records(rule):
    assert rule.shell.split()[:2] == ["python", f'"$SCRIPTS/{rule.script}"']
    assert (SCRIPTS / rule.script).is_file()


def test_an_import_in_a_method_is_found(tmp_path):
    fresh(tmp_path / "copy", "tiny.yaml")
    tmp_path /= "copy"
    method = tmp_path / "scripts/plumbline/attribution/methods/gradient.py"
    method.write_text(method.read_text() + "\n\ndef more():\n    import sklearn.svm\n")
    after = environments(tmp_path)
    changed = [stage for stage in after if after[stage] != ENVIRONMENTS[stage]]
    assert changed == ["attribution"]
    assert packages(after["attribution"])[0]["scikit-learn"] == LOCK["scikit-learn"]


def test_no_script_has_the_name_of_a_module_that_is_installed():
    """The folder of the scripts comes first where Python looks for modules."""
    installed = set(metadata.packages_distributions()) | sys.stdlib_module_names
    names = {file.stem for file in SCRIPTS.glob("*.py")}
    assert names & installed == set()


def test_third_party_names_are_those_of_the_distributions(tmp_path):
    (tmp_path / "plumbline").mkdir()
    (tmp_path / "plumbline/own.py").write_text("import PIL.Image\nimport os\n")
    (tmp_path / "script.py").write_text(
        "import plumbline.own\nfrom sklearn import svm\ndef f(frame):\n    frame.to_parquet('x')\n"
    )
    assert third_party(tmp_path, "script.py") == {"pillow", "scikit-learn", "pyarrow"}


def test_a_script_may_load_all_methods_of_its_kinds():
    files = with_methods(SCRIPTS, "train.py")
    assert {
        "train.py",
        "plumbline/models/architectures/lenet5.py",
        "plumbline/models/architectures/resnet34.py",
    } <= set(files)


def project():
    import tomllib

    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_a_script_may_load_modules_that_it_names_by_package():
    files = with_methods(SCRIPTS, "plot.py")
    assert "plumbline/report/figures/uncertainty.py" in files
    assert "seaborn" in third_party(SCRIPTS, *files)
    assert not any("/sections/" in file for file in files)
    assert "plumbline/report/sections/latent.py" in with_methods(SCRIPTS, "build_page.py")


def test_the_lock_lies_within_the_ranges_of_the_project():
    ranges = [Requirement(each) for each in project()["dependencies"]]
    assert ranges
    for each in ranges:
        assert each.specifier.contains(Version(LOCK[normal(each.name)])), str(each)


def test_the_project_names_every_package_that_the_scripts_import():
    declared = {normal(Requirement(each).name) for each in project()["dependencies"]}
    imported = set()
    for text in ENVIRONMENTS.values():
        imported |= set(packages(text)[0])
    assert imported - {"python"} <= declared


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_the_lock_is_whole_for_every_python(python, system):
    """Every pin exists for this Python, and what a pinned package needs is pinned and fits."""
    place = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": system,
        "platform_system": system.capitalize(),
        "extra": "",
    }
    for lock in (LOCK, LOCK | TESTS):
        for name in lock:
            distribution = metadata.distribution(name)
            needed = distribution.metadata["Requires-Python"] or ""
            assert Requirement(f"python{needed}").specifier.contains(f"{python}.0"), name
            for each in map(Requirement, distribution.requires or []):
                if each.marker is None or each.marker.evaluate(place):
                    assert each.specifier.contains(lock[normal(each.name)]), f"{name} needs {each}"


def test_this_environment_is_the_lock():
    installed = {normal(each.name): each.version.split("+")[0] for each in metadata.distributions()}
    wanted = LOCK | TESTS
    assert {name: installed.get(name) for name in wanted} == wanted
    assert sys.version_info[:2] in [(3, 11), (3, 12), (3, 13)]


def test_no_file_of_pins_names_a_place():
    for file in ROOT.glob("requirements*.txt"):
        text = file.read_text()
        assert "://" not in text
        assert " @ " not in text
        assert not re.search(r"^\s*-", text, re.MULTILINE)
