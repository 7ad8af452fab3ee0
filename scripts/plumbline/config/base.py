"""What all sections of the configuration share."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Section(BaseModel):
    """A part of the configuration: unknown keys are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _no_truth_values_for_numbers(cls, values: Any) -> Any:
        """YAML's ``yes`` is no number, though Python would take it for 1."""
        if isinstance(values, dict):
            for name, field in cls.model_fields.items():
                if field.annotation in (int, float) and isinstance(values.get(name), bool):
                    raise ValueError(f"{name} must be a number, not {values[name]}")
        return values


def fraction(value: Any) -> Any:
    """Allow ``8/255`` for a number."""
    if isinstance(value, str) and value.count("/") == 1:
        above, below = map(float, value.split("/"))
        if below == 0:
            raise ValueError(f"{value} divides by 0")
        return above / below
    return value


Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
MethodOptions = dict[str, Any]


def for_replicates(
    entries: dict[str, MethodOptions], replicates: dict[str, str]
) -> dict[str, MethodOptions]:
    """``entries`` whose lists ``models`` name, with a net, its replicates (name -> net)."""
    found = dict(entries)
    for name, entry in entries.items():
        models = entry.get("models")
        if isinstance(models, list | tuple):
            twins = [twin for twin, net in replicates.items() if net in models]
            found[name] = entry | {"models": [*models, *twins]}
    return found
