"""Evaluations of a net, the unit of cost: a forward pass of one image counts 1."""

from dataclasses import dataclass

BACKWARD = 2  # a backward pass costs about two forward passes
GRADIENT = 1 + BACKWARD


@dataclass
class Evaluations:
    """Number of images passed forward through nets, and how many of them for a gradient."""

    images: int = 0
    with_gradients: int = 0

    @property
    def cost(self) -> int:
        """All passes in units of a forward pass."""
        return self.images + BACKWARD * self.with_gradients
