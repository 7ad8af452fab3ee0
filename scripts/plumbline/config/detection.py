"""Configuration of the stage detection."""

from typing import Annotated

from pydantic import Field

from plumbline.config.base import MethodOptions, Name, Section
from plumbline.errors import InputError, nearest
from plumbline.registry import DETECTORS, SCORES


class DetectorOptions(Section):
    """Detectors of misclassified images, fitted on calibration."""

    methods: dict[Name, MethodOptions] = Field(default_factory=dict)
    """Modules of detection/detectors and their options."""

    by_block: tuple[Name, ...] = ()
    """Entries of `methods` that are also fitted on the conductance of each block alone."""

    folds: Annotated[int, Field(ge=3)] = 5
    """Number of folds of calibration; each is scored by detectors fitted on the others."""

    def check(self) -> None:
        """Raise :class:`InputError` for an unknown detector or option."""
        for name, options in self.methods.items():
            try:
                DETECTORS.check(name, options)
            except InputError as error:
                raise InputError(f"detection.detectors.methods: {error}") from None
        for name in self.by_block:
            if name not in self.methods:
                hint = nearest(name, self.methods)
                raise InputError(f"detection.detectors.by_block: no {name!r}{hint}")


class DetectionSection(Section):
    """Scores for the detection of misclassified, adversarial and out-of-distribution images."""

    scores: dict[Name, MethodOptions] = Field(default_factory=dict)
    """Scores in addition to those of the other stages, and their options. `method` is the module of
    detection/scores, by default the name of the entry. A score is omitted if it needs an ensemble
    of more nets than training.seeds, or the VAE of a corpus that is not in latent.corpora."""

    detectors: DetectorOptions = DetectorOptions()
    """Detectors of the net's errors."""

    def module_of(self, entry: str) -> str:
        """The module of detection/scores that an entry of ``scores`` uses."""
        return self.scores[entry].get("method", entry)

    def options_of(self, entry: str) -> MethodOptions:
        """The options of an entry's module."""
        return {k: v for k, v in self.scores[entry].items() if k not in SCORES.entry}

    def needs(self, entry: str) -> tuple[str, ...]:
        """What an entry needs in addition to the net: ``train``, ``vae``."""
        return SCORES.constant(self.module_of(entry), "NEEDS")

    def nets(self, entry: str) -> int:
        """Number of nets of different training seeds that an entry needs."""
        return SCORES.nets(self.module_of(entry), self.options_of(entry))
