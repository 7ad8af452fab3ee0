"""The explorer: a self-contained page that shows the decoded image of any point of a latent map.

Study 000 had a web page with a server for this.  Here the page contains all data: the decoders,
which run in the browser, the maps, and the training images nearest to the cells.  Numbers are
stored as compressed arrays:

- values of a measure in multiples of ``STEP`` (uint16), so that the rounding error is at most
  half a step, and at most 0.00055 for a value shown with three decimals;
- weights as float16, pixels as uint8, codes, distances and densities as float32.
"""

import base64
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from plumbline.data.image_sets import ImageSetKey
from plumbline.errors import InputError
from plumbline.latent.maps import MAPPED
from plumbline.report.figures.latent import CORPORA
from plumbline.report.pages.templates import template
from plumbline.report.style import COLORS
from plumbline.report.wording import describe, words
from plumbline.storage.artefacts import Arrays, ImageSet

STEP = 1e-4  # for entropy and mutual information in nats, and for probabilities
NEAREST = 3  # training images shown beside a point
GALLERY = 1000  # largest number of training images in the page
SHOWN = 1000  # largest number of encoded images drawn per set, as in the figures
GRIDS = ("linear", "quantile")


@dataclass(frozen=True)
class Corpus:
    """The artefacts of one corpus.

    ``vae`` holds the weights of its VAE, ``codes`` the arrays of the artefact Codes and
    ``other`` the keys of the sets in ``codes["other"]``.  ``maps`` and ``holes`` hold the arrays
    of the artefacts LatentMap and Holes by net.
    """

    name: str
    vae: Arrays
    codes: Arrays
    other: Sequence[ImageSetKey]
    maps: Mapping[str, Arrays]
    holes: Mapping[str, Arrays]


def content(
    dataset: str,
    train: ImageSet,
    classes: Sequence[str],
    corpora: Sequence[Corpus],
    estimators: Sequence[str],
    measures: Sequence[str],
) -> dict[str, Any]:
    """Content of the page of a dataset, ready for JSON; arrays are packed by :func:`pack`.

    Raises :class:`InputError` if the number of codes differs from that of ``train``.
    """
    for each in corpora:
        if len(each.codes["train"]) != len(train):
            raise InputError(
                f"{each.name}: {len(each.codes['train'])} codes for {len(train)} training images"
            )
    scales = {measure: _scale(measure, corpora, estimators) for measure in measures}
    kept = gallery([each.codes["train"] for each in corpora], [_cells(each) for each in corpora])
    models = dict.fromkeys(model for each in corpora for model in each.maps)
    return {
        "dataset": dataset,
        "shape": train.images.shape[1:],
        "classes": classes,
        "colors": [_hex(color) for color in COLORS],
        "nearest": NEAREST,
        "training": len(train),
        "nets": {model: words(model) for model in models},
        "estimators": {name: words(name) for name in estimators},
        "measures": scales,
        "gallery": pack(
            {"images": _bytes(train.images[kept]), "labels": train.labels[kept].astype(np.int16)}
        ),
        "corpora": [
            {
                "name": each.name,
                "title": CORPORA[each.name],
                "other": " and ".join(map(describe, each.other)),
                "pack": pack(_arrays(each, kept, estimators, scales)),
            }
            for each in corpora
        ],
    }


def gallery(
    codes: Sequence[np.ndarray], cells: Sequence[np.ndarray], limit: int = GALLERY
) -> np.ndarray:
    """Training images kept in the page: ascending indices, at most ``limit``.

    These are the images among the three nearest of some cell; if they are too many, those
    nearest to the most cells.  Far from the data many cells share their nearest images, which
    are therefore always kept.  ``codes`` [N, 2] and ``cells`` [M, 2] are given for each corpus.
    """
    counts = np.zeros(len(codes[0]), dtype=np.int64)
    for points, grid in zip(codes, cells, strict=True):
        _, found = cKDTree(points).query(grid, k=range(1, min(NEAREST, len(points)) + 1))
        counts += np.bincount(found.ravel(), minlength=len(counts))
    order = np.argsort(-counts, kind="stable")[:limit]
    return np.sort(order[counts[order] > 0])


