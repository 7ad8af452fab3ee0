"""End a job when the Snakemake process that started it is killed.

The process id of Snakemake is passed in an environment variable, which each Snakemake process
sets where it starts jobs, also on a cluster's node.  A signal at the death of the parent
(``PR_SET_PDEATHSIG``) would not work: the parent is a shell that outlives Snakemake, and under
``nohup`` or SLURM the first parent of a program may end long before the program.  The variable is
not set for programs that are run by hand.
"""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

VARIABLE = "PLUMBLINE_SNAKEMAKE"
INTERVAL = 1.0  # seconds
_watched: list[int] = []


def run_by_snakemake() -> bool:
    """Whether a rule of the workflow started this process."""
    return VARIABLE in os.environ


def watch() -> None:
    """Start to watch Snakemake; end this process with status 1 once Snakemake is gone.

    A Snakemake process that is not visible at the start, as from some containers, is ignored.
    """
    pid = os.environ.get(VARIABLE, "")
    if pid.isdecimal() and _is_alive(int(pid)):
        _watched[:] = [int(pid)]
        threading.Thread(target=_wait, daemon=True).start()


def orphaned() -> bool:
    """Whether the watched Snakemake is gone, so that another one may already be running."""
    return not all(map(_is_alive, _watched))


def _wait() -> None:
    while not orphaned():
        time.sleep(INTERVAL)
    os._exit(1)  # immediately: the main thread may be in a long computation


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # the process of another user
        return True
    with suppress(OSError):  # a zombie, killed but not yet reaped by its parent (Linux)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    return True
