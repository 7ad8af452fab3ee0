"""Layer-wise relevance propagation with the gamma rule."""

from torch import Tensor

from plumbline.attribution import lrp
from plumbline.errors import at_least
from plumbline.models.classifier import Classifier

LABEL = "LRP-γ"
FAMILY = "lrp"


def rules(gamma: float = 0.25, input_rule: str = "same") -> lrp.Rules:
    """The rule of each layer."""
    at_least("lrp_gamma.gamma", gamma, 0)
    rule = lrp.gamma(gamma)
    return lrp.Rules(lambda number, layers: rule, input_rule)


def attribute(
    classifier: Classifier,
    pixels: Tensor,
    target: Tensor,
    *,
    seed: int,
    batch: int = 256,
    gamma: float = 0.25,
    input_rule: str = "same",
) -> tuple[Tensor, Tensor]:
    """LRP-gamma of the ``target`` logit, [N, C, H, W]: :func:`plumbline.attribution.lrp.gamma`.

    ``input_rule`` is ``same`` or ``box``, z^B at the pixels.

    Raises :class:`InputError` if ``gamma`` is below 0.
    """
    return lrp.propagate(classifier, pixels, target, rules(gamma, input_rule), batch, "lrp_gamma")
