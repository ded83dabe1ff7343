"""What holds for a note as a whole: whose cancer it is about, and which facts are contained in others (FIELDS.md, rulings)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from abstractor.model.finding import Assertion
from abstractor.pipeline.mention import Mention
from abstractor.pipeline.view import NoteView, Sentence
from abstractor.rulebook.book import RuleBook

_KEY = "subject"
_HEAD = 400
"""Characters at the top of a note in which a cancer is named as its subject."""
_OUTWEIGHED = 5
"""A lung cancer that is named five times less than another is not what the note is about."""
_HEDGED = 0.1
"""Weight of a lung cancer that is only suspected: enough where no other cancer is named."""
_FINER = {("histology", "combined_small_cell"), ("histology", "transformed_small_cell")}
"""They say more of the same tumour than `small_cell`."""
_OLD = 0.2
"""Weight of another cancer that is history, or only thought of."""
_SPECIFIC = re.compile(r"\S+ (?:p\.|c\.|exon |.* splice)")


@dataclass(frozen=True, slots=True)
class Subject:
    """Which cancer a note is about."""

    lung: float
    """Weight of the places that name the patient's lung cancer."""
    other: float
    """Weight of those that name another cancer of the patient as present."""
    any_cancer: bool
    small_cell: bool


def _drugs(rulebook: RuleBook) -> re.Pattern[str]:
    """Names and brands of anticancer drugs."""
    names = {
        name
        for drug in rulebook.drugs()
        if drug.therapy_class != "supportive"
        for name in (drug.generic, *drug.brands)
        if len(name) > 5
    }
    return re.compile(r"\b(?:" + "|".join(sorted(map(re.escape, names))) + r")\b" if names else "(?!)", re.IGNORECASE)


@dataclass(frozen=True)
class Rulings:
    """The rulings, with the words they need."""

    lung: re.Pattern[str]
    unplaced: re.Pattern[str]
    elsewhere: re.Pattern[str]
    spread: re.Pattern[str]
    separate: re.Pattern[str]
    not_small: re.Pattern[str]
    lungish: re.Pattern[str]
    other: re.Pattern[str]
    history_ahead: re.Pattern[str]
    history_behind: re.Pattern[str]
    diagnosed: re.Pattern[str]
    negated_ahead: re.Pattern[str]
    hedged_ahead: re.Pattern[str]
    hedged_behind: re.Pattern[str]
    relatives: re.Pattern[str]
    oncology: re.Pattern[str]
    lung_drugs: re.Pattern[str]
    drugs: re.Pattern[str]
    small_cell: re.Pattern[str]
    lists: Mapping[str, frozenset[str]]
    ranks: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_rulebook(cls, rulebook: RuleBook) -> "Rulings":
        """Compiles the words of `rules/settings/cancers.toml`."""
        words: Mapping[str, Any] = rulebook.settings.get("cancers", {})

        def compiled(name: str) -> re.Pattern[str]:
            return re.compile(str(words.get(name, "(?!)")), re.IGNORECASE)

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
        return cls(
            lung=compiled("lung"),
            unplaced=compiled("unplaced"),
            elsewhere=compiled("elsewhere"),
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
            lung_drugs=compiled("lung_drugs"),
            drugs=_drugs(rulebook),
            small_cell=compiled("small_cell"),
            lists={name: frozenset(str(one) for one in words.get(name, ())) for name in names},
            ranks={str(site): int(rank) for site, rank in ranks.items()},
        )

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
            outside = outside or (not lung and any(self._elsewhere(view, match) for match in unplaced))
            for match in unplaced:
                if outside or self._elsewhere(view, match):
                    other += 1
                elif match.start() not in taken:
                    lung += self._lung_weight(view, match)
        if not lung and other < 1:
            lung = float(self.lung_drugs.search(view.text) is not None)
        subject = Subject(
            lung=lung,
            other=other,
            any_cancer=self.oncology.search(view.text) is not None or self.drugs.search(view.text) is not None,
            small_cell=self.small_cell.search(view.text) is not None,
        )
        view.memo[_KEY] = subject
        return subject

    def apply(self, view: NoteView, mentions: list[Mention]) -> list[Mention]:
        """The mentions that stand, after all rulings."""
        subject = self.subject(view)
        if subject.lung == 0:
            allowed = self.lists["unnamed_radiology" if view.note.note_type == "radiology" else "unnamed_allowed"]
            mentions = [one for one in mentions if one.field in allowed]
        if not subject.small_cell:
            mentions = [one for one in mentions if one.field not in {"stage.valg", "histology"}]
        if 0 < subject.lung < 1:  # a nodule is no primary where the cancer itself is only suspected
            mentions = [one for one in mentions if one.field != "primary_site" or not one.attributes.get("cue")]
        mentions = self._other_illnesses(view, mentions)
        return self._subsumed(mentions)

    def _lung_weight(self, view: NoteView, match: re.Match[str]) -> float:
        sentence = view.sentence_at(match.start())
        section = view.section_at(match.start())
        if section == "family_history" or self._of_relative(view, sentence, match):
            return 0
        if self.negated_ahead.search(view.text, max(sentence.start, match.start() - 80), match.start()):
            return 0
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
        if self.negated_ahead.search(ahead):
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
        near = (
            view.text[max(sentence.start, match.start() - 20) : match.start()]
            + " "
            + behind[: spread.start() if spread else None]
        )
        return self.elsewhere.search(near) is not None and self.lung.search(near) is None

    def _of_relative(self, view: NoteView, sentence: Sentence, match: re.Match[str]) -> bool:
        near = view.text[max(sentence.start, match.start() - 80) : min(sentence.end, match.end() + 40)]
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
        focus = view.memo.setdefault("focus", {})
        assert isinstance(focus, dict)
        sentence = view.sentence_at(mention.start)
        if sentence not in focus:
            focus.update(self._focus(view))
        return bool(focus.get(sentence, False))

    def _focus(self, view: NoteView) -> dict[Sentence, bool]:
        """For each sentence whether it is about another cancer: it names one and no lung cancer, or follows on one that told of its diagnosis."""
        about: dict[Sentence, bool] = {}
        second = self.subject(view).small_cell and self.separate.search(view.text) is not None
        carried = False
        last_end = 0
        for sentence in view.sentences:
            text = view.text[sentence.start : sentence.end]
            if "\n\n" in view.text[last_end : sentence.start] or view.section_at(sentence.start) != view.section_at(
                max(0, last_end - 1)
            ):
                carried = False
            last_end = sentence.end
            if (
                second
                and self.not_small.search(text)
                and not self.unplaced.search(text)
                and "SCLC" not in text.replace("NSCLC", "")
            ):
                about[sentence], carried = True, False
                continue
            if self.lung.search(text) or (self.unplaced.search(text) and not self.other.search(text)):
                about[sentence], carried = False, False
                continue
            other = self.other.search(text)
            if other:
                about[sentence] = True
                carried = self.diagnosed.search(text) is not None and not self.history_ahead.search(
                    text[: other.start()]
                )
            else:
                about[sentence] = carried
        return about

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
        kept = []
        for one in mentions:
            if one.assertion is Assertion.UNCERTAIN and (
                (one.field, one.value) in present or ((one.field, one.value) == ("metastasis", "distant") and guessed)
            ):
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
