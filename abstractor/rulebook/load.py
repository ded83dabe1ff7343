"""Reads `rules/` into one checked RuleBook. All faults of all files are collected and reported at once, with file and line."""

import csv
import datetime
import hashlib
import io
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from abstractor.model.errors import RulebookError
from abstractor.model.note import NOTE_TYPES
from abstractor.rulebook.book import MEASURED, RuleBook
from abstractor.rulebook.field_faults import field_faults
from abstractor.rulebook.schema import (
    VOCABULARIES,
    ContextRule,
    Entry,
    EvidenceRule,
    FieldSpec,
    MaskRule,
    NoteTypeRule,
    SectionRule,
    TargetRule,
    TextExample,
)

FILES: dict[str, tuple[str, type[Entry]]] = {
    "fields.toml": ("field", FieldSpec),
    "context.toml": ("context", ContextRule),
    "sections.toml": ("section", SectionRule),
    "masks.toml": ("mask", MaskRule),
    "note_types.toml": ("note_type", NoteTypeRule),
    "cohort.toml": ("evidence", EvidenceRule),
}
"""File name to the table it holds and the shape of its entries; `targets/**/*.toml` hold `[[target]]`, `examples/*.toml` `[[example]]`."""

_MACRO = re.compile(r"~(\w+)~")
"""In a regular expression of a settings file: stands for an entry of its table `macros`."""
_MARK = re.compile(r"\[\[.+?\]\]", re.DOTALL)
"""The evidence of an example."""


_Fields = dict[str, FieldSpec] | None


@dataclass
class _Reading:
    """What has been read so far, and what was wrong."""

    root: Path
    faults: list[str] = field(default_factory=list)
    entries: dict[str, list[tuple[str, Entry]]] = field(default_factory=dict)
    """Table name to (place, entry)."""
    vocabularies: dict[str, tuple[Entry, ...]] = field(default_factory=dict)
    settings: dict[str, dict[str, object]] = field(default_factory=dict)

    def fault(self, path: Path, line: int | None, says: str) -> None:
        place = path.relative_to(self.root).as_posix()
        self.faults.append(f"{place}:{line}: {says}" if line else f"{place}: {says}")


def default_rules() -> Path:
    """The folder of the rules that came with the program (inside the wheel, or beside the package in a checkout)."""
    inside = Path(__file__).resolve().parents[1] / "rules"
    return inside if inside.is_dir() else Path(__file__).resolve().parents[2] / "rules"


def load_rulebook(root: Path | None = None) -> RuleBook:
    """Reads and checks a folder of rules.

    Raises:
        RulebookError: with every fault of every file, each naming file and line.
    """
    root = root or default_rules()
    if not root.is_dir():
        raise RulebookError([f"{root}: no such folder of rules"])
    reading = _Reading(root)
    digest = hashlib.sha256()
    for path in _rule_files(root):
        content = path.read_bytes()
        if path.relative_to(root).parts[0] != "examples":  # they prove what is found, and change nothing of it
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + content + b"\0")
        _read(reading, path, content)
    for name in FILES:
        if not (root / name).is_file():
            reading.faults.append(f"{name}: this file is missing from the rulebook")
    _check(reading)
    if reading.faults:
        raise RulebookError(reading.faults)
    return _book(reading, digest.hexdigest()[:16])


def _rule_files(root: Path) -> list[Path]:
    """In one order on every machine. `protocol.toml`, `lines.toml` and `alterations.toml` are settings of the outcomes, `exchange/` of the exports: not of extraction."""
    skip = {
        "protocol.toml",
        "lines.toml",
        "alterations.toml",
        "edits.toml",
        "timeline.toml",
        "authors.toml",
        "quality.toml",
        "roles.toml",
    }
    found = [
        path
        for path in root.rglob("*")
        if path.suffix in {".toml", ".csv"} and path.name not in skip and path.parent != root / "exchange"
    ]
    return sorted(found, key=lambda path: path.relative_to(root).as_posix())


