"""One accelerator per job on a machine with several: Snakemake counts them, but hands out none."""

import fcntl
import os
import tempfile
import time
from functools import cache
from pathlib import Path


def names(count: int, visible: str | None) -> tuple[str, ...]:
    """What the machine calls the ``count`` devices that this process sees.

    ``visible`` is its CUDA_VISIBLE_DEVICES: the names of those devices, in order, if it is set.
    """
    listed = [name.strip() for name in visible.split(",")] if visible else []
    return tuple(listed[:count]) if len(listed) >= count else tuple(map(str, range(count)))


@cache
def reserve(devices: tuple[str, ...]) -> int:
    """Position in ``devices`` of one that is this process's alone until it ends; waits for one.

    Each device has a lock file in the folder for temporary files, one set of them per user.  The
    system frees a lock when its process ends, however that ends.
    """
    folder = Path(tempfile.gettempdir(), f"plumbline-devices-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    while True:
        for position, name in enumerate(devices):
            if _locked(folder / f"{name.replace('/', '_')}.lock"):
                return position
        time.sleep(0.2)


def _locked(path: Path) -> bool:
    """Whether the lock was free and is now held, through a file that stays open."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return False
    return True
