"""docs/options.md: current, complete, and its links lead somewhere."""

import re

import yaml
from support import ROOT

from plumbline.config.reference import reference

KEPT = (ROOT / "docs/options.md").read_text(encoding="utf-8")


def test_the_reference_of_options_is_current():
    assert reference() == KEPT, (
        "run: PYTHONPATH=scripts python -m plumbline.config.reference > docs/options.md"
    )


def test_every_link_leads_to_a_heading():
    headings = re.findall(r"^## `(.*)`$", KEPT, re.MULTILINE)
    links = re.findall(r"\[`([^`]*)`\]\(#([^)]*)\)", KEPT)
    assert sorted(name for name, _ in links) == sorted(headings)
    assert len({anchor for _, anchor in links}) == len(links)


def test_every_section_of_the_default_configuration_is_there():
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    parts = dict(re.findall(r"## `([^`]*)`\n(.*?)(?=\n## |\Z)", KEPT, re.DOTALL))
    for stage, keys in config.items():
        if isinstance(keys, dict):
            assert {f"| `{key}` |" for key in keys if f"| `{key}` |" not in parts[stage]} == set()


def test_a_row_tells_bounds_default_and_meaning():
    row = r"\| `momentum` \| number > 0, < 1 \| `0.9` \| \w.* \|"
    assert re.search(rf"^{row}$", KEPT, re.MULTILINE)
