"""The headings of molecular reports, and what stands under each: findings, negatives, variants of unknown significance, or nothing.

It never reads the findings themselves.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from abstractor.pipeline.genes import GeneLexicon, Trust
from abstractor.pipeline.sieve import Expression, compiled_expression
from abstractor.pipeline.view import NoteView
from abstractor.rulebook.book import RuleBook

Headings = tuple[tuple[str, Expression], ...]

_WHAT = {
    "fusion": "fusion",
    "rearrange": "fusion",
    "amplif": "amplification",
    "mutation": "mutation",
    "alteration": "mutation",
    "variant": "mutation",
    "mutated": "mutation",
}
_SAYS_WHAT = compiled_expression("|".join(_WHAT), re.IGNORECASE)
_NEXT_TITLE = compiled_expression(r"[.;]\s+(?=[A-Z][A-Za-z]{2,14}(?: [A-Za-z]{2,14}){0,2}\s?:)")
"""Genes tested: A, B, C. Findings: …"""
_OPEN_END = compiled_expression(r"(?:[,/&-]|\b(?:and|or|nor|in))\s*$", re.IGNORECASE)
_CAPITAL_LINE = compiled_expression(r"[\s\W\d]*[A-Z][A-Z &/,()\-]{4,}[\s\W]*$")


@dataclass(frozen=True)
class Zones:
    """Which kind of heading a place of the note stands under."""

    starts: tuple[int, ...]
    kinds: tuple[str, ...]
    lines: tuple[int, ...] = ()
    """Where the lines of the headings begin."""

    def borders(self, start: int, end: int) -> list[int]:
        """Places within the stretch at which something else begins to be told."""
        return sorted({one for one in (*self.lines, *self.starts) if start < one < end})

    def kind_at(self, offset: int) -> str:
        index = bisect_right(self.starts, offset) - 1
        return self.kinds[index] if index >= 0 else ""


@dataclass(frozen=True)
class ZoneFinder:
    """The headings of `settings/variants.toml`, compiled once."""

    headings: Headings
    lexicon: GeneLexicon

    @classmethod
    def from_rulebook(cls, rulebook: RuleBook, lexicon: GeneLexicon | None = None) -> "ZoneFinder":
        """Compiles the headings."""
        table = rulebook.settings["variants"]["headings"]
        headings = _patterns(table) if isinstance(table, Mapping) else ()
        return cls(headings, lexicon or GeneLexicon.from_rulebook(rulebook))

    def zones(self, view: NoteView) -> Zones:
        """The zones of a note; worked out once for all extractors."""
        known = view.memo.get("report_zones")
        if isinstance(known, Zones):
            return known
        zones = _zones(view.text, self.headings, self.lexicon)
        view.memo["report_zones"] = zones
        return zones


def _zones(text: str, headings: Headings, lexicon: GeneLexicon) -> Zones:
    starts: list[int] = []
    kinds: list[str] = []
    lines: list[int] = []
    inline = False
    before = ""
    position = 0
    for line in text.split("\n"):
        kind, body = _heading(line, headings, lexicon)
        if kind is not None:
            starts.append(position + body)
            kinds.append(kind)
            lines.append(position)
            inline = bool(line[body:].strip(" :-|\u2502"))
            further = _NEXT_TITLE.search(line, body) if kind == "silent" else None
            if further:
                starts.append(position + further.end())
                kinds.append("")
        elif inline and kinds and kinds[-1].startswith("negative") and not _carries_on(before, line, lexicon):
            starts.append(position)
            kinds.append("")
            inline = False
        position += len(line) + 1
        before = line
    return Zones(tuple(starts), tuple(kinds), tuple(lines))


def _carries_on(before: str, line: str, lexicon: GeneLexicon) -> bool:
    """Whether a list that began beside its heading goes on in the next line."""
    if not line.strip():
        return False
    first = next(iter(lexicon.find(line[:40])), None)
    led_in = first is not None and not line[: first.start].strip(" \t-*\u2022|\u2502,/")
    return led_in or _OPEN_END.search(before) is not None


def _heading(line: str, headings: Headings, lexicon: GeneLexicon) -> tuple[str | None, int]:
    """Kind of heading and where its body begins; `""` ends what the heading before began."""
    short = line[:160]
    if not short.strip():
        return None, 0
    for kind, pattern in headings:
        match = pattern.match(short)
        if match and not any(gene.trust is not Trust.RARE for gene in lexicon.find(match.group())):
            return _kind(kind, match.group()), match.end()
    if _CAPITAL_LINE.match(short) and len(short.split()) > 1 and not lexicon.find(short):
        return "", len(short)
    return None, 0


def _kind(kind: str, title: str) -> str:
    """`negative_mutation` where the heading says what was not found; "other" only ends what stood before."""
    if kind == "other":
        return ""
    if kind != "negative":
        return kind
    said = _SAYS_WHAT.search(title)
    return f"negative_{_WHAT[said[0].lower()]}" if said else kind


def _patterns(table: Mapping[str, list[str]]) -> Headings:
    lead = r"[\s\-*#=\u2022\u2502|_]*(?:(?:[IVX]{1,4}|\d{1,2}|[A-Z])[.)]\s+|page \d+ of \d+\s+)?(?:section\s+\d+[.:]?\s*)?(?:\d+ )?"
    close = r"[*_ ]*(?:\([^()\n]{0,80}\)|-[^\n:]{0,70})?\s*(?::|\*\*|$|\s{2,}|[|\u2502])"
    loose = r"\b[*_ ]*(?=[^a-z]|$)"
    patterns = []
    for kind in ("negative", "unknown_significance", "silent", "positive", "other"):
        names = "|".join(sorted((f"(?:{name})" for name in table[kind]), key=len, reverse=True))
        # A list of drugs, trials or genes assayed goes by its first words, whatever follows on the line.
        end = f"(?:{close})" if kind != "silent" else f"(?:{close}|(?-i:(?<=[A-Z]{{4}})){loose})"
        patterns.append((kind, compiled_expression(f"{lead}(?:page \\d+ of \\d+\\s*)?(?:{names}){end}", re.IGNORECASE)))
    return tuple(patterns)
