"""What a job's log says of the job itself: its command, and where it ran.

The first line is the command.  The last line of a finished job records host, processor, device,
Python and packages.  The bytes of an artefact must not depend on where and when it was made, so
artefacts hold none of this.  Snakemake's own record of a file holds the rest: options, code hash,
times and checksums of the inputs.
"""

import functools
import json
import os
import platform
import shlex
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

MARK = "environment: "
INSTALLED = "site-packages"


def command_line() -> str:
    """The command of the running process, quoted for a shell, as the first line of a log."""
    return f"command: {shlex.join(['python', *sys.argv])}"


def environment_line() -> str:
    """Description of the running process, as the line that :func:`read_environment` finds."""
    description = {
        "host": platform.node(),
        "system": platform.platform(terse=True),
        "processor": _processor(),
        "device": _device(sys.modules.get("torch")),
        "python": platform.python_version(),
        "packages": _packages(),
    }
    return MARK + json.dumps(description, sort_keys=True)


def read_environment(log: Path) -> dict[str, Any] | None:
    """The content of the last such line in ``log``; None if there is no log or no such line."""
    if not log.is_file():
        return None
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    marked = [line.removeprefix(MARK) for line in lines if line.startswith(MARK)]
    return json.loads(marked[-1]) if marked else None


def _packages() -> dict[str, str]:
    """Versions of the installed packages that this process has imported, by name."""
    versions = {}
    for name, module in list(sys.modules.items()):
        if "." in name or INSTALLED not in (getattr(module, "__file__", None) or ""):
            continue
        # Read from the module's dict: some modules warn when the attribute is accessed.
        version = vars(module).get("__version__")
        if isinstance(version, str) and not name.startswith("_"):
            versions[name] = str(version)
    return versions


def _device(torch: ModuleType | None) -> str:
    """The accelerator that this process has used, or ``cpu``."""
    if torch is not None and torch.cuda.is_initialized():
        return f"cuda, {torch.cuda.get_device_name()}"
    return "cpu"


@functools.cache
def _processor() -> str:
    """The processor's name, if the system gives it, and the number of CPUs."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        pairs = (entry.partition(":") for entry in info.read_text(encoding="utf-8").splitlines())
        names = [value.strip() for key, _, value in pairs if key.strip() == "model name"]
        name = names[0] if names else name
    return f"{name}, {os.cpu_count()} CPUs"
