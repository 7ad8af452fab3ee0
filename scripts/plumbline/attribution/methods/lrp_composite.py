"""Layer-wise relevance propagation with different rules near the output and near the pixels."""

from torch import Tensor

from plumbline.attribution import lrp
from plumbline.errors import at_least
from plumbline.models.classifier import Classifier

LABEL = "LRP composite"
VARIANTS = {"lrp_composite_box": "LRP composite, zᴮ"}
FAMILY = "lrp"


def rules(epsilon: float = 0.1, input_rule: str = "same") -> lrp.Rules:
    """The rule of each layer, according to its depth."""
    at_least("lrp_composite.epsilon", epsilon, 0)
    upper, middle, lower = lrp.epsilon(0.0), lrp.epsilon(epsilon), lrp.alpha_beta(1.0, 0.0)

    def of(number: int, layers: int) -> lrp.Rule:
        if 10 * number > 6 * layers:
            return upper
        return middle if 10 * number > 3 * layers else lower

    return lrp.Rules(of, input_rule)


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
    """Composite LRP of the ``target`` logit, [N, C, H, W].

    Layers with weights are numbered from the pixels, 1 to L.  Those above 0.6 L follow LRP-0,
    the others above 0.3 L LRP-epsilon, and the remaining ones alpha-beta with alpha 1 and beta
    0.  The idea is that of Montavon et al. 2019, the limits are those of study 003.
    ``input_rule`` is ``same`` or ``box``, z^B at the pixels.

    Raises :class:`InputError` if ``epsilon`` is below 0.
    """
    return lrp.propagate(
        classifier, pixels, target, rules(epsilon, input_rule), batch, "lrp_composite"
    )
