"""A note made ready for extraction: a cleaned copy with the same offsets, its sentences, sections and masked stretches."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field

from abstractor.model.note import Note
from abstractor.pipeline.sieve import part


@dataclass(frozen=True, slots=True)
class Sentence:
    """A stretch of the note that is read as one statement; offsets into the note, end exclusive."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class SectionSpan:
    """A heading and what stands under it, up to the next heading."""

    name: str | None
    """Normalised name from `rules/sections.toml`; None for text before the first heading."""
    title_start: int
    start: int
    """Where the body begins (behind the heading)."""
    end: int


@dataclass(frozen=True)
class NoteView:
    """One note as the extractors see it."""

    note: Note
    text: str
    """The note's text with odd characters replaced one for one (no-break space, typographic quotes and dashes): same length, same offsets."""
    sentences: tuple[Sentence, ...]
    """In order, without overlap; blank stretches between them belong to none."""
    sections: tuple[SectionSpan, ...]
    """In order, covering the note."""
    masked: tuple[tuple[int, int], ...] = ()
    """Template stretches that state nothing of the patient, in order."""
    memo: dict[str, object] = field(default_factory=dict, compare=False, repr=False)
    """What one extractor worked out and another may reuse (for example the drugs found), by name."""

    def sentence_at(self, offset: int) -> Sentence:
        """The sentence that holds this offset, or the nearest one before it; the whole note where there is none."""
        index = bisect_right(self.sentences, offset, key=lambda one: one.start) - 1
        return self.sentences[index] if index >= 0 else Sentence(0, len(self.text))

    def section_at(self, offset: int) -> str | None:
        """Name of the section around this offset."""
        index = bisect_right(self.sections, offset, key=lambda one: one.title_start) - 1
        return self.sections[index].name if index >= 0 else None

    def is_masked(self, start: int, end: int) -> bool:
        """Whether a stretch touches template text."""
        index = bisect_right(self.masked, start, key=lambda one: one[0]) - 1
        touches_before = index >= 0 and self.masked[index][1] > start
        touches_after = index + 1 < len(self.masked) and self.masked[index + 1][0] < end
        return touches_before or touches_after

    def words(self, start: int, end: int) -> str:
        """The cleaned text of a stretch."""
        return part(self.text, start, end)


Settings = Mapping[str, Mapping[str, object]]
"""`RuleBook.settings`: file stem to content."""
