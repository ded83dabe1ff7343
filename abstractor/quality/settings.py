"""What counts as an error and how much is looked at again: `rules/quality.toml`, checked and frozen."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from abstractor.model.errors import InputError

Share = Annotated[float, Field(gt=0, lt=1)]
Trait = Literal["rule", "abstractor", "confidence", "speed", "note_type"]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FieldClass(_Table):
    """How much is at stake with some fields."""

    error_limit: Share
    plan_limit: Share
    """The share of errors that an audit must not let pass (LTPD)."""
    confidence: Share
    counted: tuple[Literal["minor", "major"], ...]
    """Which disagreements are errors."""
    fields: tuple[str, ...] = ()


class Targets(_Table):
    kappa: Share
    f1: Share
    date_share: Share
    date_share_days: Annotated[int, Field(ge=0)]


class DateRules(_Table):
    steps: tuple[int, ...]
    same_within: Annotated[int, Field(ge=0)]
    minor_within: Annotated[int, Field(ge=0)]
    of_values: tuple[str, ...] = ()
    """Fields of one fact a value whose date counts too."""


class Targeted(_Table):
    field: str
    value: str | None = None
    """None: any."""


class Conflicts(_Table):
    checks: tuple[str, ...]
    fields: tuple[str, ...]


class SampleRules(_Table):
    by: tuple[Trait, ...]
    confidence_bands: tuple[Share, ...]
    fast_seconds: Annotated[float, Field(gt=0)]
    slow_seconds: Annotated[float, Field(gt=0)]
    pause_seconds: Annotated[float, Field(gt=0)]
    least_per_stratum: Annotated[int, Field(ge=1)]
    expected_share: Share
    chart_fraction: Share
    charts_per_abstractor: Annotated[int, Field(ge=0)]
    newcomer_charts: Annotated[int, Field(ge=0)]
    targeted: tuple[Targeted, ...] = ()
    conflicts: Conflicts


class Training(_Table):
    decoy_share: Share


class Release(_Table):
    least_facts: Annotated[int, Field(ge=1)]
    most_lost: Annotated[float, Field(ge=0, lt=1)]


class ErrorClass(_Table):
    code: str
    label: str


class QualityRules(_Table):
    """All of `quality.toml`."""

    classes: Mapping[str, FieldClass] = Field(alias="class")
    targets: Targets
    dates: DateRules
    windows: Mapping[str, Annotated[int, Field(ge=0)]]
    sample: SampleRules
    training: Training
    release: Release
    errors: tuple[ErrorClass, ...] = Field(alias="error")

    @model_validator(mode="after")
    def _sound(self) -> "QualityRules":
        if not {"critical", "major", "minor"} <= set(self.classes):
            raise ValueError("class: there must be critical, major and minor")
        if "default" not in self.windows:
            raise ValueError("windows: default is missing")
        named = [field for one in self.classes.values() for field in one.fields]
        if len(named) != len(set(named)):
            raise ValueError("class: a field stands in two classes")
        return self

    def class_of(self, field: str) -> str:
        """The name of a field's class; `minor` where none names it."""
        return next((name for name, one in self.classes.items() if field in one.fields), "minor")

    def rules_of(self, field: str) -> FieldClass:
        return self.classes[self.class_of(field)]

    def window(self, field: str) -> int:
        """Days within which two events of a field may be the same."""
        return self.windows.get(field, self.windows["default"])

    @property
    def error_codes(self) -> tuple[str, ...]:
        return tuple(one.code for one in self.errors)


def read_quality_rules(root: Path) -> QualityRules:
    """Reads `quality.toml` of a folder of rules.

    Raises:
        InputError: it can't be read, or something in it is unknown, missing or out of range; all faults at once.
    """
    path = root / "quality.toml"
    try:
        return QualityRules.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: can't be read as TOML ({error})") from None
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise InputError(f"{path}: {faults}") from None
