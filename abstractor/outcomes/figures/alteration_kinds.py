"""Which kind of alteration a variant is, for the oncoprint. The expressions are data (`rules/alterations.toml`), never code."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from abstractor.model.errors import InputError
from abstractor.outcomes.figures.oncoprint import KINDS

FILE = "alterations.toml"
OTHER, VUS = "other_mutation", "vus"


class _Kind(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    regex: tuple[re.Pattern[str], ...]
    examples: tuple[str, ...] = ()


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: tuple[_Kind, ...]


@dataclass(frozen=True, slots=True)
class AlterationKinds:
    """Kinds with their expressions, in the order in which they are tried."""

    kinds: tuple[tuple[str, tuple[re.Pattern[str], ...]], ...] = ()

    def of(self, alteration: str, *, vus: bool = False) -> str:
        """The kind of an alteration as the registry writes it, without its gene."""
        if vus:
            return VUS
        for kind, patterns in self.kinds:
            if any(pattern.search(alteration) for pattern in patterns):
                return kind
        return OTHER


def load_alteration_kinds(rules: Path) -> AlterationKinds:
    """Reads `alterations.toml` of a rules folder; each example must be of its kind.

    Raises:
        InputError: the file can't be read, or names a kind that nothing draws, or an example is of another kind.
    """
    path = rules / FILE
    try:
        raw = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: can't be read as TOML ({error}); restore it from the package") from error
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise InputError(f"{path}: {told}") from error
    unknown = [one.kind for one in raw.kind if one.kind not in KINDS]
    if unknown:
        raise InputError(f"{path}: unknown kind {', '.join(unknown)}; the kinds are {', '.join(KINDS)}")
    kinds = AlterationKinds(tuple((one.kind, one.regex) for one in raw.kind))
    wrong = [
        f"{text} is {kinds.of(text)}, not {one.kind}"
        for one in raw.kind
        for text in one.examples
        if kinds.of(text) != one.kind
    ]
    if wrong:
        raise InputError(f"{path}: {'; '.join(wrong)}")
    return kinds
