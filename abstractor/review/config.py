"""How a person, or a registry's policy, wants the review to behave: read from a TOML file, checked, frozen.

Each setting is one field of `ReviewConfig`, with what it says, its range and its choices beside it: the checks, the file of defaults
and the documentation all read them there. Never holds anything of a patient.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import Field, dataclass, field, fields
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from abstractor.model.errors import InputError

ORDERS = ("item", "confidence", "note")
THEMES = ("auto", "dark", "light", "high-contrast", "mono")
CLIPBOARDS = ("off", "osc52", "file")


def _setting(
    default: Any, says: str, *, low: float | None = None, high: float | None = None, choices: tuple[str, ...] = ()
) -> Any:
    """A setting with its default, its meaning in one sentence, and what it may be."""
    return field(default=default, metadata={"says": says, "low": low, "high": high, "choices": choices})


@dataclass(frozen=True)
class ReviewConfig:
    """Settings of the review; every one has a default."""

    dwell_ms: int = _setting(
        250, "milliseconds a row must have been on screen before a decision key works", low=0, high=1000
    )
    low_confidence: float = _setting(
        0.5, "suggestions below it are asked last, and only with their words in view", low=0, high=1
    )
    bulk_accept: bool = _setting(True, "whether several rows may be accepted at once")
    close_open: bool = _setting(False, "whether a patient may be closed while something is open")
    data_cutoff: str = _setting(
        "", "last day of the data (2025-06-30): edit checks hold dates and follow-up against it"
    )
    supervisor: bool = _setting(False, "whether you may take over a patient whose time has not run out")
    claim_count: int = _setting(10, "patients that one claim takes from the pool", low=1, high=200)
    due_days: int = _setting(14, "days after a claim by which a patient should be closed", low=1, high=365)
    lease_minutes: int = _setting(
        15, "minutes for which a patient stays yours after your last sign of life", low=1, high=240
    )
    idle_minutes: int = _setting(
        15,
        "minutes without a key after which the screen is covered and the patient no longer kept; 0: never",
        low=0,
        high=480,
    )
    order: str = _setting("item", "order of the rows", choices=ORDERS)
    first: tuple[str, ...] = _setting((), "fields or groups that are asked before all others, in this order")
    note_page: float = _setting(1.0, "how much of the note's pane one page is", low=0.2, high=1)
    plain_lines: int = _setting(10, "lines of a note that --plain reads at once", low=1, high=200)
    smallest_group: int = _setting(
        11, "patients that a group must have to be shown among the outcomes", low=1, high=1000
    )
    theme: str = _setting(
        "auto", "colours; auto is dark, or the theme last chosen; NO_COLOR makes it mono", choices=THEMES
    )
    clipboard: str = _setting(
        "off", "where a copied selection goes: nowhere, to the terminal, to a private file", choices=CLIPBOARDS
    )
    tour: bool = _setting(True, "whether the first start shows the tour")
    keys: Mapping[str, str] = field(
        default_factory=dict,
        metadata={"says": "action id = its keys, separated by blanks, in the place of those of the table"},
    )
    crash_log: Path | None = field(
        default=None,
        metadata={"says": "folder of crash logs, which hold no note text; without it, the system's place for logs"},
    )

    def __post_init__(self) -> None:
        for one in fields(self):
            _require_within(one, getattr(self, one.name))
        _require_day("data_cutoff", self.data_cutoff)


def _require_day(name: str, text: str) -> None:
    try:
        if text:
            date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{name} is {text!r}; write a day like 2025-06-30") from None


def _require_within(one: "Field[Any]", value: Any) -> None:
    choices, low, high = (one.metadata.get(name) for name in ("choices", "low", "high"))
    if choices and value not in choices:
        raise InputError(f"{one.name} is {value!r}; write one of {', '.join(choices)}")
    if low is not None and not low <= value <= high:
        raise InputError(f"{one.name} is {value!r}; write {low:g} to {high:g}")


def read_config(path: Path) -> ReviewConfig:
    """Reads the settings of a file.

    Raises:
        InputError: the file can't be read, or names an unknown setting or a value of the wrong kind.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror})") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: can't be read as TOML ({error})") from None
    try:
        return config_of(content)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def config_of(content: Mapping[str, object]) -> ReviewConfig:
    """Checks settings that were read elsewhere; all faults are told at once.

    Raises:
        InputError: unknown settings, or values of the wrong kind or out of range.
    """
    known = {one.name: one for one in fields(ReviewConfig)}
    values: dict[str, Any] = {}
    faults: list[str] = []
    for name, value in content.items():
        try:
            if name not in known:
                raise InputError(f"unknown setting {name!r}; {_nearest(name, known)}")
            values[name] = _typed(known[name], value)
            _require_within(known[name], values[name])
        except InputError as error:
            faults.append(str(error))
    if faults:
        raise InputError("; ".join(faults))
    return ReviewConfig(**values)


def _nearest(name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = get_close_matches(name, names, 1)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}"


def _typed(one: "Field[Any]", value: Any) -> Any:
    """The value in the type of its setting."""
    name, default = one.name, one.default
    if name == "keys":
        if not isinstance(value, Mapping) or not all(isinstance(keys, str) for keys in value.values()):
            raise InputError("keys must be a table: action id = keys as text")
        return dict(value)
    if name == "crash_log":
        if not isinstance(value, str):
            raise InputError("crash_log must be the path of a folder, as text")
        return Path(value).expanduser()
    if isinstance(default, tuple):
        if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
            raise InputError(f'{name} is {value!r}; write a list of texts, like ["stage", "histology"]')
        return tuple(value)
    wanted = (int, float) if isinstance(default, float) else type(default)
    if not isinstance(value, wanted) or (isinstance(value, bool) and not isinstance(default, bool)):
        raise InputError(f"{name} is {value!r}; write a value like {_toml(default)}")
    return value


def default_settings() -> str:
    """A TOML file of all settings but the keys, each with its meaning and its default, commented out."""
    lines = ["# Settings of `abstractor review`. Every line that begins with # shows the default.", ""]
    for one in fields(ReviewConfig):
        if one.name != "keys":
            lines += [f"# {setting_says(one)}", f"# {one.name} = {_toml(one.default)}", ""]
    return "\n".join(lines)


def settings_table() -> str:
    """The settings as a table of the documentation."""
    lines = ["| setting | default | what it is |", "| --- | --- | --- |"]
    lines += [
        f"| `{one.name}` | `{'see below' if one.name == 'keys' else _toml(one.default)}` | {setting_says(one)} |"
        for one in fields(ReviewConfig)
    ]
    return "\n".join(lines) + "\n"


def setting_says(one: "Field[Any]") -> str:
    """What a setting is, and what it may be."""
    says = str(one.metadata["says"])
    if one.metadata.get("choices"):
        return f"{says} ({', '.join(one.metadata['choices'])})"
    if one.metadata.get("low") is not None:
        return f"{says} ({one.metadata['low']:g} to {one.metadata['high']:g})"
    return says


def _toml(value: object) -> str:
    if value is None:
        return '""'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[]"
    return f'"{value}"' if isinstance(value, str) else str(value)
