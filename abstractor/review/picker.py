"""Choosing a code by typing part of its code, label or synonym: what fits, the closest first. Pure.

What is typed as it stands goes before what merely resembles it: close spellings are offered only where nothing else fits.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

from rapidfuzz import fuzz, process

from abstractor.rulebook.schema import Code

_RESEMBLES = 75.0
"""Likeness in per cent (rapidfuzz) from which a spelling counts as close."""
_SHORTEST = 3
"""Shorter words resemble too much."""
_CLOSEST = 20


class Fit(IntEnum):
    """How well a code fits what was typed; the closest is the smallest."""

    EXACT = 0
    CODE = 1
    NAME = 2
    WORD = 3
    WORDS = 4
    """Each typed word begins a word of its names."""
    WITHIN = 5
    NONE = 9


@dataclass(frozen=True, slots=True)
class _Names:
    """What a code goes by, in small letters."""

    code: str
    all: tuple[str, ...]
    """Code, label and synonyms."""
    words: str
    """All words, each behind a blank, so that the beginning of a word is found by a blank and what was typed."""

    @classmethod
    def of(cls, one: Code) -> "_Names":
        names = tuple(flat(name) for name in (one.code, one.label, *one.synonyms))
        return cls(names[0], names, " " + " | ".join(re.sub(r"[(),/]", " ", name) for name in names))

    def fit(self, wanted: str) -> Fit:
        if f" {wanted}" not in self.words:
            if all(f" {part}" in self.words for part in wanted.split()):
                return Fit.WORDS
            return Fit.WITHIN if any(wanted in name for name in self.all) else Fit.NONE
        if wanted in self.all:
            return Fit.EXACT
        if self.code.startswith(wanted):
            return Fit.CODE
        return Fit.NAME if any(name.startswith(wanted) for name in self.all[2:]) else Fit.WORD


@dataclass(frozen=True)
class Picker:
    """The codes of a field, made ready for typing."""

    codes: Sequence[Code]
    names: Sequence[_Names]

    @classmethod
    def of(cls, codes: Iterable[Code]) -> "Picker":
        """Takes the codes in the order in which they are shown."""
        kept = tuple(codes)
        return cls(kept, tuple(map(_Names.of, kept)))

    def matching(self, typed: str) -> tuple[Code, ...]:
        """The codes that fit what was typed so far, the closest first; all of them for nothing."""
        wanted = flat(typed)
        if not wanted:
            return tuple(self.codes)
        ranked = [(names.fit(wanted), at) for at, names in enumerate(self.names)]
        found = tuple(self.codes[at] for fit, at in sorted(ranked) if fit < Fit.NONE)
        return found or self._close(wanted)

    def exact(self, typed: str) -> Code | None:
        """The one code whose code, label or synonym was typed; None where none is, or more than one."""
        wanted = flat(typed)
        found = [self.codes[at] for at, names in enumerate(self.names) if wanted and wanted in names.all]
        return found[0] if len(found) == 1 else None

    def _close(self, wanted: str) -> tuple[Code, ...]:
        """Codes with a name, or a word of one, that is spelt much like what was typed."""
        if len(wanted) < _SHORTEST:
            return ()
        spellings, places = self._spellings
        hits = process.extract(wanted, spellings, scorer=fuzz.ratio, score_cutoff=_RESEMBLES, limit=_CLOSEST)
        return tuple(dict.fromkeys(self.codes[places[place]] for _, _, place in hits))

    @cached_property
    def _spellings(self) -> tuple[list[str], list[int]]:
        """Every name and word, and which code it belongs to."""
        pairs = [
            (name, at)
            for at, names in enumerate(self.names)
            for name in dict.fromkeys((*names.all, *names.words.replace("|", " ").split()))
        ]
        return [name for name, _ in pairs], [at for _, at in pairs]


def flat(text: str) -> str:
    """Words in small letters, an underscore being a blank."""
    return " ".join(text.replace("_", " ").casefold().split())