def pack(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Encode arrays for JSON: ``data`` holds their little-endian bytes, compressed by zlib, in
    base64; ``arrays`` holds dtype (NumPy code without byte order), shape and byte offset of
    each."""
    places, parts, start = {}, [], 0
    for name, array in arrays.items():
        array = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        places[name] = [array.dtype.str[1:], array.shape, start]
        parts.append(array.tobytes())
        start += array.nbytes
    data = base64.b64encode(zlib.compress(b"".join(parts), 9)).decode()
    return {"arrays": places, "data": data}


def unpack(packed: Mapping[str, Any]) -> Arrays:
    """The inverse of :func:`pack`, as implemented in the page."""
    data = zlib.decompress(base64.b64decode(packed["data"]))
    return {
        name: np.frombuffer(data, f"<{kind}", int(np.prod(shape)), start).reshape(shape)
        for name, (kind, shape, start) in packed["arrays"].items()
    }


def render(dataset: str, found: Mapping[str, Any], back: str) -> str:
    """The page; ``found`` is the result of :func:`content`, ``back`` the link to the report."""
    data = json.dumps(found, separators=(",", ":")).replace("<", "\\u003c")
    return template("explorer.html").render(
        dataset=words(dataset),
        back=back,
        step=f"{STEP:g}",
        nearest=NEAREST,
        kept=found["gallery"]["arrays"]["labels"][1][0],
        training=found["training"],
        data=data,
    )


def _scale(
    measure: str, corpora: Sequence[Corpus], estimators: Sequence[str]
) -> dict[str, str | bool | float]:
    """Title, range and step of a measure; its scale is shared by all maps."""
    values = [
        arrays[key]
        for each in corpora
        for arrays in each.maps.values()
        for key in _keys(arrays, estimators, measure)
    ]
    low, high = min(v.min() for v in values), max(v.max() for v in values)
    return {
        "title": words(measure),
        "certain": MAPPED[measure],
        "low": float(low),
        "high": float(high),
        "step": max(STEP, float(high) / np.iinfo(np.uint16).max),
    }


def _keys(arrays: Arrays, estimators: Sequence[str], what: str) -> Iterable[str]:
    """Keys of the maps of ``what`` under each estimator of the net."""
    names = (f"{grid}.{estimator}.{what}" for grid in GRIDS for estimator in estimators)
    return (name for name in names if name in arrays)


def _cells(corpus: Corpus) -> np.ndarray:
    """Centres of the cells of all grids, [M, 2]."""
    arrays = next(iter(corpus.maps.values()))
    axes = [arrays[f"{grid}.axis"] for grid in GRIDS]
    return np.concatenate([np.stack(np.meshgrid(a, a), -1).reshape(-1, 2) for a in axes])


def _arrays(
    corpus: Corpus,
    kept: np.ndarray,
    estimators: Sequence[str],
    scales: Mapping[str, Mapping[str, Any]],
) -> Arrays:
    """The arrays of one corpus in the types stored in the page."""
    codes = corpus.codes
    found = {k: v.astype(np.float16) for k, v in corpus.vae.items() if k.startswith("decoder.")}
    found["train"] = codes["train"][kept].astype(np.float32)
    found["test"] = codes["test"][:SHOWN].astype(np.float32)
    found["test_labels"] = codes["test_labels"][:SHOWN].astype(np.int16)
    found["other"] = codes["other"][:SHOWN].astype(np.float32)
    first = next(iter(corpus.maps.values()))
    for grid in GRIDS:
        found[f"{grid}.axis"] = first[f"{grid}.axis"].astype(np.float32)
        found[f"{grid}.on_data"] = first[f"{grid}.on_data"].astype(np.uint8)
        for name in ("distance", "density"):
            found[f"{grid}.{name}"] = first[f"{grid}.{name}"].astype(np.float32)
    for model, arrays in corpus.maps.items():
        for measure, scale in scales.items():
            for key in _keys(arrays, estimators, measure):
                steps = np.rint(arrays[key] / scale["step"])
                found[f"{model}.{key}"] = steps.astype(np.uint16)
        for key in _keys(arrays, estimators, "prediction"):
            found[f"{model}.{key}"] = arrays[key].astype(np.uint16)
    for model, arrays in corpus.holes.items():
        for key in (f"{e}.{m}.region" for e in estimators for m in scales):
            if key in arrays:
                found[f"{model}.{key}"] = arrays[key].astype(np.uint16)
    return found


def _bytes(images: np.ndarray) -> np.ndarray:
    """Images as uint8."""
    return images if images.dtype == np.uint8 else np.rint(images * 255).astype(np.uint8)


def _hex(color: Sequence[float]) -> str:
    return "#" + "".join(f"{round(255 * each):02x}" for each in color)
