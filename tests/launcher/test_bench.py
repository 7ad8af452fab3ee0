"""The bench explains beside other libraries, runs the workflow's commands, and prints ratios."""

import argparse
import copy
import importlib
import importlib.util
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from plumbline.attribution.methods import kernel_shap
from plumbline.attribution.superpixels import superpixels
from plumbline.benchmarks import __main__ as bench
from plumbline.benchmarks import attribution, uncertainty
from plumbline.benchmarks import workflow as workflow_bench
from plumbline.benchmarks.contests import Sizes, gradient_contests, perturbation_contests
from plumbline.benchmarks.shapley import relative_error, shapley
from plumbline.errors import InputError
from plumbline.runtime.snakemake_records import Record
from plumbline.uncertainty.estimators import mc_dropout

ROOT = Path(__file__).parents[2]
TINY = Sizes(
    images=3,
    many_passes=2,
    perturbed=2,
    steps=2,
    samples=120,
    permutations=3,
    rounds=1,
    seconds=0.0,
)
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
    monkeypatch.setattr(workflow_bench, "ROOT", root)
    monkeypatch.setattr(workflow_bench, "ROUNDS", 1)
    monkeypatch.setenv("SCRIPTS", str(root / "scripts"))
    (tmp_path / "scratch").mkdir()
    return root


@pytest.mark.slow
@pytest.mark.workflow
def test_it_prints_three_ratios_of_the_same_work(workflow, tmp_path, capsys):
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("nets: 3")
    scratch = tmp_path / "scratch"
    workflow_bench.measure(scratch, [overlay], cores=2)
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
        workflow_bench.measure(tmp_path / "scratch", [], cores=1)


def test_commands_are_read_as_a_shell_would(monkeypatch):
    monkeypatch.setenv("SCRIPTS", "/code")
    shell = (
        "\n  python \"$SCRIPTS/a.py\" \\\n  --set '{\"a\": 1}' --threads 1 \\\n >'x y.log' 2>&1\n"
    )
    call, log = workflow_bench.script_call(shell, threads=2)
    assert call == ["/code/a.py", "--set", '{"a": 1}', "--threads", "2"]
    assert log == Path("x y.log")
    with pytest.raises(ValueError, match="not one script"):
        workflow_bench.script_call("touch a b c", threads=2)


def test_jobs_are_in_the_order_in_which_they_ran_and_once_each(monkeypatch):
    records = [Record("b", (), "b", 2.0, 3.0), Record("a", (), "a", 1.0, 2.0)]
    monkeypatch.setattr(workflow_bench, "all_records", lambda _: [*records, *records])
    assert [job.rule for job in workflow_bench.jobs_of(Path())] == ["a", "b"]


@pytest.fixture
def saved(lenet, digits, tmp_path):
    """A net and images as files."""
    files = tmp_path / "net.safetensors", tmp_path / "images.safetensors"
    lenet.save(files[0])
    digits["test"].save(files[1])
    return [str(file) for file in files]


def test_it_prints_a_row_for_every_method_and_every_library_that_is_there(saved, capsys):
    attribution.measure(*saved, "cpu", TINY)
    text = capsys.readouterr().out
    assert "explanations by lenet5 of up to 3 images of 1 x 28 x 28, cpu, in batches of 256" in text
    assert "fails" not in text
    figures = r"^ *\d+\.\d\d +(≤ \d\.\d\d)? +\d+\.\d+ ms +\d+\.\d+ ms   "
    for contest in [*gradient_contests(TINY), *perturbation_contests(TINY, 28)]:
        assert re.search(rf"{figures}{contest.method} / .* evaluations of the net$", text, re.M)
        for library in contest.rivals:
            found = re.search(rf"{figures}{contest.method} / {library}$", text, re.M)
            there = importlib.util.find_spec(library) is not None
            assert (found is not None) == there
            assert (f"{library} is not installed" in text) != there
    assert re.search(r"^ +\d\.\d{3}  plumbline, 120 samples$", text, re.M)


