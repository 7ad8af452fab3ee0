"""Import of torchvision that also works beside a CPU-only torch.

PyPI's torchvision is built for CUDA.  Beside a CPU build of torch its compiled operators do
not load, and ``import torchvision`` fails because it registers a fake implementation for
``nms``, an operator that does not exist.  Plumbline uses none of these operators, so in that
case, and only then, the two operators are declared first.  See pytorch/vision issue 9085.
"""

from types import ModuleType

import torch

_KEEP_ALIVE: list[torch.library.Library] = []


def import_torchvision() -> ModuleType:
    """Import torchvision and return it; ``RuntimeError`` if it fails for another reason."""
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        library = torch.library.Library("torchvision", "FRAGMENT")
        _KEEP_ALIVE.append(library)
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float threshold) -> Tensor")
        import torchvision
    return torchvision