def _read(reading: _Reading, path: Path, content: bytes) -> None:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        reading.fault(path, content[: error.start].count(b"\n") + 1, "not UTF-8; save the file as UTF-8")
        return
    if path.suffix == ".csv":
        _read_vocabulary(reading, path, text)
        return
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        reading.fault(path, int(line[1]) if line else None, f"not TOML: {error}")
        return
    parts = path.relative_to(reading.root).parts
    if parts[0] == "settings":
        reading.settings[path.stem] = tables
    elif parts[0] == "targets":
        _read_tables(reading, path, text, tables, "target", TargetRule)
    elif parts[0] == "examples":
        _read_tables(reading, path, text, tables, "example", TextExample)
    elif len(parts) == 1 and parts[0] in FILES:
        _read_tables(reading, path, text, tables, *FILES[parts[0]])
    else:
        known = ", ".join([*FILES, "targets/*.toml", "settings/*.toml", "vocab/*.csv", "examples/*.toml"])
        reading.fault(path, None, f"no such rule file; there are {known}")


def _read_tables(
    reading: _Reading, path: Path, text: str, tables: dict[str, object], name: str, kind: type[Entry]
) -> None:
    for key in tables:
        if key != name:
            line = _line(text, rf"\[*\s*{re.escape(key)}\b")
            reading.fault(path, line, f"unknown table or key {key!r}; this file holds [[{name}]]")
    listed = tables.get(name, [])
    if not isinstance(listed, list):
        reading.fault(path, _line(text, re.escape(name)), f"write [[{name}]], with two brackets")
        return
    starts = [number for number, line in enumerate(text.split("\n"), 1) if re.match(rf"\[\[{name}\]\]", line)]
    for index, raw in enumerate(listed):
        start = starts[index] if index < len(starts) else 1
        try:
            entry = kind.model_validate(raw)
        except ValidationError as error:
            for one in error.errors():
                where = ".".join(str(part) for part in one["loc"])
                line = _line(text, rf"\s*{re.escape(str(one['loc'][0]))}\s*=", start) if one["loc"] else start
                says = f"unknown key {where!r}" if one["type"] == "extra_forbidden" else f"{where}: {one['msg']}"
                reading.fault(path, line or start, says)
            continue
        place = f"{path.relative_to(reading.root).as_posix()}:{start}"
        reading.entries.setdefault(name, []).append((place, entry))


def _line(text: str, pattern: str, start: int = 1) -> int | None:
    """Number of the first line from `start` on that begins with the pattern."""
    for number, line in enumerate(text.split("\n")[start - 1 :], start):
        if re.match(pattern, line):
            return number
    return None


def _read_vocabulary(reading: _Reading, path: Path, text: str) -> None:
    kind = VOCABULARIES.get(path.stem)
    if kind is None:
        reading.fault(path, None, f"no such vocabulary; there are {', '.join(VOCABULARIES)}")
        return
    rows: list[Entry] = []
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    key = next(iter(kind.model_fields))
    seen: dict[str, int] = {}
    for raw in reader:
        cells = {name: cell for name, cell in raw.items() if cell not in (None, "")}
        try:
            row = kind.model_validate(cells)
        except ValidationError as error:
            for one in error.errors():
                says = f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}"
                reading.fault(path, reader.line_num, says)
            continue
        name = str(getattr(row, key))
        if name in seen:
            reading.fault(path, reader.line_num, f"{key} {name!r} stands in line {seen[name]} already")
        seen[name] = reader.line_num
        rows.append(row)
    reading.vocabularies[path.stem] = tuple(rows)


def _check(reading: _Reading) -> None:
    """What one file alone can't show: ids unique, fields and codes known, regular expressions sound."""
    entries = reading.entries
    fields = _readable_fields(reading)
    sections = {entry.name for _, entry in entries.get("section", []) if isinstance(entry, SectionRule)}
    seen: dict[str, str] = {}
    for name in ("field", "target", "context", "section", "mask", "note_type"):
        for place, entry in entries.get(name, []):
            identity = f"{name} {getattr(entry, 'id', None) or getattr(entry, 'name', '')}"
            if identity in seen:
                reading.faults.append(f"{place}: {identity!r} stands at {seen[identity]} already")
            seen[identity] = place
            reading.faults.extend(f"{place}: {says}" for says in _bad_expressions(entry))
    for place, entry in entries.get("field", []):
        if isinstance(entry, FieldSpec):
            reading.faults.extend(f"{place}: {says}" for says in field_faults(entry))
    for place, entry in entries.get("target", []):
        if isinstance(entry, TargetRule):
            reading.faults.extend(f"{place}: {says}" for says in _bad_target(entry, fields, sections))
    for place, entry in entries.get("note_type", []):
        if isinstance(entry, NoteTypeRule) and entry.name not in NOTE_TYPES:
            reading.faults.append(f"{place}: unknown note type {entry.name!r}; there are {', '.join(NOTE_TYPES)}")
    for place, entry in entries.get("context", []):
        if isinstance(entry, ContextRule):
            for name in (*entry.fields, *entry.not_fields):
                if fields is not None and name not in fields:
                    reading.faults.append(f"{place}: context {entry.id!r}: unknown field {name!r}")
    _check_examples(reading, fields)


