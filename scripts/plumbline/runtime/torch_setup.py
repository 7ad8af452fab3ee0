"""Set-up of torch for a job: device, threads and determinism."""

import os

import torch

from plumbline.runtime.devices import names, reserve


def setup(device: str = "auto", threads: int = 1) -> torch.device:
    """Make torch deterministic, set its number of CPU threads, and choose the device.

    ``device`` is ``auto`` (CUDA if available, else the CPU), ``cpu`` or ``cuda``.  On a machine
    with several CUDA devices the process reserves one, waiting while none is free.  Call once
    per process, before any tensor operation.

    Raises ``RuntimeError`` if ``device`` is ``cuda`` and no CUDA device is available.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    # Equivalent to use_deterministic_algorithms(True), which would also import torch's compiler
    # (1.4 s).
    torch.set_deterministic_debug_mode("error")
    # Filling new memory takes 15 % of a ResNet's time.  The attribute is unknown to torch's stubs.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise RuntimeError("device is cuda, but torch sees no CUDA device")
    if device == "cuda" and (count := torch.cuda.device_count()) > 1:
        index = reserve(names(count, os.environ.get("CUDA_VISIBLE_DEVICES")))
        reserved = torch.device(device, index)
        torch.cuda.set_device(reserved)
        return reserved
    return torch.device(device)
