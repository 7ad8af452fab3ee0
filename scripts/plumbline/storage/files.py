"""Atomic writing of files, checksums, and search in a mirror."""

import errno
import glob
import hashlib
import json
import os
import platform
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

from plumbline.errors import ArtefactError, InputError, shown
from plumbline.runtime.watchdog import orphaned

HOUR = 3600.0  # seconds
UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}


@contextmanager
def atomic(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path of the same name, and move it to ``path`` if the block succeeds.

    The content is flushed to disk before the move, so that after a crash ``path`` has the old
    content, the new content, or does not exist.  Parent folders are created, and temporary files
    for ``path`` left by killed processes are removed.

    Raises :class:`InputError`, naming ``path``, if the disk is full or write-protected, or if the
    Snakemake process that started this job is gone.
    """
    path = Path(path)
    # In a separate folder, because some libraries write additional files beside the given one.
    folder = path.with_name(f".{path.name}.{platform.node()}-{os.getpid()}.tmp")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for abandoned in _abandoned(path):
            shutil.rmtree(abandoned, ignore_errors=True)
        temporary = folder / path.name
        yield temporary
        temporary.chmod(0o666 & ~_umask())  # safetensors makes files readable by their owner only
        with open(temporary, "rb+") as handle:
            os.fsync(handle.fileno())
        if orphaned():
            raise InputError(f"{path}: not written, because the Snakemake that runs this is gone")
        os.replace(temporary, path)
    except OSError as error:
        ours = error.filename is None or Path(str(error.filename)).is_relative_to(path.parent)
        if not (ours and error.errno in UNWRITABLE):
            raise
        raise InputError(f"{path}: cannot be written: {os.strerror(error.errno)}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _abandoned(path: Path) -> Iterator[Path]:
    """Temporary folders for ``path`` of processes of this machine that no longer exist."""
    start = f".{path.name}.{platform.node()}-"
    for folder in path.parent.glob(f"{glob.escape(start)}*.tmp"):
        process = folder.name.removeprefix(start).removesuffix(".tmp")
        try:
            os.kill(int(process), 0)
        except (ProcessLookupError, ValueError):
            yield folder
        except PermissionError:  # another user's, alive
            continue


def _umask() -> int:
    """The file mode mask of the process, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write ``text`` as UTF-8, atomically."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_json(path: str | os.PathLike) -> Any:
    """The content of a JSON file; raises :class:`ArtefactError` if it is none."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ArtefactError(f"{path}: not a JSON file; delete it and run again") from error


def settle_times(folder: str | os.PathLike) -> int:
    """Set modification times in ``folder`` that lie in the future to now, in the same order.

    If the clock has been set back, a file that is made again would appear older than the files
    made from its previous version, which would then not be updated.  Differences below one hour
    are ignored, since they may be due to two clocks.  Returns the number of files.
    """
    now = time.time()
    files = [(path.stat().st_mtime, path) for path in Path(folder).rglob("*") if path.is_file()]
    ahead = sorted(each for each in files if each[0] > now + HOUR)
    for rank, (_, path) in enumerate(ahead):
        moment = now - (len(ahead) - rank) / 1000
        with suppress(OSError):  # nothing is updated on a write-protected disk
            os.utime(path, (moment, moment))
    return len(ahead)


def climbs_out(name: str) -> bool:
    """Whether a name in an archive points outside the folder to which it is unpacked."""
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts


def checksum(path: str | os.PathLike, algorithm: str = "sha256") -> str:
    """Hexadecimal digest of a file's bytes."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, algorithm).hexdigest()


def located(path: str | os.PathLike, mirror: str | os.PathLike | None) -> Path:
    """``path``, or the same path in the ``mirror`` if only that exists."""
    if mirror and not os.path.exists(path) and os.path.exists(Path(mirror, path)):
        return Path(mirror, path)
    return Path(path)


def unreadable(folder: str | os.PathLike | None) -> str:
    """Reason why ``folder`` cannot be read; empty if it can, or if None is given."""
    if not folder:
        return ""
    try:
        os.scandir(os.fspath(folder)).close()
    except PermissionError:
        return f"the folder {folder} cannot be read: {os.strerror(errno.EACCES)}"
    except (OSError, ValueError):
        return f"no folder {shown(str(folder))[1:-1]}"
    return ""
