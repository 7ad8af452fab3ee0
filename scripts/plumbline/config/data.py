"""Configuration of the stage data."""

import os
import zipfile
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from plumbline.config.base import Count, Name, Section, Share

OWN = ("npz", "image_folder")


def labelled(path: str | os.PathLike) -> bool:
    """Whether a folder of images has one folder per class, or an npz file an array of labels.

    True for any other or damaged file, about which the reader reports an error later.
    """
    if os.path.isdir(path):
        return any(entry.is_dir() and entry.name[0] != "." for entry in Path(path).iterdir())
    if not zipfile.is_zipfile(path):
        return True
    with zipfile.ZipFile(path) as archive:
        return bool({"y.npy", "labels.npy", "y_train.npy"} & set(archive.namelist()))


class Splits(Section):
    """Shares of the images outside the official test set; the rest is ``train``.

    If a source has an official test set, that is ``test``, and the share here is not used.
    """

    val: Share = 0.1
    """Share for the choice of epoch and model."""

    calibration: Share = 0.15
    """Share for temperature, thresholds, detectors and the acceptance of mutants."""

    test: Share = 0.2
    """Share for the final estimates, if the source has no official test set."""

    @model_validator(mode="after")
    def _at_most_all(self) -> Self:
        total = self.val + self.calibration + self.test
        if total > 1 + 1e-9:
            raise ValueError(f"val, calibration and test add up to {total:g}, more than 1")
        return self

    @property
    def train(self) -> float:
        """Share that remains for training."""
        return max(0.0, 1 - self.val - self.calibration - self.test)


class Origin(Section):
    """Origin of the images of one dataset."""

    kind: Literal[
        "cifar10",
        "digits",
        "fashion_mnist",
        "image_folder",
        "mnist",
        "notmnist",
        "npz",
        "photographs",
        "uniform_noise",
    ]
    """`digits` and `photographs` are part of scikit-learn; `mnist`, `fashion_mnist` and `cifar10`
    are downloaded; `notmnist` (its 10,000 test images, as idx files) must be in the mirror; `npz`
    and `image_folder` are your own images; `uniform_noise` is generated from the seed."""

    path: str | None = None
    """File (`npz`) or folder (`image_folder`) of your own images; also searched in the mirror."""

    labels: str | None = None
    """Text file with one line per image of an `image_folder`: its name in the folder, a space and
    its class number, from 0. If not given, each folder is a class."""

    classes: tuple[str, ...] | str | None = None
    """Class names in the order of their numbers, or a text file with one name per line; for `npz`,
    and for `image_folder` with `labels`."""

    @model_validator(mode="after")
    def _path_of_own_images(self) -> Self:
        if self.kind in OWN and not self.path:
            raise ValueError(f"kind {self.kind} needs a path")
        if self.kind not in OWN and self.path:
            raise ValueError(f"path is for the kinds {' and '.join(OWN)}, not for {self.kind}")
        if self.labels and self.kind != "image_folder":
            raise ValueError(f"labels are for the kind image_folder, not for {self.kind}")
        if self.classes and not (self.kind == "npz" or self.labels):
            raise ValueError("classes are for the kind npz, and for image_folder with labels")
        return self

    @property
    def own_paths(self) -> dict[str, str]:
        """The user's files and folders, by key."""
        given = {"path": self.path, "labels": self.labels, "classes": self.class_file}
        return {key: value for key, value in given.items() if value}

    @property
    def class_file(self) -> str | None:
        """The text file with the class names, if there is one."""
        if isinstance(self.classes, str):
            return self.classes
        return self.classes[0] if self.classes and len(self.classes) == 1 else None


class Preparation(Section):
    """Preparation of the images of one dataset."""

    size: Count | None = None
    """Height and width of the images in pixels: the shorter side is resized to it and the centre is
    cropped; unchanged if not given (required for `image_folder`)."""

    resize: Count | None = None
    """Size in pixels to which the shorter side of a photograph (`image_folder`) is resized before
    the central `size` pixels are cropped, such as 256 for ImageNet's 224; by default `size`."""

    channels: Literal[1, 3] | None = None
    """1 for greyscale, 3 for colour; unchanged if not given."""

    images: Count | None = None
    """Maximum number of images to use, chosen at random and stratified by class, from the official
    training and test parts in proportion to their sizes; all if not given."""

    broken: Literal["refuse", "skip"] = "refuse"
    """Treatment of images of an `image_folder` that cannot be used (unreadable, truncated, too
    large, neither greyscale nor RGB, or more than 8 bits): `refuse` ends the run at the first one,
    `skip` omits them and lists each in the log."""

    splits: Splits = Splits()
    """Division of the images."""

    splits_of: Literal["train", "test"] = "train"
    """Official part from which val and calibration are taken: `test` for nets with given weights,
    which have been trained on all of the official training set."""


class Source(Preparation, Origin):
    """One dataset."""

    ood: tuple[Name, ...] = ()
    """Datasets that are out of distribution for nets trained on this one."""

    near: tuple[Name, ...] = ()
    """The datasets of `ood` that are near, that is similar in kind, as letters are to digits; the
    others are far."""

    @model_validator(mode="after")
    def _size_of_folders(self) -> Self:
        if self.kind in ("image_folder", "uniform_noise") and self.size is None:
            raise ValueError(f"kind {self.kind} needs a size")
        if self.resize and self.kind != "image_folder":
            raise ValueError(f"resize is for the kind image_folder, not for {self.kind}")
        if self.broken == "skip" and self.kind != "image_folder":
            raise ValueError(f"broken is for the kind image_folder, not for {self.kind}")
        if self.resize and self.size and self.resize < self.size:
            raise ValueError(f"resize ({self.resize}) is less than size ({self.size})")
        return self

    @model_validator(mode="after")
    def _near_is_out_of_distribution(self) -> Self:
        if strangers := set(self.near) - set(self.ood):
            raise ValueError(f"near: {min(strangers)!r} is not in ood")
        return self


class DataSection(Section):
    """Images: their origin and division."""

    mirror: str | None = None
    """Folder that is searched before the network, laid out like torchvision's root
    (`MNIST/raw/...`). The environment variable PLUMBLINE_MIRROR has the same effect."""

    downloads: str = "downloads"
    """Folder of downloaded files, shared by all configurations."""

    sources: dict[Name, Source] = Field(default_factory=dict)
    """Definitions of all datasets, by a name of your choice."""

    def origin(self, dataset: str) -> dict[str, Any]:
        """Options of the rule fetch for a dataset."""
        return self.sources[dataset].model_dump(include=set(Origin.model_fields))

    def preparation(self, dataset: str) -> dict[str, Any]:
        """Options of the rule prepare for a dataset."""
        return self.sources[dataset].model_dump(include=set(Preparation.model_fields))
