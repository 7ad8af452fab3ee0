"""The artefact that records which mutant changed which label."""

import os
from dataclasses import dataclass

import numpy as np

from plumbline.stability.mutants import Outcome
from plumbline.storage.artefacts import load_arrays, save_arrays

KIND = "LabelChanges"


@dataclass(frozen=True)
class LabelChanges:
    """Label changes of one image set at one rate of an operator.

    ``changed`` [M, N] bool: whether a mutant, in order of acceptance, predicts another label than
    the net; ``asked`` [N]: the number of mutants evaluated, from the first; ``prediction`` [N] the
    net's label; ``index`` [N] the source of each image.
    """

    changed: np.ndarray
    asked: np.ndarray
    prediction: np.ndarray
    index: np.ndarray


def save(path: str | os.PathLike, outcomes: dict[float, Outcome], indices: dict) -> None:
    """Write the outcomes at all rates of an operator as one file, one bit per mutant and image.

    ``indices`` holds the index [N] of each image set.
    """
    arrays = {f"{name}.index": index for name, index in indices.items()}
    for rate, outcome in outcomes.items():
        for name, changed in outcome.changed.items():
            place = f"{rate:g}/{name}"
            arrays[place] = np.packbits(changed, axis=1)
            arrays[f"{place}.asked"] = outcome.asked[name].astype(np.int32)
            arrays[f"{name}.prediction"] = outcome.prediction[name]
    save_arrays(path, KIND, arrays, {"rates": list(outcomes), "sets": list(indices)})


def load(path: str | os.PathLike) -> dict[float, dict[str, LabelChanges]]:
    """Read a file of :func:`save`: rate -> image set -> changes, the main rate first.

    Further rates may cover fewer sets.  Raises :class:`ArtefactError` if the file is damaged.
    """
    arrays, metadata = load_arrays(path, KIND)
    return {
        rate: {
            name: _changes(arrays, f"{rate:g}/{name}", name)
            for name in metadata["sets"]
            if f"{rate:g}/{name}" in arrays
        }
        for rate in metadata["rates"]
    }


def _changes(arrays: dict[str, np.ndarray], place: str, name: str) -> LabelChanges:
    index = arrays[f"{name}.index"]
    return LabelChanges(
        changed=np.unpackbits(arrays[place], axis=1, count=len(index)).astype(bool),
        asked=arrays[f"{place}.asked"],
        prediction=arrays[f"{name}.prediction"],
        index=index,
    )
