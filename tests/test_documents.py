"""README and docs/: short where it should be, every link leads somewhere, every command exists."""

import re

import pytest
import yaml
from support import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
DOCUMENTS += sorted((ROOT / "docs").glob("*.md"))


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) < 1300


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_to_a_file(path):
    text = path.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#\s]+)\)", text) if "://" not in link]
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_configuration_that_is_named_is_there(path):
    named = re.findall(r"config/[\w.]+\.(?:yaml|json)", path.read_text(encoding="utf-8"))
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_the_table_of_configurations_is_complete():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"`(\w+\.yaml)`", text))
    others = {"claims.yaml", "published.yaml", "tolerances.yaml"}
    assert {path.name for path in (ROOT / "config").glob("*.yaml")} - others <= listed


def test_hooks_run_the_checks_of_ci():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    tools = {hook["entry"].split()[0] for hook in hooks}
    run = (ROOT / ".ci/run").read_text()
    assert tools == {"ruff", "snakefmt", "mypy"}
    assert all(re.search(rf"^{tool}\b", run, re.MULTILINE) for tool in tools)
