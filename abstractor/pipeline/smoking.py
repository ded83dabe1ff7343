"""Extracts `smoking_status` and `pack_years` from what a note says of the patient's tobacco (FIELDS, rulings 5 and 6).

Whose habit it is, is decided here for those who live with the patient; blood relatives are left to the assertion.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from abstractor.model.finding import Assertion
from abstractor.pipeline.lexicon import Lexicon
from abstractor.pipeline.mention import Extractor, Mention
from abstractor.pipeline.sieve import Expression
from abstractor.pipeline.view import NoteView, Sentence
from abstractor.rulebook.book import RuleBook

_AHEAD = 60
"""Characters in front of a statement in which somebody else may be named as the one who smokes."""
_CURRENT = "current"
_GIVES_WAY = frozenset({"smoking.current", "smoking.not_now"})
"""Rules that hold only where the sentence says no more than that ("a smoker of 20 a day until 2010")."""
_MOST = 300
"""No one smokes more pack-years."""
_A_PACK = 20
"""Cigarettes."""


@dataclass(frozen=True, slots=True)
class _Habit:
    """Words that state a smoking status."""

    id: str
    value: str
    assertion: Assertion
    regexes: tuple[Expression, ...]
    with_tobacco: bool
    """They hold only where the sentence, or the one in front of it, speaks of tobacco."""


@dataclass(frozen=True)
class _Smoking:
    trigger: Expression
    tobacco: Expression
    somebody_else: Expression
    not_done: Expression
    not_done_behind: Expression
    habits: tuple[_Habit, ...]
    stated: tuple[Expression, ...]
    products: tuple[Expression, ...]
    hundredths: Mapping[str, int]
    """Numbers in words, times a hundred."""

    def __call__(self, view: NoteView) -> Iterable[Mention]:
        before: Sentence | None = None
        for sentence in view.sentences:
            if self.trigger.search(view.text, sentence.start, sentence.end):
                yield from self._statuses(view, sentence, before)
                yield from self._amounts(view, sentence)
            before = sentence

    def _statuses(self, view: NoteView, sentence: Sentence, before: Sentence | None) -> Iterator[Mention]:
        """The statuses of a sentence; who stopped, smokes no more, whatever else the sentence calls him."""
        found: list[Mention] = []
        for habit in self.habits:
            if habit.with_tobacco and not self._speaks_of_tobacco(view, sentence, before):
                continue
            for regex in habit.regexes:
                for match in regex.finditer(view.text, sentence.start, sentence.end):
                    start, end = _evidence(match)
                    if any(start < one.end and one.start < end for one in found) or not self._holds(
                        view, sentence, habit, match
                    ):
                        continue
                    rule = f"smoking.{habit.id}"
                    found.append(Mention("smoking_status", habit.value, start, end, rule, habit.assertion))
        others = any(one.value != _CURRENT for one in found)
        yield from (one for one in found if one.rule not in _GIVES_WAY or not others)

    def _holds(self, view: NoteView, sentence: Sentence, habit: _Habit, match: re.Match[str]) -> bool:
        ahead = view.text[max(sentence.start, match.start() - _AHEAD) : match.start()]
        if self.somebody_else.search(ahead):
            return False
        if habit.value != "former" or habit.id.startswith("former_"):
            return True
        start, end = _evidence(match)
        near = view.text[max(sentence.start, start - _AHEAD) : start]
        behind = view.text[end : min(sentence.end, end + _AHEAD)]
        if self.somebody_else.search(near):
            return False
        return not (self.not_done.search(near) or self.not_done_behind.search(behind))

    def _speaks_of_tobacco(self, view: NoteView, sentence: Sentence, before: Sentence | None) -> bool:
        if self.tobacco.search(view.text, sentence.start, sentence.end):
            return True
        return before is not None and self.tobacco.search(view.text, before.start, before.end) is not None

    def _amounts(self, view: NoteView, sentence: Sentence) -> Iterator[Mention]:
        found: list[tuple[int, int]] = []
        for regexes, rule in ((self.stated, "pack-years-stated"), (self.products, "pack-years-computed")):
            for regex in regexes:
                for match in regex.finditer(view.text, sentence.start, sentence.end):
                    start, end = _evidence(match)
                    ahead = view.text[max(sentence.start, start - _AHEAD) : start]
                    value = self._pack_years(match)
                    if value is None or self.somebody_else.search(ahead):
                        continue
                    if any(start < other_end and other < end for other, other_end in found):
                        continue
                    found.append((start, end))
                    yield Mention("pack_years", value, start, end, rule, Assertion.PRESENT)

    def _pack_years(self, match: re.Match[str]) -> str | None:
        groups = match.groupdict()
        if groups.get("years"):
            daily = self._number(groups.get("packs")) or self._number(groups.get("cigarettes")) / _A_PACK
            amount = daily * self._number(groups["years"])
        else:
            amount = self._number(groups.get("value"))
        return f"{amount:g}" if 0 < amount <= _MOST else None

    def _number(self, words: str | None) -> float:
        """0 where they are no number."""
        if not words:
            return 0.0
        plain = " ".join(words.lower().replace("-", " ").split())
        if plain in self.hundredths:
            return self.hundredths[plain] / 100
        try:
            return float(plain)
        except ValueError:
            return 0.0


def _evidence(match: re.Match[str]) -> tuple[int, int]:
    group = "evidence" if match.re.groupindex.get("evidence") and match["evidence"] else 0
    start, end = match.span(group)
    words = match[group]
    return start + len(words) - len(words.lstrip()), end - (len(words) - len(words.rstrip(" \n\t,;:")))


def build(rulebook: RuleBook) -> Extractor:
    """The extractor of both fields."""
    words = Lexicon.of(rulebook, "smoking")

    def compiled(key: str) -> tuple[Expression, ...]:
        return tuple(words.compiled(regex) for row in words.rows(key) for regex in _strings(row["regex"]))

    habits = tuple(
        _Habit(
            str(row["id"]),
            str(row["value"]),
            Assertion(str(row.get("assertion", Assertion.PRESENT))),
            tuple(words.compiled(regex) for regex in _strings(row["regex"])),
            with_tobacco=bool(row.get("with_tobacco")),
        )
        for row in words.rows("phrase")
    )
    return _Smoking(
        trigger=words.pattern("trigger"),
        tobacco=words.pattern("tobacco"),
        somebody_else=words.pattern("somebody_else"),
        not_done=words.pattern("not_done"),
        not_done_behind=words.pattern("not_done_behind"),
        habits=habits,
        stated=compiled("pack_years"),
        products=(*compiled("packs_times_years"), *compiled("cigarettes_times_years")),
        hundredths=words.numbers("word"),
    )


def _strings(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]
