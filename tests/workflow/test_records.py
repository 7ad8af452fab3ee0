"""What Snakemake and the jobs' logs keep of every file of a run, down to the data."""

import re

import pytest

from plumbline.runtime import job_log
from plumbline.runtime.snakemake_records import all_records
from plumbline.storage.files import checksum
from plumbline.workflow.why import chain

pytestmark = pytest.mark.workflow
TOLD = {"host", "processor", "device", "system", "python", "packages"}


def test_of_every_file_all_is_recorded_that_it_was_made_with(tiny):
    """Code, options, seed, times, checksums of the inputs; machine and software in the log."""
    records = list(all_records(tiny.folder))
    files = [path.relative_to(tiny.folder) for path in (tiny.folder / "results").rglob("*.*")]
    made = {path.as_posix() for path in files if path.parts[1] not in ("logs", "benchmarks")}
    assert {record.output for record in records} == made
    for record in records:
        assert (tiny.folder / "scripts" / record.script).is_file(), record
        assert re.match("[0-9a-f]{16}", record.code), record
        if record.output.endswith(".safetensors"):
            assert "--seed " in record.options, record
        digests = {name: f"sha256:{checksum(tiny.folder / name)}" for name in record.inputs}
        assert record.checksums == digests, record.output
        assert 0 < record.start <= record.end, record
        told = [job_log.read_environment(tiny.folder / log) for log in record.logs]
        assert [set(each) for each in told] == [TOLD], record
        assert told[0]["packages"], record


def test_the_chain_behind_the_claims_has_no_gap(tiny):
    lines = [line.strip() for line in chain(tiny.folder, "results/tables/claims.csv")]
    told = {line.split(", ")[0] for line in lines}
    assert {"rule: train", "rule: prepare", "rule: fetch", "data: digits.images"} <= told
    assert lines[lines.index("source: not made by a rule") - 2] == "config/claims.yaml"
    assert lines.count("source: not made by a rule") == 1
    for gap in ("not recorded", "missing"):
        assert not [line for line in lines if gap in line]
