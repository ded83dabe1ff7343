"""Finds the headings of a note and the stretch of text each one governs. It reads line by line, and judges no content."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from abstractor.pipeline.view import SectionSpan
from abstractor.rulebook.schema import SectionRule

_DECORATION = re.compile(r"[ \t#*_=>~|-]*(?:\(?(?:\d{1,2}|[ivx]{1,4}|[a-h])[.)][ \t]+)?[*_]*", re.IGNORECASE)
_TITLE_END = re.compile(r"[*_ \t]*(?::[*_]*|[ \t]-+[ \t]|\t|[ \t]{3,}|-+$)")
_INLINE = re.compile(
    r"(?:(?<=[.,;:][ ])|(?<=[.,;][ ][ ])|(?<=[ ]{3}))[A-Z][A-Z /&-]{1,50}(?=:)|(?<=[.;][ ])[A-Z][a-z]{3,20}(?: [a-z]{2,15}){0,3}(?=:)"
)
_LAST_COLUMN = re.compile(r"(?<=\S[ ]{3})[ ]*([A-Z][A-Z /&-]{5,50})[ \t]*$")
_RULED_OFF = re.compile(r"[ \t]*[-=_*#]{3,}[ \t]*\w")
_UNKNOWN = re.compile(
    r"[A-Z][A-Za-z0-9 /&()'-]{1,48}:[ \t]*$|[*_]{2}[^*_\n]{2,60}[*_]{2}:?[ \t]*$|[A-Z][A-Z0-9 /&()'-]{3,60}:?[ \t]*$"
)
_BLANK = re.compile(r"\n[ \t]*\n")
_LONGEST = 70
"""No heading is longer, in characters."""


@dataclass(frozen=True)
class Headings:
    """The titles of the rulebook, ready to look up."""

    names: dict[str, str]
    """Title in normal form to section name."""
    patterns: tuple[tuple[re.Pattern[str], str], ...]
    parts: dict[str, str]
    """Sections that are mere parts (organs of a report), to the section they begin where there is none around them."""
    brief: frozenset[str]
    bounded: frozenset[str]
    """Sections that end at a blank line or at any heading, known or not, because what stands in them is not the patient's state."""
    nothing: dict[str, re.Pattern[str]]
    """What a section may say that has nothing to tell; it ends there."""
    after: dict[str, frozenset[str]]
    """Sections that begin only where one of these is open."""


@dataclass(frozen=True, slots=True)
class _Heading:
    name: str | None
    """None: it looks like a heading, but the rulebook has no such title."""
    start: int
    body: int
    ruled_off: bool = False
    """A line of dashes with words in it ("--- end of pasted report ---"), which ends any section."""


def compile_headings(rules: tuple[SectionRule, ...]) -> Headings:
    """Makes the look-up table of all titles."""
    names = {_normal(title): rule.name for rule in rules for title in rule.titles}
    patterns = tuple((re.compile(regex, re.IGNORECASE), rule.name) for rule in rules for regex in rule.regex)
    bounded = frozenset(
        rule.name for rule in rules if (rule.assertion is not None and not rule.fields) or (rule.silent and rule.brief)
    )
    after = {rule.name: frozenset(rule.after) for rule in rules if rule.after}
    parts = {rule.name: rule.part_of for rule in rules if rule.part_of}
    brief = frozenset(rule.name for rule in rules if rule.brief)
    nothing = {
        rule.name: re.compile(rf"\s*(?:{rule.nothing})", re.IGNORECASE | re.MULTILINE) for rule in rules if rule.nothing
    }
    return Headings(names, patterns, parts, brief, bounded, nothing, after)


def find_sections(text: str, headings: Headings) -> tuple[SectionSpan, ...]:
    """Divides a prepared text into sections, in order, without gap."""
    spans: list[SectionSpan] = []
    name: str | None = None
    title, body = 0, 0
    for heading in _headings(text, headings):
        if heading.name is None and name not in headings.bounded and not heading.ruled_off:
            continue
        if heading.name in headings.after and name not in headings.after[heading.name]:
            continue
        if heading.name in headings.parts and name and name not in headings.bounded and name not in headings.brief:
            continue
        if heading.start > title or spans:
            spans.extend(_bounded(text, SectionSpan(name, title, body, heading.start), headings))
        name, title, body = headings.parts.get(heading.name or "", heading.name), heading.start, heading.body
    spans.extend(_bounded(text, SectionSpan(name, title, body, len(text)), headings))
    return tuple(spans)


