"""ResNet-34, with dropout and any number of input channels."""

from torch import nn

from plumbline.models.classifier import Network
from plumbline.models.residual import BasicBlock

LABEL = "ResNet-34"
BLOCKS = (3, 4, 6, 3)
TRAITS = ("dropout", "gap_head")


def build(
    *,
    channels: int,
    size: int,
    classes: int,
    width: int = 64,
    dropout_stem: float = 0.25,
    dropout_head: float = 0.5,
) -> Network:
    """ResNet-34 whose stages have 1, 2, 4 and 8 times ``width`` channels.

    With ``width`` 64, three channels and no dropout this is torchvision's ``resnet34`` with the
    same names of weights.  Dropout is placed as in study 000: after the pooling of the stem and
    before the last layer.  Images can have any size; ``size`` is not used.

    He et al. 2016, option B shortcuts.
    """
    layers = {
        "conv1": nn.Conv2d(channels, width, 7, stride=2, padding=3, bias=False),
        "bn1": nn.BatchNorm2d(width),
        "relu": nn.ReLU(inplace=True),
        "maxpool": nn.MaxPool2d(3, stride=2, padding=1),
        "dropout_stem": nn.Dropout(dropout_stem),
    }
    for stage, blocks in enumerate(BLOCKS):
        before, after = width * 2 ** max(stage - 1, 0), width * 2**stage
        layers[f"layer{stage + 1}"] = _stage(before, after, blocks, stride=2 if stage else 1)
    layers |= {
        "avgpool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
        "dropout_head": nn.Dropout(dropout_head),
        "fc": nn.Linear(8 * width, classes),
    }
    network = Network(layers, last_block="layer4")
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return network


def _stage(before: int, after: int, blocks: int, stride: int) -> nn.Sequential:
    shortcut = None
    if stride != 1 or before != after:
        shortcut = nn.Sequential(
            nn.Conv2d(before, after, 1, stride=stride, bias=False), nn.BatchNorm2d(after)
        )
    first = BasicBlock(before, after, stride, shortcut)
    return nn.Sequential(first, *(BasicBlock(after, after) for _ in range(blocks - 1)))
