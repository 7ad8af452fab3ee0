"""Deep Taylor decomposition."""

from torch import Tensor

from plumbline.attribution import lrp
from plumbline.attribution.methods import lrp_alpha_beta
from plumbline.models.classifier import Classifier

LABEL = "deep Taylor"
FAMILY = "lrp"


def rules() -> lrp.Rules:
    """z^+, the alpha-beta rule with alpha 1 and beta 0, in every layer, and z^B at the pixels."""
    return lrp_alpha_beta.rules(input_rule="box")


def attribute(
    classifier: Classifier, pixels: Tensor, target: Tensor, *, seed: int, batch: int = 256
) -> tuple[Tensor, Tensor]:
    """Deep Taylor decomposition of the ``target`` logit, [N, C, H, W].

    The relevance of each hidden unit is expanded at a root point found in the direction in which
    only positive contributions shrink (z^+), that of the first layer at one within the range of
    pixels (z^B).  With non-positive biases, as the paper assumes, no relevance is lost; the
    share of a positive bias is not passed on.  The relevance for a positive logit is nowhere
    negative.  Montavon et al. 2017, "Explaining nonlinear classification decisions with deep
    Taylor decomposition".
    """
    return lrp.propagate(classifier, pixels, target, rules(), batch, "deep_taylor")
