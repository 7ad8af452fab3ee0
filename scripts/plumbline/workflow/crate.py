"""Describe a results folder as a Workflow Run RO-Crate, so that it can be published.

``python -m plumbline.workflow.crate RESULTS`` copies the workflow into the results and writes
``ro-crate-metadata.json``: every file that the report depends on with size and SHA-256, and every
job that made one with options, inputs, outputs, times, machine and software.  Profile: Provenance
Run Crate 0.6 (https://w3id.org/ro/wfrun/provenance/0.6).
"""

import argparse
import json
import mimetypes
import os
import shutil
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plumbline.errors import InputError
from plumbline.runtime import cli, job_log
from plumbline.runtime.snakemake_records import Record, record_of
from plumbline.storage.files import checksum, write_text
from plumbline.workflow.why import locate

if TYPE_CHECKING:
    from rocrate.model import ContextEntity
    from rocrate.rocrate import ROCrate

ROOT = Path(__file__).resolve().parents[3]
REPORT = "report/index.html"
CONFIGURATION = "config.json"
COPY = "workflow"
SOURCES = (
    *("Snakefile", "rules", "scripts", "envs", "config", "profiles", "docs", "plumbline"),
    *("requirements.txt", "pyproject.toml", "README.md", "LICENSE"),
)
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.6": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.6": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.6": "Provenance Run Crate",
}
CONTEXT = "https://w3id.org/ro/terms/workflow-run/context"
MIT = "https://spdx.org/licenses/MIT"


@dataclass(frozen=True)
class Job:
    """One execution of a rule: one of its records, and all files that it made."""

    record: Record
    outputs: tuple[str, ...]


def jobs_behind(folder: Path, name: str) -> list[Job]:
    """The jobs of runs in ``folder`` that ``name`` depends on, in order of their start."""
    found: dict[str, Job] = {}  # by the command, which names the outputs
    seen, waiting = set(), deque([name])
    while waiting:
        name = waiting.popleft()
        if name in seen:
            continue
        seen.add(name)
        if record := record_of(folder, name):
            found.setdefault(record.shell, Job(record, ()))
            _add_output(found, record)
            waiting.extend(record.inputs)
    # Further outputs of these jobs, which no other job reads.
    for place in {Path(output).parent for job in found.values() for output in job.outputs}:
        for path in sorted((folder / place).iterdir()):
            record = record_of(folder, os.fspath(place / path.name))
            if record and record.shell in found:
                _add_output(found, record)
    return sorted(found.values(), key=lambda job: (job.record.start, job.outputs))


def _add_output(found: dict[str, Job], record: Record) -> None:
    job = found[record.shell]
    found[record.shell] = replace(job, outputs=tuple(sorted({*job.outputs, record.output})))


