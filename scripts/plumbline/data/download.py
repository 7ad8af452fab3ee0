"""Download of a file with a known checksum, resumed after interruptions."""

import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from plumbline.errors import InputError
from plumbline.runtime.progress import progress
from plumbline.storage.files import checksum

MIB = 2**20


def download(
    urls: Sequence[str],
    target: Path,
    digest: str,
    *,
    algorithm: str = "md5",
    rounds: int = 3,
    pause: float = 2.0,
    timeout: float = 30.0,
) -> str:
    """Download ``target`` from the first of ``urls`` that provides it; returns that address.

    Bytes are written to ``target`` + ``.part``, which a later call continues, and renamed once
    their checksum by ``algorithm`` begins with ``digest``; a file with a wrong checksum is removed
    and downloaded again.  All addresses are tried in turn, ``rounds`` times, with ``pause``
    seconds in between.  ``timeout`` is in seconds per response of a server.

    Raises :class:`InputError` with the last error of each address if all fail.
    """
    part = target.with_name(f"{target.name}.part")
    reasons: dict[str, str] = {}
    for attempt in range(rounds):
        for url in urls:
            try:
                _transfer(url, part, timeout)
            except (OSError, HTTPException) as error:
                reasons[url] = str(error) or type(error).__name__
            else:
                found = checksum(part, algorithm)
                if found.startswith(digest):
                    os.replace(part, target)
                    return url
                part.unlink()
                reasons[url] = f"wrong checksum: {algorithm} {found}, not {digest}"
            print(f"{target.name} from {url}: {reasons[url]}", file=sys.stderr, flush=True)
        if attempt < rounds - 1:
            time.sleep(pause)
    tried = "; ".join(f"{url} ({reason})" for url, reason in reasons.items())
    raise InputError(
        f"{target.name}: download failed {rounds} times: {tried}; try later, or put the file "
        "into a mirror (data.mirror)"
    )


def _transfer(url: str, part: Path, timeout: float) -> None:
    """Append the missing bytes to ``part``; raises ``OSError`` if the connection ends early."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "plumbline"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        answer = urlopen(Request(url, headers=headers), timeout=timeout)
    except HTTPError as error:
        with error:
            if error.code == 416 and have:
                return  # the file is complete; the checksum is verified by the caller
            raise
    with answer:
        expected = answer.length
        # A server without support for ranges responds with 200 and the whole file.
        with open(part, "ab" if answer.status == 206 else "wb") as out:
            got = sum(out.write(chunk) for chunk in _chunks(answer, part.stem))
            out.flush()
            os.fsync(out.fileno())
    if expected is not None and got < expected:
        raise OSError(f"truncated: {got} of {expected} bytes")


def _chunks(answer: HTTPResponse, name: str) -> Iterator[bytes]:
    chunks = iter(lambda: answer.read(MIB), b"")
    if answer.length is None:
        return chunks
    return progress(chunks, f"{name}, MiB", math.ceil(answer.length / MIB))
