"""How all figures look, and how they become PNG files that are the same byte by byte."""

import base64
import functools
import io
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal

import matplotlib
import matplotlib.colors
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from plumbline.storage.files import atomic

DPI = 150
WEBP_SIDE = 16383  # pixels at most
WIDTH = 11.0  # inches of the widest figure: the page's column at 96 pixels to the inch
# Seaborn's "colorblind"; importing seaborn for it alone costs every figure a second.
COLORS = [
    matplotlib.colors.to_rgb(f"#{each}")
    for each in (
        *("0173b2", "de8f05", "029e73", "d55e00", "cc78bc"),
        *("ca9161", "fbafe4", "949494", "ece133", "56b4e9"),
    )
]
CONTROL: dict[str, Any] = {"color": "0.45", "linestyle": "--"}
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
    def wrapper(*args: Any, **kwargs: Any) -> Figure:
        with _settings():
            return draw(*args, **kwargs)

    return wrapper


def _settings() -> AbstractContextManager:
    settings: Any = matplotlib.rcParamsDefault | RC
    return matplotlib.rc_context(settings)


def panels(
    rows: int,
    columns: int,
    *,
    width: float = WIDTH,
    height: float = 3.0,
    layout: Literal["constrained"] | None = "constrained",
    **how: Any,
) -> tuple[Figure, np.ndarray]:
    """A figure that pyplot does not know, and its axes [rows, columns].

    ``width`` inches for all columns, ``height`` inches for each row.
    """
    figure = Figure(figsize=(width, height * rows), layout=layout)
    return figure, figure.subplots(rows, columns, squeeze=False, **how)


def grid(count: int, *, columns: int = 4, height: float = 3.0) -> tuple[Figure, list[Axes]]:
    """A figure of ``count`` panels of the same scales, line by line, and their axes."""
    columns = min(columns, count)
    figure, axes = panels(-(-count // columns), columns, height=height, sharex=True, sharey=True)
    for spare in axes.ravel()[count:]:
        spare.set_axis_off()
    for ax in axes.ravel()[count - columns : count]:
        ax.tick_params(labelbottom=True)  # also where there is no panel below
    return figure, list(axes.ravel()[:count])


def colors(names: Sequence[str]) -> dict[str, tuple]:
    """A colour for each name, in the order given, safe for colour-blind readers."""
    return {name: COLORS[i % len(COLORS)] for i, name in enumerate(names)}


def curve(
    axes: Axes, x: Any, value: Any, low: Any, high: Any, *, shade: float = 0.18, **how: Any
) -> None:
    """A line with its interval as a band of the same colour, of the opacity ``shade``."""
    (line,) = axes.plot(x, value, **how)
    axes.fill_between(x, low, high, color=line.get_color(), alpha=shade, linewidth=0)


def legend_below(figure: Figure, axes: Axes, columns: int = 5) -> None:
    """The legend of one panel for all of them, under the figure."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(columns, len(labels)))


def image_grid(axes: Axes, images: np.ndarray, rows: int, columns: int, title: str) -> None:
    """The first images of ``images`` [N, C, H, W] in [0, 1], ``columns`` side by side, with a
    white line between them; what is missing of ``rows`` stays white."""
    shown = images[: rows * columns]
    missing = rows * columns - len(shown)
    shown = np.concatenate([shown, np.ones((missing, *shown.shape[1:]), shown.dtype)])
    shown = np.pad(shown, [(0, 0), (0, 0), (1, 0), (1, 0)], constant_values=1.0)
    _, channels, height, width = shown.shape
    whole = shown.reshape(rows, columns, channels, height, width).transpose(0, 3, 1, 4, 2)
    whole = whole.reshape(rows * height, columns * width, channels)
    axes.imshow(whole.squeeze(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set(xticks=[], yticks=[], title=title)
    axes.grid(False)
    axes.spines[:].set_visible(False)


def notice(text: str) -> Figure:
    """A figure that says in words why there is nothing to draw."""
    figure, axes = panels(1, 1, height=1.0)
    axes[0, 0].set_axis_off()
    axes[0, 0].text(0.5, 0.5, text, ha="center", va="center", fontsize=11)
    return figure


def png(figure: Figure, keep: np.ndarray | None = None) -> bytes:
    """The figure as PNG bytes: the same figure gives the same bytes.

    Levels of colour are rounded to multiples of 4 of 255, which nobody sees and which saves a
    fifth of the file.  With ``keep`` [K, 3], colours
    in 0..255, the figure has 256 colours, these among them, which saves more than half where it
    is full of pictures.
    """
    canvas = FigureCanvasAgg(figure)
    figure.set_dpi(DPI)
    with _settings():  # ticks are made only now
        canvas.draw()
    image = Image.fromarray(_rounded(np.asarray(canvas.buffer_rgba())[..., :3]))
    if keep is not None:
        image = _reduced(image, np.unique(_rounded(keep), axis=0))
    buffer = io.BytesIO()
    image.save(buffer, format="png", optimize=True, dpi=(DPI, DPI))
    return buffer.getvalue()


def _rounded(levels: np.ndarray) -> np.ndarray:
    return np.minimum((levels.astype(np.uint16) + 2) // 4 * 4, 255).astype(np.uint8)


def _reduced(image: Image.Image, keep: np.ndarray) -> Image.Image:
    """The image in 256 colours: those to ``keep``, and such that the others lose least."""
    from scipy.spatial import KDTree

    others = image.quantize(256 - len(keep), method=Image.Quantize.MEDIANCUT).getpalette() or []
    palette = np.vstack([keep, np.reshape(others, (-1, 3))])
    codes = np.asarray(image).astype(np.int32) @ (1 << 16, 1 << 8, 1)
    # A table of all colours is faster than sorting the colours of millions of pixels.
    table = np.zeros(1 << 24, np.uint8)
    table[codes] = 1
    found = np.flatnonzero(table)
    colors = found[:, None] >> (16, 8, 0) & 255
    table[found] = KDTree(palette).query(colors)[1]
    reduced = Image.fromarray(table[codes])
    reduced.putpalette(palette.astype(np.uint8).tobytes())
    return reduced


def save(figure: Figure, path: str | os.PathLike, keep: np.ndarray | None = None) -> None:
    """Write the figure atomically as PNG; ``keep`` as in :func:`png`."""
    content = png(figure, keep)
    with atomic(path) as temporary:
        temporary.write_bytes(content)


def inline(path: str | os.PathLike) -> tuple[str, tuple[int, int]]:
    """A PNG as a data URI for a page, and its width and height in pixels.

    The page holds all figures, so they are turned into lossless WebP: the same pixels in about
    half the bytes.  That format ends at 16383 pixels a side; what is larger stays PNG.
    """
    kind, content, image = "png", Path(path).read_bytes(), Image.open(path)
    if max(image.size) <= WEBP_SIDE:
        buffer = io.BytesIO()
        # More effort gains next to nothing.
        image.convert("RGB").save(buffer, format="webp", lossless=True, method=2, quality=50)
        kind, content = "webp", buffer.getvalue()
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}", image.size
