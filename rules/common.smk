# What all rules share: the checked configuration, paths, options, code hashes.
import functools
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(str(workflow.current_basedir)).parent / "scripts"
# For the shell commands of the rules, and for the programs that they run.
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
    # What the rules ask: which nets, methods and files there are, what a program is called with.
    PLAN = Plan(CONFIG)
except InputError as error:
    sys.exit(f"Configuration: {error}")

if workflow.is_main_process and settle_times(CONFIG.results):
    print(
        "Results are of the future: was the clock set back? Their times are set to now."
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
    """A wildcard's constraint: one of `names`, nothing if there is none."""
    return "|".join(names) or "(?!)"


def results(paths):
    """A path, or several, in the folder of everything that this run makes."""
    if isinstance(paths, str):
        return f"{CONFIG.results}/{paths}"
    return [results(path) for path in paths]


def log(path):
    """The log of a rule's job."""
    return results(f"logs/{path}.log")


def bench(path):
    """Time and memory of a rule's job."""
    return results(f"benchmarks/{path}.tsv")


def asked(method, wildcards, **more):
    """What a method of the plan answers for the wildcards that it takes."""
    names = inspect.signature(method).parameters
    return method(
        **{name: each for name, each in wildcards.items() if name in names}, **more
    )


def files(method, **more):
    """An input: the files that a method of the plan names."""

    def of(wildcards):
        found = asked(method, wildcards, **more)
        return results(found.values() if isinstance(found, dict) else found)

    return of


def job(script, stage, method=None):
    """The parameter `job` of a rule: script, options and the hash of its code, by name.

    One parameter, since Snakemake's records keep the values of parameters without their names.
    The hash is that of the script, of all our code that it imports, of the environment of its
    stage, and of what the plan adds: methods, and the names under which they are shown.
    """

    def of(wildcards):
        todo = asked(method, wildcards) if method else Job()
        files = (script, f"../envs/{stage}.yaml", *todo.modules)
        return {
            "script": script,
            "code": code_hash(SCRIPTS, *files) + text_hash(todo.shown),
            "options": flags(todo.options),
        }

    of.script = script  # for those who ask Snakemake for its rules
    return of


def needs(megabytes, minutes, **more):
    """What a job asks for; the memory is doubled at every new attempt, as a cluster makes some."""
    return {
        "mem_mb": lambda wildcards, attempt: megabytes * 2 ** (attempt - 1),
        "runtime": minutes,
        **more,
    }


def cancel_submissions(logs):
    """Take back what SLURM still has of the run that Snakemake's logs are of."""
    for path in logs:
        for run in re.findall(r"^SLURM run ID: (\S+)$", Path(path).read_text(), re.M):
            subprocess.run(["scancel", "--name", run], check=False)


def beside(path):
    """A file of the repository, from the working folder: a moved folder reruns nothing."""
    return os.path.relpath(SCRIPTS.parent / path)


def tables(names):
    """Files of those tables among `names` that this configuration has."""
    return results(
        f"tables/{name}.csv" for name in PLAN.report.tables() if name in names
    )


def hashes():
    """Hash of every script that a rule runs, and of every part, figure, section and chosen method
    that a script loads by name."""
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
    """The file of the whole configuration and what follows from it, written when jobs are to run."""
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
    """Keep that file among the results."""
    return Job({"source": str(whole_configuration())})


def judgement():
    """The claims ledger, which names methods in its reasons."""
    return Job(shown=shown(CONFIG))


def page():
    """The report, made of a template and the modules of its sections and figures."""
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
