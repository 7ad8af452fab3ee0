"""Styles of estimators in figures: a colour for each family, a line style for each member."""

from collections.abc import Sequence

from plumbline.registry import ESTIMATORS
from plumbline.report.style import COLORS

CONTROL = "softmax"
GREY = "0.45"
FAMILY_COLORS = {
    "ensemble": COLORS[2],
    "dropout": COLORS[1],
    "bayesian": COLORS[0],
    "evidential": COLORS[4],
    "softmax": GREY,
}
OTHERS = (COLORS[3], COLORS[5], COLORS[9])
LINES = ("-", ":", "-.", (0, (5, 1, 1, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D")


def styles(names: Sequence[str]) -> dict[str, dict]:
    """Colour, line style and marker of each estimator; the control is dashed and grey."""
    found: dict[str, dict] = {}
    members: dict[str, list[str]] = {}
    for name in names:
        declared = ESTIMATORS.family(name)
        family = declared if declared in FAMILY_COLORS else name
        place = members.setdefault(family, [])
        place.append(name)
        strangers = [each for each in members if each not in FAMILY_COLORS]
        other = OTHERS[strangers.index(family) % len(OTHERS)] if family in strangers else None
        number = (len(place) - 1) % len(LINES)
        found[name] = {
            "color": other or FAMILY_COLORS[family],
            "linestyle": "--" if name == CONTROL else LINES[number],
            "marker": MARKERS[number],
        }
    return found
