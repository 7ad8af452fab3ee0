"""Errors that a user can mend."""

import os


class InputError(Exception):
    """Something that the user gave is wrong.

    The message is one or two plain lines: what is wrong, where, and what is allowed.
    Programs print it without a traceback and exit with status 1.
    """


def shown(value: object) -> str:
    """A value as it stands in a message: its ``repr``, of which only so much as fits in a line."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:40]} ... {text[-10:]}"


class ArtefactError(InputError):
    """A file of the workflow is missing or does not fit the others."""


class DamagedFileError(ArtefactError):
    """A file of the workflow is truncated, altered or of another format.

    ``path`` names the file.  Programs add to the message how the file is made again.
    """

    def __init__(self, path: str | os.PathLike, reason: str) -> None:
        super().__init__(f"{os.fspath(path)}: {reason}")
        self.path = os.fspath(path)


def one_of(option: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise :class:`InputError` unless the method's option is one of ``allowed``."""
    if value not in allowed:
        raise InputError(f"{option} must be one of {', '.join(allowed)}, not {value!r}")


def at_least(option: str, value: float, least: float) -> None:
    """Raise :class:`InputError` unless the method's option is at least ``least``."""
    if not value >= least:
        raise InputError(f"{option} must be at least {least:g}, not {value:g}")
