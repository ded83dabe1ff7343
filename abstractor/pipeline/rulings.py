"""What holds for a note as a whole: whose cancer it is about, and which facts are contained in others (FIELDS.md, rulings)."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from abstractor.model.finding import Assertion
from abstractor.pipeline.mention import Mention
from abstractor.pipeline.sieve import Expression, Gate, compiled_expression
from abstractor.pipeline.view import NoteView, Sentence
from abstractor.rulebook.book import RuleBook

_KEY = "subject"
_FOCUS = "focus"
"""Keys in `NoteView.memo`."""
_HEAD = 400
"""Characters at the top of a note in which a cancer is named as its subject."""
_OUTWEIGHED = 5
"""A lung cancer that is named five times less than another is not what the note is about."""
_HEDGED = 0.1
"""Weight of a lung cancer that is only suspected: enough where no other cancer is named."""
_GENERAL = 0.05
"""Weight of a lung cancer in a statement about the disease in general."""
_FINER = {("histology", "combined_small_cell"), ("histology", "transformed_small_cell")}
"""They say more of the same tumour than `small_cell`."""
_UNPROVED = {Assertion.HYPOTHETICAL, Assertion.HISTORICAL}
"""What a histology that is proved in the same note leaves nothing of."""
_OLD = 0.2
"""Weight of another cancer that is history, or only thought of."""
_DRUGS = "drugs"
_NAMES = frozenset({"lung", "unplaced", "lung_drugs"})
"""What makes a note one about lung cancer by itself (`Rulings.subject`)."""
_SIGNS = (*sorted(_NAMES), "oncology", "lung_signs")
_SPECIFIC = compiled_expression(r"\S+ (?:p\.|c\.|exon |.* splice)")


@dataclass(frozen=True, slots=True)
class Subject:
    """Which cancer a note is about."""

    lung: float
    """Weight of the places that name the patient's lung cancer."""
    other: float
    """Weight of those that name another cancer of the patient as present."""
    any_cancer: bool
    small_cell: bool


@dataclass(frozen=True, slots=True)
class LungPlace:
    """Where a note names the patient's lung cancer, or gives a sign of it; offsets into the note, end exclusive."""

    start: int
    end: int
    words: str
    """Which words of `rules/settings/cancers.toml` stand there: `lung`, `unplaced`, `lung_drugs` or `lung_signs`."""
    firm: bool
    """Named as a fact, not as a suspicion."""


def _drugs(rulebook: RuleBook) -> Expression:
    """Names and brands of anticancer drugs."""
    names = {
        name
        for drug in rulebook.drugs()
        if drug.therapy_class != "supportive"
        for name in (drug.generic, *drug.brands)
        if len(name) > 5
    }
    return compiled_expression(
        r"\b(?:" + "|".join(sorted(map(re.escape, names))) + r")\b" if names else "(?!)", re.IGNORECASE
    )


