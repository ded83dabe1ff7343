"""The shape of every file in `rules/`: one frozen model a kind of entry; unknown keys are refused.

Every other list of keys (documentation, checks) is derived from these models.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from abstractor.model.finding import Assertion


class Entry(BaseModel):
    """What all entries share: frozen, and an unknown key is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=False)


def _split(value: object) -> object:
    """A CSV cell holds a list as `a|b|c`."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split("|") if part.strip())
    return value


Cells = Annotated[tuple[str, ...], BeforeValidator(_split)]


class Code(Entry):
    """One permissible value of a field."""

    code: str
    label: str
    synonyms: tuple[str, ...] = ()
    """What a person may type in the code picker."""
    broader: str | None = None
    """The code that says the same less exactly (III for IIIA): mentions of it support this one."""


class AttributeSpec(Entry):
    """What more a fact of a field may say (the dose of a radiotherapy), and how a person types it."""

    name: str
    label: str
    kind: Literal["integer", "number", "words", "drugs", "yes", "date", "code"]
    units: dict[str, float] = Field(default_factory=dict)
    """What may stand behind a number, and what it is multiplied with; the first is the unit that is stored."""
    lowest: float | None = None
    highest: float | None = None
    """Beyond these a number is refused, whichever unit it was typed in."""
    usual: tuple[float, float] | None = None
    """Outside of these a number is asked for twice."""
    pattern: str | None = None
    codes: tuple[Code, ...] = ()
    needed: bool = False
    """Asked for once before a fact is saved without it."""
    hint: str = ""


class FieldSpec(Entry):
    """One question of the registry (FIELDS.md, INTERFACE.md "Facts in and out")."""

    name: str
    label: str
    short: str = ""
    """The label where there is no room for it: at most 13 characters; "" for a label that is short itself."""
    group: str
    """Part of the form, in the order of `fields.toml`: identity, diagnosis, stage, pathology, molecular, treatment, course."""
    kind: Literal["code", "date", "integer", "text"]
    codes: tuple[Code, ...] = ()
    pattern: str | None = None
    """What a value must match in whole, where it is no code."""
    hint: str = ""
    """How to write a value, shown while editing."""
    entry: Literal["plain", "tnm", "variant", "drug", "stain"] = "plain"
    """How typed words become a value: `cT2a` is T2a with a prefix, `tp53 r175h` is TP53 p.R175H, a brand is its generic name."""
    lowest: float | None = None
    highest: float | None = None
    """Beyond these a number in a typed value is refused."""
    usual: tuple[float, float] | None = None
    """Outside of these a number is asked for twice."""
    dated: bool = False
    """The date of the fact is asked for once before it is saved without one."""
    attributes: tuple[AttributeSpec, ...] = ()
    """What more a fact may say, in the order in which it is asked."""
    absent_counts: bool = False
    """(±) in FIELDS.md: that it is not so is a fact worth keeping."""
    slot: Literal["patient", "value", "event", "episode"]
    """How mentions become one question: one per patient; one per value; one per dated event (of any value); one per value and dated episode."""
    window_days: int = Field(default=0, ge=0)
    """Events or episodes no further apart than this are one."""
    in_notes: bool = True
    """False: no note-level fact; it is entered, imported or derived."""
    required: bool = False
    """Asked for even when nothing was found."""
    low_stakes: bool = False
    """Never an endpoint or eligibility field."""
    source_priority: tuple[str, ...] = ()
    """Note types, the most trusted first; types not named rank behind them, alike."""
    prefix_refines: bool = False
    """A value that begins with another says the same more exactly (T2a and T2, 2021-03-04 and 2021)."""
    final: tuple[str, ...] = ()
    """Values that end the question: what was true before them (alive) does not contradict them (dead)."""
    decisive_first: tuple[str, ...] = ()
    """Of differing values about one event, on evidence of the same rank, these are offered first, in this order (RECIST: any progression is progression)."""
    latest_wins: bool = False
    """Of differing values the latest note's is offered first (addendum over original); else the earliest."""

    def label_of(self, value: str) -> str:
        """A value in the words of the form: the label of its code, or the value itself where it is none."""
        return next((one.label for one in self.codes if one.code == value), value)


