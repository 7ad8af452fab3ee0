"""Base class and types shared by all sections of the configuration."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Section(BaseModel):
    """A part of the configuration: unknown keys are rejected, values are immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _no_truth_values_for_numbers(cls, values: Any) -> Any:
        """Reject YAML's ``yes`` as a number; Python would treat it as 1."""
        if isinstance(values, dict):
            for name, field in cls.model_fields.items():
                if field.annotation in (int, float) and isinstance(values.get(name), bool):
                    raise ValueError(f"{name} must be a number, not {values[name]}")
        return values


def fraction(value: Any) -> Any:
    """Convert a fraction such as ``8/255`` to a number; other values are returned unchanged."""
    if isinstance(value, str) and value.count("/") == 1:
        numerator, denominator = map(float, value.split("/"))
        if denominator == 0:
            raise ValueError(f"{value} divides by 0")
        return numerator / denominator
    return value


Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NAME = r"^[a-z0-9][a-z0-9_]*$"
Name = Annotated[str, Field(pattern=NAME)]
MethodOptions = dict[str, Any]


def for_replicates(
    entries: dict[str, MethodOptions], replicates: dict[str, str]
) -> dict[str, MethodOptions]:
    """``entries`` with the replicates (name -> net) of each net added to their ``models``."""
    extended = dict(entries)
    for name, entry in entries.items():
        models = entry.get("models")
        if isinstance(models, list | tuple):
            names = [replicate for replicate, net in replicates.items() if net in models]
            extended[name] = entry | {"models": [*models, *names]}
    return extended