def test_a_library_that_is_missing_or_fails_is_told_and_the_others_go_on(
    saved, capsys, monkeypatch
):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "zennit" else found(name)
    )

    def fail(*given):
        raise RuntimeError("not for this net")

    contests = [attribution.Contest("gradient", 3, {"captum": fail, "zennit": fail})]
    monkeypatch.setattr(attribution, "gradient_contests", lambda sizes: contests)
    monkeypatch.setattr(attribution, "perturbation_contests", lambda sizes, side: [])
    attribution.measure(*saved, "cpu", TINY)
    text = capsys.readouterr().out
    assert "zennit is not installed" in text
    assert "fails   gradient / captum: not for this net" in text
    assert text.count("gradient / ") == 2  # that, and the limit


def test_it_prints_passes_and_ensembles(saved, capsys):
    sizes = uncertainty.Sizes(
        images=3, samples=2, members=(2,), batches=(1, 4), rounds=1, seconds=0.0
    )
    uncertainty.measure(*saved, "cpu", sizes)
    rows = capsys.readouterr().out.splitlines()[2:]
    assert len(rows) == 1 + 2 * 2
    assert re.search(r"mc_dropout from dropout1 on, 2 passes of 3 / full passes$", rows[0])
    assert re.search(r"ensemble of 2 on a batch of 4, vmap / loop$", rows[3])
    for row in rows:
        assert len(re.findall(r"\d+\.\d{2,3}", row)) == 3  # the ratio and its two times


def test_the_ways_that_are_compared_give_the_same_numbers(nets, digits):
    pixels = torch.from_numpy(digits["test"].pixels[:9])
    how = {"seed": 3, "batch": 4, "samples": 3}
    for net in nets.values():
        ours = mc_dropout.predict([net], pixels, **how)
        assert torch.equal(ours, uncertainty.full_passes(net, pixels, **how))
    dense = uncertainty.untrained(torch.device("cpu"), dropout_features=0.0)
    assert list(dense.network._modules)[dense.network.first_dropout] == "dropout2"
    ours = mc_dropout.predict([dense], pixels, **how)
    assert torch.equal(ours, uncertainty.full_passes(dense, pixels, **how))
    members = [nets["lenet5"], copy.deepcopy(nets["lenet5"])]
    torch.nn.init.normal_(members[1].network.output.weight)
    one_by_one = uncertainty.one_by_one(members, pixels)
    torch.testing.assert_close(uncertainty.together(members)(pixels), one_by_one)
    assert not torch.allclose(*one_by_one)


@pytest.mark.slow
def test_it_trains_a_net_where_none_is_given(monkeypatch):
    seen = []
    monkeypatch.setattr(attribution.Bench, "run", lambda self: seen.append(self))
    attribution.measure(None, None, "cpu", TINY)
    assert seen[0].net.architecture.arguments["width"] == 6
    assert seen[0].pixels.shape == (3, 1, 28, 28)


def test_the_long_reference_comes_near_exact_shapley_values(lenet, digits):
    pixels = torch.from_numpy(digits["test"].pixels[:2])
    target = lenet(pixels).argmax(1)
    labels, count = superpixels(pixels, "grid", 3, 0.0)
    exact, _ = kernel_shap.attribute(lenet, pixels, target, seed=0, samples=512, cells=3)
    exact = attribution.per_superpixel(exact, labels, count)
    found = [
        relative_error(shapley(lenet, pixels, target, labels, count, n, 256), exact)
        for n in (2, 200)
    ]
    assert found[1] < found[0] / 3
    assert found[1] < 0.05
    np.testing.assert_allclose(relative_error(2 * exact, exact), 1)


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ([], set(bench.PARTS)),
        *(([part], {part}) for part in bench.PARTS),
    ],
)
def test_all_parts_or_one(arguments, parts, monkeypatch):
    called = set()
    for part in bench.PARTS:
        module = importlib.import_module(f"plumbline.benchmarks.{part}")
        monkeypatch.setattr(module, "measure", lambda *given, part=part: called.add(part))
    parser = argparse.ArgumentParser()
    bench.arguments(parser)
    bench.main(parser.parse_args(arguments))
    assert called == parts
