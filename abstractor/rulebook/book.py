"""The rulebook as the rest of the program sees it: checked, frozen, with the hash of its content as its version."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from abstractor.rulebook.schema import (
    ContextRule,
    Drug,
    Entry,
    EvidenceRule,
    FieldSpec,
    Gene,
    MaskRule,
    NoteTypeRule,
    Regimen,
    SectionRule,
    Site,
    TargetRule,
    TextExample,
)

Row = TypeVar("Row", bound=Entry)

MEASURED = "confidence"
"""The settings file that holds no words but what was measured; a rulebook may do without it."""


@dataclass(frozen=True)
class RuleBook:
    """All rules of one folder."""

    version: str
    """First 16 hexadecimal digits of the SHA-256 over the names and bytes of all rule files but `examples/`."""
    root: Path
    fields: Mapping[str, FieldSpec]
    """By name, in the order of the form."""
    targets: tuple[TargetRule, ...]
    context: tuple[ContextRule, ...]
    sections: tuple[SectionRule, ...]
    masks: tuple[MaskRule, ...]
    note_types: tuple[NoteTypeRule, ...]
    vocabularies: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Name of a file in `rules/settings/` to its content: word lists of the components that are no target rules."""
    examples: tuple[TextExample, ...] = ()
    """What stands in `rules/examples/`: they prove the rules and change nothing that is found."""
    cohort: tuple[EvidenceRule, ...] = ()
    """What puts a patient into the cohort, the strongest kind first."""

    def genes(self) -> tuple[Gene, ...]:
        return self._rows("genes", Gene)

    def drugs(self) -> tuple[Drug, ...]:
        return self._rows("drugs", Drug)

    def regimens(self) -> tuple[Regimen, ...]:
        return self._rows("regimens", Regimen)

    def sites(self) -> tuple[Site, ...]:
        return self._rows("sites", Site)

    def _rows(self, name: str, kind: type[Row]) -> tuple[Row, ...]:
        return tuple(row for row in self.vocabularies.get(name, ()) if isinstance(row, kind))
