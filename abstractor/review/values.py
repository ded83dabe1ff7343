"""What a person types or selects, as a value of a field. It never guesses where two readings are possible."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product

from abstractor.review.attributes import range_problem
from abstractor.review.entered_drugs import DrugReader
from abstractor.review.entered_variants import VariantReader
from abstractor.review.picker import Picker, flat
from abstractor.review.typed_dates import date_problem, read_date, typed_date
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.load import value_fits
from abstractor.rulebook.schema import Code, FieldSpec
from abstractor.rulebook.stages import Edition, edition_in, editions_of

_LONGEST = 400
"""Characters of a selection that are read: a value is a phrase, and patterns must stay quick."""
_FEW = 4
"""Words of a typed value whose spelling is looked for: each has up to three."""
_ALL = 100
"""Where the numbers of a field end if they are per cent."""
_PREFIX = "[yra]{0,2}[cpu]?"
_NUMBERS = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Reading:
    """What was typed, brought into form."""

    value: str
    problem: str = ""
    """Why it can't be saved; "" where it can."""
    doubt: str = ""
    """Why it is asked for twice; "" where nothing is strange about it."""
    attributes: Mapping[str, object] = field(default_factory=dict, hash=False)
    """What the words say besides: the prefix of a T."""


@dataclass(frozen=True)
class ValueReader:
    """How what is typed becomes a value, by the fields and vocabularies of a rulebook; made ready when it is first needed."""

    book: RuleBook
    _pickers: dict[str, Picker] = field(default_factory=dict, compare=False)

    @cached_property
    def drugs(self) -> DrugReader:
        return DrugReader(self.book)

    @cached_property
    def variants(self) -> VariantReader:
        return VariantReader(self.book)

    @cached_property
    def editions(self) -> tuple[Edition, ...]:
        return editions_of(self.book)

    # Choosing

    def codes(self, spec: FieldSpec) -> tuple[Code, ...]:
        """What can be chosen for a field: its codes, or those that its vocabulary makes."""
        if spec.codes:
            return spec.codes
        match spec.entry:
            case "drug":
                return self.drugs.codes
            case "stain":
                return self._stains(spec)
            case "tnm":
                return self._categories(spec)
            case _:
                return ()

    def matching(self, spec: FieldSpec, typed: str) -> tuple[Code, ...]:
        """The codes that fit what was typed so far, the closest first."""
        if spec.entry == "variant":
            return self._variants(typed)
        return self._picker(spec).matching(typed)

    def _picker(self, spec: FieldSpec) -> Picker:
        if spec.name not in self._pickers:
            self._pickers[spec.name] = self.drugs.picker if spec.entry == "drug" else Picker.of(self.codes(spec))
        return self._pickers[spec.name]

    def _stains(self, spec: FieldSpec) -> tuple[Code, ...]:
        """Every marker with every result that the field takes."""
        settings = self.book.settings.get("ihc", {})
        markers, results = settings.get("markers", {}), settings.get("results", {})
        if not isinstance(markers, Mapping) or not isinstance(results, Mapping):
            return ()
        named = [(f"{marker} {result}", marker) for marker in markers for result in ("positive", "negative", *results)]
        return tuple(
            Code(code=value, label=value, synonyms=(value.replace("-", ""),))
            for value in dict.fromkeys(value for value, _ in named)
            if value_fits(spec, value)
        )

    def _categories(self, spec: FieldSpec) -> tuple[Code, ...]:
        """The categories of T, N or M that any edition knows."""
        letter = spec.name[-1].upper()
        known = {one for edition in self.editions for one in (*edition.rows, *edition.nodes, *edition.spread)}
        broad = {re.sub(r"(?<=\d)[a-z]\d?$", "", one) for one in known} | {f"{letter}X", f"{letter}0"}
        fitting = sorted(one for one in known | broad if one.startswith(letter) and value_fits(spec, one))
        return tuple(Code(code=one, label=one, synonyms=(one[1:],)) for one in fitting)

    def _variants(self, typed: str) -> tuple[Code, ...]:
        """Genes while the first word is typed; behind it, the words for an alteration."""
        gene, blank, said = typed.lstrip().partition(" ")
        if not blank:
            spec_name = "genes of variants"
            if spec_name not in self._pickers:
                self._pickers[spec_name] = Picker.of(self.variants.genes)
            return self._pickers[spec_name].matching(gene) if gene else ()
        symbol = self.variants.symbol(gene) or gene
        kinds = [kind for kind in self.variants.kinds if kind.startswith(said.strip().casefold())]
        return tuple(Code(code=f"{symbol} {kind}", label=kind) for kind in kinds)

    def half_typed(self, spec: FieldSpec, typed: str, found: Sequence[Code]) -> str | None:
        """The code that stands for half-typed words: of a list there is nothing beside; of an open one where it begins so."""
        if not found or not typed.strip() or spec.entry == "variant":
            return None
        names = (found[0].code, *found[0].synonyms)
        begins = any(flat(name).startswith(flat(typed)) for name in names)
        return found[0].code if spec.codes or spec.entry == "stain" or begins else None

    # Reading

    def read(self, spec: FieldSpec, typed: str, year: int | None = None, edition: object = None) -> Reading:
        """What was typed, as a value with what is wrong or strange about it.

        Args:
            spec: the field.
            typed: as it stands in the entry.
            year: of the diagnosis, where it is known: it tells the edition of the TNM classification.
            edition: the number of the edition, where the person states it.
        """
        text = " ".join(typed.split())
        if not text:
            return Reading("", "a value is needed" + (f": {spec.hint}" if spec.hint else ""))
        if spec.kind == "date":
            date = typed_date(text)
            return Reading(date.date or text, date.problem)
        match spec.entry:
            case "tnm":
                return self._category(spec, text, year, edition)
            case "variant":
                said = self.variants.read(text)
                return Reading(said.value, said.problem or value_problem(spec, said.value), said.doubt)
            case "drug":
                value, doubt = self.drugs.one(text)
                return Reading(value, value_problem(spec, value), doubt if self.drugs.codes else "")
            case _:
                exact = self._picker(spec).exact(text)
                return _checked(spec, exact.code if exact is not None else _as_written(spec, text))

    def _category(self, spec: FieldSpec, text: str, year: int | None, edition: object) -> Reading:
        """A T, N or M, alone or out of a whole TNM; the letter itself may be left out."""
        letter = spec.name[-1]
        match = self._tnm.fullmatch(text) or self._tnm.fullmatch(letter + text)
        if match is None or not match[letter]:
            return Reading(text, value_problem(spec, text))
        reading = _checked(spec, _spelled(match[letter]))
        prefix = match[f"{letter}_prefix"]
        if prefix:
            reading = replace(reading, attributes={"prefix": prefix.lower()})
        if reading.problem or not self.editions:
            return reading
        return self._in_edition(reading, year, edition)

    @cached_property
    def _tnm(self) -> re.Pattern[str]:
        """One, two or all three categories in their order, each with the prefix it may have."""
        parts = [
            rf"(?:(?P<{letter}_prefix>{_PREFIX})(?P<{letter}>{spec.pattern}))?"
            for spec in self.book.fields.values()
            if spec.entry == "tnm"
            for letter in (spec.name[-1],)
        ]
        return re.compile(r"[\s,;/]*".join(parts), re.IGNORECASE)

    def _in_edition(self, reading: Reading, year: int | None, edition: object) -> Reading:
        """What an edition does not know is refused where the edition is stated, and doubted where it follows from the year."""
        stated = next((one for one in self.editions if one.number == str(edition)), None)
        if stated is not None and not stated.knows(reading.value):
            return replace(reading, problem=f"{reading.value} is not in edition {stated.number}")
        used = edition_in(self.editions, year)
        if stated is None and used is not None and not used.knows(reading.value):
            doubt = f"{reading.value} is not in edition {used.number}, which was in use in {year}"
            return replace(reading, doubt=doubt)
        return reading

    def read_selected(self, spec: FieldSpec, selected: str) -> str | None:
        """The value that selected words state for a field; None where none can be read, or more than one."""
        text = " ".join(selected[:_LONGEST].split())
        if not text:
            return None
        if spec.kind == "date":
            return read_date(text)
        codes = self.codes(spec) if spec.entry != "tnm" else ()
        if codes:
            named = _named_code(codes, text)
            if named is not None or spec.codes:
                return named
        if spec.entry in {"variant", "tnm"} and (spec.entry == "tnm" or "variants" in self.book.settings):
            said = self.read(spec, text)
            if not said.problem and not said.doubt:
                return said.value
        if value_fits(spec, text):
            return text
        return _pattern_part(spec, text)

    def groups(self, year: int | None, edition: object, t: str, n: str, m: str) -> str:
        """The stage group that categories give: `IIIB (edition 8)`; "" where they leave it open or the edition is not known."""
        stated = next((one for one in self.editions if one.number == str(edition)), None)
        used = stated or edition_in(self.editions, year)
        if used is None:
            return ""
        groups = sorted(used.groups(t, n, m))
        return f"{' or '.join(groups)} (edition {used.number})" if groups else ""


