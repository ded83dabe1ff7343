"""The pipeline as a spaCy Language, for notebooks and other pipelines: sentences, entities and findings on the Doc."""

from typing import TYPE_CHECKING

from spacy.language import Language
from spacy.tokens import Doc, Span

from abstractor.model.note import Note
from abstractor.pipeline.language import blank_language

if TYPE_CHECKING:
    from abstractor.pipeline.nlp import Reader

NAME = "abstractor"
SPANS = "findings"
"""Name of the span group with the words of every finding; `doc.ents` holds those that do not overlap."""


class AbstractorComponent:
    """Sets `doc._.findings`, `doc.spans["findings"]`, `doc.ents` (label = field) and the sentence starts."""

    def __init__(self, reader: "Reader") -> None:
        self.reader = reader

    def __call__(self, doc: Doc) -> Doc:
        note = doc._.note or Note(note_id="doc", text=doc.text)
        view = self.reader.view(note)
        starts = {sentence.start for sentence in view.sentences}
        for token in doc:
            token.is_sent_start = token.i == 0 or token.idx in starts
        findings = self.reader.read(note)
        spans = []
        for finding in findings:
            span = doc.char_span(finding.start, finding.end, label=finding.field, alignment_mode="expand")
            if span is not None:
                spans.append(span)
        doc._.findings = findings
        doc.spans[SPANS] = spans
        doc.ents = _apart(spans)
        return doc


def language(reader: "Reader") -> Language:
    """A blank English Language with the component at its end. Give a note's date and type with `doc._.note` (a `Note` of the same text)."""
    if not Doc.has_extension("findings"):
        Doc.set_extension("findings", default=None)
    if not Doc.has_extension("note"):
        Doc.set_extension("note", default=None)
    nlp = blank_language()
    component = AbstractorComponent(reader)

    def create(nlp: Language, name: str) -> AbstractorComponent:
        return component

    Language.factory(NAME, func=create)
    nlp.add_pipe(NAME)
    return nlp


def _apart(spans: list[Span]) -> list[Span]:
    """The spans, first come first served, that do not overlap."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.start, -one.end)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept
