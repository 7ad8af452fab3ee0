"""What a run prints: one short line for each job; the commands stand in the jobs' logs."""

import logging
import re
import time

import pytest
from snakemake.logging import DefaultFormatter
from snakemake.settings.types import OutputSettings
from snakemake_interface_logger_plugins.common import LogEvent

from plumbline.runtime.snakemake_records import all_records
from plumbline.workflow.terminal import SILENCE, JobLines

JOB = {
    "rule_name": "train",
    "wildcards": {"dataset": "digits", "seed": "0"},
    "reason": "Missing output files: a.safetensors, b.csv; Code has changed since last execution",
}
LINE = re.compile(r"^\d\d:\d\d:\d\d +[\d.]+%  (\w+)( \w+=\S+)*: \S.*$", re.MULTILINE)


def record(event, **content):
    return logging.makeLogRecord({"msg": "", "event": event, **content})


def test_a_job_is_a_line_of_progress_rule_wildcards_and_reason():
    lines = JobLines(OutputSettings())
    assert not lines.filter(record(LogEvent.PROGRESS, done=1, total=4))
    text = lines.format(record(LogEvent.JOB_INFO, **JOB))
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d   25%  train dataset=digits, seed=0: Missing output files", text
    )
    dry = JobLines(OutputSettings(dryrun=True))
    job = JOB | {"wildcards": {}, "indent": True}
    assert dry.format(record(LogEvent.JOB_INFO, **job)) == "    train: Missing output files"


def test_progress_is_printed_at_the_end_and_after_a_silence(monkeypatch):
    lines = JobLines(OutputSettings())
    assert lines.filter(record(LogEvent.PROGRESS, done=4, total=4))
    later = time.monotonic() + SILENCE + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert lines.filter(record(LogEvent.PROGRESS, done=2, total=4))
    assert not lines.filter(record(LogEvent.PROGRESS, done=3, total=4))


def test_errors_and_warnings_are_printed_as_snakemake_does(tmp_path):
    log = tmp_path / "job.log"
    log.write_text("no memory left\n")
    names = ("rule_name", "rule_msg", "jobid", "input", "output", "conda_env", "shellcmd")
    error = dict.fromkeys(names, "x") | {"log": [str(log)], "aux": {}}
    settings = OutputSettings(show_failed_logs=True)
    lines, theirs = JobLines(settings), DefaultFormatter(show_failed_logs=True)
    for each in (record(LogEvent.JOB_ERROR, **error), record(None, levelno=logging.WARNING)):
        assert lines.filter(each)
        assert lines.format(each).splitlines()[1:] == theirs.format(each).splitlines()[1:]
    assert "no memory left" in lines.format(record(LogEvent.JOB_ERROR, **error))


@pytest.mark.workflow
def test_the_output_of_a_run_is_short(tiny, record_property):
    """At 170 bytes a job the default configuration with its 538 jobs prints 91 kB."""
    printed = (tiny.folder / "terminal.txt").read_text()
    jobs = {record.shell: record.rule for record in all_records(tiny.folder)}
    assert sorted(rule for rule, _ in LINE.findall(printed)) == sorted([*jobs.values(), "all"])
    size = len(printed.encode()) / len(jobs)
    record_property("bytes on the terminal per job", round(size))
    assert size < 170
    for text in ("Select jobs", "Finished job", "python ", "--threads"):
        assert text not in printed
    assert re.search(r"^\d+ of \d+ steps \(100%\) done$", printed, re.MULTILINE)


@pytest.mark.workflow
def test_printshellcmds_brings_the_commands_back(tiny):
    train = 'python "$SCRIPTS/train.py"'
    how = ("--dry-run", "--forceall", "results/models/digits/lenet5/evaluation.csv")
    short = tiny.snakemake(*how).stdout
    assert re.search(r"^train dataset=digits, model=lenet5, .*: \S.*$", short, re.MULTILINE)
    assert train not in short
    full = tiny.snakemake("--printshellcmds", *how).stdout
    assert full.count(train) == 1
    assert "rule train:\n    input: " in full


@pytest.mark.workflow
def test_the_log_of_a_job_begins_with_its_command(tiny):
    for record in all_records(tiny.folder):
        (log,) = record.logs
        first = (tiny.folder / log).read_text().splitlines()[0]
        assert re.match(rf"command: python \S+/scripts/{record.script} --", first)
        assert record.options in first
        assert record.output in first
        assert len(first) < 4000, "more than a screen"
