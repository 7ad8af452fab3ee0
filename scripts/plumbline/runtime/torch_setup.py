"""The machine under a job: device, threads and determinism."""

import os

import torch

from plumbline.runtime.devices import names, reserve


def setup(device: str = "auto", threads: int = 1) -> torch.device:
    """Fix what makes float sums differ between runs, and choose the device.

    ``device`` is ``auto`` (CUDA if there is one, else the CPU), ``cpu`` or ``cuda``.  Of several
    CUDA devices the process gets one for itself, and waits while none is free.
    Call once per process, before any tensor work.

    Raises ``RuntimeError`` if ``cuda`` is asked for and absent.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    # The same as use_deterministic_algorithms(True), which also imports torch's compiler: 1.4 s.
    torch.set_deterministic_debug_mode("error")
    torch.utils.deterministic.fill_uninitialized_memory = False  # 15 % of a ResNet's time
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise RuntimeError("device is cuda, but torch sees no CUDA device")
    if device == "cuda" and (count := torch.cuda.device_count()) > 1:
        own = torch.device(device, reserve(names(count, os.environ.get("CUDA_VISIBLE_DEVICES"))))
        torch.cuda.set_device(own)
        return own
    return torch.device(device)
