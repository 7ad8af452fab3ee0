"""Errors that a user can correct."""

import difflib
import os
from collections.abc import Iterable


class InputError(Exception):
    """Invalid input from the user: a configuration key, an option or a file.

    The message has one or two plain lines: what is wrong, where, and what is allowed.
    Programs print it without a traceback and exit with status 1.
    """


def shown(value: object) -> str:
    """A value as messages show it: its ``repr``, shortened in the middle to fit on one line."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:40]} ... {text[-10:]}"


def nearest(name: str, known: Iterable[object]) -> str:
    """``; did you mean x? (allowed: ...)`` for an error message."""
    allowed = [str(each) for each in known]
    return f"{close(name, allowed)} (allowed: {', '.join(allowed) or 'none'})"


def close(name: str, known: Iterable[str]) -> str:
    """``; did you mean x?`` for an error message; empty if nothing known is close."""
    found = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.5)
    return f"; did you mean {found[0]!r}?" if found else ""


class ArtefactError(InputError):
    """A file made by the workflow is missing or inconsistent with the others."""


class DamagedFileError(ArtefactError):
    """A file made by the workflow is truncated, altered or has the wrong format.

    ``path`` names the file.  Programs add to the message how to regenerate it.
    """

    def __init__(self, path: str | os.PathLike, reason: str) -> None:
        super().__init__(f"{os.fspath(path)}: {reason}")
        self.path = os.fspath(path)


def one_of(option: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise :class:`InputError` unless the ``value`` of a method's option is in ``allowed``."""
    if value not in allowed:
        raise InputError(f"{option} must be one of {', '.join(allowed)}, not {value!r}")


def at_least(option: str, value: float, least: float) -> None:
    """Raise :class:`InputError` unless the ``value`` of a method's option is at least ``least``."""
    if not value >= least:
        raise InputError(f"{option} must be at least {least:g}, not {value:g}")