def value_problem(spec: FieldSpec, value: str) -> str:
    """What is wrong with a value as it would be stored, in words that help; "" where nothing is."""
    if not value.strip():
        return "a value is needed" + (f": {spec.hint}" if spec.hint else "")
    if spec.kind == "date":
        return date_problem(value)
    if value_fits(spec, value):
        return _checked_numbers(spec, value)[0]
    if spec.codes:
        return "not a code of this field; type to choose one"
    return f"does not fit; write it like: {spec.hint}" if spec.hint else "does not fit this field"


def _checked(spec: FieldSpec, value: str) -> Reading:
    return Reading(value, value_problem(spec, value), _checked_numbers(spec, value)[1])


def _checked_numbers(spec: FieldSpec, value: str) -> tuple[str, str]:
    """What is wrong, and what is unusual, about the numbers in a value."""
    if spec.lowest is None and spec.highest is None and spec.usual is None:
        return "", ""
    found = [range_problem(spec.label, float(number), spec) for number in _NUMBERS.findall(value)]
    return next((one for one, _ in found if one), ""), next((one for _, one in found if one), "")


def _as_written(spec: FieldSpec, text: str) -> str:
    """`cps 8` as CPS 8 and `80%` as 80: the one spelling that the field takes, else the text as it was typed."""
    if spec.pattern is None or value_fits(spec, text):
        return text
    if spec.highest == _ALL:
        text = text.replace("%", "")
    words = text.split()
    if len(words) > _FEW:
        return text
    spellings = {" ".join(one) for one in product(*({word, word.upper(), word.lower()} for word in words))}
    fitting = [one for one in spellings if value_fits(spec, one)]
    return fitting[0] if len(fitting) == 1 else text


