"""The one door to torchvision.

PyPI's torchvision is built for CUDA.  Beside a CPU build of torch its compiled operators do
not load, and ``import torchvision`` fails because it declares a rule for ``nms`` that nobody
defined.  Plumbline needs none of these operators, so in that case, and only there, the two
names are declared first.  See pytorch/vision issue 9085.
"""

import torch

_KEEP_ALIVE: list[torch.library.Library] = []


def import_torchvision():
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
