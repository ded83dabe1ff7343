"""How a person, or a registry's policy, wants the review to behave: read from a TOML file, checked, frozen.

Never holds anything of a patient.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from abstractor.model.errors import InputError

ORDERS = ("item", "confidence", "note")
THEMES = ("auto", "dark", "light", "high-contrast", "mono")
CLIPBOARDS = ("off", "osc52")


@dataclass(frozen=True)
class ReviewConfig:
    """Settings of the review; every one has a default."""

    dwell_ms: int = 250
    """How long a row must have been on screen before a decision key works, 0 to 1000."""
    low_confidence: float = 0.5
    """Below this, a suggestion is asked after the others, and its evidence must be in view at the moment of the decision."""
    bulk_accept: bool = True
    """Whether `A` may accept several rows at once."""
    close_open: bool = False
    """Whether a patient may be closed while something is undecided."""
    supervisor: bool = False
    """Whether this person may take over a patient whose lease has not run out."""
    order: str = "item"
    theme: str = "auto"
    clipboard: str = "off"
    """`osc52` sends a selection to the terminal's clipboard: note text leaves the program."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Action id to its keys, separated by blanks; replaces the keys of the table."""
    crash_log: Path | None = None
    """Folder of crash logs, which hold no note text; None writes none."""

    def __post_init__(self) -> None:
        for name, allowed in (("order", ORDERS), ("theme", THEMES), ("clipboard", CLIPBOARDS)):
            if getattr(self, name) not in allowed:
                raise InputError(f"{name} is {getattr(self, name)!r}; write one of {', '.join(allowed)}")
        if not 0 <= self.dwell_ms <= 1000:
            raise InputError(f"dwell_ms is {self.dwell_ms}; write 0 to 1000")
        if not 0 <= self.low_confidence <= 1:
            raise InputError(f"low_confidence is {self.low_confidence}; write 0 to 1")


def read_config(path: Path) -> ReviewConfig:
    """Reads the settings of a file.

    Raises:
        InputError: the file can't be read, or names an unknown setting or a value of the wrong kind.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: can't be read as TOML ({error})") from None
    try:
        return config_of(content)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def config_of(content: Mapping[str, object]) -> ReviewConfig:
    """Checks settings that were read elsewhere.

    Raises:
        InputError: an unknown setting, or a value of the wrong kind or out of range.
    """
    known = {one.name: one for one in fields(ReviewConfig)}
    values: dict[str, object] = {}
    for name, value in content.items():
        if name not in known:
            raise InputError(f"unknown setting {name!r}; there are {', '.join(known)}")
        values[name] = _checked(name, value, known[name].default)
    return ReviewConfig(**values)  # type: ignore[arg-type]


def _checked(name: str, value: object, default: object) -> object:
    if name == "keys":
        if not isinstance(value, Mapping) or not all(isinstance(keys, str) for keys in value.values()):
            raise InputError("keys must be a table: action id = keys as text")
        return dict(value)
    if name == "crash_log":
        if not isinstance(value, str):
            raise InputError("crash_log must be the path of a folder")
        return Path(value)
    wanted = (int, float) if isinstance(default, float) else type(default)
    if not isinstance(value, wanted) or (isinstance(value, bool) and not isinstance(default, bool)):
        raise InputError(f"{name} is {value!r}; write a value like {default!r}")
    return value
