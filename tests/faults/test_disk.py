"""Disks that are full, that must not be written, and mirrors that must not be read."""

import errno
import os
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import whole
import yaml
from support import ROOT

from plumbline.config.schema import load
from plumbline.data.obtain import Places, Remote, obtain_file
from plumbline.errors import InputError
from plumbline.report import style
from plumbline.runtime import cli
from plumbline.storage.artefacts import ImageSet, save_arrays
from plumbline.storage.checkpoints import Checkpoint
from plumbline.storage.files import atomic, settle_times, unreadable, write_text
from plumbline.storage.tables import write_parquet

NOISE = np.random.default_rng(0).random(40_000)  # 320 kB that do not compress


def arrays(path):
    save_arrays(path, "Noise", {"noise": NOISE}, {})


def text(path):
    write_text(path, "x" * NOISE.nbytes)


def parquet(path):
    write_parquet(path, {"noise": NOISE})


def checkpoint(path):
    import torch

    state = Checkpoint()
    vars(state)["noise"] = torch.from_numpy(NOISE)
    state.save(path, "")


def figure(path):
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(9, 9))
    drawn.subplots().imshow(NOISE.reshape(200, 200), cmap="viridis")
    style.save(drawn, path)


WRITERS = (arrays, text, parquet, checkpoint, figure)


@contextmanager
def mounted(folder, size):
    """An empty disk of ``size`` at ``folder``; the test is skipped where none can be mounted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    if os.geteuid() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def remount(folder, options):
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


@pytest.mark.parametrize("write", WRITERS)
def test_a_full_disk_is_told_and_nothing_half_written_stays(tmp_path, write):
    with mounted(tmp_path / "disk", "64k") as disk:
        (disk / "old").write_bytes(b"old")
        for path in (disk / "new", disk / "old"):
            with pytest.raises(InputError) as caught:
                write(path)
            assert str(caught.value) == f"{path}: cannot be written: No space left on device"
        assert [path.name for path in disk.iterdir()] == ["old"]
        assert (disk / "old").read_bytes() == b"old"


@pytest.mark.parametrize("write", WRITERS)
def test_a_folder_that_must_not_be_written_is_told(tmp_path, write):
    with mounted(tmp_path / "disk", "10m") as disk:
        remount(disk, "ro")
        with pytest.raises(InputError, match="new: cannot be written: Read-only file system"):
            write(disk / "new")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
def test_whatever_fails_while_writing_the_old_file_stays(tmp_path, monkeypatch, code):
    path = tmp_path / "x"
    write_text(path, "old")

    def fail(_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(InputError, match=f"x: cannot be written: {os.strerror(code)}"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_killed_processes_left_goes_with_the_next_write(tmp_path):
    path, reader = tmp_path / "x", tmp_path / ".x.keep"
    reader.touch()
    child = os.fork()
    if not child:  # killed while it writes
        with atomic(path) as temporary:
            temporary.write_text("half")
            os._exit(9)
    os.waitpid(child, 0)
    assert not path.exists()
    (left,) = tmp_path.glob(".x.*.tmp")
    alive = left.with_name(left.name.replace(f"-{child}.", "-1."))
    alive.mkdir()
    write_text(path, "whole")
    assert set(tmp_path.iterdir()) == {path, reader, alive}
    load_path = tmp_path / "[x]*"
    write_text(load_path, "names with signs of patterns")
    assert load_path.read_text().startswith("names")


def test_the_program_says_it_in_a_line(tmp_path, monkeypatch):
    def main(args):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "place")

    monkeypatch.setattr("sys.argv", ["script.py"])
    with pytest.raises(SystemExit) as caught:
        cli.run(main, "", lambda parser: None)
    assert caught.value.code == "script.py: place: Permission denied"


@contextmanager
def nobody():
    """A folder that everyone may enter, as a user who is not root."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        if os.geteuid():
            yield Path(folder)
            return
        os.seteuid(65534)
        try:
            yield Path(folder)
        finally:
            os.seteuid(0)


def test_a_mirror_that_must_not_be_read_is_told(monkeypatch):
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    with nobody() as place:
        mirror = place / "mirror"
        (mirror / "MNIST").mkdir(parents=True)
        (mirror / "file").write_text("x")
        (mirror / "file").chmod(0)
        with pytest.raises(PermissionError):
            obtain_file(Remote("file"), Places(place / "downloads", mirror))
        mirror.chmod(0)
        try:
            assert unreadable(mirror) == f"the folder {mirror} cannot be read: Permission denied"
            monkeypatch.setenv("PLUMBLINE_MIRROR", str(mirror))
            with pytest.raises(
                InputError, match=r"^data\.mirror .*the folder .* cannot be read: Permission"
            ):
                load(config)
        finally:
            mirror.chmod(0o700)
    assert unreadable(None) == ""
    assert unreadable("/nowhere") == "no folder /nowhere"


@pytest.mark.workflow
def test_a_run_goes_on_once_there_is_room(tiny, disturbed, tmp_path):
    """On a disk with all of a run, on which not even Snakemake's records have room, then no result;
    last, other results there must not be written."""
    target = "results/data/digits/test.safetensors"
    with mounted(tmp_path / "disk", "40k") as disk:
        here = ("--directory", str(disk), "--", target)
        done = disturbed.snakemake(*here, check=False)
        assert done.returncode == 1
        assert "No space left on device" in done.stdout  # in Snakemake's words
        remount(disk, "size=200k")
        done = disturbed.snakemake(*here, check=False)
        assert done.returncode == 1
        assert "cannot be written: No space left on device" in done.stdout
        assert "Traceback" not in done.stdout
        for path in whole.made(disk / "results").values():
            whole.check(path)
        remount(disk, "size=100m")
        disturbed.snakemake(*here)
        assert (disk / target).read_bytes() == (tiny.folder / target).read_bytes()

        remount(disk, "ro")
        disturbed.change(f"results: {disk}/results\n")
        net = f"{disk}/results/models/digits/lenet5/cross_entropy/0/classifier.safetensors"
        done = disturbed.snakemake(net, check=False)
        assert done.returncode == 1
        assert "Read-only file system" in done.stdout
        assert "Traceback" not in done.stdout
        ImageSet.load(disk / target)


def test_times_of_the_future_become_the_present_in_their_order(tmp_path):
    now = time.time()
    moments = {"old": now - 9e5, "recent": now + 60, "c": now + 9e6, "a": now + 8e6, "b": now + 9e7}
    for name, moment in moments.items():
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (moment, moment))
    assert settle_times(tmp_path) == 3
    found = {name: (tmp_path / name).stat().st_mtime for name in moments}
    assert found["old"] == pytest.approx(moments["old"], abs=1e-3)
    assert found["recent"] == pytest.approx(moments["recent"], abs=1e-3)
    assert now - 1 < found["a"] < found["c"] < found["b"] < time.time()
    assert settle_times(tmp_path) == 0
