"""One accelerator per job on a machine with several.

Snakemake counts accelerators as a resource but does not assign a particular one to a job.
"""

import fcntl
import os
import tempfile
import time
from functools import cache
from pathlib import Path


def names(count: int, visible: str | None) -> tuple[str, ...]:
    """The machine's names of the ``count`` devices that this process sees.

    ``visible`` is the value of CUDA_VISIBLE_DEVICES, which lists these names in order, or None.
    """
    listed = [name.strip() for name in visible.split(",")] if visible else []
    return tuple(listed[:count]) if len(listed) >= count else tuple(map(str, range(count)))


@cache
def reserve(devices: tuple[str, ...]) -> int:
    """Reserve one of ``devices`` for this process until it ends, and return its index.

    Waits until a device is free.  Each device has a lock file in a folder of temporary files,
    one folder per user.  The system releases a lock when its process ends for any reason.
    """
    folder = Path(tempfile.gettempdir(), f"plumbline-devices-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    while True:
        for index, name in enumerate(devices):
            if _lock(folder / f"{name.replace('/', '_')}.lock"):
                return index
        time.sleep(0.2)


def _lock(path: Path) -> bool:
    """Try to take the lock; if it succeeds the file stays open, which keeps the lock."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return False
    return True
