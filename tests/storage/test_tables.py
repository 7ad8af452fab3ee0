"""Tables: written one way, and read as they were written."""

import pytest

from plumbline.storage.tables import (
    read_frame,
    read_rows,
    row,
    write_csv,
)


def test_tables_are_written_one_way(tmp_path):
    rows = [
        row("auroc", 0.123456789, float("nan"), 1.0, 3, dataset="digits"),
        row("auroc", 1.0, 0.0, 1.0, 4, dataset="digits", model="lenet5"),
    ]
    write_csv(tmp_path / "t.csv", rows)
    assert (tmp_path / "t.csv").read_text() == (
        "dataset,model,metric,value,low,high,n\n"
        "digits,,auroc,0.123457,,1,3\n"
        "digits,lenet5,auroc,1,0,1,4\n"
    )
    with pytest.raises(ValueError, match="without rows"):
        write_csv(tmp_path / "t.csv", [])


def test_names_of_digits_stay_text_and_numbers_are_read_as_such(tmp_path):
    for number in range(2):
        rows = [row("share", 0.25, 0.0, 1.0, 3, **{"class": "07", "seed": number})]
        write_csv(tmp_path / f"{number}.csv", rows)
    frame = read_frame(tmp_path / f"{number}.csv" for number in range(2))
    assert frame["class"].tolist() == ["07", "07"]
    assert frame["seed"].tolist() == [0, 1]
    assert frame.index.tolist() == [0, 1]
    (text,) = read_rows(tmp_path / "1.csv")
    assert (text["class"], text["seed"], text["value"]) == ("07", "1", "0.25")
