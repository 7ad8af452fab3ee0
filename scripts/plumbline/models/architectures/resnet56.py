"""ResNet-56 for small images such as those of CIFAR-10."""

from plumbline.models.cifar_resnet import cifar_resnet
from plumbline.models.classifier import Network

LABEL = "ResNet-56"
BLOCKS = 9
TRAITS = ("gap_head",)


def build(*, channels: int, size: int, classes: int, width: int = 16) -> Network:
    """Nine residual blocks in each of three stages with 1, 2 and 4 times ``width`` channels.

    Images can have any size; ``size`` is not used.

    He et al. 2016, section 4.2, option A shortcuts.
    """
    return cifar_resnet(BLOCKS, channels=channels, classes=classes, width=width)
