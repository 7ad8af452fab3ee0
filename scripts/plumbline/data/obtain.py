"""Files of public datasets, from a mirror, earlier downloads or the network."""

import fcntl
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from plumbline.data.download import download
from plumbline.data.manifest import File
from plumbline.errors import InputError
from plumbline.storage.files import atomic, checksum, located


@dataclass(frozen=True)
class Places:
    """Locations of files: a ``mirror``, the folder of ``downloads``, the user's own files.

    The latter are ``path`` (images) and ``labels``; ``classes`` are class names given by the user.
    """

    downloads: Path
    mirror: Path | None = None
    path: Path | None = None
    labels: Path | None = None
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Obtained:
    """The files of a source, and its class names if the files do not contain them."""

    files: tuple[File, ...]
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Remote:
    """A published file: its path in a mirror, its addresses, and its checksum if known.

    ``digest`` is the checksum by ``algorithm``, or its first digits.
    """

    name: str
    urls: tuple[str, ...] = ()
    digest: str | None = None
    algorithm: str = "md5"

    def fits(self, path: Path) -> bool:
        """Whether the file at ``path`` matches the checksum, if one is known."""
        return self.digest is None or checksum(path, self.algorithm).startswith(self.digest)


def obtain_file(remote: Remote, places: Places) -> File:
    """Provide a published file in the folder of downloads.

    The mirror is searched first, then earlier downloads, then the addresses.  A file of the mirror
    is copied, so that later jobs do not depend on the mirror.

    Raises :class:`InputError` if the file in the mirror has a wrong checksum (it is not replaced),
    or if the file is not available.
    """
    target = places.downloads / remote.name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"data.downloads: {target.parent}: {error.strerror}") from None
    with _alone(target.parent):
        return File.on_disk(target, remote.name, _bring(remote, places.mirror, target))


def _bring(remote: Remote, mirror: Path | None, target: Path) -> str:
    """Make ``target`` and return where it came from."""
    if mirror and (mirror / remote.name).is_file():
        _copy(mirror / remote.name, target, remote)
        return "mirror"
    if target.is_file():
        if remote.fits(target):
            return "downloads"
        print(f"{target}: wrong checksum, downloading again", file=sys.stderr, flush=True)
        target.unlink()
    if not (remote.urls and remote.digest):
        raise InputError(
            f"{remote.name}: not in the mirror ({mirror or 'none given'}) and not available for "
            "download; set data.mirror or PLUMBLINE_MIRROR to a folder that contains it"
        )
    return download(remote.urls, target, remote.digest, algorithm=remote.algorithm)


def _copy(source: Path, target: Path, remote: Remote) -> None:
    """Copy a file of the mirror unless it was copied before; rejects a wrong checksum."""
    if not remote.fits(source):
        raise InputError(
            f"{source}: wrong checksum: {remote.algorithm} {checksum(source, remote.algorithm)}, "
            f"expected {remote.digest}; replace this file or remove it"
        )
    if not target.is_file() or checksum(target) != checksum(source):
        with atomic(target) as temporary:
            shutil.copyfile(source, temporary)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While active, prevent other processes from downloading to ``folder``."""
    with open(folder / ".lock", "w", encoding="utf-8") as handle:
        with suppress(OSError):  # some network file systems have no locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def idx_files(dataset: str) -> tuple[tuple[Remote, ...], tuple[str, ...]]:
    """The idx files of one of torchvision's MNIST-like datasets, and its class names."""
    from plumbline.runtime.torchvision_import import import_torchvision

    known = getattr(import_torchvision().datasets, dataset)
    remotes = tuple(
        Remote(f"{dataset}/raw/{name}", tuple(mirror + name for mirror in known.mirrors), md5)
        for name, md5 in known.resources
    )
    return remotes, tuple(known.classes)


def obtain_weights(url: str | None, sha256: str | None, places: Places) -> File:
    """The file of given weights: at ``places.path``, here or in the mirror, or from ``url``.

    Only a downloaded file, stored as ``weights/<its name>``, must match ``sha256``.

    Raises :class:`InputError` if there is no such file.
    """
    if places.path:
        path = located(places.path, places.mirror)
        if path.is_file():
            return File.on_disk(path, path.name, "own file" if path == places.path else "mirror")
    if not url:
        raise InputError(f"path: no file {places.path}, nor in the mirror")
    name = f"weights/{url.rsplit('/', 1)[-1]}"
    return obtain_file(Remote(name, (url,), sha256, "sha256"), places)