@dataclass
class Builder:
    """Adds the files and jobs of a run to a crate whose root is ``results``.

    ``folder`` is the working folder of the run, to which the names in the records are relative.
    """

    crate: "ROCrate"
    results: Path
    folder: Path
    files: dict[str, Any] = field(default_factory=dict)
    packages: dict[str, Any] = field(default_factory=dict)

    def context(self, identifier: str, kind: str | list[str], **properties: Any) -> "ContextEntity":
        """An entity that is not a file; an existing one with the same identifier is returned."""
        from rocrate.model import ContextEntity

        found = self.crate.dereference(identifier)
        if found is None:
            properties = {"@type": kind, **properties}
            found = self.crate.add(ContextEntity(self.crate, identifier, properties=properties))
        return found

    def file(self, name: str) -> Any:
        """The entity of a file that a rule read or wrote.

        A file outside the crate is described by its name and checksum.
        """
        if name not in self.files:
            path = self.folder / name
            inside = self.place(path)
            if inside:
                self.files[name] = self.data(inside)
            else:
                digest = checksum(path) if path.is_file() else "missing"
                self.files[name] = self.context(
                    f"#input-{digest[:16]}", "CreativeWork", name=path.name, sha256=digest
                )
        return self.files[name]

    def place(self, path: Path) -> str:
        """The path of a file within the crate; empty if it is not in the crate."""
        path = Path(os.path.abspath(path))
        if path.is_relative_to(self.results) and path.is_file():
            return path.relative_to(self.results).as_posix()
        if path.is_relative_to(ROOT):
            copied = Path(COPY) / path.relative_to(ROOT)
            return copied.as_posix() if (self.results / copied).is_file() else ""
        return ""

    def data(self, inside: str, **properties: Any) -> Any:
        """The entity of a file of the crate, with size, checksum and media type."""
        path = self.results / inside
        kind = mimetypes.guess_type(inside)[0]
        about = {
            "name": inside,
            "contentSize": str(path.stat().st_size),
            "sha256": checksum(path),
            **({"encodingFormat": kind} if kind else {}),
        }
        found = self.crate.dereference(inside)
        return found or self.crate.add_file(path, inside, properties=about | properties)

    def values(self, job: Job) -> Iterator[Any]:
        """The options and the code hash of a job."""
        for name, value in (("options", job.record.options), ("code hash", job.record.code)):
            if value:
                identifier = f"#{name.replace(' ', '-')}-{identity(name, value)}"
                yield self.context(identifier, "PropertyValue", name=name, value=value)

    def software(self, environment: dict[str, Any]) -> Iterator[Any]:
        """Python and the packages that the log of a job names."""
        for name, version in {"Python": environment["python"], **environment["packages"]}.items():
            identifier = f"#{name}-{version}"
            if identifier not in self.packages:
                self.packages[identifier] = self.context(
                    identifier, "SoftwareApplication", name=name, softwareVersion=version
                )
            yield self.packages[identifier]

    def tool(self, job: Job) -> Any:
        """The script that a job ran."""
        kinds = ["File", "SoftwareSourceCode", "SoftwareApplication"]
        return self.data(
            f"{COPY}/scripts/{job.record.script}", **{"@type": kinds, "name": job.record.script}
        )

    def action(self, job: Job) -> tuple[Any, Any]:
        """The run of a job, and the action that controlled it as a step of the workflow."""
        record, tool = job.record, self.tool(job)
        name = f"{record.rule} {' '.join(job.outputs)}"
        run = self.crate.add_action(
            tool,
            f"#job-{identity(name)}",
            object=[*map(self.file, record.inputs), *self.values(job)],
            result=[self.file(output) for output in job.outputs],
            properties={
                "name": name,
                "startTime": _time(record.start),
                "endTime": _time(record.end),
                "actionStatus": "http://schema.org/CompletedActionStatus",
            },
        )
        for log in record.logs:
            if environment := job_log.read_environment(self.folder / log):
                parts = ("host", "processor", "device", "system")
                text = ", ".join(environment[part] for part in parts)
                run["location"] = self.context(f"#machine-{identity(text)}", "Place", name=text)
                run["softwareRequirements"] = list(self.software(environment))
            if self.place(self.folder / log):
                run.append_to("subjectOf", self.file(log))
        step = self.context(f"#step-{record.rule}", "HowToStep", name=record.rule, workExample=tool)
        identifier = f"#control-{identity(name)}"
        control = self.context(identifier, "ControlAction", name=name, instrument=step, object=run)
        return run, control


