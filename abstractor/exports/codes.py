"""The code maps of the formats (`rules/exchange/NAME.toml`): each format says which shape its own has."""

import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from abstractor.model.errors import InputError

FOLDER = "exchange"


class Entry(BaseModel):
    """Frozen, and an unknown key is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Shape = TypeVar("Shape", bound=Entry)


def read_codes(rules: Path, name: str, shape: type[Shape]) -> Shape:
    """Reads `exchange/NAME.toml` of a folder of rules.

    Raises:
        InputError: it can't be read, or has another shape; every fault is named.
    """
    path = rules / FOLDER / f"{name}.toml"
    try:
        return shape.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: can't be read as TOML ({error}); restore it from the package") from None
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise InputError(f"{path}: {told}") from None
