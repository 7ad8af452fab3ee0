"""Layer-wise relevance propagation with one rule near the answer and others near the pixels."""

from torch import Tensor

from plumbline.attribution import lrp
from plumbline.errors import at_least
from plumbline.models.classifier import Classifier


def rules(epsilon: float = 0.1, input_rule: str = "same") -> lrp.Rules:
    """The rule of each layer, by its place."""
    at_least("lrp_composite.epsilon", epsilon, 0)
    upper, middle, lower = lrp.epsilon(0.0), lrp.epsilon(epsilon), lrp.alpha_beta(1.0, 0.0)

    def of(place: int, layers: int) -> lrp.Rule:
        if 10 * place > 6 * layers:
            return upper
        return middle if 10 * place > 3 * layers else lower

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

    Of the L layers with weights, counted from the pixels, those above 0.6 L follow LRP-0,
    those above 0.3 L LRP-epsilon, the others alpha-beta with alpha 1 and beta 0: the limits of
    study 003, the idea of Montavon et al. 2019.  ``input_rule`` is ``same`` or ``box``, z^B at
    the pixels.

    Raises :class:`InputError` if ``epsilon`` is below 0.
    """
    return lrp.propagate(
        classifier, pixels, target, rules(epsilon, input_rule), batch, "lrp_composite"
    )
