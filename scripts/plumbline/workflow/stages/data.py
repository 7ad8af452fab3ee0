"""The plan of the stage data: datasets, their splits, and the image sets for evaluation."""

from dataclasses import dataclass, field
from typing import Any

from plumbline.config.attacks import AttacksSection
from plumbline.data.image_sets import TEST, ImageSetKey
from plumbline.errors import InputError
from plumbline.registry import READERS, SHIFTS, SOURCES
from plumbline.workflow.stages.part import Job, Part, unique

Keys = list[ImageSetKey]
CALIBRATION = ImageSetKey("calibration")


@dataclass(frozen=True)
class DataPlan(Part):
    """The image sets of a run and how they are obtained.

    Raises :class:`InputError` if the name of a set of an attack is that of another kind of set.
    """

    attacked: dict[str, Keys] = field(init=False)  # image sets of every attack

    def __post_init__(self) -> None:
        section = self.config.attacks
        attacked = {entry: adversarial_keys(section, entry) for entry in section.methods}
        object.__setattr__(self, "attacked", attacked)

    def datasets(self) -> list[str]:
        """Datasets of the run and their out-of-distribution datasets."""
        sources = self.config.data.sources
        names = [name for each in self.config.datasets for name in (each, *sources[each].ood)]
        return list(unique(names))

    def split(self, dataset: str, split: str) -> str:
        """File of one split of a dataset."""
        return f"data/{dataset}/{split}.safetensors"

    def foreign_keys(self, dataset: str) -> Keys:
        """Out-of-distribution image sets of a dataset."""
        others = self.config.data.sources[dataset].ood
        return [ImageSetKey("out_of_distribution", source=other) for other in others]

    def keys(self, dataset: str) -> Keys:
        """Image sets that every net is evaluated on."""
        adversarial = [key for keys in self.attacked.values() for key in keys]
        return [CALIBRATION, TEST, *self.foreign_keys(dataset), *adversarial]

    def shifted_keys(self) -> Keys:
        """Shifted test sets."""
        return [
            ImageSetKey("shifted", shift=shift, level=level)
            for shift, options in self.config.uncertainty.shifts.items()
            for level in options.levels
        ]

    def file(self, dataset: str, model: str, key: ImageSetKey) -> str:
        """File of an image set for a net."""
        if key.kind == "out_of_distribution":
            return self.split(key.source, "test")
        folder = {"adversarial": f"attacks/{dataset}/{model}", "shifted": f"shifts/{dataset}"}
        return f"{folder.get(key.kind, f'data/{dataset}')}/{key.name}.safetensors"

    def sets(self, dataset: str, model: str) -> list[str]:
        """Files of the image sets that a net is evaluated on."""
        return [self.file(dataset, model, key) for key in self.keys(dataset)]

    def foreign(self, dataset: str) -> list[str]:
        """Files of the out-of-distribution image sets."""
        return [self.file(dataset, "", key) for key in self.foreign_keys(dataset)]

    def bounded_sets(self) -> list[str]:
        """Patterns of the files of an attack with an image set for every epsilon."""
        keys = [
            ImageSetKey("adversarial", attack="{attack}", epsilon=epsilon)
            for epsilon in self.config.attacks.epsilons
        ]
        return [self.file("{dataset}", "{model}", key) for key in keys]

    def fetch(self, dataset: str) -> Job:
        """Obtain the files of a dataset."""
        kind = self.config.data.sources[dataset].kind
        given = self.config.data.origin(dataset)
        return Job(given | {"dataset": dataset}, (SOURCES.file(kind),))

    def prepare(self, dataset: str) -> Job:
        """Split a dataset."""
        kind = self.config.data.sources[dataset].kind
        given = self.config.data.preparation(dataset)
        return Job(given | {"seed": self.seed("prepare", dataset)}, (READERS.file(kind),))

    def shift_images(self, dataset: str, shift: str, level: str) -> Job:
        """Change the first test images.

        Every level of a shift has the same seed: levels compare the same draws.
        """
        given = {
            "count": self.config.uncertainty.shifts[shift].images,
            "shift": shift,
            "level": float(level),
            "seed": self.seed("shift", dataset, shift),
        }
        return Job(given, (SHIFTS.file(shift),))


def adversarial_keys(section: AttacksSection, entry: str) -> list[ImageSetKey]:
    """The image sets of an entry of ``attacks.methods``: one, or one for each ε.

    Raises :class:`InputError` if a set's name would pass for a set of another kind.
    """
    epsilons = [None] if entry in section.minimal() else section.epsilons
    keys = [ImageSetKey("adversarial", attack=entry, epsilon=epsilon) for epsilon in epsilons]
    for key in keys:
        if ImageSetKey.parse(key.name, [entry]) != key:
            raise InputError(
                f"attacks.methods.{entry}: a set of that name would pass for another kind of images"
            )
    return keys


def named(keys: Keys) -> dict[str, Any]:
    """Options that name image sets: an attack that looks for the smallest change has no ε."""
    return {
        "names": [key.name for key in keys],
        "minimal": [key.attack for key in keys if key.minimal],
    }
