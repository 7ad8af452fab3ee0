"""The rules of the workflow as Snakemake parses them.

The software environments and the tests ask Snakemake what a rule runs and asks for, instead of
reading the text of the rules.  Parsing sets environment variables and search paths, so a process
of its own does it: ``python -m plumbline.workflow.parsed_rules FOLDER`` prints the rules as JSON.
"""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from snakemake.rules import Rule

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class ParsedRule:
    """What a rule runs and what it asks for.

    ``file`` is the stem of the file of the rule, ``script`` the script of its parameter `job`,
    ``stage`` the stem of the file that its directive `conda` names, ``shell`` its command before
    names in braces are replaced.  A ``local`` rule runs where Snakemake is called, on a cluster
    too.  ``memory`` is in megabytes, at the first and at the second attempt; ``gpus`` is the number
    of accelerators.
    """

    name: str
    file: str
    script: str
    stage: str
    shell: str
    log: str
    benchmark: str
    local: bool
    memory: list[int]
    minutes: int
    gpus: int


def parsed_rules(root: Path = ROOT) -> list[ParsedRule]:
    """All rules that run a script, for the workflow and the configuration under ``root``."""
    command = [sys.executable, "-m", "plumbline.workflow.parsed_rules", str(root.resolve())]
    done = subprocess.run(command, cwd=root / "scripts", capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{root}: the rules cannot be parsed\n{done.stderr}")
    return [ParsedRule(**rule) for rule in json.loads(done.stdout.splitlines()[-1])]


def _parse(root: Path) -> list[ParsedRule]:
    from snakemake.api import SnakemakeApi
    from snakemake.settings.enums import Quietness
    from snakemake.settings.types import OutputSettings, ResourceSettings

    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(), snakefile=root / "Snakefile", workdir=root
        )._workflow  # Snakemake has no public way to the rules
        return [
            ParsedRule(
                name=rule.name,
                file=Path(rule.snakefile).stem,
                script=rule.params.job.script,
                stage=Path(rule.conda_env).stem,
                shell=rule.shellcmd,
                log=", ".join(map(str, rule.log)),
                benchmark=str(rule.benchmark or ""),
                local=rule.name in workflow._localrules,
                memory=[_resource(rule, "mem_mb", attempt) for attempt in (1, 2)],
                minutes=_resource(rule, "runtime"),
                gpus=_resource(rule, "gpu"),
            )
            for rule in workflow.rules
            if rule.params.get("job")
        ]


def _resource(rule: "Rule", name: str, attempt: int = 1) -> int:
    """What ``rule`` asks for at an ``attempt``; 0 if it does not name the resource."""
    if name not in rule.resources:
        return 0
    return int(rule.resources[name].evaluate(None, attempt=attempt).value)


if __name__ == "__main__":
    print(json.dumps([asdict(rule) for rule in _parse(Path(sys.argv[1]))]))