@dataclass(frozen=True)
class Rulings:
    """The rulings, with the words they need."""

    lung: Expression
    unplaced: Expression
    elsewhere: Expression
    lung_beside: Expression
    lung_signs: Expression
    clause_end: Expression
    other_tail: Expression
    other_topic: Expression
    mistaken_ahead: Expression
    denial_ends: Expression
    presupposed: Expression
    presupposed_ahead: Expression
    spread: Expression
    separate: Expression
    not_small: Expression
    lungish: Expression
    other: Expression
    history_ahead: Expression
    history_behind: Expression
    diagnosed: Expression
    negated_ahead: Expression
    hedged_ahead: Expression
    hedged_behind: Expression
    relatives: Expression
    oncology: Expression
    plain_film: Expression
    lung_drugs: Expression
    drugs: Expression
    small_cell: Expression
    neuroendocrine: Expression
    part_border: Expression
    """Where a part of a sentence begins that has a subject of its own."""
    current: Expression
    """Such a part is about the patient now."""
    lists: Mapping[str, frozenset[str]]
    gate: Gate
    ranks: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_rulebook(cls, rulebook: RuleBook) -> "Rulings":
        """Compiles the words of `rules/settings/cancers.toml`."""
        words: Mapping[str, Any] = rulebook.settings.get("cancers", {})

        def compiled(name: str) -> Expression:
            return compiled_expression(str(words.get(name, "(?!)")), re.IGNORECASE)

        names = (
            "charts",
            "silent_charts",
            "unnamed_radiology",
            "diagnosis_sections",
            "background_sections",
            "unnamed_allowed",
            "historical_fields",
        )
        ranks: Any = rulebook.settings.get("primary_site", {}).get("ranks", {})
        drugs = _drugs(rulebook)
        return cls(
            gate=Gate(
                {
                    **{name: (compiled(name).pattern, re.IGNORECASE) for name in _SIGNS},
                    _DRUGS: (drugs.pattern, re.IGNORECASE),
                }
            ),
            lung=compiled("lung"),
            unplaced=compiled("unplaced"),
            elsewhere=compiled("elsewhere"),
            lung_beside=compiled("lung_beside"),
            lung_signs=compiled("lung_signs"),
            clause_end=compiled("clause_end"),
            other_tail=compiled("other_tail"),
            other_topic=compiled("other_topic"),
            mistaken_ahead=compiled("mistaken_ahead"),
            denial_ends=compiled("denial_ends"),
            presupposed=compiled("presupposed"),
            presupposed_ahead=compiled("presupposed_ahead"),
            spread=compiled("spread"),
            separate=compiled("separate"),
            not_small=compiled("not_small"),
            lungish=compiled("lungish"),
            other=compiled("other"),
            history_ahead=compiled("history_ahead"),
            history_behind=compiled("history_behind"),
            diagnosed=compiled("diagnosed"),
            negated_ahead=compiled("negated_ahead"),
            hedged_ahead=compiled("hedged_ahead"),
            hedged_behind=compiled("hedged_behind"),
            relatives=compiled("relatives"),
            oncology=compiled("oncology"),
            plain_film=compiled("plain_film"),
            lung_drugs=compiled("lung_drugs"),
            drugs=drugs,
            small_cell=compiled("small_cell"),
            neuroendocrine=compiled("neuroendocrine"),
            part_border=compiled("part_border"),
            current=compiled("current"),
            lists={name: frozenset(str(one) for one in words.get(name, ())) for name in names},
            ranks={str(site): int(rank) for site, rank in ranks.items()},
        )

    def is_out_of_question(self, text: str, note_type: str) -> bool:
        """Whether the words of a text alone tell that `may_concern` is False; it need not be read then.

        Args:
            text: prepared, or with a blank for each line break inside a sentence: these are the same here.
            note_type: as in `Note`.
        """
        if note_type in self.lists["silent_charts"]:
            return False
        near = self.gate.open_to(text)
        if near & _NAMES:
            return False
        any_cancer = bool(near & {"oncology", _DRUGS})
        return not (any_cancer and (note_type in self.lists["charts"] or "lung_signs" in near))

    def may_concern(self, view: NoteView) -> bool:
        """False where the note is about another cancer, or about none and of no oncology chart."""
        subject = self.subject(view)
        if subject.lung > 0:
            return subject.lung * _OUTWEIGHED >= subject.other
        kind = view.note.note_type
        return subject.other == 0 and (
            kind in self.lists["silent_charts"] or (subject.any_cancer and kind in self.lists["charts"])
        )

    def subject(self, view: NoteView) -> Subject:
        """What the note says its cancer is; worked out once."""
        known = view.memo.get(_KEY)
        if isinstance(known, Subject):
            return known
        others = list(self.other.finditer(view.text))
        taken = {offset for match in others for offset in range(match.start(), match.end())}
        lung = sum(self._lung_weight(view, match) for match in self.lung.finditer(view.text))
        other = sum(self._other_weight(view, match) for match in others)
        if lung or other < 1:  # small cell carcinoma is of the lung, unless another organ is all that is named
            outside = not lung and len(self.elsewhere.findall(view.text)) > len(self.lungish.findall(view.text))
            unplaced = list(self.unplaced.finditer(view.text))
            outside = outside and not any(self._beside_weight(view, match) for match in unplaced)
            outside = outside or (not lung and any(self._elsewhere(view, match) for match in unplaced))
            for match in unplaced:
                if outside or self._elsewhere(view, match):
                    other += 1
                elif match.start() not in taken:
                    lung += self._lung_weight(view, match)
        else:
            lung = sum(self._beside_weight(view, match) for match in self.unplaced.finditer(view.text))
        if not lung and other < 1:
            lung = float(self.lung_drugs.search(view.text) is not None)
        any_cancer = self._names_cancer(view) or self.drugs.search(view.text) is not None
        if not lung and not other and any_cancer:
            lung = float(self.lung_signs.search(view.text) is not None)
        subject = Subject(
            lung=lung,
            other=other,
            any_cancer=any_cancer,
            small_cell=self.small_cell.search(view.text) is not None,
        )
        view.memo[_KEY] = subject
        return subject

    def lung_places(self, view: NoteView) -> "list[LungPlace]":
        """The words behind `Subject.lung`, in order: what names the patient's lung cancer, else the drugs or signs that stand for it."""
        if not self.subject(view).lung:
            return []
        named = list(self.lung.finditer(view.text))
        taken = {offset for match in named for offset in range(match.start(), match.end())}
        beside = [
            match
            for match in self.unplaced.finditer(view.text)
            if match.start() not in taken and not self._elsewhere(view, match)
        ]
        weighed = [("lung", one, self._lung_weight(view, one)) for one in named]
        weighed += [("unplaced", one, self._lung_weight(view, one)) for one in beside]
        if any(weight for _, _, weight in weighed):
            places = [
                LungPlace(one.start(), one.end(), words, firm=weight >= 1 and not self._is_hedged_inside(view, one))
                for words, one, weight in weighed
                if weight > _GENERAL
            ]
            return sorted(places, key=lambda place: (place.start, place.end))
        for words, expression in (("lung_drugs", self.lung_drugs), ("lung_signs", self.lung_signs)):
            for implied in expression.finditer(view.text):
                if self._lung_weight(view, implied) > _GENERAL:
                    return [LungPlace(implied.start(), implied.end(), words, firm=False)]
        return []

    def _is_hedged_inside(self, view: NoteView, match: re.Match[str]) -> bool:
        """Whether the words that name the cancer hold the doubt themselves: "lung mass, suspicious for malignancy"."""
        return self.hedged_ahead.search(view.text, match.start(), match.end() - 1) is not None

    def _names_cancer(self, view: NoteView) -> bool:
        """Whether the words are those of an oncology chart; a plain film that only says "no metastases" is none."""
        found = list(self.oncology.finditer(view.text))
        if not found or view.note.note_type != "radiology" or not self.plain_film.search(view.text):
            return bool(found)
        return any(
            not self.negated_ahead.search(
                view.text, max(view.sentence_at(one.start()).start, one.start() - 60), one.start()
            )
            for one in found
        )

    def apply(self, view: NoteView, mentions: list[Mention]) -> list[Mention]:
        """The mentions that stand, after all rulings."""
        subject = self.subject(view)
        if subject.lung == 0:
            allowed = self.lists["unnamed_radiology" if view.note.note_type == "radiology" else "unnamed_allowed"]
            mentions = [one for one in mentions if one.field in allowed]
        if not subject.small_cell:
            staged = self.neuroendocrine.search(view.text) is not None
            mentions = [one for one in mentions if one.field != "histology" and (staged or one.field != "stage.valg")]
        if 0 < subject.lung < 1:  # a nodule is no primary where the cancer itself is only suspected
            mentions = [one for one in mentions if one.field != "primary_site" or not one.attributes.get("cue")]
        mentions = self._other_illnesses(view, mentions)
        return self._subsumed(mentions)

    def _lung_weight(self, view: NoteView, match: re.Match[str]) -> float:
        sentence = view.sentence_at(match.start())
        section = view.section_at(match.start())
        if section == "family_history" or self._of_relative(view, sentence, match):
            return 0
        if self._is_denied(view, sentence, match):
            return 0
        if view.is_masked(match.start(), match.end()):  # a statement about the disease in general
            return _GENERAL
        if self.other.match(view.text, match.start()):  # small cell carcinoma of the bladder
            return 0
        if self.hedged_ahead.search(
            view.text, max(sentence.start, match.start() - 60), match.start()
        ) or self.hedged_behind.match(view.text, match.end(), sentence.end):
            return _HEDGED
        return 3 if match.start() < _HEAD or section in self.lists["diagnosis_sections"] else 1

    def _other_weight(self, view: NoteView, match: re.Match[str]) -> float:
        sentence = view.sentence_at(match.start())
        section = view.section_at(match.start())
        if section in self.lists["background_sections"] or self._of_relative(view, sentence, match):
            return 0
        ahead = view.text[max(sentence.start, match.start() - 70) : match.start()]
        if self.negated_ahead.search(ahead) or view.is_masked(match.start(), match.end()):
            return 0
        if self.history_ahead.search(ahead) or self.history_behind.match(
            view.text[match.end() : min(sentence.end, match.end() + 90)]
        ):
            return _OLD
        if self.hedged_ahead.search(ahead) or self.hedged_behind.match(view.text, match.end(), sentence.end):
            return _OLD
        if view.text[match.end() : match.end() + 2].strip().startswith("?"):
            return _OLD
        return 3 if match.start() < _HEAD or section in self.lists["diagnosis_sections"] else 1

    def _elsewhere(self, view: NoteView, match: re.Match[str]) -> bool:
        """Whether a small cell carcinoma is of another organ, named right beside it ("of the bladder", "small cell prostate cancer")."""
        sentence = view.sentence_at(match.start())
        behind = view.text[match.end() : min(sentence.end, match.end() + 60)]
        spread = self.spread.search(behind)
        ahead = view.text[max(sentence.start, match.start() - 45) : match.start()]
        near = self.clause_end.split(ahead)[-1] + " " + behind[: spread.start() if spread else None]
        return self.elsewhere.search(near) is not None and self.lung.search(near) is None

    def _is_denied(self, view: NoteView, sentence: Sentence, match: re.Match[str]) -> bool:
        """Whether there is no such cancer; one that has not come back has been there."""
        denied = self.negated_ahead.search(view.text, max(sentence.start, match.start() - 80), match.start())
        if denied is None:
            return False
        between = view.text[denied.start() : match.start()]
        return not (
            self.presupposed.match(view.text, match.end())
            or self.presupposed_ahead.search(between)
            or self.denial_ends.search(between)
        )

    def _beside_weight(self, view: NoteView, match: re.Match[str]) -> float:
        """Weight of a small cell carcinoma in a note about another cancer: it is of the lung where its own sentence names the lung."""
        sentence = view.sentence_at(match.start())
        start, end = next(part for part in self._parts(view, sentence) if match.start() < part[1])
        named = any(
            not self.negated_ahead.search(view.text, max(start, one.start() - 30), one.start())
            for one in self.elsewhere.finditer(view.text, start, end)
        )
        if named or self._other_named(view, sentence, start, end) or not self.lung_beside.search(view.text, start, end):
            return 0
        return self._lung_weight(view, match)

    def _of_relative(self, view: NoteView, sentence: Sentence, match: re.Match[str]) -> bool:
        near = view.words(max(sentence.start, match.start() - 80), min(sentence.end, match.end() + 40))
        return self.relatives.search(near) is not None

    def _other_illnesses(self, view: NoteView, mentions: list[Mention]) -> list[Mention]:
        """What is said of an earlier or other cancer is historical."""
        settled = []
        for mention in mentions:
            if (
                mention.assertion is Assertion.PRESENT
                and mention.field in self.lists["historical_fields"]
                and self._of_other(view, mention)
            ):
                settled.append(replace(mention, assertion=Assertion.HISTORICAL))
            else:
                settled.append(mention)
        return settled

    def _of_other(self, view: NoteView, mention: Mention) -> bool:
        focus = view.memo.get(_FOCUS)
        if focus is None:
            focus = view.memo[_FOCUS] = self._focus(view)
        assert isinstance(focus, list)
        index = bisect_right(focus, mention.start, key=lambda part: part[0]) - 1
        return index >= 0 and focus[index][1]

    def _focus(self, view: NoteView) -> list[tuple[int, bool]]:
        """Where each part of a sentence begins, and whether it is about another cancer.

        It is where it names one and no lung cancer, or follows on one that told of its diagnosis; what is said of a relative, or that
        there is none, makes no other cancer.
        """
        about: list[tuple[int, bool]] = []
        topics = self.subject(view).other > 0
        second = self.subject(view).small_cell and self.separate.search(view.text) is not None
        carried = False
        last_end = 0
        for sentence in view.sentences:
            if "\n\n" in view.text[last_end : sentence.start] or view.section_at(sentence.start) != view.section_at(
                max(0, last_end - 1)
            ):
                carried = False
            last_end = sentence.end
            goes_on = carried and not self._turns_to_lung(view, sentence)
            for start, end in self._parts(view, sentence):
                text = view.words(start, end)
                other = self._other_named(view, sentence, start, end)
                if second and self._is_not_small(text):
                    goes_on, carried = True, False
                elif self.lung.search(text) or (self.unplaced.search(text) and other is None):
                    goes_on, carried = False, False
                elif topics and start == sentence.start and self.other_topic.match(view.text, start):
                    goes_on, carried = True, False
                elif other is not None:
                    goes_on = True
                    ahead = view.text[sentence.start : other.start()]
                    carried = self.diagnosed.search(text) is not None and not self.history_ahead.search(ahead)
                elif start > sentence.start and self.current.search(text):
                    goes_on, carried = False, False
                about.append((start, goes_on))
                if other is not None and not goes_on:
                    about.extend(self._tails(view, other.end(), end))
        return about

    def _tails(self, view: NoteView, start: int, end: int) -> Iterator[tuple[int, bool]]:
        """What stands right behind the name of another cancer, in a part that also names the lung cancer: "(mastectomy 2010)"."""
        tail = self.other_tail.match(view.text, start, end)
        if tail is not None and not self.lung.search(tail[0]) and not self.unplaced.search(tail[0]):
            yield tail.start(), True
            yield tail.end(), False

    def _turns_to_lung(self, view: NoteView, sentence: Sentence) -> bool:
        """Whether a sentence names a lung cancer and no other: it is about that from its first word."""
        text = view.words(sentence.start, sentence.end)
        return self.other.search(text) is None and bool(self.lung.search(text) or self.unplaced.search(text))

    def _parts(self, view: NoteView, sentence: Sentence) -> Iterator[tuple[int, int]]:
        """The parts of a sentence that have a subject of their own."""
        cuts = [match.start() for match in self.part_border.finditer(view.text, sentence.start, sentence.end)]
        return pairwise([sentence.start, *(cut for cut in cuts if cut > sentence.start), sentence.end])

    def _is_not_small(self, text: str) -> bool:
        return bool(
            self.not_small.search(text) and not self.unplaced.search(text) and "SCLC" not in text.replace("NSCLC", "")
        )

    def _other_named(self, view: NoteView, sentence: Sentence, start: int, end: int) -> re.Match[str] | None:
        """The first naming of another cancer of the patient in a part of a sentence."""
        for match in self.other.finditer(view.text, start, end):
            ahead = view.text[max(sentence.start, match.start() - 70) : match.start()]
            denied = self.negated_ahead.search(ahead) or self.mistaken_ahead.search(ahead)
            if not denied and not self._of_relative(view, sentence, match):
                return match
        return None

    def _subsumed(self, mentions: list[Mention]) -> list[Mention]:
        present = {(one.field, one.value) for one in mentions if one.assertion is Assertion.PRESENT}
        sites = {value for name, value in present if name == "metastasis" and value != "distant"}
        guessed = sites | {
            one.value
            for one in mentions
            if one.field == "metastasis" and one.assertion is Assertion.UNCERTAIN and one.value != "distant"
        }
        places = {value for name, value in present if name == "primary_site"}
        firm = any(
            one.field == "primary_site" and one.assertion is Assertion.PRESENT and not one.attributes.get("cue")
            for one in mentions
        )
        genes = {value.split(" ")[0] for name, value in present if name == "variant" and _SPECIFIC.match(value)}
        fused = {
            f"{gene} fusion"
            for name, value in present
            if name == "variant" and value.endswith(" fusion") and "-" in value
            for gene in value.removesuffix(" fusion").split("-")
        }
        kept = []
        for one in mentions:
            if one.assertion is Assertion.UNCERTAIN and (
                (one.field, one.value) in present or ((one.field, one.value) == ("metastasis", "distant") and guessed)
            ):
                continue
            if one.field == "histology" and one.assertion in _UNPROVED and (one.field, one.value) in present:
                continue
            if one.assertion is Assertion.PRESENT:
                if (one.field, one.value) == ("histology", "small_cell") and _FINER & present:
                    continue
                if (one.field, one.value) == ("metastasis", "distant") and sites:
                    continue
                if one.field == "primary_site" and (
                    self._less_specific(one.value, places) or (one.attributes.get("cue") and firm)
                ):
                    continue
                if one.field == "variant" and one.value.endswith(" mutation") and one.value.split(" ")[0] in genes:
                    continue
                if one.field == "variant" and one.value in fused:
                    continue
            kept.append(one)
        return kept

    def _less_specific(self, place: str, places: Iterable[str]) -> bool:
        """Whether a more specific place of the same side (or of any, for the mediastinum) is stated too."""
        side = place.split("_")[0]
        rank = self.ranks.get(place, 0)
        return any(
            self.ranks.get(other, 0) < rank and (side == "mediastinum" or other.startswith(side))
            for other in places
            if other != place
        )
