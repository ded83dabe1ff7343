"""Free text held back: but identified, a fact leaves only with what its question, the vocabularies or the shape of a value know.

A value may come from an import or from a person's typing: a name or a telephone number may stand where a drug was asked for.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from abstractor.exports.alteration import read_alteration
from abstractor.model.dates import stated_date
from abstractor.model.fact import Fact
from abstractor.outcomes.lines import DrugGroups
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.schema import AttributeSpec, FieldSpec

UNLISTED = "unlisted drug"
"""In place of a drug that no vocabulary has."""
_CHANGE = re.compile(
    r"|mutation|amplification|gain|loss|deletion|duplication|insertion|fusion|rearrangement|inactivation|truncation|overexpression"
    r"|exon \d{1,3}( (mutation|deletion|insertion|duplication|skipping))?"
    r"|p\.\(?[A-Z*][a-z]{0,2}\d+[A-Z*=?]?(([a-z]{2}|fs|del|ins|dup|ext|_splice|[A-Z*_?\d])*)\)?"
    r"|c\.[-*]?\d+([+_-]\d+)*(([ACGT]>[ACGT])|del|ins|dup|[ACGT])*"
)
"""What may be said of a gene."""
_NUMBER = re.compile(r"-?\d{1,9}(\.\d{1,6})?")
_YES = frozenset({"true", "false", "yes", "no", "y", "n", "1", "0"})
_ALSO_YES = frozenset({"germline"})
"""Attributes of yes or no that no form asks for."""


class Masking:
    """What may be shown of the facts of a registry with these rules."""

    def __init__(self, rulebook: RuleBook, groups: DrugGroups, *, dates: bool) -> None:
        """`dates`: whether attributes that are dates may leave."""
        self._fields, self._dates = rulebook.fields, dates
        self._drugs = _known_drugs(rulebook, groups)
        self.held_back: Counter[str] = Counter()
        """Facts that did not leave, by their question."""
        self._genes = {gene.symbol.upper() for gene in rulebook.genes()}

    def fact(self, fact: Fact) -> Fact | None:
        """The fact with nothing that could be free text; None where its value could be."""
        spec = self._fields.get(fact.field)
        value = self._value(spec, fact.value) if spec else None
        if spec is None or value is None:
            self.held_back[fact.field] += 1
            return None
        return replace(fact, value=value, attributes=self._attributes(spec, fact))

    def drug(self, name: str) -> str:
        """A drug by its name, where a vocabulary has it."""
        return name if name.lower() in self._drugs else UNLISTED

    def _value(self, spec: FieldSpec, value: str) -> str | None:
        if spec.kind == "code":
            return value if any(one.code == value for one in spec.codes) else None
        if spec.kind == "date":
            return value if stated_date(value) else None
        if spec.entry == "drug":
            return self.drug(value)
        if spec.entry == "variant":
            return value if self._is_variant(value) else None
        pattern = spec.pattern if spec.kind == "text" else _NUMBER.pattern
        return value if pattern and re.fullmatch(pattern, value) else None

    def _is_variant(self, value: str) -> bool:
        """Without a vocabulary of genes, what has the shape of a symbol is one."""
        read = read_alteration(value)
        if read is None or not _CHANGE.fullmatch(read.change):
            return False
        return not self._genes or all(gene in self._genes for gene in read.genes)

    def _attributes(self, spec: FieldSpec, fact: Fact) -> Mapping[str, object]:
        asked = {one.name: one for one in spec.attributes}
        found: dict[str, object] = {}
        for name, value in fact.attributes.items():
            if name in asked:
                shown = self._attribute(asked[name], value)
            else:
                shown = value if name in _ALSO_YES and str(value).lower() in _YES else None
            if shown is not None:
                found[name] = shown
        return found

    def _attribute(self, asked: AttributeSpec, value: object) -> object:
        if asked.kind == "drugs":
            return [self.drug(str(one)) for one in value] if isinstance(value, list | tuple) else None
        told = str(value)
        fits = {
            "integer": _NUMBER.fullmatch(told) is not None,
            "number": _NUMBER.fullmatch(told) is not None,
            "yes": told.lower() in _YES,
            "code": any(one.code == value for one in asked.codes),
            "words": asked.pattern is not None and re.fullmatch(asked.pattern, told) is not None,
            "date": self._dates and stated_date(told) is not None,
        }
        return value if fits[asked.kind] else None


def _known_drugs(rulebook: RuleBook, groups: DrugGroups) -> frozenset[str]:
    listed = {drug.generic.lower() for drug in rulebook.drugs()}
    for group in (groups.supportive, groups.platinum, groups.backbone, groups.immunotherapy, groups.consolidation):
        listed |= {one.lower() for one in group}
    return frozenset(listed | groups.maintenance_partner | groups.unspecific)
