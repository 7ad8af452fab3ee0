"""Checks of a method's options that its type alone does not make."""

from plumbline.errors import InputError


def one_of(option: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise :class:`InputError` unless the method's option is one of ``allowed``."""
    if value not in allowed:
        raise InputError(f"{option} must be one of {', '.join(allowed)}, not {value!r}")


def at_least(option: str, value: float, least: float) -> None:
    """Raise :class:`InputError` unless the method's option is at least ``least``."""
    if not value >= least:
        raise InputError(f"{option} must be at least {least:g}, not {value:g}")
