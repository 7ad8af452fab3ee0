"""Fixtures that all tests share: real digits and small nets trained on them, once per session."""

import os
import sys

import numpy as np
import pytest
from filelock import FileLock

FINISHED = "finished"  # a fixture


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Where several processes share the tests: those that look at the finished run stay together,
    and else those of one file, with what they share. Those that run Snakemake come first, for
    they take longest."""
    for item in items:
        group = FINISHED if FINISHED in item.fixturenames else item.path.name
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: item.get_closest_marker("workflow") is None)


def pytest_terminal_summary(terminalreporter):
    """What tests have measured."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name}: {value}")


@pytest.fixture(autouse=True)
def determinism_as_found():
    """A test that sets up the runtime of a script leaves no later test without its functions."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_deterministic_debug_mode("default")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """The tiny configuration, run to its end in a copy of the repository; to be read only.

    One for all processes that share the tests: the first that wants it makes it.
    """
    from repository import Repository, fresh

    place = tmp_path_factory.getbasetemp()
    place = place.parent if "PYTEST_XDIST_WORKER" in os.environ else place
    made = place / "tiny_run"  # a link
    with FileLock(place / "tiny_run.lock"):
        if not made.exists():
            repository = fresh(tmp_path_factory.mktemp("tiny") / "repository", "tiny.yaml")
            (repository.folder / "terminal.txt").write_text(repository.snakemake().stdout)
            made.symlink_to(repository.folder)
    return Repository(made.resolve(), "tiny.yaml")


@pytest.fixture(scope="session")
def digits():
    """scikit-learn's scanned digits at 28 x 28 as four ImageSets by split."""
    from PIL import Image
    from sklearn.datasets import load_digits

    from plumbline.storage.artefacts import ImageSet

    bunch = load_digits()
    scans = (bunch.images * (255 / 16)).round().astype(np.uint8)
    images = np.stack(
        [np.asarray(Image.fromarray(each).resize((28, 28), Image.BILINEAR)) for each in scans]
    )[:, None]
    order = np.random.default_rng(0).permutation(len(images))
    ends = {
        "train": (0, 970),
        "val": (970, 1150),
        "calibration": (1150, 1420),
        "test": (1420, None),
    }
    return {
        split: ImageSet(
            name="digits",
            images=images[order[slice(*end)]],
            labels=bunch.target[order[slice(*end)]].astype(np.int64),
            index=order[slice(*end)].astype(np.int64),
            classes=tuple("0123456789"),
        )
        for split, end in ends.items()
    }


NETWORKS = {
    "lenet5": {"width": 8, "dense": 64},
    "alexnet": {"width": 8, "dense": 64},
    "resnet34": {"width": 4},
}


@pytest.fixture(scope="session")
def nets(digits):
    """A small trained Classifier of each architecture, in evaluation mode."""
    import torch

    from plumbline.config.training import TrainingOptions
    from plumbline.training.fit import fit

    torch.set_num_threads(1)
    return {
        model: fit(
            digits["train"],
            digits["val"],
            model=model,
            options=TrainingOptions(epochs=4, learning_rate=3e-3, network=network),
            seed=0,
            device=torch.device("cpu"),
        )[0]
        for model, network in NETWORKS.items()
    }


@pytest.fixture(scope="session")
def lenet(nets):
    """A small trained LeNet-5."""
    return nets["lenet5"]
