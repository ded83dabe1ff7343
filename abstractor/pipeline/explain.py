"""Tells what became of every mention in a note: kept, masked, silenced, judged otherwise, ruled out. For people who mend rules; it finds
nothing that reading does not find, and costs nothing where nobody asks.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from abstractor.model.finding import Assertion
from abstractor.model.note import Note
from abstractor.pipeline.dates import date_mentions
from abstractor.pipeline.mention import Mention
from abstractor.pipeline.view import NoteView

if TYPE_CHECKING:
    from abstractor.pipeline.nlp import Reader


class Fate(StrEnum):
    """What became of a mention."""

    KEPT = "kept"
    MASKED = "masked"
    SILENCED = "silenced"
    """It stands in a section of which nothing is a fact."""
    NOT_THIS_CANCER = "not this cancer"
    """The whole note is taken to be about another cancer, or about none."""
    RULED_OUT = "ruled out"
    """A ruling for the whole note dropped it or changed its assertion."""


@dataclass(frozen=True, slots=True)
class Trace:
    """A mention and its way through the pipeline."""

    field: str
    value: str
    start: int
    end: int
    rule: str
    assertion: Assertion
    """In the end; for a mention that was dropped, what it would have been."""
    fate: Fate
    by: str = ""
    """What decided its fate or its assertion: `mask X`, `section X`, `context rule X`, `the rule itself`, a ruling; "" for a plain present."""


def explain(reader: "Reader", note: Note) -> tuple[Trace, ...]:
    """The traces of all mentions of a note, in the order of the text."""
    if not note.text.strip():
        return ()
    view = reader.view(note)
    found = [mention for extract in reader.extractors for mention in extract(view)]
    free = [mention for mention in found if not view.is_masked(mention.start, mention.end)]
    heard = [mention for mention in free if not _silencing(reader, view, mention)]
    settled = dict(zip(map(id, found), reader.asserter.settle(view, found), strict=True))
    concerns = reader.rulings.may_concern(view)
    dated = date_mentions(view, [settled[id(mention)] for mention in heard])
    ruled = {_key(one): one for one in reader.rulings.apply(view, dated)} if concerns else {}
    return tuple(
        sorted(_traces(reader, view, found, settled, ruled, concerns=concerns), key=lambda one: (one.start, one.end))
    )


def _traces(
    reader: "Reader",
    view: NoteView,
    found: list[Mention],
    settled: dict[int, Mention],
    ruled: dict[tuple[str, str, int, int, str], Mention],
    *,
    concerns: bool,
) -> Iterator[Trace]:
    for mention in found:
        judged = settled[id(mention)]
        assertion = judged.assertion or Assertion.PRESENT
        last = ruled.get(_key(mention))
        trace = Trace(
            mention.field, mention.value, mention.start, mention.end, mention.rule, assertion, Fate.KEPT,
            _why(reader, view, mention, assertion),
        )  # fmt: skip
        section = _silencing(reader, view, mention)
        if view.is_masked(mention.start, mention.end):
            yield replace(trace, fate=Fate.MASKED, by=_mask(reader, view, mention))
        elif section:
            yield replace(trace, fate=Fate.SILENCED, by=f"section {section}")
        elif not concerns:
            yield replace(trace, fate=Fate.NOT_THIS_CANCER, by="whose cancer the note is about")
        elif last is None:
            yield replace(trace, fate=Fate.RULED_OUT, by=_ruling(reader, view, mention))
        elif last.assertion is not assertion:
            changed = last.assertion or assertion
            yield replace(trace, assertion=changed, by="a ruling for the whole note: it is of another illness")
        else:
            yield trace


def _key(mention: Mention) -> tuple[str, str, int, int, str]:
    return mention.field, mention.value, mention.start, mention.end, mention.rule


def _silencing(reader: "Reader", view: NoteView, mention: Mention) -> str:
    """Name of the section that keeps a mention from being a fact; "" where none does."""
    name = view.section_at(mention.start) or ""
    rule = reader.asserter.sections.get(name)
    return name if rule is not None and (rule.silent or mention.field in rule.silent_fields) else ""


def _mask(reader: "Reader", view: NoteView, mention: Mention) -> str:
    for rule, pattern in zip(reader.rulebook.masks, reader.masks, strict=True):
        if any(match.start() < mention.end and mention.start < match.end() for match in pattern.finditer(view.text)):
            return f"mask {rule.id}"
    return "a general statement"


def _why(reader: "Reader", view: NoteView, mention: Mention, assertion: Assertion) -> str:
    """What made the assertion; "" for a plain present."""
    if mention.assertion is not None:
        return "" if mention.assertion is Assertion.PRESENT else "the rule itself"
    for category, rule in reader.asserter.modifying(view, mention):
        if category == str(assertion) or (category == "affirm" and assertion is Assertion.PRESENT):
            return f"context rule {rule}"
    if assertion is Assertion.PRESENT:
        return ""
    section = reader.asserter.sections.get(view.section_at(mention.start) or "")
    if section is not None and section.assertion is assertion:
        return f"section {section.name}"
    return "the words around it"


def _ruling(reader: "Reader", view: NoteView, mention: Mention) -> str:
    subject = reader.rulings.subject(view)
    if subject.lung == 0:
        return "a ruling for the whole note: it names no lung cancer, and this field is not taken then"
    if not subject.small_cell and mention.field in {"stage.valg", "histology"}:
        return "a ruling for the whole note: it names no small cell cancer"
    return "a ruling for the whole note: a more exact or a proved statement stands elsewhere"
