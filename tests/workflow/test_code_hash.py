"""The hash that decides what reruns: it must see every edit that can matter and no other."""

import pytest

from plumbline.contracts import SCRIPTS
from plumbline.workflow.code_hash import closure, code_hash

FILES = {
    "run.py": '"""Docstring."""\nfrom lab.tools import add\nprint(add(1, 2))\n',
    "lab/__init__.py": "",
    "lab/tools.py": "import lab.deep\n\n\ndef add(a, b):\n    return lab.deep.plus(a, b)\n",
    "lab/deep.py": "def plus(a, b):\n    return a + b\n",
    "lab/other.py": "X = 1\n",
    "env.yaml": "dependencies: []\n",
}


@pytest.fixture
def root(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def edited_hash(root, name, text):
    """Hash after an edit, in a copy, because parsed files are remembered by their path."""
    import shutil

    copy = root.parent / f"{root.name}_edited"
    shutil.copytree(root, copy)
    (copy / name).write_text(text)
    return code_hash(copy, "run.py", "env.yaml")


def test_imports_are_followed_through_modules_and_packages(root):
    names = {path.relative_to(root).as_posix() for path in closure(root, "run.py")}
    assert names == {"run.py", "lab/__init__.py", "lab/tools.py", "lab/deep.py"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("run.py", FILES["run.py"].replace("2", "3")),
        ("lab/tools.py", FILES["lab/tools.py"].replace("(a, b)", "(b, a)", 1)),
        ("lab/deep.py", "def plus(a, b):\n    return a - b\n"),
        ("lab/__init__.py", "X = 1\n"),
        ("env.yaml", "dependencies: [numpy]\n"),
    ],
)
def test_an_edit_that_can_matter_changes_the_hash(root, name, text):
    assert edited_hash(root, name, text) != code_hash(root, "run.py", "env.yaml")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("lab/other.py", "X = 2\n"),
        ("run.py", FILES["run.py"].replace("Docstring", "Another")),
        ("lab/deep.py", "# why\ndef plus(a, b):\n    '''Sum.'''\n\n    return (a + b)\n"),
        ("lab/tools.py", "'''Tools.'''\n" + FILES["lab/tools.py"]),
    ],
)
def test_comments_docstrings_layout_and_other_modules_do_not(root, name, text):
    assert edited_hash(root, name, text) == code_hash(root, "run.py", "env.yaml")


@pytest.mark.parametrize("script", ["join_tables.py", "compare_attributions.py"])
def test_contracts_and_configuration_count_for_no_script_that_uses_neither(script):
    files = {path.relative_to(SCRIPTS).as_posix() for path in closure(SCRIPTS, script)}
    assert "plumbline/runtime/cli.py" in files
    assert not {name for name in files if name.startswith("plumbline/config/")}
    assert not files & {"plumbline/registry.py", "plumbline/contracts.py"}


def test_the_place_and_time_stamps_do_not_matter(root, tmp_path_factory):
    import os
    import shutil

    copy = tmp_path_factory.mktemp("elsewhere") / "repo"
    shutil.copytree(root, copy)
    for path in copy.rglob("*"):
        os.utime(path, (0, 0))
    assert code_hash(copy, "run.py", "env.yaml") == code_hash(root, "run.py", "env.yaml")


def test_a_module_named_beside_the_script_counts(root):
    assert code_hash(root, "run.py", "lab/other.py") != code_hash(root, "run.py")


def test_relative_imports_are_refused(root):
    (root / "lab/relative.py").write_text("from . import deep\n")
    with pytest.raises(ValueError, match="full name"):
        code_hash(root, "lab/relative.py")


def test_descriptions_of_configuration_fields_do_not_count(tmp_path):
    for name, text in (("a", "Speed."), ("b", "Velocity.")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "m.py").write_text(f'class C:\n    x: int = 1\n    """{text}"""\n')
    assert code_hash(tmp_path / "a", "m.py") == code_hash(tmp_path / "b", "m.py")


def test_how_a_method_is_shown_does_not_count_but_all_else_of_it_does(tmp_path):
    texts = {
        "plain": "def attribute(): ...\n",
        "shown": 'LABEL: str = "Mine"\nFAMILY = "lrp"\nVARIANTS = {}\ndef attribute(): ...\n',
        "needs": 'NEEDS = ("dropout",)\ndef attribute(): ...\n',
    }
    hashes = {}
    for place in ("plumbline/attribution/methods", "plumbline/attribution"):
        for name, text in texts.items():
            folder = tmp_path / place / name / place
            folder.mkdir(parents=True)
            (folder / "mine.py").write_text(text)
            hashes[place, name] = code_hash(tmp_path / place / name, f"{place}/mine.py")
    assert (
        hashes["plumbline/attribution/methods", "plain"]
        == (hashes["plumbline/attribution/methods", "shown"])
    )
    assert len(set(hashes.values())) == 5
