"""Extracts `radiotherapy`: what was irradiated, with dose and fractions as attributes."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from abstractor.model.finding import Assertion
from abstractor.pipeline.course import CourseReader
from abstractor.pipeline.dates import date_treatment
from abstractor.pipeline.lexicon import Lexicon
from abstractor.pipeline.mention import Extractor, Mention
from abstractor.pipeline.sieve import Expression
from abstractor.pipeline.view import NoteView, Sentence
from abstractor.rulebook.book import RuleBook

FIELD = "radiotherapy"
UNSPECIFIED = "unspecified"
_OTHER = "other"
_PCI = "pci"
_GIVEN = {None, Assertion.PRESENT}
_MERGE = 45
"""Treatment words and doses no further apart than this many characters are one treatment."""
_PHRASE = 12
"""A label such as RT and the treatment that it is a label of ("RT  brain SABR") are no further apart."""
_LINE = 80
_COMBINED = 30
"""Chemotherapy named within so many characters of radiotherapy may be one treatment with it."""
_ADJOINING = 25
"""An organ outside the chest counts as irradiated where it stands at most so many characters before the treatment."""
_PER_FRACTION = 4
"""A dose of fewer Gy than this is one of a fraction, where a higher one stands behind it ("1.5 Gy twice daily to 45 Gy")."""
_CGY = 100
"""Centigray in a gray."""


@dataclass(frozen=True, slots=True)
class _Kind:
    value: str
    word: Expression
    needs: Expression | None
    unless: Expression | None


@dataclass(frozen=True, slots=True)
class _Dose:
    """Total dose in Gy and number of fractions, as far as stated."""

    gray: float | None = None
    fractions: int | None = None

    @property
    def per_fraction(self) -> float | None:
        return self.gray / self.fractions if self.gray and self.fractions else None


@dataclass(frozen=True, slots=True)
class _Site:
    """A region, for treatments that name theirs beside them."""

    value: str
    with_dose: str
    ablative: str
    primary: bool
    regex: Expression

    def named(self, dose: _Dose, ablative_dose: float) -> str:
        """The value for a treatment of this region with this dose."""
        if (dose.per_fraction or 0) >= ablative_dose:
            return self.ablative
        return self.with_dose if dose.gray else self.value


@dataclass(frozen=True)
class _Radiotherapies:
    course: CourseReader
    cues: dict[str, Expression]
    kinds: tuple[_Kind, ...]
    sites: tuple[_Site, ...]
    gray: dict[str, int]
    """Doses in words."""
    radical_dose: float
    """From this dose on (Gy), a treatment without a named site is that of the primary (FIELDS, ruling 19)."""
    ablative_dose: float
    """From this dose per fraction on (Gy), a treatment of the brain is stereotactic."""

    def __call__(self, view: NoteView) -> Iterable[Mention]:
        found = [one for sentence in view.sentences for one in self._of_sentence(view, sentence)]
        return self._specific(view, self._once(view, found))

    def _once(self, view: NoteView, found: list[Mention]) -> list[Mention]:
        """Without the dose that only tells again the dose of the treatment right before it ("25 Gy / 10 #   Given 25 Gy")."""
        kept: list[Mention] = []
        for one in found:
            dose = one.attributes.get("dose_gy")
            said = bool(kept) and one.start - kept[-1].end <= _LINE and kept[-1].attributes.get("dose_gy") == dose
            if not (said and dose and view.text[one.start].isdigit()):
                kept.append(one)
        return kept

    def _of_sentence(self, view: NoteView, sentence: Sentence) -> Iterator[Mention]:
        for start, end in self._stretches(view, sentence):
            kind, dose = self._kind(view, sentence, start, end)
            if kind is None:
                continue
            assertion = self.course.assertion_of(view, start, end)
            if kind == _PCI and not dose.gray and self.cues["forgone"].match(view.text, end, sentence.end):
                assertion = Assertion.ABSENT
            if assertion is None and not dose.gray and self.course.is_heading(view, start, end):
                continue
            when, attributes = date_treatment(view, FIELD, start, end, assertion)
            if dose.gray:
                attributes["dose_gy"] = int(dose.gray) if dose.gray == int(dose.gray) else dose.gray
            if dose.fractions:
                attributes["fractions"] = dose.fractions
            if self.cues["bid"].search(view.text, start, min(sentence.end, end + 40)):
                attributes["twice_daily"] = True
            yield Mention(
                FIELD,
                kind,
                start,
                end,
                rule=f"radiotherapy.{kind}",
                assertion=assertion,
                date=when,
                attributes=attributes,
                confidence=0.75 if kind == UNSPECIFIED else 0.9,
            )

    def _stretches(self, view: NoteView, sentence: Sentence) -> Iterator[tuple[int, int]]:
        """Where treatments are named; a word and its dose are one stretch."""
        current: tuple[int, int] | None = None
        for match in self.cues["word"].finditer(view.text, sentence.start, sentence.end):
            start, end = match.span()
            if self._is_no_treatment(view, sentence, start, end):
                continue
            if current is None:
                current = (start, end)
                continue
            between = view.text[current[1] : start]
            is_dose = match[0][0].isdigit() or self.cues["dose_in_words"].fullmatch(match[0])
            one_phrase = len(between) <= _PHRASE and self.cues["rt_alone"].fullmatch(view.text, *current)
            if (one_phrase and self.cues["label_gap"].fullmatch(between)) or (
                len(between) <= _MERGE and is_dose and not self.cues["clause_end"].search(between)
            ):
                current = (current[0], end)
            else:
                yield current
                current = (start, end)
        if current is not None:
            yield current

    def _is_no_treatment(self, view: NoteView, sentence: Sentence, start: int, end: int) -> bool:
        head = view.text[max(sentence.start, start - 40) : start]
        tail = view.text[end : min(sentence.end, end + 30)]
        if self.cues["no_treatment"].search(tail) or self.cues["no_treatment_before"].search(head):
            return True
        if view.text[start].isdigit() and self.cues["organ_dose"].search(head):
            return True
        whole = view.words(sentence.start, sentence.end)
        if self.cues["not_cancer"].search(whole):
            return True
        if self.cues["rt_alone"].fullmatch(view.text, start, end):
            right = self.cues["right_not_rt"].search(tail) or self.cues["rt_before"].search(head)
            return bool(right) or not self.cues["rt_context"].search(whole)
        return False

    def _kind(self, view: NoteView, sentence: Sentence, start: int, end: int) -> tuple[str | None, _Dose]:
        text = view.text
        clause = self._clause(view, sentence, start, end)
        dose = self._dose(text, start, clause[1])
        words = text[clause[0] : clause[1]]
        for kind in self.kinds:
            around = kind.word.finditer(text, max(clause[0], start - _MERGE), min(sentence.end, end + 60))
            match = next((one for one in around if one.start() < end and one.end() > start), None)
            if match is None:
                continue
            if kind.value == "pci" and self._is_coronary(words, match):
                return None, dose
            if (kind.needs is None or kind.needs.search(words)) and not (kind.unless and kind.unless.search(words)):
                return kind.value, dose
        return self._by_site(text, clause, start, end, dose), dose

    def _is_coronary(self, clause: str, match: re.Match[str]) -> bool:
        return bool(self.cues["pci_alone"].fullmatch(match[0]) and self.cues["coronary"].search(clause))

    def _by_site(self, text: str, clause: tuple[int, int], start: int, end: int, dose: _Dose) -> str:
        """The region nearest to the treatment: behind it, or before it in the same member of a list."""
        begin = max(clause[0], start - 60)
        begin = max((one.end() for one in self.cues["list_member"].finditer(text, begin, start)), default=begin)
        reach = min(clause[1], end + 80)
        for name in ("list_member", "site_stop"):
            stop = self.cues[name].search(text, end, reach)
            reach = stop.start() if stop else reach
        found = [
            (match.start() - end if match.start() >= end else 2 * max(0, start - match.end()), index)
            for index, site in enumerate(self.sites)
            for match in site.regex.finditer(text, begin, reach)
            if match.start() >= end or site.value != _OTHER or start - match.end() <= _ADJOINING
        ]
        radical = dose.gray is not None and dose.gray >= self.radical_dose
        primary = [one for one in found if self.sites[one[1]].primary]
        if radical and primary and self.sites[min(found)[1]].value == _OTHER:
            found = primary
        if not found and not radical and text[start].isdigit():
            found = self._sites_above(text, start)
        if found:
            return self.sites[min(found)[1]].named(dose, self.ablative_dose)
        of_primary = radical or self.cues["body"].search(text, start, end)
        return next((site.value for site in self.sites if site.primary and of_primary), UNSPECIFIED)

    def _sites_above(self, text: str, start: int) -> list[tuple[int, int]]:
        """The regions named in the lines before a dose ("Site: L1" over "Dose: 20 Gy in 5 fractions"): distance, index."""
        return [
            (start - match.end(), index)
            for index, site in enumerate(self.sites)
            for match in site.regex.finditer(text, max(0, start - 2 * _LINE), start)
        ]

    def _clause(self, view: NoteView, sentence: Sentence, start: int, end: int) -> tuple[int, int]:
        begin = max(
            (one.end() for one in self.cues["clause_end"].finditer(view.text, sentence.start, start)),
            default=sentence.start,
        )
        stop = self.cues["clause_end"].search(view.text, end, sentence.end)
        return begin, stop.start() if stop else max(end, sentence.end)

    def _dose(self, text: str, start: int, stop: int) -> _Dose:
        stop = min(stop, start + 140)
        match = self.cues["dose"].search(text, start, stop)
        if match is None:
            spelt = self.cues["dose_in_words"].search(text, start, stop)
            return _Dose(self.gray.get(spelt["words"].lower().replace(" ", "-"))) if spelt else _Dose()
        if match["fx3"]:
            gray = float(match["per"]) / (_CGY if match["unit3"].lower().startswith("c") else 1)
            return _Dose(round(gray * int(match["fx3"]), 2), int(match["fx3"]))
        written, unit = match["gy"] or match["gy2"], match["unit"] or match["unit2"] or "Gy"
        fractions = match["fx"] or match["fx2"]
        gray = float(written) / (_CGY if unit.lower().startswith("c") else 1)
        if fractions is None and gray < _PER_FRACTION:
            total = self._dose(text, match.end(), stop)
            return total if (total.gray or 0) > gray else _Dose(gray)
        if fractions is None and self.cues["single_fraction"].search(text, start, stop):
            return _Dose(gray, 1)
        return _Dose(gray, int(fractions) if fractions and int(fractions) > 0 else None)

    def _specific(self, view: NoteView, found: list[Mention]) -> list[Mention]:
        """A treatment told without its site is the one told with it elsewhere in the note.

        Radiotherapy that was given together with chemotherapy is not the one of the brain or of a bone.
        """
        thoracic = any(one.value == "thoracic" for one in found)
        named = {one.assertion for one in found if one.value != UNSPECIFIED}
        kept = []
        for one in found:
            if one.value != UNSPECIFIED:
                kept.append(one)
            elif (
                one.assertion is not Assertion.ABSENT and thoracic and not (one.assertion in _GIVEN and named & _GIVEN)
            ):
                kept.append(replace(one, value="thoracic"))
            elif not (named & _GIVEN if one.assertion in _GIVEN else one.assertion in named) or (
                one.assertion in _GIVEN and not thoracic and self._is_combined(view, one)
            ):
                kept.append(one)
        return kept

    def _is_combined(self, view: NoteView, mention: Mention) -> bool:
        sentence = view.sentence_at(mention.start)
        start, end = max(sentence.start, mention.start - _COMBINED), min(sentence.end, mention.end + _COMBINED)
        return bool(self.cues["combined"].search(view.text, start, end))


def build(rulebook: RuleBook) -> Extractor:
    """The extractor of `radiotherapy`."""
    lexicon = Lexicon.of(rulebook, "radiotherapy")
    names = (
        "word",
        "no_treatment",
        "no_treatment_before",
        "forgone",
        "organ_dose",
        "rt_alone",
        "rt_before",
        "rt_context",
        "right_not_rt",
        "pci_alone",
        "coronary",
        "clause_end",
        "list_member",
        "body",
        "label_gap",
        "site_stop",
        "dose",
        "dose_in_words",
        "bid",
        "combined",
        "single_fraction",
        "not_cancer",
    )
    kinds = tuple(
        _Kind(
            value=str(row["value"]),
            word=lexicon.compiled(str(row["word"])),
            needs=lexicon.compiled(str(row["needs"])) if "needs" in row else None,
            unless=lexicon.compiled(str(row["unless"])) if "unless" in row else None,
        )
        for row in lexicon.rows("kind")
    )
    sites = tuple(
        _Site(
            value=str(row["value"]),
            with_dose=str(row.get("with_dose", row["value"])),
            ablative=str(row.get("ablative", row["value"])),
            primary=bool(row.get("primary", False)),
            regex=lexicon.compiled(str(row["regex"])),
        )
        for row in lexicon.rows("site")
    )
    return _Radiotherapies(
        course=CourseReader.of(rulebook),
        cues={name: lexicon.pattern(name) for name in names},
        kinds=kinds,
        sites=sites,
        gray=lexicon.numbers("gray"),
        radical_dose=lexicon.number("radical_dose", 40),
        ablative_dose=lexicon.number("ablative_dose", 9),
    )
