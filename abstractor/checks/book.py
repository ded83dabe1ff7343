"""Reads `rules/edits.toml`: severities, limits, words and messages of the checks. What they mean in code stands in the other modules."""

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from string import Formatter

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from abstractor.checks.problem import Severity
from abstractor.model.errors import RulebookError
from abstractor.rulebook.load import default_rules

FILE = "edits.toml"


class CheckRule(BaseModel):
    """One check, as data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^E\d\d$")
    severity: Severity
    title: str
    limits: Mapping[str, float] = Field(default_factory=dict)
    words: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    messages: Mapping[str, str] = Field(default_factory=dict)
    """By part; a part without a message is not looked for."""
    severities: Mapping[str, Severity] = Field(default_factory=dict)
    """Of the parts that differ from the check."""
    left_out: tuple[str, ...] = ()
    not_applicable: str = ""

    @model_validator(mode="after")
    def _whole(self) -> "CheckRule":
        if bool(self.messages) == bool(self.not_applicable):
            raise ValueError(f"{self.id}: give messages, or say in not_applicable why the check can't be made")
        unknown = set(self.severities) - set(self.messages)
        if unknown:
            raise ValueError(f"{self.id}: severities names {', '.join(sorted(unknown))}, which has no message")
        for part, message in self.messages.items():
            _check_message(f"{self.id}.{part}", message)
        for name, listed in self.words.items():
            for one in listed:
                _check_expression(f"{self.id}.{name}", one)
        return self

    def limit(self, name: str) -> float:
        """A number of the check; a missing one is a fault of the file, found when it is read (`load_checks`)."""
        return self.limits[name]

    def days(self, name: str) -> int:
        return int(self.limits[name])

    def severity_of(self, part: str) -> Severity:
        return self.severities.get(part, self.severity)


def _check_message(place: str, message: str) -> None:
    """Only plain names in braces: a format of its own could fail on a value."""
    try:
        for _, name, form, conversion in Formatter().parse(message):
            if name is not None and (not name.isidentifier() or form or conversion):
                raise ValueError(f"{place}: write {{name}}, nothing more within braces")
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _check_expression(place: str, text: str) -> None:
    """Some words are regular expressions; a word that is none is one all the same."""
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{place}: {text!r} is no regular expression ({error})") from None


def load_checks(root: Path) -> tuple[CheckRule, ...]:
    """The checks of a folder of rules; a folder without `edits.toml` takes those that came with the program.

    Raises:
        RulebookError: the file can't be read, or a check is wrong; it is named.
    """
    path = root / FILE
    return _load(path if path.is_file() else default_rules() / FILE)


@lru_cache(maxsize=8)
def _load(path: Path) -> tuple[CheckRule, ...]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RulebookError([f"{path.name}: can't be read as TOML ({error})"]) from None
    standard = {} if path.parent == default_rules() else {one.id: one for one in _load(default_rules() / FILE)}
    checks: dict[str, CheckRule] = {}
    faults: list[str] = []
    listed = content.get("check", [])
    if set(content) - {"check"} or not isinstance(listed, list):
        raise RulebookError([f"{path.name}: holds [[check]] and nothing else"])
    for number, raw in enumerate(listed, 1):
        try:
            rule = CheckRule.model_validate(raw)
        except ValidationError as error:
            faults += [f"{path.name}: check {number}: {one['msg']}" for one in error.errors()]
            continue
        if rule.id in checks:
            faults.append(f"{path.name}: {rule.id} comes twice")
        missing = _missing(rule, standard.get(rule.id))
        if missing:
            faults.append(f"{path.name}: {rule.id}: {missing} is missing; copy it from the rules of the program")
        checks[rule.id] = rule
    if faults:
        raise RulebookError(faults)
    return tuple(checks.values())


def _missing(rule: CheckRule, standard: CheckRule | None) -> str:
    """A limit or list of words that the check needs and this file does not give."""
    if standard is None or rule.not_applicable:
        return ""
    needed = [name for name in standard.limits if name not in rule.limits]
    return next(iter([*needed, *(name for name in standard.words if name not in rule.words)]), "")
