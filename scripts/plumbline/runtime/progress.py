"""Progress of long loops: a bar on a terminal, plain lines in a log."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import TypeVar, cast

T = TypeVar("T")
SECONDS_BETWEEN_LINES = 5.0
_reporting = False


def progress(
    items: Iterable[T],
    what: str,
    total: int | None = None,
    size: Callable[[T], int] = lambda item: 1,
) -> Iterator[T]:
    """Yield ``items`` and report on standard error how many are done.

    ``what`` names the items, for example ``"epochs"``.  ``total`` defaults to ``len(items)``;
    ``size`` gives how much an item counts.  A loop nested in another reporting loop is silent.
    """
    global _reporting
    if _reporting:
        yield from items
        return
    _reporting = True
    try:
        count = len(cast(Sized, items)) if total is None else total
        yield from _reported(items, what, count, size)
    finally:
        _reporting = False


def _reported(items: Iterable[T], what: str, total: int, size: Callable[[T], int]) -> Iterator[T]:
    if sys.stderr.isatty():
        from tqdm import tqdm

        with tqdm(desc=what, total=total, leave=False) as bar:
            for item in items:
                yield item
                bar.update(size(item))
        return
    start = last = time.monotonic()
    done = 0
    for item in items:
        yield item
        done += size(item)
        now = time.monotonic()
        if done == total or now - last >= SECONDS_BETWEEN_LINES:
            print(f"{what}: {done} of {total}, {now - start:.0f} s", file=sys.stderr, flush=True)
            last = now
