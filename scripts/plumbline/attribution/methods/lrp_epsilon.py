"""Layer-wise relevance propagation with the epsilon rule; epsilon 0 is LRP-0."""

from torch import Tensor

from plumbline.attribution import lrp
from plumbline.errors import at_least
from plumbline.models.classifier import Classifier

LABEL = "LRP-ε"
VARIANTS = {"lrp_0": "LRP-0"}
FAMILY = "lrp"


def rules(epsilon: float = 0.1, input_rule: str = "same") -> lrp.Rules:
    """The rule of each layer."""
    at_least("lrp_epsilon.epsilon", epsilon, 0)
    rule = lrp.epsilon(epsilon)
    return lrp.Rules(lambda number, layers: rule, input_rule)


def attribute(
    classifier: Classifier,
    pixels: Tensor,
    target: Tensor,
    *,
    seed: int,
    batch: int = 256,
    epsilon: float = 0.1,
    input_rule: str = "same",
) -> tuple[Tensor, Tensor]:
    """LRP-epsilon of the ``target`` logit, [N, C, H, W]: :func:`plumbline.attribution.lrp.epsilon`.

    With ``epsilon`` 0, LRP-0, it equals gradient times input.  ``input_rule`` is ``same`` or
    ``box``, z^B at the pixels.

    Raises :class:`InputError` if ``epsilon`` is below 0.
    """
    return lrp.propagate(
        classifier, pixels, target, rules(epsilon, input_rule), batch, "lrp_epsilon"
    )