def _readable_fields(reading: _Reading) -> _Fields:
    """The questions by name; None where some can't be read: that they are unknown would be told of every rule that names one."""
    if any(fault.startswith("fields.toml") for fault in reading.faults):
        return None
    return {entry.name: _usable(entry) for _, entry in reading.entries.get("field", []) if isinstance(entry, FieldSpec)}


def _usable(spec: FieldSpec) -> FieldSpec:
    """A field as the rules that name it are held against it: a pattern that is none is told by itself, and refuses no value."""
    if spec.pattern is None or _why_no_expression(spec.pattern) is None:
        return spec
    return spec.model_copy(update={"pattern": None})


def _check_examples(reading: _Reading, fields: _Fields) -> None:
    named = {*reading.settings, *reading.vocabularies}
    for table in ("target", "context", "section", "mask"):
        named.update(
            str(getattr(entry, "id", None) or getattr(entry, "name", "")) for _, entry in reading.entries.get(table, [])
        )
    seen: dict[tuple[str, str, str, str | None], str] = {}
    for place, entry in reading.entries.get("example", []):
        if not isinstance(entry, TextExample):
            continue
        reading.faults.extend(f"{place}: {says}" for says in _bad_example(entry, fields, named))
        same = (entry.rule, entry.text, entry.field, entry.value)
        if same in seen:
            reading.faults.append(f"{place}: this example stands at {seen[same]} already")
        seen[same] = place


def _bad_example(example: TextExample, fields: _Fields, named: set[str]) -> Iterator[str]:
    marks = len(_MARK.findall(example.text))
    if example.rule not in named:
        yield f"example of {example.rule!r}: there is no such rule, settings file or vocabulary"
    for says in _bad_value(fields, example.field, example.value):
        yield f"example of {example.rule!r}: {says}"
    if example.silent and marks:
        yield f"example of {example.rule!r}: a silent example has no [[evidence]]; take the brackets or `silent` away"
    if not example.silent and marks != 1:
        yield f"example of {example.rule!r}: put the one place that is the evidence between [[ and ]], or write silent = true"
    if example.silent and "assertion" in example.model_fields_set:
        yield f"example of {example.rule!r}: a silent example has no assertion; it asks that nothing be present"
    if example.note_type not in NOTE_TYPES:
        yield f"example of {example.rule!r}: unknown note type {example.note_type!r}; there are {', '.join(NOTE_TYPES)}"
    if example.note_date is not None and not _is_day(example.note_date):
        yield f"example of {example.rule!r}: note_date {example.note_date!r} is no day; write 2021-03-04"


