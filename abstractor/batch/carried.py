"""Copied-forward text: which words of a note stood in an earlier note of the same patient (DOMAIN §3.2).

Compared are runs of words, not lines: copied text is wrapped anew, loses its line breaks, and is edited here and there. What was changed,
and what stands close to it, is not copied. It judges words alone, never what they mean; its time grows with the text of the notes alone.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from abstractor.model.finding import Finding
from abstractor.model.note import Note

_SHORTEST = 25
"""Shorter runs ("Stable.", "ECOG 1") are alike by chance; in characters, one blank between words."""
_RUN = 4
"""So many words in a row are looked up at once."""
_MARGIN = 5
"""So many words on either side of a finding must be copied too: a changed one ("no", "left", "4.1 cm") may change what it means."""

_WORD = re.compile(r"\d+(?:[./:-]\d+)*|[^\W\d_]+")

_SIZE = re.compile(r"\s?(?:cm|mm|%)")


@dataclass(frozen=True)
class _Words:
    """The words of one note, without regard to case, and where sentences and lines begin."""

    note: Note

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        return [match.span() for match in _WORD.finditer(self.note.text)]

    @cached_property
    def runs(self) -> list[int]:
        """The run that begins at each word; the last words begin none."""
        words = [self.note.text[start:end].lower() for start, end in self.spans]
        return [hash(tuple(words[index : index + _RUN])) for index in range(len(words) - _RUN + 1)]

    @cached_property
    def begins(self) -> list[bool]:
        """For each word, and for the end of the text, whether a statement may begin there."""
        text, spans = self.note.text, self.spans
        between = zip([0, *(end for _, end in spans)], [*(start for start, _ in spans), len(text)], strict=True)
        begins = [_is_border(text, end, start) for end, start in between]
        begins[0] = begins[-1] = True
        return begins


def _is_border(text: str, end: int, start: int) -> bool:
    """Whether between two words one statement ends and another begins; a line that was only full is no border."""
    gap = text[end:start]
    if gap[:1] in {".", "!", "?"} or any(mark in gap for mark in (". ", "! ", "? ")):
        return True
    if "\n" not in gap and "\r" not in gap:
        return False
    lines = re.split(r"[\r\n]+", gap)
    return (
        gap.count("\n") > 1
        or lines[0].strip() == ":"
        or bool(lines[-1].strip())
        or not text[start : start + 1].islower()
    )


@dataclass(frozen=True)
class _Seen:
    """What the notes of a patient said, and the first note that said it (by its place in the order of dates)."""

    runs: Mapping[int, int]
    beginnings: Mapping[int, int]
    """Runs with which a statement began."""
    endings: Mapping[int, int]


def carried_forward(notes: Iterable[Note]) -> Callable[[Finding], bool]:
    """Tells of a finding whether its words were copied from an earlier note.

    Args:
        notes: all notes of one patient; those without a date are never the earlier ones.
    """
    texts = {note.note_id: _Words(note) for note in notes}
    dated = sorted(
        (one for one in texts.values() if one.note.note_date), key=lambda one: (one.note.note_date, one.note.note_id)
    )
    order: dict[str, int] = {}
    for index, one in enumerate(dated):
        same_time = index and dated[index - 1].note.note_date == one.note.note_date
        order[one.note.note_id] = order[dated[index - 1].note.note_id] if same_time else index
    seen = _seen(dated, order)
    copies: dict[str, list[bool]] = {}

    def carried(finding: Finding) -> bool:
        words = texts.get(finding.note_id)
        if words is None or finding.note_id not in order:
            return False
        when = order[finding.note_id]
        if finding.note_id not in copies:
            copies[finding.note_id] = _copied_words(words, seen, when)
        return _is_copied(words, copies[finding.note_id], seen, when, finding)

    return carried


def _seen(dated: list[_Words], order: Mapping[str, int]) -> _Seen:
    runs: dict[int, int] = {}
    beginnings: dict[int, int] = {}
    endings: dict[int, int] = {}
    for one in dated:
        when = order[one.note.note_id]
        for index, run in enumerate(one.runs):
            runs.setdefault(run, when)
            if one.begins[index]:
                beginnings.setdefault(run, when)
            if one.begins[index + _RUN]:
                endings.setdefault(run, when)
    return _Seen(runs, beginnings, endings)


def _copied_words(words: _Words, seen: _Seen, when: int) -> list[bool]:
    """For each word whether it stands in a run that an earlier note had."""
    copied = [False] * len(words.spans)
    for index, run in enumerate(words.runs):
        if seen.runs[run] < when:
            copied[index : index + _RUN] = [True] * _RUN
    return copied


def _is_copied(words: _Words, copied: list[bool], seen: _Seen, when: int, finding: Finding) -> bool:
    first = bisect_right(words.spans, finding.start, key=lambda span: span[1])
    behind = bisect_left(words.spans, finding.end, key=lambda span: span[0])
    if first >= behind or not all(copied[first:behind]):
        return False
    start, stop = first, behind
    while start > 0 and copied[start - 1] and first - start < _MARGIN:
        start -= 1
    while stop < len(copied) and copied[stop] and stop - behind < _MARGIN:
        stop += 1
    complete = (
        (first - start >= _MARGIN or words.begins[start] or _known(seen.beginnings, words.runs, start, when))
        and (stop - behind >= _MARGIN or words.begins[stop] or _known(seen.endings, words.runs, stop - _RUN, when))
    )  # fmt: skip
    if not complete or _length(words, start, stop) < _SHORTEST:
        return False
    return not _has_new_number(words, copied, first, behind, dated=finding.date is not None)


def _known(borders: Mapping[int, int], runs: list[int], index: int, when: int) -> bool:
    """Whether an earlier note had the border there."""
    return 0 <= index < len(runs) and borders.get(runs[index], when) < when


def _length(words: _Words, start: int, stop: int) -> int:
    return sum(end - begin + 1 for begin, end in words.spans[start:stop]) - 1


def _has_new_number(words: _Words, copied: list[bool], first: int, behind: int, *, dated: bool) -> bool:
    """Whether the statement around a finding has a size that is not copied, which makes a new judgement; for a dated one, any number or
    date: its date may be the new one.
    """
    while first > 0 and not words.begins[first]:
        first -= 1
    while behind < len(copied) and not words.begins[behind]:
        behind += 1
    text = words.note.text
    changed = (words.spans[index] for index in range(first, min(behind, len(copied))) if not copied[index])
    return any(text[start].isdigit() and (dated or _SIZE.match(text, end) is not None) for start, end in changed)
