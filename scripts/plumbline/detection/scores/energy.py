"""Energy of the logits."""

from torch import Tensor

from plumbline.detection.material import Material
from plumbline.errors import InputError
from plumbline.models.classifier import logits


def score(
    material: Material, pixels: Tensor, *, seed: int, batch: int = 256, temperature: float = 1.0
) -> Tensor:
    """-T log sum_k exp(z_k / T) of the logits z, any real number, [N].

    Unlike the softmax it depends on the overall size of the logits.  Liu, Wang, Owens and Li 2020,
    equation 4.

    Raises :class:`InputError` unless ``temperature`` is above 0.
    """
    if temperature <= 0:
        raise InputError(f"energy.temperature must be above 0, not {temperature}")
    scaled_logits = logits(material.classifier, pixels, batch).double()
    return -temperature * (scaled_logits / temperature).logsumexp(1)
