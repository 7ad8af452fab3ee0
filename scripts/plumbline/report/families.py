"""Families of attribution methods, which group them in figures and tables."""

import functools

from plumbline.registry import ATTRIBUTIONS

FAMILIES = ATTRIBUTIONS.families
"""Heading of each family by its name, in the order in which they are shown."""


@functools.cache
def family(method: str) -> str:
    """The family of an entry of the configuration: a key of :data:`FAMILIES`."""
    return ATTRIBUTIONS.family(method)


def by_family(methods: list[str]) -> dict[str, list[str]]:
    """The methods of each family that is present, families and methods in order."""
    found = {name: [each for each in methods if family(each) == name] for name in FAMILIES}
    return {name: members for name, members in found.items() if members}
