"""The Python interface: notes in, findings out. It imports the language machinery only when asked to read."""

import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from abstractor.model.errors import RulebookError
from abstractor.model.finding import Finding
from abstractor.model.note import Note

if TYPE_CHECKING:
    from spacy.language import Language

    from abstractor.pipeline.explain import Trace
    from abstractor.pipeline.expressions import Runaway
    from abstractor.pipeline.nlp import Reader
    from abstractor.pipeline.variants import VariantMention, VariantReader
    from abstractor.rulebook.book import RuleBook


class Abstractor:
    """A rulebook, ready to read notes."""

    def __init__(self, rulebook: "RuleBook", *, plain: bool = False) -> None:
        self.rulebook = rulebook
        self._plain = plain

    @classmethod
    def load(cls, rules: str | Path | None = None, *, plain: bool = False) -> "Abstractor":
        """Reads the rules that came with the program, or a folder of rules.

        Args:
            rules: a folder; None: the program's own.
            plain: read every note the long way, every part over the whole note; the findings are the same, to compare with.

        Raises:
            RulebookError: the rules are at fault; every fault is named.
        """
        from abstractor.rulebook.load import load_rulebook

        return cls(load_rulebook(Path(rules) if rules is not None else None), plain=plain)

    def check(self) -> None:
        """Compiles everything in the rulebook, as reading a note would.

        Raises:
            RulebookError: what is missing from the settings, or no regular expression in them; every fault found is named.
        """
        from abstractor.rulebook.load import find_missing_settings, find_setting_faults

        missing = find_missing_settings(self.rulebook)
        try:
            _ = self._reader
            _ = self._variant_reader
        except (RulebookError, re.error, KeyError, TypeError, ValueError) as error:
            told = error.faults if isinstance(error, RulebookError) else [f"the rules can't be compiled: {error}"]
            placed = [*missing, *find_setting_faults(self.rulebook)]
            raise RulebookError(placed or told) from error
        if missing:
            raise RulebookError(missing)

    def runaways(self, cache: Path | None = None) -> "list[Runaway]":
        """The regular expressions of the rulebook that can run without bound, each tried out; `cache` is a file of earlier verdicts."""
        from abstractor.pipeline.expressions import find_runaways

        return find_runaways(self._reader, self._variant_reader, cache)

    def unfiltered(self) -> list[str]:
        """What in the rulebook makes reading slow, because no words can be looked for beforehand."""
        from abstractor.pipeline.expressions import find_unfiltered

        return find_unfiltered(self._reader)

    def annotate(self, note: Note) -> list[Finding]:
        """All findings of one note, in the order of its text; `note.text[f.start:f.end] == f.text` for each."""
        return self._reader.read(note)

    def explain(self, note: Note) -> "tuple[Trace, ...]":
        """What became of every mention in a note, and which mask, section, context rule or ruling decided that; for mending rules."""
        from abstractor.pipeline.explain import explain

        return explain(self._reader, note)

    def sentences(self, note: Note) -> list[tuple[int, int]]:
        """Start and end of the sentences of a note, in order; blank stretches between them belong to none."""
        return [(sentence.start, sentence.end) for sentence in self._reader.view(note).sentences]

    def annotate_for_registry(self, note: Note) -> list[Finding]:
        """The findings of `annotate`, and the sex and birth date that a registry asks for (fields with `in_notes = false`)."""
        return self._reader.read_for_registry(note)

    def cohort_evidence(self, note: Note) -> list[dict[str, object]]:
        """What says that the patient of a note may belong in the registry (`abstractor.pipeline.cohort_evidence.Row`); mostly nothing."""
        from abstractor.pipeline.cohort_evidence import evidence_rows

        return evidence_rows(self._reader, note)

    def variants(self, text: str) -> "list[VariantMention]":
        """Variant mentions in any text, whether it is about lung cancer or not: start, end, text, gene, hgvs_p, hgvs_c, kind."""
        return self._variant_reader.find(text)

    @cached_property
    def spacy(self) -> "Language":
        """The spaCy Language behind it: `doc._.findings`, `doc.ents` (label = field), `doc.sents`."""
        from abstractor.pipeline.component import language

        return language(self._reader)

    @cached_property
    def _variant_reader(self) -> "VariantReader":
        from abstractor.pipeline.variants import VariantReader

        return VariantReader.from_rulebook(self.rulebook)

    @cached_property
    def _reader(self) -> "Reader":
        from abstractor.pipeline.nlp import Reader

        return Reader.from_rulebook(self.rulebook, plain=self._plain)
