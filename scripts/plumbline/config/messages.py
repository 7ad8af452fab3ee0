"""Error messages of pydantic, rewritten in terms of the keys of the configuration."""

from typing import Annotated, Any, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from plumbline.config.base import NAME, Section
from plumbline.errors import nearest, shown


def explain(error: ValidationError, model: type[Section], prefix: str = "") -> str:
    """One line for each of the first three errors that pydantic found in ``model``."""
    faults = error.errors()
    inner = {fault["loc"][:-1] for fault in faults}
    lines = [
        _explain_one(fault, model, prefix)
        for fault in faults
        if not (fault["type"] == "too_short" and fault["loc"] in inner)
    ]
    return "\n".join(lines[:3])


def _explain_one(fault: ErrorDetails, model: type[Section], prefix: str) -> str:
    place, section = _walk(model, [str(each) for each in fault["loc"]])
    place = [part if part.isprintable() and part else repr(part) for part in place]
    key, given = prefix + ".".join(place), fault["input"]
    if fault["type"] == "extra_forbidden":
        return f"{key}: unknown key{nearest(place[-1], getattr(section, 'model_fields', {}))}"
    if fault["type"].startswith("union_tag"):
        allowed = fault["ctx"].get("expected_tags", "")
        return f"{key}.kind: " + (f"allowed are {allowed}" if allowed else "is missing")
    if fault["type"] == "missing":
        return f"{key}: is missing"
    if fault["type"] == "too_short":
        return f"{key}: is empty; list at least one"
    if place[:2] == ["attacks", "epsilons"] and fault["type"] == "less_than_equal":
        return f"{key}: {given} is above 1; pixels are in [0, 1], so 8 of 255 levels is 8/255"
    if fault["type"] == "string_pattern_mismatch" and fault["ctx"]["pattern"] == NAME:
        key = key.removesuffix(".[key]")
        return f"{key}: a name has small letters, digits and underscores, not {shown(given)}"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{key}: {message}" + ("" if isinstance(given, dict) else f", not {shown(given)}")


def _walk(model: type[Section], place: list[str]) -> tuple[list[str], Any]:
    """The keys on the path ``place`` of an error, and the model that contains the last of them.

    For a section with several kinds, pydantic includes the kind in the path; it is not a key.
    """
    keys, section, around = [], model, None
    for part in place:
        kinds = _kinds(section)
        if part in kinds:
            section = kinds[part]
        else:
            keys.append(part)
            section, around = _inner(section, part), section
    return keys, around


def _inner(section: Any, part: str) -> Any:
    """The model of the key ``part`` of ``section``, if it is a section."""
    fields = getattr(section, "model_fields", {})
    if part in fields:
        return fields[part].annotation
    for argument in get_args(section):
        if _kinds(argument) or (isinstance(argument, type) and issubclass(argument, Section)):
            return argument
    return None


def _kinds(section: Any) -> dict[str, type[Section]]:
    """The models of a section with several kinds, by the key ``kind``; empty for other sections."""
    models = get_args(get_args(section)[0]) if get_origin(section) is Annotated else ()
    return {get_args(model.model_fields["kind"].annotation)[0]: model for model in models}
