"""Mahalanobis distance from the nearest class mean, in the space of penultimate features."""

import torch
from torch import Tensor

from plumbline.detection.material import Material, features

LABEL = "Mahalanobis distance"
NEEDS = ("train",)


def score(material: Material, pixels: Tensor, *, seed: int, batch: int = 256) -> Tensor:
    """min over the classes c of (f - m_c)' S^+ (f - m_c) for the features f, [N], at least 0.

    m_c is the mean of the training images of class c, and S the covariance around the class means,
    shared by all classes.  S^+ is its pseudo-inverse: directions in which training images do not
    vary, such as units that are never active, are ignored.  Lee, Lee, Lee and Shin 2018, equations
    1 and 2, for the last layer only and without input preprocessing.
    """
    train = material.train_features
    labels = torch.from_numpy(material.train.labels)
    classes = labels.unique()
    means = torch.stack([train[labels == each].mean(0) for each in classes])
    centred = train - means[torch.searchsorted(classes, labels)]
    precision = torch.linalg.pinv(centred.T @ centred / len(train), hermitian=True)
    found = features(material.classifier, pixels, batch)
    # (f - m)' P (f - m) = f'Pf - 2 f'Pm + m'Pm avoids an array [images, classes, features].
    own = ((found @ precision) * found).sum(1, keepdim=True)
    centres = ((means @ precision) * means).sum(1)
    squared = own - 2 * found @ precision @ means.T + centres
    return squared.min(1).values.clamp(min=0)
