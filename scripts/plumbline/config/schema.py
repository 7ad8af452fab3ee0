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


if __name__ == "__main__":
    print(json.dumps(Config.model_json_schema(), indent=2))
