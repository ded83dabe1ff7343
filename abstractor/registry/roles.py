"""The roles of `rules/roles.toml`, checked and frozen: who may do what is data, and this reads it."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from abstractor.model.errors import InputError
from abstractor.rulebook.load import default_rules


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Role(_Table):
    label: str
    may: frozenset[str]


class BreakGlass(_Table):
    minutes: Annotated[int, Field(ge=1)]
    gives: frozenset[str]
    told: frozenset[str]
    """Roles whose holders find a message in their inbox."""


class Idle(_Table):
    """When the screen covers itself at the latest, in a registry that says nothing else."""

    minutes: Annotated[int, Field(ge=1)]


class Meaning(_Table):
    """What a signature says."""

    power: str
    says: str
    after: str = ""
    """The signature that must stand first; "" for none."""
    apart: bool = False
    """Whether it must be another person's than that one."""


class Roles(_Table):
    """All of `roles.toml`."""

    power: Mapping[str, str]
    role: Mapping[str, Role]
    apart: Mapping[str, frozenset[str]]
    step: Mapping[str, str]
    lends: Mapping[str, frozenset[str]]
    """Of a power: what the step it allows may read, besides what its person may."""
    break_glass: BreakGlass
    idle: Idle
    meaning: Mapping[str, Meaning]

    @model_validator(mode="after")
    def _sound(self) -> "Roles":
        used = {
            "step": set(self.step.values()),
            "break_glass.gives": set(self.break_glass.gives),
            "meaning": {one.power for one in self.meaning.values()},
            "lends": set(self.lends).union(*self.lends.values()),
            **{f"role.{name}": set(one.may) for name, one in self.role.items()},
        }
        for place, powers in used.items():
            if unknown := sorted(powers - set(self.power)):
                raise ValueError(f"{place}: no such power: {', '.join(unknown)}")
        named = set(self.apart).union(*self.apart.values(), self.break_glass.told)
        if unknown := sorted(named - set(self.role)):
            raise ValueError(f"apart, break_glass.told: no such role: {', '.join(unknown)}")
        if unknown := sorted({one.after for one in self.meaning.values()} - {"", *self.meaning}):
            raise ValueError(f"meaning: no such meaning: {', '.join(unknown)}")
        return self

    def powers_of(self, roles: frozenset[str]) -> frozenset[str]:
        """What somebody with these roles may do; a role that is no longer in the file gives nothing."""
        return frozenset[str]().union(*(self.role[name].may for name in roles if name in self.role))

    def labels(self, roles: frozenset[str]) -> str:
        """The roles in words; "no role" where there is none."""
        return ", ".join(self.role[name].label for name in sorted(roles) if name in self.role) or "no role"

    def holders(self, power: str) -> str:
        """The roles that hold a power, in words: "Data manager"."""
        return " or ".join(role.label for role in self.role.values() if power in role.may)

    def clash(self, roles: frozenset[str]) -> tuple[str, str] | None:
        """Two of these roles that one person must not hold together; None where all go together."""
        found = sorted((one, other) for one in roles for other in self.apart.get(one, frozenset()) & roles)
        return found[0] if found else None


@cache
def roles(path: Path | None = None) -> Roles:
    """Reads the roles that came with the program.

    Args:
        path: another file, for those who check one.

    Raises:
        InputError: it can't be read, or something in it is unknown or missing; nothing is allowed then.
    """
    path = path or default_rules() / "roles.toml"
    try:
        return Roles.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: can't be read as TOML ({error})") from None
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise InputError(f"{path}: {faults}") from None
