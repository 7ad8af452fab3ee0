"""The figures that a run draws, with their input files and options."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from plumbline.errors import InputError
from plumbline.report import outline
from plumbline.report.spec import Drawing, FigureSpec, Instances, paragraphs
from plumbline.workflow.plan import Plan
from plumbline.workflow.stages.part import Job
from plumbline.workflow.stages.shown import shown


class FigurePlan:
    """The figures of a run.

    Raises :class:`InputError` if two figures have the same name, or if the parameters of ``draw``
    differ from the declaration.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._drawings: dict[tuple[str, str], Drawing] = {}
        self._shown: dict[tuple[str, str], dict[str, str]] = {}
        for dataset in plan.config.datasets:
            for kind, spec in outline.figures().items():
                with _told(kind):
                    for of in _instances(spec.when(plan, dataset)):
                        self._add(Drawing(kind, dataset, of))
        for drawing in {drawing.kind: drawing for drawing in self.drawings}.values():
            with _told(drawing.kind):
                self._check(drawing)

    @property
    def drawings(self) -> list[Drawing]:
        """All instances of figures, by dataset, in the order of the page."""
        return list(self._drawings.values())

    def names(self) -> list[str]:
        """The distinct names of all files."""
        return list(dict.fromkeys(drawing.name for drawing in self.drawings))

    def stage(self, dataset: str, figure: str) -> str:
        """The stage of a file."""
        return self._spec(dataset, figure).stage

    def caption(self, dataset: str, figure: str) -> str:
        """The caption of a file, with blank lines between paragraphs."""
        return "\n\n".join(paragraphs(self._spec(dataset, figure).caption))

    def labels(self, dataset: str, figure: str) -> dict[str, str]:
        """Labels that distinguish the figures of a stage in the report of Snakemake."""
        of = {name: value for name, value in self._drawings[dataset, figure].of.items() if value}
        return {"dataset": dataset, "figure": self._spec(dataset, figure).title} | of

    def inputs(self, dataset: str, figure: str) -> list[str]:
        """The input files of a figure."""
        found = self._inputs(self._drawings[dataset, figure])
        return [file for files in found.values() for file in files]

    def plot(self, dataset: str, figure: str) -> Job:
        """The job that draws one file."""
        drawing, folder = self._drawings[dataset, figure], self._plan.config.results
        inputs = {
            name: [f"{folder}/{file}" for file in files]
            for name, files in self._inputs(drawing).items()
        }
        given = {"figure": drawing.kind, "inputs": inputs, "options": self._options(drawing)}
        key = self.stage(dataset, figure), dataset
        if key not in self._shown:
            self._shown[key] = shown(self._plan.config, *key)
        return Job(given, (outline.module(drawing.kind),), self._shown[key])

    def _spec(self, dataset: str, figure: str) -> FigureSpec:
        return outline.figures()[self._drawings[dataset, figure].kind]

    def _inputs(self, drawing: Drawing) -> dict[str, list[str]]:
        """The input files of a figure by argument of ``draw``."""
        at, found = _at(drawing), {}
        for name, read in outline.figures()[drawing.kind].inputs.items():
            files = read.format(**vars(at)) if isinstance(read, str) else read(self._plan, at)
            found[name] = [files] if isinstance(files, str) else list(files)
        return found

    def _add(self, drawing: Drawing) -> None:
        key = drawing.dataset, drawing.name
        if key in self._drawings:
            other = self._drawings[key].kind
            raise InputError(f"report/figures/{other}.py draws a figure {drawing.name}, too")
        self._drawings[key] = drawing

    def _options(self, drawing: Drawing) -> dict[str, Any]:
        at = _at(drawing)
        given = dict(outline.figures()[drawing.kind].options(self._plan, at))
        taken = outline.arguments(drawing.kind)
        return {name: value for name, value in vars(at).items() if name in taken} | given

    def _check(self, drawing: Drawing) -> None:
        taken = outline.arguments(drawing.kind)
        given = {*self._inputs(drawing), *self._options(drawing)}
        if given != set(taken):
            raise InputError(
                f"draw takes {', '.join(taken)}, FIGURE gives {', '.join(sorted(given))}"
            )


@contextmanager
def _told(kind: str) -> Iterator[None]:
    """Add the file of a figure to the message of any error that it raises."""
    try:
        yield
    except Exception as error:  # its functions may raise anything
        reason = str(error) if isinstance(error, InputError) else repr(error)
        raise InputError(f"report/figures/{kind}.py: {reason}") from error


def _instances(when: Instances) -> list[Mapping[str, str]]:
    if isinstance(when, bool):
        return [{}] if when else []
    return list(when)


def _at(drawing: Drawing) -> SimpleNamespace:
    return SimpleNamespace(dataset=drawing.dataset, **drawing.of)