class Example(Entry):
    """A text that proves a rule: the evidence stands between `[[` and `]]`; without brackets, the rule must stay silent."""

    text: str
    value: str | None = None
    """Default: the rule's own value."""
    assertion: Assertion = Assertion.PRESENT
    note_type: str = "clinic"
    note_date: str | None = None
    why: str = ""


class TextExample(Entry):
    """A row of `examples/*.toml`: a text that proves a context, section or mask rule, a settings file or a vocabulary.

    The evidence stands between `[[` and `]]`. With `silent`, a counterexample: no brackets, and no present finding of the field.
    """

    rule: str
    """Id of a context, section, mask or target rule, or the name of a settings file or a vocabulary (`response`, `drugs`)."""
    field: str
    text: str
    value: str | None = None
    """None: any value; for a counterexample, none at all."""
    assertion: Assertion = Assertion.PRESENT
    silent: bool = False
    alone: bool = False
    """The text is the whole note; otherwise it is part of a note about a small cell lung cancer."""
    note_type: str = "clinic"
    note_date: str | None = None
    why: str = ""


class TargetRule(Entry):
    """Words that state a value of a field."""

    id: str
    field: str
    value: str | None = None
    """The value stated; None where `normaliser` makes it from the words."""
    normaliser: str | None = None
    terms: tuple[str, ...] = ()
    """Words to be found as they are (medspaCy target matcher): any case, any white space between words."""
    pattern: tuple[dict[str, object], ...] = ()
    """A spaCy token pattern."""
    regex: tuple[str, ...] = ()
    """Regular expressions over the cleaned text; the group `evidence`, if there is one, is the evidence. Case-insensitive."""
    case_sensitive: bool = False
    sections: tuple[str, ...] = ()
    """Only in these sections."""
    not_sections: tuple[str, ...] = ()
    note_types: tuple[str, ...] = ()
    unless_before: str | None = None
    """Silent where this regular expression ends right before the match (white space between)."""
    unless_after: str | None = None
    """Silent where this regular expression follows the match."""
    unless_sentence: str | None = None
    """Silent where the sentence holds this."""
    needs_sentence: str | None = None
    """Silent where the sentence does not hold this."""
    assertion: Assertion | None = None
    """Fixed by the words themselves; None: context decides."""
    attributes: dict[str, object] = Field(default_factory=dict)
    confidence: float = Field(default=0.9, gt=0, le=1)
    why: str = ""
    examples: tuple[Example | str, ...] = ()
    counterexamples: tuple[Example | str, ...] = ()


class ContextRule(Entry):
    """Words that change what a mention near them asserts (ConText)."""

    id: str
    category: Literal[
        "absent", "uncertain", "hypothetical", "historical", "other_experiencer", "affirm", "terminate", "pseudo"
    ]
    direction: Literal["forward", "backward", "both", "terminate"]
    terms: tuple[str, ...] = ()
    patterns: tuple[tuple[dict[str, object], ...], ...] = ()
    """spaCy token patterns."""
    regex: tuple[str, ...] = ()
    """Only for `terminate`: where a clause ends (the match belongs to the next clause)."""
    max_words: int | None = None
    """Scope in words; None: to the end of the clause."""
    fields: tuple[str, ...] = ()
    """Only for mentions of these fields; empty: all."""
    not_fields: tuple[str, ...] = ()
    why: str = ""
    examples: tuple[Example | str, ...] = ()


