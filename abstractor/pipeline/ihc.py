"""Immunohistochemistry: which marker a note gives as positive, negative, lost or overexpressed.

Reads lists in both orders ("positive for A and B", "A, B negative"), signs (`CD56+`, `CK20 -`) and columns. Serum values of the
same names, orders and pending stains give nothing.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from abstractor.model.finding import Assertion
from abstractor.pipeline.mention import Extractor, Mention
from abstractor.pipeline.report_zones import ZoneFinder
from abstractor.pipeline.sieve import Expression, compiled_expression
from abstractor.pipeline.statements import statements
from abstractor.pipeline.view import NoteView
from abstractor.rulebook.book import RuleBook

FIELD = "ihc"

_LOSABLE = frozenset({"p53", "Rb"})
_LIST_GAP = compiled_expression(
    r"\s*(?:[(\[][^()\[\]\n]{0,40}[)\]]\s*){0,2}(?:[,/&+|]|,?\s*\b(?:and|or|nor|as well as|plus)\b)?\s*(?:for |the |also |with )?\s*",
    re.IGNORECASE,
)
_BREAK = compiled_expression(r"[;]|\.\s|\.$|\n\s*\n|\b(?:but|whereas|while|however|although)\b", re.IGNORECASE)
_CONTRAST = compiled_expression(r"\b(?:but|whereas|while)\b", re.IGNORECASE)
_IN_A_PART = compiled_expression(r"\s+in\s", re.IGNORECASE)
_LEADS = compiled_expression(
    r"(?:\b(?:for|with|to|in|of|the|not|express\w*)|[:]|\bincludes?|\bincluded)\s*$", re.IGNORECASE
)
_ARTICLE = compiled_expression(r"(?:both|the|all|an?) ", re.IGNORECASE)
_LOOSE_LEAD = compiled_expression(r"\b(?:with|in|to)\s*$", re.IGNORECASE)
"""CD56 positive with loss of Rb: what stands in front has the better claim."""
_NEW_VERB = compiled_expression(
    r"[,;.\n]|\b(?:and|with)\s+(?:\w+ly\s+)?(?:show|express|demonstrat|display|exhibit|reveal|stain|are\b|is\b|was\b|were\b)",
    re.IGNORECASE,
)
"""Between a marker and a result: what comes then is said of the markers behind it."""
_REACH = 45
_SHORT_FORM = 12
_STRENGTH = {"lost": 3, "overexpressed": 3, "negative": 2, "positive": 1, "neutral": 0}


@dataclass(frozen=True, slots=True)
class _Stain:
    """A marker's name in the text; `marker` is None for stains that are no facts."""

    marker: str | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Result:
    """Words of a result, standing before or after the markers they belong to."""

    result: str
    start: int
    end: int
    leads: bool
    """Ends in words that point forward ("positive for", "negative:")."""


