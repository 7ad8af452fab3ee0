"""Progress of loops in a log."""

from plumbline.runtime.progress import progress


def test_progress_yields_everything_and_reports_the_end(capsys):
    assert list(progress(range(3), "mutants")) == [0, 1, 2]
    assert "mutants: 3 of 3" in capsys.readouterr().err


def test_progress_of_an_inner_loop_is_silent(capsys):
    for _ in progress(range(2), "outer"):
        assert list(progress(range(3), "inner")) == [0, 1, 2]
    assert "inner" not in capsys.readouterr().err
    for _ in progress(range(2), "left early"):
        break
    assert list(progress(range(3), "next")) == [0, 1, 2]
    assert "next: 3 of 3" in capsys.readouterr().err
