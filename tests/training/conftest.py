"""What the tests of training share."""

import pytest

from plumbline.training import fit as training


class Killed(Exception):
    """Stands for a process that ends in the middle."""


@pytest.fixture
def killed_fit(monkeypatch):
    """Call as ``fit``: the training is killed at the start of its third epoch."""

    def run(*images, **options):
        real, calls = training._epoch, []

        def epoch(*arguments):
            calls.append(1)
            if len(calls) == 3:
                raise Killed
            return real(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(training, "_epoch", epoch)
            with pytest.raises(Killed):
                training.fit(*images, **options)

    return run