def identity(*words: str) -> str:
    """A short identifier computed from the words."""
    import hashlib

    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def copy_workflow(target: Path) -> None:
    """Copy the sources of the workflow to ``target``, which is replaced."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=ignore)
        elif source.is_file():
            shutil.copy2(source, target / name)


def build(results: Path, license: str) -> "ROCrate":
    """The crate of a finished run.  Copies the workflow, but does not write the metadata.

    Raises :class:`InputError` if there is no report, no record of how it was made, or if this
    workflow lacks a script that made it.
    """
    from rocrate.rocrate import ROCrate

    results = Path(os.path.abspath(results))
    folder, name = locate(results / REPORT)
    jobs = jobs_behind(folder, name)
    for job in jobs:
        if not (ROOT / "scripts" / job.record.script).is_file():
            script = job.record.script or f"the rule {job.record.rule}"
            raise InputError(f"{results}: made by another version of the workflow, with {script}")
    copy_workflow(results / COPY)
    crate = ROCrate()
    crate.metadata.extra_contexts.append(CONTEXT)
    builder = Builder(crate, results, folder)
    workflow = _workflow(builder, jobs)
    pairs = [builder.action(job) for job in jobs]
    _run(builder, workflow, name, jobs, pairs)
    _root(builder, jobs, license)
    return crate


def _workflow(builder: Builder, jobs: list[Job]) -> Any:
    """The main entity: the Snakefile, with the scripts of the jobs as its parts."""
    crate, path = builder.crate, builder.results / COPY / "Snakefile"
    about = {
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
        "name": "Plumbline",
        "license": builder.context(MIT, "CreativeWork", name="MIT License"),
        "sha256": checksum(path),
        "contentSize": str(path.stat().st_size),
    }
    engine = {"lang": "snakemake", "lang_version": _version("snakemake")}
    workflow = crate.add_workflow(path, f"{COPY}/Snakefile", properties=about, main=True, **engine)
    workflow["hasPart"] = _once(map(builder.tool, jobs))
    for path in sorted((builder.results / COPY).rglob("*")):
        if path.is_file():
            builder.data(path.relative_to(builder.results).as_posix())
    return workflow


def _run(
    builder: Builder, workflow: Any, report: str, jobs: list[Job], pairs: list[tuple[Any, Any]]
) -> None:
    """The run of the workflow, from the configuration to the report and the tables."""
    crate = builder.crate
    workflow["step"] = _once(control["instrument"] for _, control in pairs)
    given = builder.data(CONFIGURATION)
    tables = [name for job in jobs for name in job.outputs if "/tables/" in f"/{name}"]
    results = [builder.file(report), *map(builder.file, tables)]
    for slot, name, entities in (
        ("input", "configuration", [given]),
        ("output", "report", results[:1]),
        ("output", "tables", results[1:]),
    ):
        parameter = crate.add_formal_parameter(name, "File", identifier=f"#{slot}-{name}")
        workflow.append_to(slot, parameter)
        for entity in entities:
            entity["exampleOfWork"] = parameter
    times = {
        "startTime": _time(min(job.record.start for job in jobs)),
        "endTime": _time(max(job.record.end for job in jobs)),
    }
    about = {"name": "Run of Plumbline", **times}
    run = crate.add_action(workflow, "#run", object=[given], result=results, properties=about)
    version = _version("snakemake")
    engine = builder.context("#engine", "SoftwareApplication", name="Snakemake", version=version)
    order = {"instrument": engine, "object": [control for _, control in pairs], "result": run}
    builder.context("#order", "OrganizeAction", name="Snakemake's work", **order, **times)
    crate.root_dataset["mentions"] = [run, *(each for each, _ in pairs)]


def _root(builder: Builder, jobs: list[Job], license: str) -> None:
    """Name, description, licence, date and profiles of the crate."""
    root = builder.crate.root_dataset
    builder.crate.name = "Results of Plumbline"
    builder.crate.description = (
        "What image classifiers see, how sure they are, and when they fail: a run of the "
        "workflow Plumbline with all files that its report depends on."
    )
    root["license"] = builder.context(license, "CreativeWork", name=license)
    root["datePublished"] = _time(max(job.record.end for job in jobs))
    for identifier, name in PROFILES.items():
        kind = ["CreativeWork", "Profile"]
        root.append_to("conformsTo", builder.context(identifier, kind, name=name, version="0.6"))


def _once(entities: Iterable[Any]) -> list[Any]:
    return list({entity.id: entity for entity in entities}.values())


def _version(name: str) -> str:
    from importlib.metadata import version

    return version(name)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("results", type=Path, nargs="?", default=Path("results"), help="folder")
    parser.add_argument("--license", default=MIT, help="URL of the licence of the results")


def main(args: argparse.Namespace) -> None:
    try:
        crate = build(args.results, args.license)
    except ModuleNotFoundError as error:
        raise InputError(f"{error}: ./plumbline crate installs requirements-crate.txt") from None
    text = json.dumps(crate.metadata.generate(), indent=1, sort_keys=True, ensure_ascii=False)
    target = args.results / crate.metadata.id
    write_text(target, text + "\n")
    runs = crate.get_by_type("CreateAction")
    print(f"{target}: {len(crate.data_entities)} files, {len(runs) - 1} jobs")


if __name__ == "__main__":
    cli.run(main, __doc__, arguments, logged=False)
