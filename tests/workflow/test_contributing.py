"""The recipes of CONTRIBUTING.md: each is followed to the letter in one copy of the repository, the
files that it touches are counted, and the run shows what was added in its tables and its report."""

import html
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from repository import SOURCES, Repository, fresh
from sklearn.datasets import load_digits
from support import ROOT

pytestmark = pytest.mark.workflow
CONFIGURATION = "your configuration"
CLAIMS = "config/claims.yaml"
BLOCK = re.compile(r"(`[^`\n]+`|your configuration):\n\n```\w+\n(.*?)```", re.DOTALL)
STATED = re.compile(r"^\*(1 .*?)\.\*", re.MULTILINE)


@dataclass(frozen=True)
class Recipe:
    """What a section says: how much is to be written, and each text with the file it goes into."""

    stated: str
    blocks: tuple[tuple[str, str], ...]


def recipes() -> dict[str, Recipe]:
    """The recipes by their headings."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    sections = re.findall(r"^### (Add .*?)\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
    return {
        title: Recipe(
            STATED.search(section)[1],
            tuple((place.strip("`"), block) for place, block in BLOCK.findall(section)),
        )
        for title, section in sections
    }


def follow(recipe: Recipe, repository: Repository) -> None:
    """Write what the recipe says into the copy; the configuration goes over that of its run."""
    for place, text in recipe.blocks:
        path = repository.folder / place
        if place == CONFIGURATION:
            changes = repository.folder / "changes.yaml"
            before = yaml.safe_load(changes.read_text()) if changes.exists() else {}
            changes.write_text(yaml.safe_dump(before | yaml.safe_load(text)))
        elif place == CLAIMS:
            path.write_text(path.read_text() + "\n" + text)
        else:
            assert path.parent.is_dir()
            assert not path.exists()
            path.write_text(text)


def sources(repository: Repository) -> dict[str, bytes]:
    """Content by name of all that a contributor may touch."""
    paths = (path for name in SOURCES for path in (repository.folder / name).rglob("*"))
    return {
        path.relative_to(repository.folder).as_posix(): path.read_bytes()
        for path in [*paths, repository.folder / "Snakefile"]
        if path.is_file() and "__pycache__" not in path.parts
    }


def measured(recipe: Recipe, touched: set[str]) -> str:
    """What was really written, in the words in which a recipe states it."""
    parts = [f"{len(touched - {CLAIMS})} module"] if touched - {CLAIMS} else []
    parts += [f"1 block in `{CLAIMS}`"] if CLAIMS in touched else []
    for place, text in recipe.blocks:
        if place == CONFIGURATION:
            lines = len(text.splitlines())
            parts.append("1 line of configuration" if lines == 1 else "1 block of configuration")
    return ", ".join(parts)


def write_images(path: Path) -> None:
    """The user's own file: scikit-learn's digits, enlarged to 24 x 24."""
    images, labels = load_digits(return_X_y=True)
    enlarged = np.kron(images[:300].reshape(-1, 8, 8), np.ones((3, 3)))
    np.savez(path, x=(enlarged * 255 / 16).astype(np.uint8), y=labels[:300])


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """The copy after all recipes and its run, with what each recipe has touched."""
    repository = fresh(tmp_path_factory.mktemp("contributing") / "copy", "tiny.yaml")
    touched = {}
    for title, recipe in recipes().items():
        before = sources(repository)
        follow(recipe, repository)
        after = sources(repository)
        touched[title] = {name for name in after if after[name] != before.get(name)}
    write_images(repository.folder / "mine.npz")
    repository.snakemake()
    return repository, touched


@pytest.fixture(scope="module")
def page(extended):
    return html.unescape((extended[0].folder / "results/report/index.html").read_text())


def table(extended, name):
    return pd.read_csv(extended[0].folder / f"results/tables/{name}.csv")


def test_there_are_five_recipes():
    kinds = [title.split()[-1] for title in recipes()]
    assert kinds == ["method", "estimator", "figure", "claim", "dataset"]


@pytest.mark.parametrize("title", recipes())
def test_a_recipe_touches_as_much_as_it_says(title, extended):
    recipe = recipes()[title]
    assert measured(recipe, extended[1][title]) == recipe.stated


def test_the_method_is_tested_and_shown(extended, page):
    found = table(extended, "attribution").query("method == 'contrast'")
    assert {"clean_accuracy", "accuracy", "area_gain"} <= set(found["metric"])
    assert "contrast" in set(table(extended, "randomization")["method"])
    assert "contrast to the mean" in page


def test_the_estimator_is_judged_at_its_cost(extended, page):
    found = table(extended, "uncertainty").query("estimator == 'input_noise'")
    assert {"nll", "mean_mutual_information"} <= set(found["metric"])
    detection = table(extended, "detection")
    own = detection[detection["score"].str.startswith("input_noise.")]
    assert set(own["evaluations"]) == {3}
    assert "input noise" in page


def test_the_figure_is_drawn_and_stands_in_its_section(extended, page):
    figure = extended[0].folder / "results/figures/mine/likelihood_lenet5.png"
    assert figure.stat().st_size > 5_000
    place = page.index("Negative log-likelihood of the true class on test")
    assert re.findall(r'<h2 id="([\w-]+)"', page[:place])[-1] == "uncertainty"


def test_the_claim_is_judged_from_the_table_of_costs(extended, page):
    (claim,) = table(extended, "claims").query("claim == '003-gradient-needs-one-pass'").iloc
    assert (claim["verdict"], claim["value"], claim["control_value"]) == ("holds", 1, 0)
    assert claim["statement"] in page


def test_the_dataset_is_that_of_every_table(extended):
    folder = extended[0].folder / "results/tables"
    for path in folder.glob("*.csv"):
        assert set(pd.read_csv(path)["dataset"]) <= {"mine", "all"}, path.name
