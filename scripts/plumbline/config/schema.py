"""Reading and checking of the configuration, before anything runs.

``python -m plumbline.config.schema`` prints the JSON schema for editors, which is stored in
``config/schema.json``.
"""

import json
from typing import Any

from pydantic import ValidationError

from plumbline.config.checks import check
from plumbline.config.messages import explain
from plumbline.config.whole import Config
from plumbline.errors import InputError

LONGEST = 320  # maximum length of a line of a message, in characters


def load(raw: dict[str, Any]) -> Config:
    """Check a configuration and fill in default values.

    Raises :class:`InputError` with one or more lines: the key, what is wrong, what is allowed and
    the nearest valid name.  A key whose value is null counts as not given, so that a
    configuration file can remove an entry of the file before it.
    """
    try:
        return _checked(raw)
    except InputError as error:
        raise InputError("\n".join(map(_short, str(error).split("\n")))) from None


def _short(line: str) -> str:
    """``line``, truncated if it is longer than ``LONGEST``."""
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
    """The JSON schema of a configuration file that is merged into others: no key is required, and
    every key may be null, as in :func:`load`."""
    return _optional(Config.model_json_schema())


def _optional(part: Any) -> Any:
    if isinstance(part, list):
        return [_optional(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        key: {name: _or_null(_optional(field)) for name, field in value.items()}
        if key in ("properties", "patternProperties")
        else _optional(value)
        for key, value in part.items()
        if key != "required"
    }


def _or_null(field: dict[str, Any]) -> dict[str, Any]:
    annotations = {key: field[key] for key in ("title", "description", "default") if key in field}
    kind = {key: value for key, value in field.items() if key not in annotations}
    return annotations | {"anyOf": [kind, {"type": "null"}]}


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2))
