"""Energy of the logits."""

from torch import Tensor

from plumbline.detection.material import Material
from plumbline.errors import InputError
from plumbline.models.classifier import logits


def score(
    material: Material, pixels: Tensor, *, seed: int, batch: int = 256, temperature: float = 1.0
) -> Tensor:
    """-T log sum_k exp(z_k / T) of the logits z, [N], any number.

    Unlike the softmax it sees how large the logits are together.  Liu, Wang, Owens and Li 2020,
    equation 4.

    Raises :class:`InputError` unless ``temperature`` is above 0.
    """
    if temperature <= 0:
        raise InputError(f"energy.temperature must be above 0, not {temperature}")
    found = logits(material.classifier, pixels, batch).double()
    return -temperature * (found / temperature).logsumexp(1)
