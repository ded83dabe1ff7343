"""A note's way through the pipeline: prepared, divided, searched, judged, dated, ruled on. The rules decide what is found, not this."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from abstractor.model.errors import RulebookError
from abstractor.model.finding import Assertion, Finding
from abstractor.model.note import Note
from abstractor.pipeline import (
    biomarkers,
    cycles,
    death,
    diagnosis,
    identity,
    ihc,
    metastasis,
    metastasis_lists,
    metastasis_specimens,
    performance,
    radiotherapy,
    response,
    site,
    smoking,
    stage,
    surgery,
    targets,
    therapy,
    variants,
)
from abstractor.pipeline.assertion import Asserter
from abstractor.pipeline.compaction import compact
from abstractor.pipeline.confidence import Trust
from abstractor.pipeline.dates import READER, DateReader, date_mentions
from abstractor.pipeline.edits import Edited, original
from abstractor.pipeline.general import GeneralStatements
from abstractor.pipeline.lexicon import Lexicon
from abstractor.pipeline.masks import compile_masks, find_masked
from abstractor.pipeline.mention import Extractor, Mention
from abstractor.pipeline.prepare import prepare
from abstractor.pipeline.restoration import restore
from abstractor.pipeline.rulings import Rulings
from abstractor.pipeline.sections import Headings, compile_headings, find_sections
from abstractor.pipeline.sentences import compile_abbreviations, find_sentences, unwrapped
from abstractor.pipeline.sieve import OUTLINES, Expression, ScannedText, Search, like
from abstractor.pipeline.spelling import Speller
from abstractor.pipeline.view import NoteView
from abstractor.rulebook.book import RuleBook

EXTRACTORS: dict[str, Callable[[RuleBook], Extractor]] = {
    "targets": targets.build,
    "identity": identity.build,
    "smoking": smoking.build,
    "performance": performance.build,
    "diagnosis": diagnosis.build,
    "death": death.build,
    "stage": stage.build,
    "site": site.build,
    "metastasis": metastasis.build,
    "metastasis_lists": metastasis_lists.build,
    "metastasis_specimens": metastasis_specimens.build,
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
    abbreviations: re.Pattern[str]
    masks: tuple[Expression, ...]
    general: GeneralStatements
    extractors: tuple[Extractor, ...]
    asserter: Asserter
    rulings: Rulings
    dates: DateReader
    speller: Speller
    plain: bool = False
    """Every part is run over the whole of every note: the definition of what is right, and slow."""
    trust: Trust | None = None
    """What its findings proved to be worth; None: they keep the confidence their rules state."""

    @classmethod
    def from_rulebook(cls, rulebook: RuleBook, *, plain: bool = False) -> "Reader":
        """Compiles a rulebook; takes some seconds.

        Args:
            rulebook: the rules.
            plain: run every part over the whole of every note; the findings are the same.

        Raises:
            RulebookError: the settings of an extractor can't be compiled.
        """
        reader = cls(
            rulebook,
            compile_headings(rulebook.sections),
            compile_abbreviations(Lexicon.of(rulebook, "sentences").words("abbreviations")),
            compile_masks(rulebook.masks),
            GeneralStatements.from_rulebook(rulebook),
            tuple(_built(name, build, rulebook) for name, build in EXTRACTORS.items()),
            Asserter.from_rulebook(rulebook),
            Rulings.from_rulebook(rulebook),
            DateReader.of(rulebook),
            Speller.from_rulebook(rulebook),
            plain,
            Trust.from_rulebook(rulebook),
        )
        OUTLINES.keep()
        return reader

    @cached_property
    def _first_look(self) -> Search:
        """For the words that tell what a note is about."""
        told = [one for one in vars(self.rulings).values() if isinstance(one, Expression)]
        return Search.of([*told, self.general.general, self.general.specific, *self.masks])

    def view(self, note: Note) -> NoteView:
        """The note as the extractors see it."""
        return self._searched(self._looked_over(note), note)

    def _looked_over(self, note: Note) -> NoteView:
        """The note as far as it must be known to tell what it is about."""
        text = prepare(note.text)
        scanned = text if self.plain else self._first_look.scanned(text)
        sections = find_sections(text, self.headings)
        sentences = find_sentences(text, sections, self.abbreviations)
        whole = unwrapped(text, sentences)
        whole = like(scanned, whole)
        masked = find_masked(text, self.masks, self.general.find(whole, sentences))
        return NoteView(note, whole, sentences, sections, masked, {READER: self.dates})

    def _searched(self, view: NoteView, note: Note) -> NoteView:
        """The same view, its text searched for the words of all expressions."""
        if self.plain:
            return view
        scanned = ScannedText.of(prepare(note.text))
        return replace(view, text=like(scanned, str(view.text)))

    def mentions(self, view: NoteView) -> list[Mention]:
        """What all extractors find, without what stands in template text or in sections that state nothing; assertions still open."""
        found = [mention for extract in self.extractors for mention in extract(view)]
        return [mention for mention in found if not self._silent(view, mention)]

    def read(self, note: Note) -> list[Finding]:
        """All findings of a note, in the order of the text."""
        return [finding for finding in self.read_for_registry(note) if self.rulebook.fields[finding.field].in_notes]

    def read_for_registry(self, note: Note) -> list[Finding]:
        """The findings, and with them who the patient is (sex, birth date): what a record needs and no note is abstracted for."""
        passes = self.legible(note.text)
        if not passes:
            return self._read(note)
        return [_placed(finding, note, passes) for finding in self._read(replace(note, text=passes[-1].text))]

    def legible(self, text: str) -> list[Edited]:
        """What is put right before a note is read, pass by pass; nothing for a sound text. The last one has the text that is read."""
        passes = restore(text, self.speller.is_word)
        for put_right in (compact, self.speller.corrected):
            one = put_right(prepare(passes[-1].text if passes else text))
            if one.starts:
                passes.append(one)
        return passes

    def _read(self, note: Note) -> list[Finding]:
        if not note.text.strip():
            return []
        if not self.plain and self.rulings.is_out_of_question(prepare(note.text), note.note_type):
            return []
        view = self._looked_over(note)
        if not self.rulings.may_concern(view):
            return []
        view = self._searched(view, note)
        settled = self.asserter.settle(view, self.mentions(view))
        ruled = self.rulings.apply(view, date_mentions(view, settled))
        found = [self._finding(view, mention) for mention in _first_few(ruled)]
        if self.trust is None:
            return found
        return self.trust.weigh(like(view.text, note.text) if prepare(note.text) == note.text else note.text, found)

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


def _placed(finding: Finding, note: Note, passes: list[Edited]) -> Finding:
    """The finding with its place and words in the note as it stands."""
    start, end = original(passes, finding.start, finding.end)
    return replace(finding, start=start, end=end, text=note.text[start:end])


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
