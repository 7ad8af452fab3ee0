"""The configuration read: checked before anything runs.

``python -m plumbline.config.schema`` prints the JSON schema that editors use; it is kept in
``config/schema.json``.
"""

import json
from typing import Any

from pydantic import ValidationError

from plumbline.config.checks import check
from plumbline.config.messages import explain
from plumbline.config.whole import Config
from plumbline.errors import InputError

LONGEST = 320  # characters of a line of a message


def load(raw: dict[str, Any]) -> Config:
    """Check a configuration and fill in what is not given.

    Raises :class:`InputError` with a line or more: the key, what is wrong, what is allowed and
    the nearest valid name.  A key whose value is null counts as not given: so a configuration
    that is laid over another takes an entry away.
    """
    try:
        return _checked(raw)
    except InputError as error:
        raise InputError("\n".join(map(_short, str(error).split("\n")))) from None


def _short(line: str) -> str:
    """A line whose list of what is allowed ends where it gets too long to be read."""
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} ..."


def _checked(raw: dict[str, Any]) -> Config:
    try:
        config = Config.model_validate(_without_null(raw))
    except ValidationError as error:
        raise InputError(explain(error, Config)) from None
    check(config)
    return config


def _without_null(values: Any) -> Any:
    """``values`` without the keys whose value is null, at any depth."""
    if not isinstance(values, dict):
        return values
    return {key: _without_null(value) for key, value in values.items() if value is not None}


def schema() -> dict[str, Any]:
    """The JSON schema of a configuration that is laid over others: no key must be there, and every
    key may be null, as :func:`load` has it."""
    return _laid_over(Config.model_json_schema())


def _laid_over(part: Any) -> Any:
    if isinstance(part, list):
        return [_laid_over(each) for each in part]
    if not isinstance(part, dict):
        return part
    return {
        key: {name: _or_null(_laid_over(each)) for name, each in value.items()}
        if key in ("properties", "patternProperties")
        else _laid_over(value)
        for key, value in part.items()
        if key != "required"
    }


def _or_null(field: dict[str, Any]) -> dict[str, Any]:
    told = {key: field[key] for key in ("title", "description", "default") if key in field}
    kind = {key: value for key, value in field.items() if key not in told}
    return told | {"anyOf": [kind, {"type": "null"}]}


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2))
