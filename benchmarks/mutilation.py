"""Notes as they come out of scanners, old systems and careless exports: each spoils a text in one way, by seed, and always the same way."""

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from abstractor.model.note import Note

_FOREIGN = ("é", "ü", "ß", "\u00a0", "\u200b", "\ufeff", "肺癌", "→", "½", "\u0301", "\u202e", "😀", "ﬁ")
_RATE = 0.01
"""Of the characters, so many are spoilt."""

Draw = random.Random


def _upper(text: str, draw: Draw) -> str:
    return text.upper()


def _lower(text: str, draw: Draw) -> str:
    return text.lower()


def _one_line(text: str, draw: Draw) -> str:
    return re.sub(r"\s*\n\s*", " ", text)


def _windows_lines(text: str, draw: Draw) -> str:
    return text.replace("\n", "\r\n")


def _cut(text: str, draw: Draw) -> str:
    start, end = sorted((draw.randint(0, len(text)), draw.randint(0, len(text))))
    return text[start:end]


def _wide(text: str, draw: Draw) -> str:
    return text.replace(" ", "  ")


def _wrapped(text: str, draw: Draw) -> str:
    """Lines end in the middle of sentences, as in a fixed column."""
    width = draw.randint(30, 90)
    return "\n".join(text[start : start + width] for start in range(0, len(text), width))


def _no_blanks(text: str, draw: Draw) -> str:
    return _changed(text, draw, lambda char: "" if char == " " else char, 10)


def _foreign(text: str, draw: Draw) -> str:
    return _changed(text, draw, lambda char: char + draw.choice(_FOREIGN))


def _swapped(text: str, draw: Draw) -> str:
    letters = list(text)
    for index in range(len(letters) - 1):
        if draw.random() < _RATE:
            letters[index], letters[index + 1] = letters[index + 1], letters[index]
    return "".join(letters)


def _lost(text: str, draw: Draw) -> str:
    return _changed(text, draw, lambda char: "")


def _scanned(text: str, draw: Draw) -> str:
    """Letters taken for digits and the other way round."""
    table = {"o": "0", "O": "0", "l": "1", "I": "1", "s": "5", "0": "O", "1": "l", "5": "S"}
    return _changed(text, draw, lambda char: table.get(char, char), 5)


def _no_stops(text: str, draw: Draw) -> str:
    return re.sub(r"[.;:,]", "", text)


def _shuffled(text: str, draw: Draw) -> str:
    lines = text.splitlines(keepends=True)
    draw.shuffle(lines)
    return "".join(lines)


def _twice(text: str, draw: Draw) -> str:
    return f"{text}\n{text}"


def _changed(text: str, draw: Draw, change: Callable[[str], str], times: int = 1) -> str:
    return "".join(change(char) if draw.random() < _RATE * times else char for char in text)


MUTILATIONS: Mapping[str, Callable[[str, Draw], str]] = {
    "upper case": _upper,
    "lower case": _lower,
    "no line breaks": _one_line,
    "windows line ends": _windows_lines,
    "cut": _cut,
    "doubled blanks": _wide,
    "wrapped": _wrapped,
    "blanks lost": _no_blanks,
    "foreign characters": _foreign,
    "letters swapped": _swapped,
    "letters lost": _lost,
    "scanned": _scanned,
    "no punctuation": _no_stops,
    "lines shuffled": _shuffled,
    "twice": _twice,
}


def mutilated(note: Note, name: str, seed: int) -> Note:
    """The note spoilt in this way; the id stays, and the result depends on id, name and seed alone."""
    draw = random.Random(f"{seed} {name} {note.note_id}")  # noqa: S311 - drawing, not secrecy
    return replace(note, text=MUTILATIONS[name](note.text, draw))


def ways(note: Note, count: int, seed: int) -> Iterator[str]:
    """So many different ways to spoil this note, drawn by its id."""
    draw = random.Random(f"{seed} {note.note_id}")  # noqa: S311 - drawing, not secrecy
    yield from draw.sample(list(MUTILATIONS), min(count, len(MUTILATIONS)))
