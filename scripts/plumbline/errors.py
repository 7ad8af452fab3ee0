"""Errors that a user can mend."""


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
    """A file of the workflow is missing, truncated or altered."""
