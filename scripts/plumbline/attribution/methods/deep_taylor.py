"""Deep Taylor decomposition."""

from torch import Tensor

from plumbline.attribution import lrp
from plumbline.attribution.methods import lrp_alpha_beta
from plumbline.models.classifier import Classifier


def rules() -> lrp.Rules:
    """z^+ in every layer, which is alpha 1 and beta 0, and z^B at the pixels."""
    return lrp_alpha_beta.rules(input_rule="box")


def attribute(
    classifier: Classifier, pixels: Tensor, target: Tensor, *, seed: int, batch: int = 256
) -> tuple[Tensor, Tensor]:
    """Deep Taylor decomposition of the ``target`` logit, [N, C, H, W].

    The relevance of each hidden unit is expanded at a root point in the direction where only
    its positive contributions shrink (z^+), the pixels at one inside the box of all images
    (z^B).  The paper takes biases not to be positive, and then no relevance is lost; the share
    of a positive bias is not handed on.  A positive logit gives relevance that is nowhere
    negative.  Montavon et al. 2017, "Explaining nonlinear classification decisions with deep
    Taylor decomposition".
    """
    return lrp.propagate(classifier, pixels, target, rules(), batch, "deep_taylor")
