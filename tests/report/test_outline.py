"""The outline follows from the files of figures and sections, and what does not fit is told."""

import pytest

from plumbline.errors import InputError
from plumbline.report import outline

FIGURE = """
import a_library_that_nobody_has
from plumbline.report.spec import FigureSpec

FIGURE = FigureSpec(
    stage={stage!r},
    topic={topic!r},
    title="new",
    caption="What it shows.",
    inputs={{"table": lambda plan, at: [f"{{at.dataset}}.csv"]}},
    order={order},
)


def draw(table):
    a_library_that_nobody_has.draw(table)
"""
SECTION = """
from plumbline.report.spec import Section, Topic

SECTION = Section("Training", (Topic("Curves", tables={tables!r}),))


def training(frames, dataset):
    return []
"""


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A room of figures and sections with one of each."""
    for folder in ("figures", "sections"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()
    monkeypatch.setattr(outline, "ROOM", tmp_path)
    for function in (outline.figures, outline.sections):
        function.cache_clear()
    write(tmp_path)
    yield tmp_path
    for function in (outline.figures, outline.sections):
        function.cache_clear()


def write(room, name="curves", stage="training", topic="Curves", tables=(), order=0):
    text = FIGURE.format(stage=stage, topic=topic, order=order)
    (room / f"figures/{name}.py").write_text(text)
    (room / "sections/training.py").write_text(SECTION.format(tables=tables))


def message(function, *arguments):
    with pytest.raises(InputError) as error:
        function(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_file_is_a_figure_and_none_of_its_libraries_is_imported(room):
    write(room, "zigzag", order=-1)
    assert list(outline.figures()) == ["zigzag", "curves"]
    (section,) = outline.sections().values()
    assert outline.figures_of("training", section.topics[0]) == ["zigzag", "curves"]
    outline.check([])
    assert outline.modules() == [
        *("plumbline/report/figures/curves.py", "plumbline/report/figures/zigzag.py"),
        "plumbline/report/sections/training.py",
    ]


def test_a_figure_of_no_section_or_topic_is_told_with_the_nearest(room):
    write(room, stage="trainig")
    assert message(outline.figures) == (
        "report/figures/curves.py: no section 'trainig'; did you mean 'training'? "
        "(allowed: training)"
    )
    write(room, topic="Curve")
    assert "training has no topic 'Curve'; did you mean 'Curves'?" in message(outline.figures)


def test_a_topic_that_shows_nothing_is_told(room):
    (room / "figures/curves.py").unlink()
    assert message(outline.check, []) == (
        "report/sections/training.py: topic 'Curves' has no figure and no table"
    )


def test_a_table_without_a_function_or_without_a_job_is_told(room):
    write(room, tables=("trainng",))
    assert "no function for the table trainng" in message(outline.sections)
    write(room, tables=("training",))
    assert "no table 'training'; did you mean 'trainings'?" in message(outline.check, ["trainings"])


def test_a_file_that_declares_nothing_or_what_it_must_not_is_told(room):
    (room / "figures/curves.py").write_text("FIGUR = 1\n")
    assert "curves.py declares no FIGURE = FigureSpec(...)" in message(outline.figures)
    (room / "figures/curves.py").write_text("FIGURE = FigureSpec(stage=numpy.pi)\n")
    assert "FIGURE must not use numpy" in message(outline.figures)
    (room / "figures/curves.py").write_text(
        "FIGURE = FigureSpec(when=lambda plan: plan.of(each))\n"
    )
    assert "FIGURE must not use each" in message(outline.figures)
    (room / "figures/curves.py").write_text("FIGURE = FigureSpec(stage='training')\n")
    assert "curves.py: FIGURE: missing 4 required keyword-only arguments" in message(
        outline.figures
    )
    (room / "figures/curves.py").write_text("FIGURE = FigureSpec(\n")
    assert message(outline.figures) == (
        "report/figures/curves.py: not Python: '(' was never closed (line 1)"
    )
    (room / "figures/curves.py").write_bytes(b'"""\xe9"""')
    assert message(outline.figures).startswith("report/figures/curves.py: not Python: 'utf-8'")
    (room / "sections/seeing.py").write_text("SECTION = 1\n")
    assert "no stage 'seeing'" in message(outline.sections)


def test_every_figure_of_the_report_has_its_place():
    assert len(outline.figures()) >= 30
    places = [(spec.stage, spec.topic) for spec in outline.figures().values()]
    assert list(dict.fromkeys(stage for stage, _ in places)) == list(outline.STAGES)