def _bounded(text: str, span: SectionSpan, headings: Headings) -> Iterator[SectionSpan]:
    """A section about somebody else stops at the first blank line behind its words, or where it says that there is nothing to tell."""
    if span.name not in headings.bounded:
        yield span
        return
    nothing = headings.nothing.get(span.name or "")
    told = nothing.match(text, span.start, span.end) if nothing else None
    if told:
        yield SectionSpan(span.name, span.title_start, span.start, told.end())
        yield SectionSpan(None, told.end(), told.end(), span.end)
        return
    content = re.compile(r"\S").search(text, span.start, span.end)
    gap = _BLANK.search(text, content.start(), span.end) if content else None
    if gap is None:
        yield span
        return
    yield SectionSpan(span.name, span.title_start, span.start, gap.start())
    yield SectionSpan(None, gap.start(), gap.start(), span.end)


def _headings(text: str, headings: Headings) -> Iterator[_Heading]:
    position = 0
    for line in text.split("\n"):
        yield from _headings_of_line(line, position, headings)
        position += len(line) + 1


def _headings_of_line(line: str, offset: int, headings: Headings) -> Iterator[_Heading]:
    if _RULED_OFF.match(line):
        yield _Heading(None, offset, offset, ruled_off=True)
    decoration = _DECORATION.match(line)
    start = decoration.end() if decoration else 0
    found = _at_line_start(line, start, headings) or _at_line_start(line, len(line) - len(line.lstrip()), headings)
    if found:
        name, end = found
        yield _Heading(name, offset, offset + end)
    elif _UNKNOWN.match(line.strip()[: _LONGEST + 1]) and len(line.strip()) <= _LONGEST:
        yield _Heading(None, offset, offset + len(line))
    last = _LAST_COLUMN.search(line[-_LONGEST:]) if not found else None
    if last and _normal(last[1]) in headings.names:
        yield _Heading(headings.names[_normal(last[1])], offset + len(line) - len(last[1].lstrip()), offset + len(line))
    if ":" in line[_LONGEST // 10 :]:
        for inline in _INLINE.finditer(line[:20000]):
            title = headings.names.get(_normal(inline.group())) or _pattern_name(inline.group() + ":", headings)
            if title and (not found or inline.start() > found[1]):
                yield _Heading(title, offset + inline.start(), offset + inline.end() + 1)


def _pattern_name(head: str, headings: Headings) -> str | None:
    return next((name for pattern, name in headings.patterns if pattern.match(head)), None)


def _at_line_start(line: str, start: int, headings: Headings) -> tuple[str, int] | None:
    """Name of the section whose title the line begins with, and where its body starts in the line."""
    head = line[start : start + _LONGEST]
    for pattern, name in headings.patterns:
        match = pattern.match(head)
        if match:
            return name, start + match.end()
    end = _TITLE_END.search(head)
    while end:
        title = headings.names.get(_normal(head[: end.start()]))
        if title:
            return title, start + end.end()
        if ":" in end.group():
            break
        end = _TITLE_END.search(head, end.end())
    if len(line) - start <= _LONGEST:
        title = headings.names.get(_normal(head))
        if title:
            return title, len(line)
    return _leading_capitals(head, start, headings)


def _leading_capitals(head: str, start: int, headings: Headings) -> tuple[str, int] | None:
    """A title in capitals without colon: "IMPRESSION 1. Regression ..."."""
    words = re.match(r"[A-Z][A-Z/&]{2,}(?: [A-Z/&]{2,})*", head)
    if not words or not head[words.end() : words.end() + 1].isspace():
        return None
    name = headings.names.get(_normal(words.group()))
    return (name, start + words.end()) if name else None


def _normal(title: str) -> str:
    """Lower case, without brackets' content, marks and doubled blanks."""
    plain = re.sub(r"\([^()]*\)", " ", title) if not title.endswith("(s)") else title
    return " ".join(plain.strip(" \t*_#:.,-=").lower().split())
