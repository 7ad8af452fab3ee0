"""The manifest of a dataset: all files or arrays from which it is made, with checksums."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np

from plumbline.errors import ArtefactError, DamagedFileError, InputError
from plumbline.storage.files import checksum, write_text


@dataclass(frozen=True)
class File:
    """One file, or one array provided by a library (then ``path`` is None).

    ``name`` does not depend on the location of the file.  ``origin`` is the address from which it
    was downloaded, or ``mirror``, ``downloads`` (it existed already), ``own file``, or the library
    and its version.
    """

    name: str
    sha256: str
    bytes: int
    origin: str
    path: str | None = None

    @classmethod
    def on_disk(cls, path: str | os.PathLike, name: str, origin: str) -> Self:
        """Describe the file at ``path``."""
        return cls(name, checksum(path), os.stat(path).st_size, origin, str(path))

    @property
    def place(self) -> Path:
        """The path of the file; raises ``ValueError`` for an array provided by a library."""
        if self.path is None:
            raise ValueError(f"{self.name} is no file")
        return Path(self.path)

    @classmethod
    def of_array(cls, array: np.ndarray, name: str, origin: str) -> Self:
        """Describe an array by its type, shape and values."""
        return cls(name, array_checksum(array), array.nbytes, origin)


@dataclass(frozen=True)
class Manifest:
    """The files or arrays from which one dataset is made.

    ``kind`` is a module of :mod:`plumbline.data.sources`.  ``classes`` are the class names, if the
    files themselves do not contain them.
    """

    dataset: str
    kind: str
    files: tuple[File, ...]
    classes: tuple[str, ...] = ()

    def save(self, path: str | os.PathLike) -> None:
        """Write as JSON, atomically."""
        write_text(path, json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """Read; raises :class:`ArtefactError` if the file is missing or no manifest."""
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            files = tuple(File(**each) for each in content.pop("files"))
            return cls(files=files, classes=tuple(content.pop("classes")), **content)
        except FileNotFoundError:
            raise ArtefactError(f"{path}: no such file") from None
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DamagedFileError(path, f"not a manifest of plumbline ({error})") from None

    def verify(self) -> None:
        """Raise :class:`InputError` if a file is missing or has changed."""
        for file in self.files:
            if file.path is None:
                continue
            try:
                found = checksum(file.path)
            except OSError as error:
                raise InputError(f"{file.path}: {error.strerror}; {self._remedy}") from None
            if found != file.sha256:
                raise InputError(
                    f"{file.path}: changed since it was fetched (sha256 {found}, "
                    f"not {file.sha256}); {self._remedy}"
                )

    def verify_array(self, name: str, array: np.ndarray) -> None:
        """Raise :class:`InputError` if an array of a library has changed."""
        if (name, array_checksum(array)) not in self._checksums:
            raise InputError(f"{name}: changed since it was fetched; {self._remedy}")

    def path(self, name: str) -> Path:
        """The path of the file ``name``; raises :class:`InputError` if it is not listed."""
        for file in self.files:
            if file.name == name and file.path:
                return Path(file.path)
        raise InputError(f"the manifest of {self.dataset} does not list {name}; {self._remedy}")

    @property
    def sha256(self) -> str:
        """Checksum of all names and checksums: equal if the contents of all files are equal."""
        return hashlib.sha256(json.dumps(self._checksums).encode()).hexdigest()

    @property
    def _checksums(self) -> list[tuple[str, str]]:
        return sorted((file.name, file.sha256) for file in self.files)

    @property
    def _remedy(self) -> str:
        return f"restore it, or delete the manifest of {self.dataset} and run again"


def array_checksum(array: np.ndarray) -> str:
    """SHA-256 of an array's type, shape and values."""
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
