"""Image sets: what each one holds, its name, and its columns in tables.

A name such as ``pgd_eps0.1`` stands in file names and in the column ``set`` of tables.  It is made
and read here alone; everything else goes by the typed key, or by the columns beside the name.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from plumbline.errors import InputError, nearest
from plumbline.registry import SHIFTS

if TYPE_CHECKING:
    import pandas as pd

CLEAN, CALIBRATION = "test", "calibration"
OUT_OF_DISTRIBUTION, BOUNDED, SHIFTED = "ood_{source}", "{attack}_eps{epsilon}", "{shift}_{level}"
# Kinds with the pattern of their names, in the order in which names are read.  An attack that looks
# for the smallest perturbation has no ε; its set has its name alone.
PATTERNS = (
    ("clean", CLEAN),
    ("calibration", CALIBRATION),
    ("out_of_distribution", OUT_OF_DISTRIBUTION),
    ("adversarial", BOUNDED),
    ("shifted", SHIFTED),
)
FIELDS: dict[str, set[str]] = {
    "clean": set(),
    "calibration": set(),
    "out_of_distribution": {"source"},
    "adversarial": {"attack", "epsilon"},
    "shifted": {"shift", "level"},
}
NUMBER = r"-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?"


@dataclass(frozen=True)
class ImageSetKey:
    """What an image set holds.

    ``kind`` is ``clean`` (the test images), ``calibration``, ``out_of_distribution`` (test images
    of the dataset ``source``), ``adversarial`` (test images changed by the entry ``attack`` by at
    most ``epsilon`` per pixel, or as little as possible if that is None), or ``shifted`` (test
    images changed by ``shift`` at ``level``).  Numbers have six significant digits, as in names.
    """

    kind: str
    source: str = ""
    attack: str = ""
    epsilon: float | None = None
    shift: str = ""
    level: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in FIELDS:
            raise ValueError(f"no kind of image set {self.kind!r}{nearest(self.kind, FIELDS)}")
        given = {name for name in FIELD_NAMES if getattr(self, name) not in ("", None)}
        possible = FIELDS[self.kind]
        if not possible - {"epsilon"} <= given <= possible:
            wanted = " and ".join(sorted(possible)) or "no further field"
            raise ValueError(f"an image set of the kind {self.kind} has {wanted}, not {given}")
        for name in ("epsilon", "level"):
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, float(f"{value:g}"))

    @property
    def name(self) -> str:
        """The name in file names and tables."""
        values = {name: getattr(self, name) for name in FIELD_NAMES}
        texts = {k: f"{v:g}" if isinstance(v, float) else v for k, v in values.items()}
        return self.attack if self.minimal else dict(PATTERNS)[self.kind].format(**texts)

    @property
    def minimal(self) -> bool:
        """Whether the images are adversarial and changed as little as possible."""
        return self.kind == "adversarial" and self.epsilon is None

    @property
    def made_from_test(self) -> bool:
        """Whether each image was made from a test image, which has the same index."""
        return self.kind in ("adversarial", "shifted")

    def columns(self) -> dict[str, Any]:
        """Columns of a table: the name and the fields, empty where the kind has none."""
        found = {name: getattr(self, name) for name in FIELD_NAMES}
        found |= {name: math.nan for name in ("epsilon", "level") if found[name] is None}
        return {"set": self.name, "set_kind": self.kind} | found

    @classmethod
    def parse(cls, name: str, minimal: Iterable[str] = ()) -> Self:
        """The key of the set ``name``; ``minimal`` are the attacks that have no ε.

        Raises :class:`InputError` for any other name.
        """
        minimal = list(minimal)
        for kind, pattern in PATTERNS:
            found = re.fullmatch(_places(pattern), name)
            if found and found.groupdict().get("shift", "") in ("", *SHIFTS.names()):
                key = cls.of({"set_kind": kind, **found.groupdict()})
                if key.name == name:
                    return key
        if name in minimal:
            return cls("adversarial", attack=name)
        raise InputError(f"no image set {name!r}{nearest(name, [CLEAN, CALIBRATION, *minimal])}")

    @classmethod
    def of(cls, row: Mapping[Any, Any]) -> Self:
        """The key in a row of a table, whose fields are values or text."""
        found: dict[str, Any] = {n: row[n] for n in FIELD_NAMES if _is_given(row.get(n))}
        found |= {name: float(found[name]) for name in ("epsilon", "level") if name in found}
        return cls(row["set_kind"], **found)


FIELD_NAMES = tuple(each.name for each in fields(ImageSetKey))[1:]
COLUMNS = ("set_kind", *FIELD_NAMES)  # beside the column ``set``
TEST = ImageSetKey("clean")


def parse_all(names: Iterable[str], minimal: Sequence[str] = ()) -> dict[str, ImageSetKey]:
    """Keys of several sets by name; see :meth:`ImageSetKey.parse`."""
    return {name: ImageSetKey.parse(name, minimal) for name in names}


def keys_of(table: "pd.DataFrame") -> dict[str, ImageSetKey]:
    """Keys of the sets in a table by name, in its order; rows of no set do not count."""
    rows = table[table["set_kind"].fillna("") != ""].drop_duplicates("set")
    return {row["set"]: ImageSetKey.of(row) for row in rows.to_dict("records")}


def columns_of(keys: Iterable[ImageSetKey], sizes: int | Sequence[int]) -> dict[str, np.ndarray]:
    """Columns of a table with a row per image: of each set as many as ``sizes`` says."""
    rows = [key.columns() for key in keys]
    return {name: np.repeat([row[name] for row in rows], sizes) for name in ("set", *COLUMNS)}


def _places(pattern: str) -> str:
    """A regular expression for the names of a pattern, with a group for each field."""
    numbers = {"epsilon": NUMBER, "level": NUMBER}
    return re.sub(r"\{(\w+)\}", lambda m: f"(?P<{m[1]}>{numbers.get(m[1], '.+')})", pattern)


def _is_given(value: Any) -> bool:
    return value is not None and value != "" and value == value
