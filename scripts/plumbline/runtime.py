"""The machine under a job: device, threads and determinism."""

import os

import torch


def setup(device: str = "auto", threads: int = 1) -> torch.device:
    """Fix what makes float sums differ between runs, and choose the device.

    ``device`` is ``auto`` (CUDA if there is one, else the CPU), ``cpu`` or ``cuda``.
    Call once per process, before any tensor work.

    Raises ``RuntimeError`` if ``cuda`` is asked for and absent.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    # The same as use_deterministic_algorithms(True), which also imports torch's compiler: 1.4 s.
    torch.set_deterministic_debug_mode("error")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise RuntimeError("device is cuda, but torch sees no CUDA device")
    return torch.device(device)
