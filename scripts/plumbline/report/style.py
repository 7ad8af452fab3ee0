"""How all figures look, and how they become PNG files that are the same byte by byte."""

import functools
import io
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import matplotlib
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from plumbline.files import atomic

DPI = 150
WIDTH = 11.0  # inches of the widest figure: the page's column at 96 pixels to the inch
COLORS = [tuple(each) for each in sns.color_palette("colorblind")]
CONTROL = {"color": "0.45", "linestyle": "--"}
SIGNED = "RdBu_r"
RC = {
    "axes.axisbelow": True,
    "axes.edgecolor": "0.3",
    "axes.grid": True,
    "axes.labelsize": 10,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "figure.titlesize": 12,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "grid.color": "0.9",
    "legend.fontsize": 9,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
}


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Make a function draw in the report's style, whatever the settings of the process."""

    @functools.wraps(draw)
    def wrapper(*args, **kwargs) -> Figure:
        with _settings():
            return draw(*args, **kwargs)

    return wrapper


def _settings() -> AbstractContextManager:
    return matplotlib.rc_context(matplotlib.rcParamsDefault | RC)


def panels(
    rows: int,
    columns: int,
    *,
    width: float = WIDTH,
    height: float = 3.0,
    layout: str = "constrained",
    **how,
) -> tuple[Figure, np.ndarray]:
    """A figure that pyplot does not know, and its axes [rows, columns].

    ``width`` inches for all columns, ``height`` inches for each row.
    """
    figure = Figure(figsize=(width, height * rows), layout=layout)
    return figure, figure.subplots(rows, columns, squeeze=False, **how)


def colors(names: Sequence[str]) -> dict[str, tuple]:
    """A colour for each name, in the order given, safe for colour-blind readers."""
    return {name: COLORS[i % len(COLORS)] for i, name in enumerate(names)}


def curve(axes: Axes, x, value, low, high, *, shade: float = 0.18, **how) -> None:
    """A line with its interval as a band of the same colour, of the opacity ``shade``."""
    (line,) = axes.plot(x, value, **how)
    axes.fill_between(x, low, high, color=line.get_color(), alpha=shade, linewidth=0)


def legend_below(figure: Figure, axes: Axes, columns: int = 5) -> None:
    """The legend of one panel for all of them, under the figure."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(columns, len(labels)))


def png(figure: Figure) -> bytes:
    """The figure as PNG bytes: the same figure gives the same bytes.

    Levels of colour are rounded to multiples of 4 of 255, which nobody sees and which saves a
    fifth of the file: the report holds all figures in one page.
    """
    from PIL import Image

    canvas = FigureCanvasAgg(figure)
    figure.set_dpi(DPI)
    with _settings():  # ticks are made only now
        canvas.draw()
    levels = np.asarray(canvas.buffer_rgba())[..., :3].astype(np.uint16)
    rounded = np.minimum((levels + 2) // 4 * 4, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(rounded).save(buffer, format="png", optimize=True, dpi=(DPI, DPI))
    return buffer.getvalue()


def save(figure: Figure, path: str | os.PathLike) -> None:
    """Write the figure atomically as PNG."""
    content = png(figure)
    with atomic(path) as temporary:
        temporary.write_bytes(content)
