"""Residual nets for small images, of any depth: the common part of ResNet-20 and ResNet-56."""

from torch import Tensor, nn
from torch.nn import functional as F

from plumbline.models.classifier import Network
from plumbline.models.residual import BasicBlock


class PaddedShortcut(nn.Module):
    """Option A shortcut: every second row and column, padded with channels of zeros.

    [N, ``before``, H, W] -> [N, ``after``, ceil(H / 2), ceil(W / 2)]; no weights.
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        low = (after - before) // 2
        self.padding = (0, 0, 0, 0, low, after - before - low)

    def forward(self, hidden: Tensor) -> Tensor:
        return F.pad(hidden[:, :, ::2, ::2], self.padding)


def cifar_resnet(blocks: int, *, channels: int, classes: int, width: int) -> Network:
    """A residual net of 6 ``blocks`` + 2 layers: stages of 1, 2 and 4 times ``width`` channels.

    Weights have the names used by akamaster/pytorch_resnet_cifar10, the usual source of trained
    weights.  Images can have any size.

    He et al. 2016, section 4.2, option A shortcuts; initialisation as in He et al. 2015.
    """
    layers = {
        "conv1": nn.Conv2d(channels, width, 3, padding=1, bias=False),
        "bn1": nn.BatchNorm2d(width),
        "relu": nn.ReLU(inplace=True),
        "layer1": _stage(width, width, blocks),
        "layer2": _stage(width, 2 * width, blocks),
        "layer3": _stage(2 * width, 4 * width, blocks),
        "avgpool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
        "linear": nn.Linear(4 * width, classes),
    }
    network = Network(layers, last_block="layer3")
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight)
    return network


def _stage(before: int, after: int, blocks: int) -> nn.Sequential:
    if before == after:
        first = BasicBlock(before, after)
    else:
        first = BasicBlock(before, after, 2, PaddedShortcut(before, after))
    return nn.Sequential(first, *(BasicBlock(after, after) for _ in range(blocks - 1)))
