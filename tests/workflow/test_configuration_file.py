"""The file of a run's configuration is named by its content and written only when needed."""

import json

from plumbline.workflow.configuration_file import FOLDER, configuration_file

CONTENT = {"configuration": {"seed": 0, "datasets": ["digits"]}, "left_out": []}


def test_the_name_follows_from_the_content(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = configuration_file(CONTENT, write=True)
    assert json.loads(path.read_text()) == CONTENT
    assert configuration_file(dict(CONTENT), write=True) == path
    assert configuration_file(CONTENT | {"left_out": ["x"]}, write=True) != path
    assert len(list(FOLDER.iterdir())) == 2


def test_the_order_of_keys_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = {"figures": [{"kind": "gallery", "of": {"model": "lenet5", "family": "lrp"}}]}
    (figure,) = json.loads(configuration_file(content, write=True).read_text())["figures"]
    assert list(figure["of"]) == ["model", "family"]


def test_a_dry_run_writes_nothing_and_a_second_run_nothing_new(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = configuration_file(CONTENT, write=False)
    assert not list(tmp_path.iterdir())
    assert configuration_file(CONTENT, write=True) == path
    written = path.stat()
    assert configuration_file(CONTENT, write=True) == path
    assert path.stat() == written
