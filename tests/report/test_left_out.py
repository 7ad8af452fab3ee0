"""What a net cannot have stands at the end of its stage, with the reason."""

import pandas as pd

from plumbline.report.left_out import COLUMNS, left_out
from plumbline.report.pages.report import stage_sections
from plumbline.report.spec import Drawing

ROWS = [
    ("uncertainty", "mine", "lenet5", "mc_dropout", "no dropout layer"),
    ("uncertainty", "other", "lenet5", "ensemble", "only 1 net with given weights"),
    ("latent", "mine", "", "adversarial", "no map"),
]
TABLES = {"left_out": pd.DataFrame(ROWS, columns=COLUMNS)}


def test_a_table_has_the_entries_of_its_stage_and_dataset():
    (table,) = left_out(TABLES, "mine", "uncertainty")
    assert table.rows == [["LeNet-5", "MC dropout", "no dropout layer"]]
    assert left_out(TABLES, "mine", "latent")[0].rows[0][0] == "–"
    assert left_out(TABLES, "mine", "stability") == []
    assert left_out({}, "mine", "uncertainty") == []


def test_a_stage_without_any_figure_still_says_why(tmp_path):
    from PIL import Image

    path = tmp_path / "mine/accuracy.png"
    path.parent.mkdir()
    Image.new("RGB", (40, 30)).save(path, dpi=(150, 150))
    found = {s["id"]: s for s in stage_sections(TABLES, [(Drawing("accuracy", "mine", {}), path)])}
    ((topic,),) = ([t for t in part["topics"]] for part in found["latent"]["parts"])
    assert topic["title"] == "Omitted entries"
    assert [table.rows for table in topic["tables"]] == [[["–", "adversarial", "no map"]]]
    assert found["stability"]["parts"] == []