def _spelled(category: str) -> str:
    """T2A, t2a and tis as they are stored."""
    letter, rest = category[0].upper(), category[1:].lower()
    return letter + ("X" if rest == "x" else rest)


def _named_code(codes: Iterable[Code], text: str) -> str | None:
    """The one code whose name stands in the text; a longer name hides the shorter ones within it."""
    said = flat(text)
    names = [(name, code.code) for code in codes for name in _names(code)]
    taken: set[str] = set()
    for name, code in sorted(names, key=lambda one: -len(one[0])):
        if name not in said:
            continue
        said, hits = re.subn(rf"(?<!\w){re.escape(name)}(?!\w)", "\N{NULL}", said)
        if hits:
            taken.add(code)
    return taken.pop() if len(taken) == 1 else None


def _names(code: Code) -> set[str]:
    label = re.sub(r"\(.*?\)", " ", code.label)
    return {said for said in (flat(name) for name in (code.code, label, *code.synonyms)) if said}


def _pattern_part(spec: FieldSpec, text: str) -> str | None:
    if spec.pattern is None:
        return None
    for flags in (0, re.IGNORECASE):
        match = re.search(rf"(?<![\w.])(?:{spec.pattern})(?!\w)", text, flags)
        if match and value_fits(spec, match.group()):
            return match.group()
    return None
