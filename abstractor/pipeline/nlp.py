"""A note's way through the pipeline: prepared, divided, searched, judged, dated, ruled on. The rules decide what is found, not this."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from abstractor.model.errors import RulebookError
from abstractor.model.finding import Assertion, Finding
from abstractor.model.note import Note
from abstractor.pipeline import (
    biomarkers,
    cycles,
    death,
    diagnosis,
    ihc,
    metastasis,
    metastasis_lists,
    radiotherapy,
    response,
    site,
    stage,
    surgery,
    targets,
    therapy,
    variants,
)
from abstractor.pipeline.assertion import Asserter
from abstractor.pipeline.dates import date_mentions
from abstractor.pipeline.masks import compile_masks, find_masked
from abstractor.pipeline.mention import Extractor, Mention
from abstractor.pipeline.prepare import prepare
from abstractor.pipeline.rulings import Rulings
from abstractor.pipeline.sections import Headings, compile_headings, find_sections
from abstractor.pipeline.sentences import find_sentences, unwrapped
from abstractor.pipeline.view import NoteView
from abstractor.rulebook.book import RuleBook

EXTRACTORS: dict[str, Callable[[RuleBook], Extractor]] = {
    "targets": targets.build,
    "diagnosis": diagnosis.build,
    "death": death.build,
    "stage": stage.build,
    "site": site.build,
    "metastasis": metastasis.build,
    "metastasis_lists": metastasis_lists.build,
    "variants": variants.build,
    "ihc": ihc.build,
    "biomarkers": biomarkers.build,
    "therapy": therapy.build,
    "cycles": cycles.build,
    "radiotherapy": radiotherapy.build,
    "surgery": surgery.build,
    "response": response.build,
}
"""Name of an extractor to what builds it; mentions are taken in this order."""

MOST_SPANS = 3
"""Of one fact, no more findings than these are kept, the first in the note."""


@dataclass(frozen=True)
class Reader:
    """Everything compiled for one rulebook; reads any number of notes, one at a time. Build it once per process."""

    rulebook: RuleBook
    headings: Headings
    masks: tuple[re.Pattern[str], ...]
    extractors: tuple[Extractor, ...]
    asserter: Asserter
    rulings: Rulings

    @classmethod
    def from_rulebook(cls, rulebook: RuleBook) -> "Reader":
        """Compiles a rulebook; takes some seconds.

        Raises:
            RulebookError: the settings of an extractor can't be compiled.
        """
        return cls(
            rulebook,
            compile_headings(rulebook.sections),
            compile_masks(rulebook.masks),
            tuple(_built(name, build, rulebook) for name, build in EXTRACTORS.items()),
            Asserter.from_rulebook(rulebook),
            Rulings.from_rulebook(rulebook),
        )

    def view(self, note: Note) -> NoteView:
        """The note as the extractors see it."""
        text = prepare(note.text)
        sections = find_sections(text, self.headings)
        sentences = find_sentences(text, sections)
        return NoteView(note, unwrapped(text, sentences), sentences, sections, find_masked(text, self.masks))

    def mentions(self, view: NoteView) -> list[Mention]:
        """What all extractors find, without what stands in template text or in sections that state nothing; assertions still open."""
        found = [mention for extract in self.extractors for mention in extract(view)]
        return [mention for mention in found if not self._silent(view, mention)]

    def read(self, note: Note) -> list[Finding]:
        """All findings of a note, in the order of the text."""
        if not note.text.strip():
            return []
        view = self.view(note)
        if not self.rulings.may_concern(view):
            return []
        settled = self.asserter.settle(view, self.mentions(view))
        ruled = self.rulings.apply(view, date_mentions(view, settled))
        return [self._finding(view, mention) for mention in _first_few(ruled)]

    def _silent(self, view: NoteView, mention: Mention) -> bool:
        if view.is_masked(mention.start, mention.end):
            return True
        section = self.asserter.sections.get(view.section_at(mention.start) or "")
        return section is not None and (section.silent or mention.field in section.silent_fields)

    def _finding(self, view: NoteView, mention: Mention) -> Finding:
        note = view.note
        date = mention.date
        return Finding(
            note_id=note.note_id,
            patient_id=note.patient_id,
            note_date=note.note_date,
            note_type=note.note_type,
            field=mention.field,
            value=mention.value,
            assertion=mention.assertion or Assertion.PRESENT,
            start=mention.start,
            end=mention.end,
            text=note.text[mention.start : mention.end],
            section=view.section_at(mention.start),
            date=date.iso if date else None,
            date_precision=date.precision if date else None,
            date_source=date.source if date else None,
            attributes=dict(mention.attributes),
            rule=mention.rule,
            rulebook=self.rulebook.version,
            confidence=mention.confidence,
        )


def _built(name: str, build: Callable[[RuleBook], Extractor], rulebook: RuleBook) -> Extractor:
    """An extractor; what its settings lack, or a regular expression in them that is none, is a fault of the rulebook."""
    try:
        return build(rulebook)
    except (re.error, KeyError, TypeError, ValueError) as error:
        raise RulebookError([f"settings or vocabulary of {name!r}: {error}"]) from error


def _first_few(mentions: list[Mention]) -> list[Mention]:
    """One mention per fact and place, the first few of each fact, in the order of the text."""
    taken: dict[tuple[str, str, str], list[Mention]] = {}
    for mention in sorted(mentions, key=lambda one: (one.start, one.end, one.field, one.value)):
        same = taken.setdefault((mention.field, mention.value, str(mention.assertion)), [])
        if len(same) < MOST_SPANS and all(mention.end <= other.start or mention.start >= other.end for other in same):
            same.append(mention)
    kept = [mention for same in taken.values() for mention in same]
    return sorted(kept, key=lambda one: (one.start, one.end, one.field, one.value, str(one.assertion)))
