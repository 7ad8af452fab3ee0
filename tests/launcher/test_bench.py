"""The bench runs the workflow's own commands, also without Snakemake, and prints ratios."""

import re
import shutil
from pathlib import Path

import pytest

from plumbline import bench
from plumbline.errors import InputError
from plumbline.records import Record

ROOT = Path(__file__).parents[2]
SCRIPT = """
import os, pathlib, sys
file = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
file.parent.mkdir(parents=True, exist_ok=True)
file.write_text(" ".join(sys.argv[1:]))
print("by", os.getpid())
"""
SNAKEFILE = r"""
import os
os.environ.update(SCRIPTS=str(workflow.basedir) + "/scripts")
configfile: "config/config.yaml"
rule all:
    input: expand("results/{i}.txt", i=range(config["nets"]))
rule train:
    input: "results/data.txt"
    output: "results/{i,[0-9]+}.txt"
    log: "results/logs/{i}.log"
    params: options="--epochs 3"
    threads: 1
    shell:
        '''
        python "$SCRIPTS/train.py" \
            --data {input:q} {params.options} \
            --threads {threads} \
            --out {output:q} \
            > {log:q} 2>&1
        '''
rule data:
    output: "results/data.txt"
    log: "results/logs/data.log"
    shell: 'python "$SCRIPTS/train.py" --out {output:q} > {log:q} 2>&1'
"""


@pytest.fixture
def workflow(tmp_path, monkeypatch):
    """A small workflow in the place of Plumbline."""
    root = tmp_path / "root"
    for name in ("scripts", "config", "profiles"):
        (root / name).mkdir(parents=True)
    shutil.copytree(ROOT / "profiles/default", root / "profiles/default")
    (root / "scripts/train.py").write_text(SCRIPT)
    (root / "config/config.yaml").write_text("nets: 2")
    (root / "Snakefile").write_text(SNAKEFILE)
    monkeypatch.setattr(bench, "ROOT", root)
    monkeypatch.setattr(bench, "ROUNDS", 1)
    monkeypatch.setenv("SCRIPTS", str(root / "scripts"))
    (tmp_path / "scratch").mkdir()
    return root


@pytest.mark.slow
@pytest.mark.workflow
def test_it_prints_three_ratios_of_the_same_work(workflow, tmp_path, capsys):
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("nets: 3")
    scratch = tmp_path / "scratch"
    bench.measure(scratch, [overlay], cores=2)
    rows = capsys.readouterr().out.splitlines()[1:]
    assert len(rows) == 3
    assert "workflow of 4 jobs on 2 cores" in rows[0]
    for row in rows:
        assert len(re.findall(r"\d+\.\d+", row)) == 3  # the ratio and its two times
    processes = {log.read_text() for log in (scratch / "process/results/logs").glob("*.log")}
    assert len(processes) == 1
    assert len(list((scratch / "process/results/logs").glob("*.log"))) == 4
    assert (
        (scratch / "workflow/results/0.txt").read_text().endswith("--threads 1 --out results/0.txt")
    )
    assert (scratch / "process/results/data.txt").read_text() == "--out results/data.txt"
    assert not (workflow / "results").exists()
    assert not (workflow / ".snakemake").exists()


@pytest.mark.workflow
def test_a_workflow_that_fails_is_told_with_its_output(workflow, tmp_path):
    (workflow / "scripts/train.py").write_text("raise SystemExit('no images')")
    with pytest.raises(InputError, match="no images"):
        bench.measure(tmp_path / "scratch", [], cores=1)


def test_commands_are_read_as_a_shell_would(monkeypatch):
    monkeypatch.setenv("SCRIPTS", "/code")
    shell = (
        "\n  python \"$SCRIPTS/a.py\" \\\n  --set '{\"a\": 1}' --threads 1 \\\n >'x y.log' 2>&1\n"
    )
    call, log = bench.script_call(shell, threads=2)
    assert call == ["/code/a.py", "--set", '{"a": 1}', "--threads", "2"]
    assert log == Path("x y.log")
    with pytest.raises(ValueError, match="not one script"):
        bench.script_call("touch a b c", threads=2)


def test_jobs_are_in_the_order_in_which_they_ran_and_once_each(monkeypatch):
    records = [Record("b", (), (), "b", 2.0, 3.0), Record("a", (), (), "a", 1.0, 2.0)]
    monkeypatch.setattr(bench, "all_records", lambda _: [*records, *records])
    assert [job.rule for job in bench.jobs_of(Path())] == ["a", "b"]
