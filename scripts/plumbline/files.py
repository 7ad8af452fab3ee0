"""Files that are either whole or absent."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; move it there once the block has succeeded.

    The content is flushed to disk before the move, so that after a crash ``path`` holds
    the old content, the new one, or does not exist.  Parent folders are made.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())  # safetensors makes files that only their owner reads
        with open(temporary, "rb+") as handle:
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    """The process's file mode mask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write ``text`` as UTF-8, atomically."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def checksum(path: str | os.PathLike, algorithm: str = "sha256") -> str:
    """Hexadecimal digest of a file's bytes."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, algorithm).hexdigest()


def located(path: str | os.PathLike, mirror: str | os.PathLike | None) -> Path:
    """``path`` if something is there, else that path in the ``mirror`` if something is there."""
    path = Path(path)
    if mirror and not path.exists() and (Path(mirror) / path).exists():
        return Path(mirror) / path
    return path
