"""Multilayer perceptrons, the detectors of study 004."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

LABEL = "MLP"
MINIBATCH = 50
COMBINED = 10  # units per hidden layer of the net that combines scores
Scorer = Callable[[np.ndarray], np.ndarray]


def fit(
    features: np.ndarray,
    wrong: np.ndarray,
    *,
    seed: int,
    width: int = 200,
    dropout: float = 0.5,
    steps: int = 1000,
    learning_rate: float = 0.001,
) -> Scorer:
    """Fit standardised ``features`` [N, D] to the net's errors ``wrong`` [N] bool.

    Returns a function from features [M, D] to the log-odds [M] of an error.  Two hidden layers of
    ``width`` units, each followed by ReLU and ``dropout``; cross-entropy, minimised by ``steps``
    of Adam on minibatches of 50.  Study 004 uses about 20,000 steps.
    """

    def build() -> nn.Sequential:
        return nn.Sequential(
            *(nn.Linear(features.shape[1], width), nn.ReLU(), nn.Dropout(dropout)),
            *(nn.Linear(width, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, 1)),
        )

    return _trained(build, features, wrong, seed, steps, learning_rate)


def combine(
    features: np.ndarray,
    wrong: np.ndarray,
    *,
    seed: int,
    width: int = COMBINED,
    dropout: float = 0.5,
    steps: int = 1000,
    learning_rate: float = 0.001,
) -> Scorer:
    """Like :func:`fit`, for few features that include the score of another detector.

    Two hidden layers of 10 units, regardless of ``width``, and one dropout layer: the net by which
    study 004 combines conductance and label change rate.
    """

    def build() -> nn.Sequential:
        return nn.Sequential(
            *(nn.Linear(features.shape[1], COMBINED), nn.ReLU()),
            *(nn.Linear(COMBINED, COMBINED), nn.ReLU(), nn.Dropout(dropout)),
            nn.Linear(COMBINED, 1),
        )

    return _trained(build, features, wrong, seed, steps, learning_rate)


def _trained(
    build: Callable[[], nn.Sequential],
    features: np.ndarray,
    wrong: np.ndarray,
    seed: int,
    steps: int,
    learning_rate: float,
) -> Scorer:
    inputs, truth = _tensor(features), _tensor(wrong)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build()
        optimizer = torch.optim.Adam(network.parameters(), learning_rate, fused=True)
        waiting = torch.empty(0, dtype=torch.long)
        for _ in range(steps):
            if not len(waiting):
                waiting = torch.randperm(len(inputs))
            here, waiting = waiting[:MINIBATCH], waiting[MINIBATCH:]
            loss = F.binary_cross_entropy_with_logits(network(inputs[here])[:, 0], truth[here])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    network.eval()

    @torch.no_grad()
    def score(features: np.ndarray) -> np.ndarray:
        return network(_tensor(features))[:, 0].double().numpy()

    return score


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
