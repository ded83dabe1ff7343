"""Codes that standards give to kinds of notes, and the registry's note types (`rules/note_types.toml`)."""

from collections.abc import Iterable, Mapping

from abstractor.model.note import NOTE_TYPES
from abstractor.rulebook.schema import NoteTypeRule
from abstractor.sources.reading import ReadOptions

UNKNOWN = "other"


def note_type_codes(rules: tuple[NoteTypeRule, ...]) -> Mapping[str, str]:
    """Code to note type; the keys are written `loinc|18842-5`, `hl7|RAD` and `omop|44814641`. Of two rules the first one holds."""
    codes: dict[str, str] = {}
    for rule in rules:
        for system, listed in (("loinc", rule.loinc), ("hl7", rule.hl7), ("omop", rule.omop)):
            for code in listed:
                codes.setdefault(f"{system}|{code}", rule.name)
    return codes


def note_type_of(codes: Iterable[str], names: Iterable[str], options: ReadOptions) -> str:
    """The type that the first known code tells, else the first name that tells one."""
    for code in codes:
        if code in options.codes:
            return options.codes[code]
    for name in names:
        told = options.note_type(name) if name else UNKNOWN
        if told in NOTE_TYPES and told != UNKNOWN:
            return told
    return UNKNOWN