class SectionRule(Entry):
    """A section and the headings it goes by."""

    name: str
    titles: tuple[str, ...]
    regex: tuple[str, ...] = ()
    note_types: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    """Only where one of these sections is open (a scan told right after the examination)."""
    part_of: str | None = None
    """A mere part (an organ in a report): the section around it stays in force; where there is none, or a brief one, this section begins."""
    brief: bool = False
    """Never holds parts (the comparison line of a report)."""
    assertion: Assertion | None = None
    """What stands in it is about this, unless the words say otherwise (family history: other_experiencer)."""
    fields: tuple[str, ...] = ()
    """The fields `assertion` is meant for; empty: all."""
    nothing: str | None = None
    """A regular expression for what says that there is nothing to tell ("non-contributory"); where the body begins so, it ends there."""
    silent_fields: tuple[str, ...] = ()
    """Fields of which nothing stands in it (physical examination: metastasis)."""
    silent: bool = False
    """Nothing in it is a fact of the patient (trial options, gene lists, patient education)."""


class MaskRule(Entry):
    """Template text that is nobody's fact: legends, trial criteria, consent, patient education."""

    id: str
    regex: str
    why: str = ""
    examples: tuple[Example | str, ...] = ()


class NoteTypeRule(Entry):
    """A note type and the words hospitals use for it."""

    name: str
    words: tuple[str, ...] = ()
    regex: tuple[str, ...] = ()
    loinc: tuple[str, ...] = ()
    """LOINC codes of documents, and of the categories of reports (FHIR)."""
    hl7: tuple[str, ...] = ()
    """Codes of HL7 table 0074, the services that make reports (FHIR)."""
    omop: tuple[int, ...] = ()
    """Concept ids of an OMOP `NOTE` table's class or type."""


class EvidenceRule(Entry):
    """A kind of evidence that puts a patient into the cohort (`annotate --only-cohort`); the order of the file is that of strength."""

    reason: Literal["histology", "lung_cancer"]
    """What the patient's row gives as the reason."""
    field: Literal["histology", "lung_cancer"]
    """A finding of histology, or the words that name the patient's lung cancer."""
    values: tuple[str, ...] = ()
    """Empty: any value."""
    assertion: Assertion
    outweighed: bool = False
    """Of lung_cancer: named in a note that names another cancer of the patient more."""
    confidence: float | None = Field(default=None, gt=0, le=1)
    """How far words that name a lung cancer are to be believed; None for a finding, which has its own."""


class Gene(Entry):
    """A row of `vocab/genes.csv`."""

    symbol: str
    aliases: Cells = ()
    """Other names, safe in any text of a molecular kind."""
    ambiguous: Cells = ()
    """Names (the symbol too) that are common words or abbreviations: taken only beside an alteration or in a molecular list."""
    names: Cells = ()
    """Names of the protein (for IHC)."""


class Drug(Entry):
    """A row of `vocab/drugs.csv`."""

    generic: str
    group: str
    """platinum, topoisomerase, taxane, alkylator, pd1, pdl1, ctla4, dll3, tki, antibody, trial, supportive …"""
    therapy_class: str
    """chemotherapy, immunotherapy, targeted therapy, supportive."""
    brands: Cells = ()
    synonyms: Cells = ()
    """Other names, codes and common misspellings."""
    abbreviations: Cells = ()
    """Short forms that mean other things too: taken only among drugs or cycles, and by exact case."""


class Regimen(Entry):
    """A row of `vocab/regimens.csv`."""

    code: str
    drugs: Cells
    safe: bool = False
    """True: means nothing else in a chart."""


class Site(Entry):
    """A row of `vocab/sites.csv`: words for an organ."""

    value: str
    nouns: Cells = ()
    adjectives: Cells = ()
    regional: Cells = ()
    """Words of the same region that are not distant spread."""


VOCABULARIES: dict[str, type[Entry]] = {"genes": Gene, "drugs": Drug, "regimens": Regimen, "sites": Site}
"""Name of a CSV file in `rules/vocab/` to the shape of its rows."""