def _is_day(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _bad_expressions(entry: Entry) -> Iterator[str]:
    for key in ("regex", "pattern", "unless_before", "unless_after", "unless_sentence", "needs_sentence"):
        value = getattr(entry, key, None)
        expressions = (value,) if isinstance(value, str) else value or ()
        for expression in expressions:
            if not isinstance(expression, str):
                continue  # a token pattern
            why = _why_no_expression(expression)
            if why is not None:
                yield f"{key} is no regular expression ({why}): {expression!r}"
            elif re.search(r"\([^()]*[+*][^()]*\)[+*]", expression):
                yield f"{key} can run without bound (a repeated group that repeats inside): {expression!r}"


def _why_no_expression(text: str) -> str | None:
    try:
        re.compile(text)
    except re.error as error:
        return str(error)
    return None


def _bad_target(rule: TargetRule, fields: _Fields, sections: set[str]) -> Iterator[str]:
    if not (rule.terms or rule.pattern or rule.regex):
        yield f"target {rule.id!r} has neither terms, pattern nor regex"
    if rule.value is None and rule.normaliser is None:
        yield f"target {rule.id!r} has neither value nor normaliser"
    for says in _bad_value(fields, rule.field, rule.value):
        yield f"target {rule.id!r}: {says}"
    for name in (*rule.sections, *rule.not_sections):
        if name not in sections:
            yield f"target {rule.id!r}: unknown section {name!r}"
    for name in rule.note_types:
        if name not in NOTE_TYPES:
            yield f"target {rule.id!r}: unknown note type {name!r}"


def _bad_value(fields: _Fields, name: str, value: str | None) -> Iterator[str]:
    if fields is None:
        return
    spec = fields.get(name)
    if spec is None:
        yield f"unknown field {name!r}; there are {', '.join(fields)}"
    elif value is not None and not value_fits(spec, value):
        yield f"{value!r} is no value of {name}"


def value_fits(spec: FieldSpec, value: str) -> bool:
    """Whether a value may be stored in a field: one of its codes, or a match of its pattern."""
    if spec.codes:
        return any(value == code.code for code in spec.codes)
    return spec.pattern is None or re.fullmatch(spec.pattern, value) is not None


def _book(reading: _Reading, version: str) -> RuleBook:
    def entries(name: str) -> list[Entry]:
        return [entry for _, entry in reading.entries.get(name, [])]

    return RuleBook(
        version=version,
        root=reading.root,
        fields={entry.name: entry for entry in entries("field") if isinstance(entry, FieldSpec)},
        targets=tuple(entry for entry in entries("target") if isinstance(entry, TargetRule)),
        context=tuple(entry for entry in entries("context") if isinstance(entry, ContextRule)),
        sections=tuple(entry for entry in entries("section") if isinstance(entry, SectionRule)),
        masks=tuple(entry for entry in entries("mask") if isinstance(entry, MaskRule)),
        note_types=tuple(entry for entry in entries("note_type") if isinstance(entry, NoteTypeRule)),
        cohort=tuple(entry for entry in entries("evidence") if isinstance(entry, EvidenceRule)),
        vocabularies=reading.vocabularies,
        settings=reading.settings,
        examples=tuple(entry for entry in entries("example") if isinstance(entry, TextExample)),
    )


def find_setting_faults(book: RuleBook) -> list[str]:
    """What a rulebook's settings lack of the program's own, and where a regular expression in them is none; with file and line.

    A string that is no regular expression may still be a plain word: ask this only of settings that can't be compiled.
    """
    faults: list[str] = []
    for name, table in book.settings.items():
        path = book.root / "settings" / f"{name}.toml"
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        for key, value in strings_of(table):
            if key.endswith("examples") or ("lists" in table and not key.endswith("regex")):
                continue  # sentences; wordings (docs/rules.md), whose own reader tells what is wrong with them
            try:
                re.compile(value)
            except re.error as error:
                line = next((at for at, row in enumerate(text.split("\n"), 1) if value.split("\n")[0] in row), None)
                place = f"settings/{name}.toml:{line}" if line else f"settings/{name}.toml"
                faults.append(f"{place}: {key} is no regular expression ({error}): {value[:80]!r}")
    return faults


def find_missing_settings(book: RuleBook) -> list[str]:
    """Settings files, and top-level keys of them, that came with the program and that this rulebook has not; and unknown macros."""
    faults: list[str] = []
    for path in sorted((default_rules() / "settings").glob("*.toml")):
        if path.stem == MEASURED:
            continue
        if path.stem not in book.settings:
            faults.append(f"settings/{path.name}: this file is missing from the rulebook")
            continue
        here = book.settings[path.stem]
        keys = tomllib.loads(path.read_text(encoding="utf-8"))
        faults.extend(f"settings/{path.name}: the key {key!r} is missing" for key in keys if key not in here)
    for name, table in book.settings.items():
        macros = table.get("macros", {})
        known = macros if isinstance(macros, dict) else {}
        used = {macro for _, value in strings_of(table) for macro in _MACRO.findall(value)}
        faults.extend(f"settings/{name}.toml: there is no macro {one!r}" for one in sorted(used) if one not in known)
    return faults


def strings_of(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Every string of a table of settings, with the path of keys to it."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from strings_of(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from strings_of(inner, key)
