"""The reference of all options, written from the models of the configuration.

``python -m plumbline.config.reference`` prints it as Markdown; it is kept in ``docs/options.md``.
"""

import json
from collections.abc import Iterator
from typing import Any

from plumbline.config.whole import Config

HEAD = """# Options

Every key of a configuration, with what it accepts, its default and its meaning. `<name>` stands
for a name that you choose. Options of the methods themselves are the keyword arguments of their
modules, such as `power` in `attribution: {methods: {mine: {power: 3.0}}}`; a misspelt one is
reported with the nearest valid name before anything runs. `config/config.yaml` uses most of the
keys below, with comments.

This file is generated: `PYTHONPATH=scripts python -m plumbline.config.reference > docs/options.md`
"""
COLUMNS = "| key | accepts | default | meaning |\n|---|---|---|---|"
TYPES = {"string": "text", "boolean": "true or false", "integer": "integer", "number": "number"}
BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
Schema = dict[str, Any]


def reference() -> str:
    """The whole reference: a table of keys for each section, in the order of the models."""
    schema = Config.model_json_schema()
    return "\n".join([HEAD, *_section("", schema, schema["$defs"])])


def _section(path: str, section: Schema, defs: dict[str, Schema]) -> Iterator[str]:
    """Heading, description and table of one section, then the sections inside it."""
    if path:
        yield f"## `{path}`\n\n{_one_line(section['description'])}\n"
    rows, inner = [], []
    required = section.get("required", ())
    for name, field in section["properties"].items():
        key = f"{path}.{name}" if path else name
        parts = list(_parts(key, field, defs))
        inner += parts
        link = ", ".join(f"[`{where}`](#{_anchor(where)})" for where in dict(parts))
        default = "required" if name in required and not parts else _default(field, bool(parts))
        meaning = _one_line(field.get("description", parts and parts[0][1]["description"]))
        rows.append(f"| `{name}` | {link or _accepts(field)} | {default} | {meaning} |")
    yield "\n".join([COLUMNS, *rows, ""])
    for where, part in inner:
        yield from _section(where, part, defs)


def _parts(key: str, field: Schema, defs: dict[str, Schema]) -> Iterator[tuple[str, Schema]]:
    """Every section that lies under a key, with its path."""
    if "$ref" in field:
        yield key, defs[field["$ref"].rsplit("/", 1)[-1]]
    for each in field.get("oneOf", ()):
        part = defs[each["$ref"].rsplit("/", 1)[-1]]
        yield f"{key} (kind: {part['properties']['kind']['const']})", part
    for each in field.get("patternProperties", {}).values():
        yield from _parts(f"{key}.<name>", each, defs)


def _accepts(field: Schema) -> str:
    """The values of a key in words."""
    if "anyOf" in field:
        kinds = [_accepts(each) for each in field["anyOf"] if each.get("type") != "null"]
        return ", or ".join(kinds)
    if "enum" in field:
        return ", ".join(f"`{each}`" for each in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if field["type"] == "array":
        items = field.get("items") or field["prefixItems"][0]
        pair = field.get("maxItems") == field.get("minItems") == 2
        return f"{'pair' if pair else 'list'} of {_accepts(items)}"
    if field["type"] == "object":
        for each in field.get("patternProperties", {}).values():
            return f"by name: {_accepts(each)}"
        return "options"
    bounds = [f"{sign} {field[bound]}" for bound, sign in BOUNDS.items() if bound in field]
    return " ".join([TYPES[field["type"]], ", ".join(bounds)]).strip()


def _default(field: Schema, is_section: bool) -> str:
    if is_section:
        return ""
    if field.get("default") is None:
        return "none"
    return f"`{json.dumps(field['default'])}`"


def _anchor(path: str) -> str:
    """What GitHub makes of a heading: small letters, digits, ``_`` and ``-``."""
    kept = [each for each in path.lower() if each.isalnum() or each in " _-"]
    return "".join(kept).replace(" ", "-")


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    print(reference(), end="")