@dataclass(frozen=True)
class StainReader:
    """The word lists of `settings/ihc.toml`, compiled once."""

    stains: Expression
    markers: Mapping[str, str]
    """Name of a group in `stains` to the marker."""
    results: Expression
    prefixes: Expression
    intro: Expression
    units: Expression
    silent_after: Expression
    controls: Expression
    general: Expression
    denies: Expression
    zones: ZoneFinder

    @classmethod
    def from_rulebook(cls, rulebook: RuleBook) -> "StainReader":
        """Compiles the settings."""
        settings = rulebook.settings["ihc"]
        markers = _table(settings["markers"])
        names = {f"m{index}": marker for index, marker in enumerate(markers)}
        parts = [f"(?P<{key}>{'|'.join(markers[marker])})" for key, marker in names.items()]
        parts.append(f"(?P<other>{'|'.join(_table(settings['others'])['words'])})")
        results, prefix, silent = _table(settings["results"]), _table(settings["prefix"]), _table(settings["silent"])
        order = ("unknown", "lost", "overexpressed", "negative", "positive", "neutral")
        return cls(
            stains=compiled_expression(rf"(?<![A-Za-z0-9])(?:{'|'.join(parts)})(?![A-Za-z0-9])", re.IGNORECASE),
            markers=names,
            results=compiled_expression(
                "|".join(f"(?P<{one}>{_bounded(results[one])})" for one in order), re.IGNORECASE
            ),
            prefixes=compiled_expression(
                r"(?<![A-Za-z])(?:"
                + "|".join(f"(?P<{one}>{'|'.join(some)})" for one, some in prefix.items() if one != "intro")
                + r")(?![A-Za-z])",
                re.IGNORECASE,
            ),
            intro=compiled_expression(str(prefix["intro"]), re.IGNORECASE),
            units=_union(silent["units"]),
            silent_after=_union(silent["after"]),
            controls=_union(silent["controls"]),
            general=_union(silent["general"]),
            denies=compiled_expression(str(silent["denies"]), re.IGNORECASE),
            zones=ZoneFinder.from_rulebook(rulebook),
        )

    def mentions(self, view: NoteView) -> list[Mention]:
        """The stains of a note, in order."""
        found: list[Mention] = []
        for statement in statements(view):
            words = statement.words
            stains = list(self._stains(words))
            if not any(stain.marker for stain in stains) or self.general.search(words):
                continue
            if self.zones.zones(view).kind_at(statement.start) == "silent":
                continue
            found.extend(self._sentence(words, stains, statement.start))
        return sorted(found, key=lambda one: one.start)

    def _stains(self, words: str) -> Iterator[_Stain]:
        silenced: int | None = None
        for match in self.stains.finditer(words):
            key = str(match.lastgroup)
            marker = self.markers.get(key)
            around = words[max(0, match.start() - 8) : match.end() + 28]
            # "The retinoblastoma gene (RB)": the short form is silent with the long one.
            repeats = (
                silenced is not None and match.start() - silenced < _SHORT_FORM and words[match.start() - 1] == "("
            )
            silent = self.units.search(around) or self.silent_after.match(words, match.end()) or repeats
            silenced = match.end() if silent else None
            if marker is not None and silent:
                marker = None
            yield _Stain(marker, match.start(), match.end())

    def _results(self, words: str, stains: list[_Stain]) -> Iterator[_Result]:
        """Results and prefixes in order; a longer reading as a prefix wins where a marker follows at once."""
        starts = {stain.start for stain in stains}
        taken = 0
        used: set[int] = set()
        prefixes: dict[int, re.Match[str]] = {}
        led_in: set[int] = set()
        for match in self.prefixes.finditer(words):
            end = match.end() + len(words[match.end() :]) - len(words[match.end() :].lstrip(" \t\n("))
            article = _ARTICLE.match(words, end)
            intro = self.intro.match(words, end)
            if end in starts or any(one is not None and one.end() in starts for one in (article, intro)):
                prefixes[match.start()] = match
                if intro is not None and intro.end() in starts:
                    led_in.add(match.start())
        inside = [(stain.start, stain.end) for stain in stains]
        begins, opened = [start for start, _ in inside], list(prefixes)
        for match in self.results.finditer(words):
            name = inside[bisect_right(begins, match.start()) - 1] if inside else (0, 0)
            if name[0] <= match.start() < name[1]:
                if match.end() > name[1] + 3:
                    # "Rb protein expression was lost": the first word belongs to the name.
                    taken = match.end()
                    yield _Result(str(match.lastgroup), name[1], match.end(), leads=False)
                continue
            if match.start() < taken:
                continue
            last = bisect_right(opened, match.start()) - 1
            prefix = prefixes[opened[last]] if last >= 0 else None
            if prefix is not None and match.start() < prefix.end():
                used.add(prefix.start())
                taken = prefix.end()
                leads = prefix.start() in led_in or bool(_LEADS.search(prefix.group()))
                yield _Result(str(prefix.lastgroup), prefix.start(), prefix.end(), leads)
                continue
            taken = match.end()
            yield _Result(str(match.lastgroup), match.start(), match.end(), leads=False)
        for start, prefix in prefixes.items():
            if start not in used:
                yield _Result(str(prefix.lastgroup), start, prefix.end(), leads=True)

    def _sentence(self, words: str, stains: list[_Stain], offset: int) -> Iterator[Mention]:
        events: list[_Stain | _Result] = sorted(
            [*stains, *self._results(words, stains)], key=lambda one: (one.start, one.end)
        )
        said: dict[int, tuple[_Stain, _Result]] = {}
        elsewhere: list[tuple[_Stain, _Result]] = []
        told: list[_Stain] = []
        waiting: list[_Stain] = []
        prefix: _Result | None = None
        run: list[_Result] = []
        end = 0
        for index, event in enumerate(events):
            gap = words[end : event.start]
            if _BREAK.search(gap):
                told = waiting if _CONTRAST.search(gap) and prefix is None else []
                waiting, run = [], []
                prefix = None
            if isinstance(event, _Stain):
                run, told = [], []
                if not _LIST_GAP.fullmatch(gap):
                    waiting = []
                    if prefix is not None and len(gap) > _REACH:
                        prefix = None
                waiting.append(event)
                if prefix is not None:
                    said[event.start] = (event, prefix)
            elif self._points_forward(words, event, events[index + 1 :], waiting, prefix):
                prefix, waiting, run = event, [], []
            elif waiting and _width(words[waiting[-1].end : event.start]) <= _REACH:
                run.append(event)
                result = _strongest(run)
                if event.result == "unknown":
                    for stain in waiting:
                        said.pop(stain.start, None)
                    waiting = []
                elif prefix is not None:
                    if result.result not in {prefix.result, "neutral"}:
                        said[waiting[-1].start] = (waiting[-1], result)
                        if not gap.strip(" ("):
                            prefix = None
                else:
                    for stain in waiting:
                        said[stain.start] = (stain, result)
                if index + 1 < len(events) and isinstance(events[index + 1], _Stain):
                    waiting = [] if prefix is None else waiting
            elif told and event.result in {"positive", "negative", "lost"} and _IN_A_PART.match(words, event.end):
                # "Positive in the glands but negative in the small cell part."
                elsewhere.extend((stain, event) for stain in told)
            end = max(end, event.end)
        for stain, result in (*said.values(), *elsewhere):
            if stain.marker is None or self.controls.search(words, stain.end, min(len(words), stain.end + 30)):
                continue
            # "No neuroendocrine differentiation is seen with synaptophysin stains."
            denied = result.result == "neutral" and self.denies.search(words, 0, stain.start)
            yield _mention(words, stain, replace(result, result="negative") if denied else result, offset)

    def _points_forward(
        self, words: str, event: _Result, rest: list[_Stain | _Result], waiting: list[_Stain], prefix: _Result | None
    ) -> bool:
        """Whether a result belongs to the markers behind it."""
        following = next((one for one in rest[:1] if isinstance(one, _Stain)), None)
        beside = bool(waiting) and not words[waiting[-1].end : event.start].strip()
        if event.leads and not (beside and _LOOSE_LEAD.search(words, event.start, event.end)):
            return True
        if following is None or event.result == "unknown":
            return False
        gap = words[event.end : following.start]
        if gap.strip(" (\n"):
            return False
        before = words[waiting[-1].end : event.start] if waiting else ""
        touches = bool(waiting) and not _NEW_VERB.search(before)
        return not touches and event.start - (waiting[-1].end if waiting else -99) > 1


