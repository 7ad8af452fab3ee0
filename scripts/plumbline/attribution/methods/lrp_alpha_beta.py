"""Layer-wise relevance propagation with the alpha-beta rule."""

from torch import Tensor

from plumbline.attribution import lrp
from plumbline.models.classifier import Classifier

LABEL = "LRP-αβ"
VARIANTS = {
    "lrp_alpha1_beta0": "LRP-α1β0",
    "lrp_alpha2_beta1": "LRP-α2β1",
}
FAMILY = "lrp"


def rules(alpha: float = 1.0, beta: float = 0.0, input_rule: str = "same") -> lrp.Rules:
    """The rule of each layer."""
    rule = lrp.alpha_beta(alpha, beta)
    return lrp.Rules(lambda number, layers: rule, input_rule)


def attribute(
    classifier: Classifier,
    pixels: Tensor,
    target: Tensor,
    *,
    seed: int,
    batch: int = 256,
    alpha: float = 1.0,
    beta: float = 0.0,
    input_rule: str = "same",
) -> tuple[Tensor, Tensor]:
    """LRP-alpha-beta of the ``target`` logit, [N, C, H, W].

    The rule is :func:`plumbline.attribution.lrp.alpha_beta`.  ``input_rule`` is ``same`` or
    ``box``, z^B at the pixels.

    Raises :class:`InputError` unless ``alpha`` - ``beta`` is 1 and ``beta`` at least 0.
    """
    return lrp.propagate(
        classifier, pixels, target, rules(alpha, beta, input_rule), batch, "lrp_alpha_beta"
    )
