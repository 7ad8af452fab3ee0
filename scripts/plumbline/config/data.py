"""Configuration of the stage data."""

from typing import Literal

from pydantic import Field

from plumbline.config.base import Count, Name, Section, Share


class Splits(Section):
    """Shares of the images that are not the official test set; the rest is ``train``.

    Where a source has an official test set, it is ``test`` and ``test`` here is not used.
    """

    val: Share = 0.1
    """Share for choosing the epoch and the model."""

    calibration: Share = 0.15
    """Share for temperature, thresholds, detectors and the acceptance of mutants."""

    test: Share = 0.2
    """Share for the final figures, where the source has no official test set."""


class Source(Section):
    """Where the images of one dataset come from."""

    kind: Literal[
        "digits",
        "photographs",
        "mnist",
        "fashion_mnist",
        "cifar10",
        "notmnist",
        "npz",
        "image_folder",
    ]
    """`digits` and `photographs` come with scikit-learn; `mnist`, `fashion_mnist` and `cifar10` are downloaded; `notmnist` (its 10,000 test images, as idx files) must be in the mirror; `npz` and `image_folder` are your own."""

    path: str | None = None
    """File (`npz`) or folder (`image_folder`) of your own images."""

    size: Count | None = None
    """Height and width in pixels that images are brought to; as they are, if not given (an `image_folder` needs it)."""

    channels: Literal[1, 3] | None = None
    """1 for grey, 3 for colour; as they are, if not given."""

    images: Count | None = None
    """Take this many images of the source at most, chosen at random; all, if not given."""

    splits: Splits = Splits()
    """How the images are divided."""

    ood: tuple[Name, ...] = ()
    """Datasets that are out of distribution for nets trained on this one."""


class DataSection(Section):
    """Images: where they come from and how they are divided."""

    mirror: str | None = None
    """A folder that is searched before the network, laid out like torchvision's root (`MNIST/raw/...`). The environment variable PLUMBLINE_MIRROR does the same."""

    downloads: str = "downloads"
    """Folder that keeps downloaded files, shared by all configurations."""

    sources: dict[Name, Source] = Field(default_factory=dict)
    """Every dataset that may be used, by the name that you give it."""
