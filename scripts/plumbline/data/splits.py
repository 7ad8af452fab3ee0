"""Division of images into train, val, calibration and test."""

from collections.abc import Sequence

import numpy as np

from plumbline.errors import InputError
from plumbline.runtime.seeding import derive

PARTS_PER = 10**9  # shares are compared as integer multiples of 1 / PARTS_PER, without rounding


def divide(
    labels: np.ndarray,
    official_test: int,
    images: int | None,
    shares: dict[str, float],
    seed: int,
    shares_of: str = "train",
) -> dict[str, np.ndarray]:
    """Positions, int64, of the images of train, val, calibration and test, which are disjoint.

    ``labels`` [N] are those of the whole source, whose last ``official_test`` images are the
    official test set.  This becomes ``test``, in its order, and ``shares`` (of ``val``,
    ``calibration`` and ``test``; the rest is ``train``) apply to the other images, where the share
    of ``test`` is added to ``train``.  With ``shares_of`` "test" the shares apply to the official
    test set instead; its rest is ``test``, and all other images are ``train``.  Without an
    official test set, ``shares`` apply to all images.  All sets are stratified by class.
    ``images`` limits the number of images, taken at random from both parts in proportion to their
    sizes and stratified by class.

    Raises :class:`InputError` if a set with a share would be empty.
    """
    first = len(labels) - official_test
    take = allocate(min(images or len(labels), len(labels)), [first, official_test])
    pool = stratified(labels[:first], [take[0]], derive(seed, "pool"))[0]
    if shares_of == "test":
        held = first + stratified(labels[first:], [take[1]], derive(seed, "test"))[0]
        return {"train": pool} | _divide_test(labels, held, shares, seed)
    shares = dict(shares)
    if official_test:
        shares["test"] = 0.0
    shares = {"train": max(0.0, 1.0 - sum(shares.values())), **shares}
    counts = allocate(len(pool), [round(share * PARTS_PER) for share in shares.values()])
    parts = stratified(labels[pool], counts, derive(seed, "splits"))
    sets = {name: pool[part] for name, part in zip(shares, parts, strict=True)}
    if official_test:
        test = stratified(labels[first:], [take[1]], derive(seed, "test"))[0]
        sets["test"] = first + np.sort(test)
    for name, share in shares.items():
        if round(share * PARTS_PER) and not len(sets[name]):
            raise InputError(f"{len(pool)} images are too few: {name} would be empty")
    if official_test and not take[1]:
        raise InputError(f"images: {images} are too few: test would be empty")
    return sets


def _divide_test(
    labels: np.ndarray, held: np.ndarray, shares: dict[str, float], seed: int
) -> dict[str, np.ndarray]:
    """The positions ``held`` of an official test set, divided into val, calibration and test."""
    shares = {name: shares[name] for name in ("val", "calibration")}
    shares["test"] = max(0.0, 1.0 - sum(shares.values()))
    counts = allocate(len(held), [round(share * PARTS_PER) for share in shares.values()])
    parts = stratified(labels[held], counts, derive(seed, "splits"))
    sets = {name: held[part] for name, part in zip(shares, parts, strict=True)}
    for name, share in shares.items():
        if round(share * PARTS_PER) and not len(sets[name]):
            raise InputError(f"an official test set of {len(held)} images: {name} would be empty")
    return sets | {"test": np.sort(sets["test"])}


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Divide ``total`` into integers in proportion to ``weights`` by the largest remainder method.

    They sum to ``total``, and each differs by less than one from its exact share.
    """
    whole = sum(weights) or 1
    parts = [total * weight // whole for weight in weights]
    remainders = [total * weight % whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: -remainders[i])
    for i in order[: total - sum(parts)]:
        parts[i] += 1
    return parts


def stratified(labels: np.ndarray, counts: Sequence[int], seed: int) -> list[np.ndarray]:
    """Disjoint random groups of positions in ``labels``, of exactly ``counts`` images.

    Each group contains the classes in the proportion of the remaining images, up to one image; if
    it has fewer images than there are classes, the classes are chosen at random.  The order within
    a group is random, so that its first images are a random sample.
    """
    rng = np.random.default_rng(seed)
    _, classes, left = np.unique(labels, return_inverse=True, return_counts=True)
    order = rng.permutation(len(labels))
    order = order[np.argsort(classes[order], kind="stable")]
    queues = np.split(order, np.cumsum(left)[:-1]) if len(labels) else []
    groups = []
    for count in counts:
        if 0 < count < len(queues):
            queues = [queues[i] for i in rng.permutation(len(queues))]
        take = allocate(count, [len(queue) for queue in queues])
        chosen = [queue[:n] for queue, n in zip(queues, take, strict=True)]
        queues = [queue[n:] for queue, n in zip(queues, take, strict=True)]
        groups.append(rng.permutation(np.concatenate([np.empty(0, np.int64), *chosen])))
    return groups
