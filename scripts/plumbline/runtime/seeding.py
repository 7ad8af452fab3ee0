"""Random seeds by name, so that no result depends on the order of jobs."""

import hashlib
import json


def derive(seed: int, *names: str | int) -> int:
    """Seed for one named piece of work, a whole number in [0, 2**48).

    The same ``seed`` and ``names`` (stage, wildcards, epoch, ...) always give the same
    number; any difference gives an unrelated one.
    """
    digest = hashlib.sha256(json.dumps([seed, *names]).encode()).digest()
    return int.from_bytes(digest[:6], "big")
