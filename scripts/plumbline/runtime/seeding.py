"""Random seeds derived from names, so that results do not depend on the order of jobs."""

import hashlib
import json


def derive(seed: int, *names: str | int) -> int:
    """Seed for one named piece of work, an integer in [0, 2**48).

    The same ``seed`` and ``names`` (stage, wildcards, epoch, ...) always give the same
    integer; any difference gives an unrelated one.
    """
    digest = hashlib.sha256(json.dumps([seed, *names]).encode()).digest()
    return int.from_bytes(digest[:6], "big")
