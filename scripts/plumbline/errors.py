"""Errors that a user can mend."""


class InputError(Exception):
    """Something that the user gave is wrong.

    The message is one or two plain lines: what is wrong, where, and what is allowed.
    Programs print it without a traceback and exit with status 1.
    """


class ArtefactError(InputError):
    """A file of the workflow is missing, truncated or altered."""
