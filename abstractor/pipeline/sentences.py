"""Cuts a note into sentences. It works from line to line and never looks further, so its time grows with the text alone."""

import re
from collections.abc import Iterable, Iterator

from abstractor.pipeline.view import SectionSpan, Sentence

_LIST_ITEM = re.compile(r"[ \t]*(?:[-*>+#~]|\(?\d{1,2}[.)](?!\d)|\(?[a-hA-H][.)]|\[[ xX]\])[ \t]+")
_DATED = re.compile(r"[ \t]*(?:\d{1,4}[./-]\d{1,2}(?:[./-]\d{1,4})?|(?:19|20)\d\d)\b")
_TABULAR = re.compile(r"\S(?:\t|[ ]{3,})\S")
_STOP = re.compile(
    r"[.?!]+[\"')\]]*(?=\s+[\"'(\[]?(?:[A-Z0-9*>\[-]|[a-z]{1,2}[A-Z]))|(?<=[a-z)])\.(?=[A-Z][a-z])|[.?!]+,(?=\s+[A-Z])"
)
_STOP_LOW = re.compile(r"[.?!]+[\"')\]]*(?=\s+[\"'(\[]?[A-Za-z0-9*>\[-])")
"""For notes whose writer uses no capitals."""
_CAMEL = re.compile(r"[a-z]{1,2}[A-Z]")
"""A word like "cMRI" begins a sentence although its first letter is small."""
_NUMBERING = re.compile(r"(?:^[ \t]*|[.:;!?)\]>*-][ \t]+|[:;\n(]|\n[ \t]+)\d{1,2}\.$")
"""A number that begins an item; behind a word it is the end of what the word says ("PS was 1.")."""
_NUMBERED = 8
"""So many characters tell whether a number begins an item."""
_ENDS = frozenset(".?!:;")
_LONGEST = 2000
"""A sentence is cut at a blank when it gets longer than this, in characters."""


def compile_abbreviations(words: Iterable[str]) -> re.Pattern[str]:
    """What may stand in front of a full stop that ends no sentence: these words, or a single letter."""
    alternatives = "|".join(sorted(map(re.escape, words), key=len, reverse=True)) or "(?!)"
    return re.compile(rf"\b(?:{alternatives}|[A-Z])\.?$", re.IGNORECASE)


def find_sentences(
    text: str, sections: tuple[SectionSpan, ...], abbreviations: re.Pattern[str] | None = None
) -> tuple[Sentence, ...]:
    """The sentences of a prepared text, in order; a heading is a sentence of its own only where nothing follows it in its line.

    Without `abbreviations` (from `compile_abbreviations`) only single letters are taken for some.
    """
    abbreviations = abbreviations or compile_abbreviations(())
    width = _wrap_width(text)
    stops = _STOP_LOW if _writes_low(text) else _STOP
    sentences: list[Sentence] = []
    for section in sections:
        for start, end in _paragraphs(text, section.title_start, section.end, width):
            for first, last in _cut(text, (start, end), stops, abbreviations):
                sentences.extend(_trimmed(text, first, last))
    return tuple(sentences)


def unwrapped(text: str, sentences: tuple[Sentence, ...]) -> str:
    """The same text with a blank for each line break inside a sentence: rules need not care where a line was full."""
    parts: list[str] = []
    done = 0
    for sentence in sentences:
        parts.append(text[done : sentence.start])
        parts.append(text[sentence.start : sentence.end].replace("\n", " "))
        done = sentence.end
    return "".join([*parts, text[done:]])


def _writes_low(text: str) -> bool:
    """Whether the note's sentences begin with small letters."""
    low = len(re.findall(r"[a-z0-9)]\.\s+[a-z]", text))
    return low > 4 and low > 2 * len(re.findall(r"[a-z0-9)]\.\s+[A-Z]", text))


def _wrap_width(text: str) -> int:
    """The width at which the note's lines were broken by a machine; 0 where they were not."""
    lengths = [len(line) for line in text.split("\n") if line.strip()]
    longest = max(lengths, default=0)
    if not 50 <= longest <= 140:
        return 0
    near = sum(length >= 0.8 * longest for length in lengths)
    return longest if near >= 2 else 0


def _paragraphs(text: str, start: int, end: int, width: int) -> Iterator[tuple[int, int]]:
    """Runs of lines that belong together."""
    begin = start
    position = start
    lines = text[start:end].split("\n")
    first = lines[0]
    for index, line in enumerate(lines):
        stop = position + len(line)
        following = lines[index + 1] if index + 1 < len(lines) else None
        if following is None or not (_continues(line, following, width) or _hangs(first, line, following)):
            yield begin, stop
            begin = stop + 1
            first = following or ""
        position = stop + 1


def _hangs(first: str, line: str, following: str) -> bool:
    """Whether a line is indented under a list item that was not at its end."""
    item = _LIST_ITEM.match(first)
    rest = following.strip()
    if item is None or not rest or line.rstrip()[-1:] in _ENDS or _LIST_ITEM.match(following):
        return False
    indent = len(following) - len(following.lstrip())
    margin = len(first) - len(first.lstrip())
    return margin < indent <= item.end() + 1 and not _TABULAR.search(rest) and not _TABULAR.search(line.strip())


def _continues(line: str, following: str, width: int) -> bool:
    """Whether a line was broken only because it was full."""
    rest = following.strip()
    bare = line.rstrip()
    if (
        not rest
        or not bare.strip()
        or _LIST_ITEM.match(following)
        or _TABULAR.search(following)
        or _TABULAR.search(bare.strip())
    ):
        return False
    starts_low = rest[0].islower() and not _CAMEL.match(rest)
    if bare[-1] in ".?!:" and not starts_low:
        # The end of a sentence inside a full line is found later; here only the paragraph matters.
        return bool(width) and len(bare) >= 0.75 * width and bare[-1] != ":" and not _DATED.match(following)
    if starts_low and len(bare) >= 30:
        return True
    first = rest.split(maxsplit=1)[0]
    if not width:
        return False
    return len(bare) + 1 + len(first) > width - 3 and len(bare) >= 0.6 * width


def _cut(
    text: str, paragraph: tuple[int, int], stops: re.Pattern[str], abbreviations: re.Pattern[str]
) -> Iterator[tuple[int, int]]:
    """Cuts a paragraph at full stops."""
    start, end = paragraph
    begin = start
    for stop in stops.finditer(text, start, end):
        if stop.end() >= end or not _ends_sentence(text, begin, stop, abbreviations):
            continue
        yield from _pieces(text, begin, stop.end())
        begin = stop.end()
    yield from _pieces(text, begin, end)


def _ends_sentence(text: str, begin: int, stop: re.Match[str], abbreviations: re.Pattern[str]) -> bool:
    if text[stop.start()] != ".":
        return True
    before = text[max(begin, stop.start() - 8) : stop.start()]
    if abbreviations.search(before):
        return False
    return not _NUMBERING.search(text[max(begin, stop.start() - _NUMBERED) : stop.start() + 1])


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A stretch without full stop for thousands of characters is no sentence: it is cut, so that nothing has to read it whole."""
    while end - start > _LONGEST:
        cut = text.rfind(" ", start + _LONGEST // 2, start + _LONGEST)
        cut = cut if cut > start else start + _LONGEST
        yield start, cut
        start = cut
    yield start, end


def _trimmed(text: str, start: int, end: int) -> Iterable[Sentence]:
    piece = text[start:end]
    bare = piece.strip()
    if not bare:
        return ()
    lead = len(piece) - len(piece.lstrip())
    return (Sentence(start + lead, start + lead + len(bare)),)
