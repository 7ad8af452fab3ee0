"""How figures tell estimators apart: a colour for each family, a line style for each member."""

from collections.abc import Sequence

from plumbline.report.style import COLORS

CONTROL = "softmax"
GREY = "0.45"
# The first that is part of an estimator's name is its family.
FAMILIES = {
    "ensemble": COLORS[2],
    "dropout": COLORS[1],
    "bayes": COLORS[0],
    "evidential": COLORS[4],
    CONTROL: GREY,
}
OTHERS = (COLORS[3], COLORS[5], COLORS[9])
LINES = ("-", ":", "-.", (0, (5, 1, 1, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D")


def styles(names: Sequence[str]) -> dict[str, dict]:
    """Colour, line style and marker of each estimator; the control is dashed and grey."""
    found, members = {}, {}
    for name in names:
        family = next((part for part in FAMILIES if part in name), name)
        place = members.setdefault(family, [])
        place.append(name)
        strangers = [each for each in members if each not in FAMILIES]
        other = OTHERS[strangers.index(family) % len(OTHERS)] if family in strangers else None
        number = (len(place) - 1) % len(LINES)
        found[name] = {
            "color": other or FAMILIES[family],
            "linestyle": "--" if name == CONTROL else LINES[number],
            "marker": MARKERS[number],
        }
    return found
