"""What ran a job: host, processor, device, Python and packages, as one line of the job's log.

An artefact's bytes must not depend on where and when it was made, so none of this stands in it.
Snakemake's own record of a file has the rest: options, code hash, times, checksums of the inputs.
"""

import functools
import json
import os
import platform
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

MARK = "provenance: "
INSTALLED = "site-packages"


def line() -> str:
    """What runs this process, as the line that :func:`read` finds in a log."""
    found = {
        "host": platform.node(),
        "system": platform.platform(terse=True),
        "processor": _processor(),
        "device": _device(sys.modules.get("torch")),
        "python": platform.python_version(),
        "packages": _packages(),
    }
    return MARK + json.dumps(found, sort_keys=True)


def read(log: Path) -> dict[str, Any] | None:
    """The content of the last such line of a log; None if there is no log or no line."""
    if not log.is_file():
        return None
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    marked = [each.removeprefix(MARK) for each in lines if each.startswith(MARK)]
    return json.loads(marked[-1]) if marked else None


def _packages() -> dict[str, str]:
    """Version by name of every installed package that this process has imported."""
    found = {}
    for name, module in list(sys.modules.items()):
        if "." in name or INSTALLED not in (getattr(module, "__file__", None) or ""):
            continue
        # Looked up where it is written down: some modules warn when they are asked for it.
        version = vars(module).get("__version__")
        if isinstance(version, str) and not name.startswith("_"):
            found[name] = str(version)
    return found


def _device(torch: ModuleType | None) -> str:
    """The accelerator that this process has used, otherwise ``cpu``."""
    if torch is not None and torch.cuda.is_initialized():
        return f"cuda, {torch.cuda.get_device_name()}"
    return "cpu"


@functools.cache
def _processor() -> str:
    """The processor's name, where the system tells it, and the number of CPUs."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        pairs = (each.partition(":") for each in info.read_text(encoding="utf-8").splitlines())
        names = [value.strip() for key, _, value in pairs if key.strip() == "model name"]
        name = names[0] if names else name
    return f"{name}, {os.cpu_count()} CPUs"