def build(rulebook: RuleBook) -> Extractor:
    """The extractor of the field `ihc`."""
    return StainReader.from_rulebook(rulebook).mentions


def _mention(words: str, stain: _Stain, result: _Result, offset: int) -> Mention:
    said = "positive" if result.result == "neutral" else result.result
    if said in {"lost", "overexpressed"} and stain.marker not in _LOSABLE:
        said = "negative" if said == "lost" else "positive"
    start, end = stain.start, stain.end
    if result.start >= end and _width(words[start : result.end]) <= 90:
        end = result.end
    elif result.end <= start and stain.end - result.start <= 60:
        start = result.start
    while end > start and words[end - 1] in " :,\n":
        end -= 1
    return Mention(
        FIELD, f"{stain.marker} {said}", offset + start, offset + end, f"ihc.{said}", Assertion.PRESENT, confidence=0.92
    )


def _width(gap: str) -> int:
    """Length with runs of blanks counted once: the columns of a table stand side by side."""
    return len(" ".join(gap.split()))


def _strongest(run: list[_Result]) -> _Result:
    """Of "strong expression lost", the word that decides."""
    return max(run, key=lambda one: _STRENGTH.get(one.result, 0))


def _table(value: object) -> Mapping[str, list[str]]:
    return value if isinstance(value, Mapping) else {}


def _union(expressions: Iterable[str]) -> Expression:
    return compiled_expression("|".join(f"(?:{one})" for one in expressions), re.IGNORECASE)


def _bounded(expressions: Iterable[str]) -> str:
    """Words must not begin inside a word; signs may stand anywhere."""
    return "|".join(rf"(?<![A-Za-z]){one}" if one[0].isalpha() or one.startswith("(?:") else one for one in expressions)
