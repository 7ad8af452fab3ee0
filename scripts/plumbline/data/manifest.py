"""The manifest of a dataset: every file or array that it is made from, with its checksum."""

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
    """One file, or one array that a library brings along (then ``path`` is None).

    ``name`` does not depend on where the file lies.  ``origin`` is the address that it was
    downloaded from, or ``mirror``, ``downloads`` (it was there already), ``own file`` or the
    library and its version.
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
        """Where the file lies; ``ValueError`` of an array that a library brings along."""
        if self.path is None:
            raise ValueError(f"{self.name} is no file")
        return Path(self.path)

    @classmethod
    def of_array(cls, array: np.ndarray, name: str, origin: str) -> Self:
        """Describe an array by its type, shape and values."""
        return cls(name, array_checksum(array), array.nbytes, origin)


@dataclass(frozen=True)
class Manifest:
    """What one dataset is made from.

    ``kind`` is a module of :mod:`plumbline.data.sources`.  ``classes`` are the class names
    where the files themselves do not tell them.
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
        """Raise :class:`InputError` if a file is gone or is not what it was."""
        for file in self.files:
            if file.path is None:
                continue
            try:
                found = checksum(file.path)
            except OSError as error:
                raise InputError(f"{file.path}: {error.strerror}; {self._mend}") from None
            if found != file.sha256:
                raise InputError(
                    f"{file.path}: changed since it was fetched (sha256 {found}, "
                    f"not {file.sha256}); {self._mend}"
                )

    def verify_array(self, name: str, array: np.ndarray) -> None:
        """Raise :class:`InputError` if a library's array is not what it was."""
        if (name, array_checksum(array)) not in self._checksums:
            raise InputError(f"{name}: changed since it was fetched; {self._mend}")

    def path(self, name: str) -> Path:
        """Where the file ``name`` lies; raises :class:`InputError` if it is not listed."""
        for file in self.files:
            if file.name == name and file.path:
                return Path(file.path)
        raise InputError(f"the manifest of {self.dataset} does not list {name}; {self._mend}")

    @property
    def sha256(self) -> str:
        """One checksum of all names and checksums: equal if the content of all files is."""
        return hashlib.sha256(json.dumps(self._checksums).encode()).hexdigest()

    @property
    def _checksums(self) -> list[tuple[str, str]]:
        return sorted((file.name, file.sha256) for file in self.files)

    @property
    def _mend(self) -> str:
        return f"put it back, or delete the manifest of {self.dataset} and run again"


def array_checksum(array: np.ndarray) -> str:
    """SHA-256 of an array's type, shape and values."""
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
