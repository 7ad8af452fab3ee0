"""The Snakemake that runs a job, and the end of the job when it is killed.

Its number stands in an environment variable, which each Snakemake sets anew where it starts
jobs, on a cluster's node too.  A signal at the parent's death (``PR_SET_PDEATHSIG``) would come
from the shell between the two, which outlives Snakemake, and the first parent of a program
under ``nohup`` or SLURM may end long before it.  Programs that are run by hand have no such
variable.
"""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

VARIABLE = "PLUMBLINE_SNAKEMAKE"
INTERVAL = 1.0  # seconds
_watched: list[int] = []


def watch() -> None:
    """From now on end this process, with status 1, when the Snakemake that runs it is gone.

    A Snakemake that cannot be seen from the start, as from some containers, is not watched.
    """
    number = os.environ.get(VARIABLE, "")
    if number.isdecimal() and _lives(int(number)):
        _watched[:] = [int(number)]
        threading.Thread(target=_wait, daemon=True).start()


def orphaned() -> bool:
    """Whether the watched Snakemake is gone, so that another one may be at work."""
    return not all(map(_lives, _watched))


def _wait() -> None:
    while not orphaned():
        time.sleep(INTERVAL)
    os._exit(1)  # at once: the main thread may be deep in a computation


def _lives(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    with suppress(OSError):  # killed, but not yet seen to be by its own parent; on Linux
        return Path(f"/proc/{number}/stat").read_text().rpartition(") ")[2][0] != "Z"
    return True
