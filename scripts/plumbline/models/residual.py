"""The residual block of two convolutions."""

from torch import Tensor, nn


class BasicBlock(nn.Module):
    """relu(F(x) + shortcut(x)), F being two 3 x 3 convolutions with batch norm and a ReLU between.

    [N, ``before``, H, W] -> [N, ``after``, ceil(H / ``stride``), ceil(W / ``stride``)].  Layers
    have the same names as in torchvision, so that published weights fit.  The block is not
    imported from torchvision because that also loads torch's compiler (1.6 s a job).

    He et al. 2016, figure 2.
    """

    def __init__(
        self, before: int, after: int, stride: int = 1, shortcut: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.downsample = shortcut

    def forward(self, hidden: Tensor) -> Tensor:
        shortcut = hidden if self.downsample is None else self.downsample(hidden)
        residual = self.relu(self.bn1(self.conv1(hidden)))
        residual = self.bn2(self.conv2(residual))
        residual += shortcut
        return self.relu(residual)
