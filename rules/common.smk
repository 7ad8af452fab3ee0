# Shared by all rules: the validated configuration, paths, options and code hashes.
import functools
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(str(workflow.current_basedir)).parent / "scripts"
# Environment of the shell commands in the rules and of the programs that they run.
os.environ.update(SCRIPTS=str(SCRIPTS), PLUMBLINE_SNAKEMAKE=str(os.getpid()))
sys.path.insert(0, str(SCRIPTS))

from plumbline.config.schema import load
from plumbline.data.image_sets import SHIFTED
from plumbline.errors import InputError
from plumbline.report import outline
from plumbline.report.claims.schema import (
    HOW_TO_READ,
    check_tables,
    load_claims,
    tables_of,
)
from plumbline.report.planning import FigurePlan
from plumbline.runtime.cli import flags
from plumbline.storage.files import settle_times
from plumbline.workflow.code_hash import code_hash, text_hash
from plumbline.workflow.configuration_file import configuration_file
from plumbline.workflow.environments import locked
from plumbline.workflow.plan import Plan
from plumbline.workflow.stages.part import Job
from plumbline.workflow.stages.shown import shown
from plumbline.workflow.terminal import shorten

try:
    CONFIG = load(config)
    # Inputs, outputs and options of all jobs.
    PLAN = Plan(CONFIG)
except InputError as error:
    sys.exit(f"Configuration: {error}")

if workflow.is_main_process and settle_times(CONFIG.results):
    print(
        "Results have modification times in the future (clock set back?); set to now."
    )


wildcard_constraints:
    dataset="[a-z0-9_]+",
    model="|".join(CONFIG.networks.names()),
    seed="[0-9]+",
    split="train|val|calibration|test",
    attack="[a-z0-9_]+",
    estimator="[a-z0-9_]+",
    corpus="in_distribution|out_of_distribution|adversarial",
    method="[a-z0-9_]+",
    operator="[a-z0-9_]+",
    score="[a-z0-9_]+",
    visualization="[a-z0-9_]+",
    generator="[a-z0-9_]+",


def one_of(names):
    """Wildcard constraint: one of `names`; matches nothing if there are none."""
    return "|".join(names) or "(?!)"


def results(paths):
    """One or more paths in the folder of results."""
    if isinstance(paths, str):
        return f"{CONFIG.results}/{paths}"
    return [results(path) for path in paths]


def log(path):
    """Path of the log of a job."""
    return results(f"logs/{path}.log")


def bench(path):
    """Path of the benchmark file (time and memory) of a job."""
    return results(f"benchmarks/{path}.tsv")


def asked(method, wildcards, **more):
    """Result of a method of the plan for those wildcards that it has as parameters."""
    names = inspect.signature(method).parameters
    return method(
        **{name: each for name, each in wildcards.items() if name in names}, **more
    )


def files(method, **more):
    """Input function: the files that a method of the plan returns."""
    return lambda wildcards: results(asked(method, wildcards, **more))


def job(script, stage, method=None):
    """The parameter `job` of a rule: a dict of script, code hash and options.

    It is a single parameter because Snakemake records values of parameters without their names.
    The hash covers the script, all modules of this repository that it imports, the environment
    of its stage, and what the plan adds: modules of methods, and their labels.
    """

    def named(wildcards):
        todo = asked(method, wildcards) if method else Job()
        files = (script, f"../envs/{stage}.yaml", *todo.modules)
        return {
            "script": script,
            "code": code_hash(SCRIPTS, *files) + text_hash(todo.shown),
            "options": flags(todo.options),
        }

    named.script = script  # for tests and tools that inspect the rules
    return named


def needs(megabytes, minutes, **more):
    """Resources of a job; the memory doubles with every attempt."""
    return {
        "mem_mb": lambda wildcards, attempt: megabytes * 2 ** (attempt - 1),
        "runtime": minutes,
        **more,
    }


def cancel_submissions(logs):
    """Cancel remaining SLURM jobs of the run that wrote these logs of Snakemake."""
    for path in logs:
        for run in re.findall(r"^SLURM run ID: (\S+)$", Path(path).read_text(), re.M):
            subprocess.run(["scancel", "--name", run], check=False)


def beside(path):
    """Path of a repository file relative to the working folder; moving both reruns nothing."""
    return os.path.relpath(SCRIPTS.parent / path)


def tables(names):
    """Files of those tables in `names` that exist under this configuration."""
    return results(
        f"tables/{name}.csv" for name in PLAN.report.tables() if name in names
    )


def hashes():
    """Code hash of every script, and of every subcommand, figure, section and configured method."""
    names = sorted(file.name for file in SCRIPTS.glob("*.py"))
    names += sorted(
        file.relative_to(SCRIPTS).as_posix()
        for file in SCRIPTS.glob("plumbline/programs/*/[!_]*.py")
    )
    names += outline.modules()
    return {
        name if Path(name).parts[0] != ".." else Path(name).name: code_hash(
            SCRIPTS, name
        )
        for name in names + PLAN.report.modules()
    }


@functools.cache
def whole_configuration():
    """File of the full configuration and values derived from it; written only in a real run."""
    content = {
        "configuration": CONFIG.model_dump(mode="json"),
        "coverage": PLAN.report.coverage(),
        "left_out": PLAN.report.left_out(),
        "figures": [vars(drawing) for drawing in FIGURES.drawings],
        "hashes": hashes(),
        "pins": locked(SCRIPTS.parent / "requirements.txt"),
    }
    runs = workflow.executor_plugin is not None and not workflow.dryrun
    return configuration_file(content, write=runs)


def recorded_configuration():
    """Options of the job that copies this file to the results."""
    return Job({"source": str(whole_configuration())})


def judgement():
    """Job of the claims ledger; its reasons contain labels of methods."""
    return Job(shown=shown(CONFIG))


def page():
    """Job of the report; its code includes the template and the modules of sections and figures."""
    files = (
        "plumbline/programs/build_page/report.py",
        "plumbline/report/pages/report.html",
        *outline.modules(),
    )
    return Job({"results": CONFIG.results}, files, shown(CONFIG))


CAPTION = "../docs/caption.rst"  # writes the parameter of this name
CLAIMS = beside("config/claims.yaml")

try:
    LEDGER = load_claims(CLAIMS)
    check_tables(LEDGER, [*PLAN.report.parts(), "leaderboard"])
except InputError as error:
    sys.exit(f"Claims: {error}")
try:
    outline.check([*PLAN.report.parts(), "leaderboard", "coverage"])
    FIGURES = FigurePlan(PLAN)
except InputError as error:
    sys.exit(f"Report: {error}")
