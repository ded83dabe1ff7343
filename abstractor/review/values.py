"""What a person types or selects, as a value of a field. Pure; it never guesses where two readings are possible."""

import calendar
import re
from collections.abc import Iterable

from abstractor.model.dates import PartialDate
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.load import value_fits
from abstractor.rulebook.schema import Code, FieldSpec

_LONGEST = 400
"""Characters of a selection that are read: a value is a phrase, and patterns must stay quick."""

_DRUG_FIELD = "systemic_therapy"

_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
_MONTHS |= {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
_MONTH = "(?P<month>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\.?"
_DATE_FORMS = (
    re.compile(r"\b(?P<year>\d{4})-(?P<m>\d{2})-(?P<day>\d{2})\b"),
    re.compile(rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[\s-]+{_MONTH}[\s,-]+(?P<year>\d{{4}})\b", re.IGNORECASE),
    re.compile(rf"\b{_MONTH}[\s-]+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?[\s-]+(?P<year>\d{{4}})\b", re.IGNORECASE),
    re.compile(r"\b(?P<one>\d{1,2})[/.](?P<two>\d{1,2})[/.](?P<year>\d{4})\b"),
    re.compile(rf"\b{_MONTH}[\s,-]+(?P<year>\d{{4}})\b", re.IGNORECASE),
    re.compile(r"\b(?P<year>\d{4})-(?P<m>\d{2})\b"),
    re.compile(r"\b(?P<m>\d{1,2})/(?P<year>\d{4})\b"),
    re.compile(r"\b(?P<year>(?:19|20)\d{2})\b"),
)


def value_problem(spec: FieldSpec, value: str) -> str:
    """What is wrong with a value, in words that help; "" where nothing is."""
    if not value.strip():
        return "a value is needed" + (f": {spec.hint}" if spec.hint else "")
    if spec.kind == "date":
        return date_problem(value)
    if value_fits(spec, value):
        return ""
    if spec.codes:
        return "not a code of this field; type to choose one"
    return f"does not fit; write it like: {spec.hint}" if spec.hint else "does not fit this field"


def date_problem(value: str) -> str:
    """What is wrong with a partial date; "" where nothing is."""
    if not re.fullmatch(r"\d{4}(-\d{2}(-\d{2})?)?", value.strip()):
        return "write 2021, 2021-03 or 2021-03-04"
    try:
        PartialDate.parse(value)
    except ValueError:
        return "there is no such day"
    return ""


def order_problem(start: str | None, end: str | None) -> str:
    """What is wrong with two dates together; "" where nothing is."""
    if not start or not end or date_problem(start) or date_problem(end):
        return ""
    return "the end lies before the start" if PartialDate.parse(end).last < PartialDate.parse(start).first else ""


def matching_codes(codes: Iterable[Code], typed: str) -> tuple[Code, ...]:
    """The codes that fit what was typed so far, the closest first; all of them for nothing."""
    wanted = _flat(typed)
    if not wanted:
        return tuple(codes)
    ranked = [(_closeness(code, wanted), number, code) for number, code in enumerate(codes)]
    return tuple(code for rank, _, code in sorted(ranked, key=lambda one: one[:2]) if rank < _FAR)


_FAR = 9


def _closeness(code: Code, wanted: str) -> int:
    names = [_flat(code.code), *(_flat(name) for name in code.synonyms)]
    label = _flat(code.label)
    if wanted in names or wanted == label:
        return 0
    if names[0].startswith(wanted):
        return 1
    if any(name.startswith(wanted) for name in names[1:]):
        return 2
    if any(word.startswith(wanted) for word in (*label.split(), *names[0].split())):
        return 3
    return 4 if any(wanted in name for name in (label, *names)) else _FAR


def _flat(text: str) -> str:
    return " ".join(text.replace("_", " ").casefold().split())


def codes_for(book: RuleBook, spec: FieldSpec) -> tuple[Code, ...]:
    """What the picker offers for a field: its codes, or the drugs of the vocabulary where the value is a drug."""
    if spec.codes or spec.name != _DRUG_FIELD:
        return spec.codes
    return tuple(
        Code(code=drug.generic, label=drug.generic, synonyms=(*drug.brands, *drug.synonyms, *drug.abbreviations))
        for drug in book.drugs()
    )


def settle(book: RuleBook, spec: FieldSpec, typed: str) -> str:
    """What was typed, as a value: a code for its label or synonym, a date brought into form; else as it was typed."""
    text = " ".join(typed.split())
    if spec.kind == "date":
        return text if not date_problem(text) else read_date(text) or text
    close = [code for code in codes_for(book, spec) if _closeness(code, _flat(text)) == 0]
    return close[0].code if len(close) == 1 else text


def read_value(book: RuleBook, spec: FieldSpec, selected: str) -> str | None:
    """The value that selected words state for a field; None where none can be read, or more than one."""
    text = " ".join(selected[:_LONGEST].split())
    if not text:
        return None
    if spec.kind == "date":
        return read_date(text)
    codes = codes_for(book, spec)
    if codes:
        named = _named_code(codes, text)
        if named is not None or spec.codes:
            return named
    if value_fits(spec, text):
        return text
    return _pattern_part(spec, text)


def _named_code(codes: Iterable[Code], text: str) -> str | None:
    """The one code whose name stands in the text; a longer name hides the shorter ones within it."""
    flat = _flat(text)
    names = [(name, code.code) for code in codes for name in _names(code)]
    taken: set[str] = set()
    for name, code in sorted(names, key=lambda one: -len(one[0])):
        pattern = rf"(?<!\w){re.escape(name)}(?!\w)"
        flat, hits = re.subn(pattern, "\N{NULL}", flat)
        if hits:
            taken.add(code)
    return taken.pop() if len(taken) == 1 else None


def _names(code: Code) -> set[str]:
    label = re.sub(r"\(.*?\)", " ", code.label)
    return {flat for flat in (_flat(name) for name in (code.code, label, *code.synonyms)) if flat}


def _pattern_part(spec: FieldSpec, text: str) -> str | None:
    if spec.pattern is None:
        return None
    for flags in (0, re.IGNORECASE):
        match = re.search(rf"(?<![\w.])(?:{spec.pattern})(?!\w)", text, flags)
        if match and value_fits(spec, match.group()):
            return match.group()
    return None


def read_date(text: str) -> str | None:
    """A date as notes write it, as a partial ISO date; None where day and month could change places."""
    for form in _DATE_FORMS:
        match = form.search(text)
        if match:
            return _iso(match.groupdict())
    return None


def _iso(parts: dict[str, str | None]) -> str | None:
    year = int(parts["year"] or 0)
    month = _MONTHS[(parts["month"] or "").lower()] if parts.get("month") else int(parts.get("m") or 0)
    day = int(parts.get("day") or 0)
    if parts.get("one"):
        one, two = int(parts["one"] or 0), int(parts["two"] or 0)
        if one <= 12 and two <= 12 and one != two:
            return None
        month, day = (one, two) if one <= 12 else (two, one)
    try:
        return str(PartialDate(year, month or None, day or None))
    except ValueError:
        return None
