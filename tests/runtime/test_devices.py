"""Accelerators are handed out one per process, and come back when it ends."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import torch
import yte
from support import ROOT, SCRIPTS

from plumbline.runtime import devices, torch_setup

# Takes one of two devices, says which, and keeps it until its input ends.
PROCESS = """
import sys
from plumbline.runtime.devices import reserve
print(reserve(("a", "b")), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def start(tmp_path):
    """Starts such a process; all are ended after the test."""
    started = []

    def begin() -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-c", PROCESS],
            env={"PYTHONPATH": str(SCRIPTS), "TMPDIR": str(tmp_path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def test_each_process_gets_a_device_of_its_own_and_a_third_waits_for_one(start):
    first, second = start(), start()
    of_first = first.stdout.readline()
    assert {of_first, second.stdout.readline()} == {"0\n", "1\n"}
    third = start()
    with pytest.raises(subprocess.TimeoutExpired):
        third.wait(timeout=1)
    first.kill()  # no chance to tidy up
    assert third.stdout.readline() == of_first


@pytest.mark.parametrize(
    ("count", "visible", "expected"),
    [
        (2, None, ("0", "1")),
        (2, "", ("0", "1")),
        (2, "3, 1", ("3", "1")),
        (2, "GPU-8a1b,GPU-77f0", ("GPU-8a1b", "GPU-77f0")),
        (1, "4,-1,5", ("4",)),
    ],
)
def test_a_device_has_the_same_name_whoever_sees_it(count, visible, expected):
    assert devices.names(count, visible) == expected


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Pretends that torch sees so many CUDA devices."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    chosen = []

    def pretend(count: int) -> list[torch.device]:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
        return chosen

    devices.reserve.cache_clear()
    yield pretend
    devices.reserve.cache_clear()


def test_auto_takes_what_there_is(machine):
    for count, expected in ((0, "cpu"), (1, "cuda")):
        assert machine(count) == []
        assert torch_setup.setup("auto") == torch.device(expected)
    machine(0)
    with pytest.raises(RuntimeError, match="no CUDA device"):
        torch_setup.setup("cuda")


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_one_of_several_is_taken_and_kept(machine, device):
    chosen = machine(3)
    assert torch_setup.setup(device) == torch.device("cuda", 0)
    assert torch_setup.setup(device) == torch.device("cuda", 0)
    assert chosen == [torch.device("cuda", 0)] * 2
    devices.reserve.cache_clear()  # as another process would
    assert torch_setup.setup(device) == torch.device("cuda", 1)


def test_the_cpu_takes_no_device(machine):
    machine(3)
    assert torch_setup.setup("cpu") == torch.device("cpu")
    assert not list(Path(tempfile.gettempdir()).glob("plumbline-devices-*/*"))


@pytest.mark.parametrize(
    ("present", "visible", "expected"),
    [
        (0, None, 10000),
        (4, None, 4),
        (4, "1,3", 2),
        (4, "", 10000),
        (4, "-1", 10000),
        (0, "0", 10000),
    ],
)
def test_the_profile_counts_the_devices(monkeypatch, present, visible, expected):
    """So many jobs that use one run at a time."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    glob = Path.glob
    found = [Path(f"/dev/nvidia{number}") for number in range(present)]
    monkeypatch.setattr(
        Path, "glob", lambda path, what: found if path == Path("/dev") else glob(path, what)
    )
    profile = yte.process_yaml((ROOT / "profiles/default/profile.yaml").read_text())
    assert profile["resources"]["gpu"] == expected
