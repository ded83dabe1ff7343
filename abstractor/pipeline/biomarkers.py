"""Ki-67, PD-L1, tumour mutational burden, microsatellites and transcription factor subtype, with their numbers and levels.

Numbers are taken only where the text ties them to the test; drugs against the same target and pending tests give nothing.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from abstractor.model.finding import Assertion
from abstractor.pipeline.mention import Extractor, Mention
from abstractor.pipeline.report_zones import ZoneFinder
from abstractor.pipeline.sieve import Expression, compiled_expression
from abstractor.pipeline.statements import statements
from abstractor.pipeline.view import NoteView
from abstractor.rulebook.book import RuleBook

_WINDOW = 110
_SUBTYPES_TOLD = 3
_HIGHEST_BURDEN = 500
_RANGE_END = compiled_expression(r"\d\s?-\s?$")
_RANGE_START = compiled_expression(r"\s?-\s?\d")
"""Two to sixteen is the range of a class, no burden."""
_SECOND = compiled_expression(r"\s?(?:and|,|/|to)\s(\d{1,3}(?:\.\d{1,3})?)")
_OF = compiled_expression(r"\s(?:of|for)\s(?:the\s)?|\s?\(")
_CUT = compiled_expression(r";|(?<!\bc)(?<!\bca)(?<!approx)\.\s|\.$|\n\s*\n")


@dataclass(frozen=True)
class _Number:
    """Percentages and ranges, with the words that say "over" or "under"."""

    percent: Expression
    bare: Expression
    plain: Expression
    """A bare number that is all there is: "PD-L1 0."."""

    @classmethod
    def from_settings(cls, words: Mapping[str, str]) -> "_Number":
        lead = (
            rf"(?:(?P<over>{words['over']})|(?P<under>{words['under']}))?\s{{0,3}}(?:{words['about']}\s{{0,2}}){{0,2}}"
        )
        lead += rf"(?:(?P<over2>{words['over']})|(?P<under2>{words['under']}))?\s{{0,3}}"
        figure = r"(?<![\d./])(?P<low>\d{1,3}(?:\.\d{1,2})?)"
        return cls(
            compiled_expression(
                rf"{lead}{figure}\s?(?:%|per ?cent)?(?:\s?(?:-|to)\s?(?P<high>\d{{1,3}}))?\s?(?:%|per ?cent\b)",
                re.IGNORECASE,
            ),
            compiled_expression(rf"{lead}{figure}(?:\s?-\s?(?P<high>\d{{1,3}}))?(?![\d/]|\.\d)", re.IGNORECASE),
            compiled_expression(
                rf"(?:\s?(?:{words['link']})\b){{0,2}}[\s:=-]{{0,3}}{lead}{figure}(?:-(?P<high>\d{{1,3}}))?(?=\s*(?:[.,;)]|$))",
                re.IGNORECASE,
            ),
        )


@dataclass(frozen=True)
class BiomarkerReader:
    """The word lists of `settings/biomarkers.toml`, compiled once."""

    number: _Number
    ki67: Expression
    ki67_silent: Expression
    pd_l1: Expression
    scores: Expression
    clones: Expression
    conditional: Expression
    other_scores: Expression
    drug: Expression
    before_drug: Expression
    pd_l1_words: Expression
    pd_l1_before: Expression
    pd_l1_silent: Expression
    tmb: Expression
    tmb_unit: Expression
    tmb_level: Expression
    tmb_silent: Expression
    msi: tuple[tuple[str, Expression, bool], ...]
    """Value, words, and whether they count only where they are denied."""
    msi_denied_after: Expression
    msi_denied_before: Expression
    msi_bare: Expression
    msi_needs: Expression
    subtype: tuple[Expression, ...]
    subtype_names: Mapping[str, Expression]
    subtype_letters: Mapping[str, str]
    inflamed: Expression
    any_name: Expression
    condition_before: Expression
    condition_after: Expression
    threshold: Expression
    zones: ZoneFinder

    @classmethod
    def from_rulebook(cls, rulebook: RuleBook) -> "BiomarkerReader":
        """Compiles the settings."""
        settings = rulebook.settings["biomarkers"]
        ki67, pd_l1, tmb = _table(settings["ki67"]), _table(settings["pd_l1"]), _table(settings["tmb"])
        msi, subtype = _table(settings["msi"]), _table(settings["subtype"])
        names = _table(subtype["names"])
        letters = {str(key): str(value) for key, value in _table(subtype["letters"]).items()}
        fill = {"{name}": f"(?:{'|'.join(map(str, names.values()))})", "{letter}": f"(?-i:[{''.join(letters)}])"}
        conditions = _table(settings["conditions"])
        denied, bare = _table(msi["denied"]), _table(msi["bare"])
        return cls(
            number=_Number.from_settings({key: str(value) for key, value in _table(settings["number"]).items()}),
            ki67=_words(_list(ki67["names"])),
            ki67_silent=_words(_list(ki67["silent"])),
            pd_l1=_words(_list(pd_l1["names"])),
            scores=_named({key: _list(value) for key, value in _table(pd_l1["scores"]).items()}),
            clones=compiled_expression(str(pd_l1["clones"]), re.IGNORECASE),
            conditional=compiled_expression(str(pd_l1["conditional"]), re.IGNORECASE),
            other_scores=compiled_expression(str(pd_l1["other_scores"]), re.IGNORECASE),
            drug=_union(_list(pd_l1["drug"])),
            before_drug=compiled_expression(f"(?:{'|'.join(_list(pd_l1['before_drug']))})$", re.IGNORECASE),
            pd_l1_words=_named({"negative": _list(pd_l1["negative"]), "positive": _list(pd_l1["positive"])}),
            pd_l1_before=compiled_expression(
                rf"(?<![A-Za-z])(?:(?P<negative>{'|'.join(_list(pd_l1['negative_before']))})"
                rf"|(?P<positive>{'|'.join(_list(pd_l1['positive_before']))}))(?: for)?\s$",
                re.IGNORECASE,
            ),
            pd_l1_silent=_words(_list(pd_l1["silent"])),
            tmb=_union(_list(tmb["names"]), r"(?<![A-Za-z])"),
            tmb_unit=compiled_expression(str(tmb["unit"]), re.IGNORECASE),
            tmb_level=_named({key: [str(value)] for key, value in _table(tmb["levels"]).items()}),
            tmb_silent=_words(_list(tmb["silent"])),
            msi=tuple(
                (str(row["value"]), _union(_list(row["regex"])), bool(row.get("only_denied")))
                for row in map(_table, _items(msi["statement"]))
            ),
            msi_denied_after=compiled_expression(
                rf"\W{{0,8}}(?:was |is |were )?(?:{'|'.join(_list(denied['after']))})", re.IGNORECASE
            ),
            msi_denied_before=compiled_expression(rf"\b(?:{'|'.join(_list(denied['before']))})\s?$", re.IGNORECASE),
            msi_bare=compiled_expression(str(bare["words"])),
            msi_needs=compiled_expression(str(bare["needs"]), re.IGNORECASE),
            subtype=tuple(compiled_expression(_filled(one, fill), re.IGNORECASE) for one in _list(subtype["regex"])),
            subtype_names={key: compiled_expression(str(value), re.IGNORECASE) for key, value in names.items()},
            subtype_letters=letters,
            inflamed=_union(_list(subtype["inflamed"])),
            condition_before=compiled_expression(str(conditions["before"]), re.IGNORECASE),
            condition_after=compiled_expression(str(conditions["after"]), re.IGNORECASE),
            threshold=compiled_expression(str(conditions["threshold"]), re.IGNORECASE),
            any_name=compiled_expression(str(_table(settings["any"])["name"]), re.IGNORECASE),
            zones=ZoneFinder.from_rulebook(rulebook),
        )

    def mentions(self, view: NoteView) -> list[Mention]:
        """All biomarkers of a note, in order."""
        found: list[Mention] = []
        for statement in statements(view):
            words = statement.words
            if not self.any_name.search(words) or self.zones.zones(view).kind_at(statement.start) == "silent":
                continue
            for read in (self._ki67, self._pd_l1, self._tmb, self._msi, self._subtype):
                found.extend(_shifted(read(words), statement.start))
        return sorted(_without_bands(found), key=lambda one: (one.start, one.field, one.value))

    def _ki67(self, words: str) -> Iterator[Mention]:
        names = list(self.ki67.finditer(words))
        done = 0
        for index, name in enumerate(names):
            stop = names[index + 1].start() if index + 1 < len(names) else len(words)
            window = _cut(words, name.end(), min(stop, name.end() + 70))
            if self.ki67_silent.search(window):
                continue
            number = self.number.percent.search(window)
            # Without a per cent sign only right behind the name: "Ki-67: 90".
            number = number or self.number.bare.match(window)
            if number and number.start() <= 60 and _percentage(number["low"]):
                start, end = name.start(), name.end() + number.end()
                done = end
                yield _mention("ki67", _value(number), start, end, "ki67.index")
                continue
            before = words[max(done, name.start() - 30) : name.start()]
            earlier = [
                one for one in self.number.percent.finditer(before) if not re.search(r"[,;.]", before[one.end() :])
            ]
            if earlier and _percentage(earlier[-1]["low"]):
                start = name.start() - len(before) + _figure_start(earlier[-1])
                yield _mention("ki67", _value(earlier[-1]), start, name.end(), "ki67.index")

    def _pd_l1(self, words: str) -> Iterator[Mention]:
        read_to = -1
        names = [
            *self.pd_l1.finditer(words),
            *(one for one in self.scores.finditer(words) if one.lastgroup in {"TPS", "CPS"}),
        ]
        for name in sorted(names, key=lambda one: one.start()):
            if name.start() < read_to:
                continue
            lead = words[max(0, name.start() - 40) : name.start()]
            if self.drug.match(words, name.end()) or self.before_drug.search(lead) or self.conditional.search(lead):
                continue
            if name.re is self.scores.regex and self.other_scores.search(lead):
                continue
            start = name.start() if name.re is self.scores.regex else name.end()
            window = self._pd_l1_window(words, start)
            read_to = start + len(window)
            if self.pd_l1_silent.search(window[:40]):
                continue
            yield from self._pd_l1_values(words, name, start, window, lead)

    def _pd_l1_window(self, words: str, start: int) -> str:
        """What is said right behind the name: up to a new thought, but on across commas to the next score of the same test."""
        window = _cut(words, start, min(len(words), start + _WINDOW))
        following = self.pd_l1.search(window)
        window = window[: following.start()] if following else window
        for comma in re.finditer(r"[,\n]|\band\b", window):
            rest = window[comma.end() :].lstrip()
            if not (
                self.scores.match(rest) or (comma.group() == "," and re.match(r"[~<>]?\s?\d{1,3}(?:-\d+)? ?%", rest))
            ):
                return window[: comma.start()]
        return window

    def _pd_l1_values(self, words: str, name: re.Match[str], start: int, window: str, lead: str) -> Iterator[Mention]:
        clean = self.clones.sub(lambda match: " " * len(match.group()), window)
        kinds = list(self.scores.finditer(clean))
        # "A tumour proportion score of PD-L1 of 5 %".
        led = [one for one in self.scores.finditer(lead) if _OF.fullmatch(lead, one.end())]
        ahead = led[-1].lastgroup if led else None
        found = False
        for number in self.number.percent.finditer(clean):
            if not _percentage(number["low"]):
                continue
            kind = next((one.lastgroup for one in reversed(kinds) if one.end() <= number.start("low")), None)
            after = self.scores.match(clean[number.end() :].lstrip(" ("))
            kind = kind or (after.lastgroup if after else None) or (ahead if not found else None)
            found = True
            yield self._score(name, start, kind, number)
        for one in kinds:
            number_here = self.number.bare.match(clean, one.end())
            gap = clean[one.end() : number_here.start("low")] if number_here else ""
            if (
                number_here
                and len(gap) <= 16
                and not self.number.percent.match(clean, one.end())
                and _percentage(number_here["low"])
            ):
                if re.match(r"\s?(?:%|per)", clean[number_here.end() :]):
                    continue
                found = True
                yield self._score(name, start, one.lastgroup, number_here)
        plain = None if found else self.number.plain.match(clean)
        if plain and _percentage(plain["low"]):
            found = True
            yield self._score(name, start, None, plain)
        said = self.pd_l1_words.search(clean[:60])
        if said and not (found and said.lastgroup == "positive"):
            found = True
            yield _mention(
                "pd_l1", str(said.lastgroup), name.start(), start + said.end(), "pd_l1.result", Assertion.PRESENT
            )
        before = self.pd_l1_before.search(lead)
        if before and not found:
            found = True
            low = name.start() - len(before.group())
            yield _mention("pd_l1", str(before.lastgroup), low, name.end(), "pd_l1.result", Assertion.PRESENT)
        if not found:
            close = [one for one in self.number.percent.finditer(lead) if not lead[one.end() :].strip()]
            if close and _percentage(close[-1]["low"]):
                low = name.start() - len(lead) + _figure_start(close[-1])
                yield _mention("pd_l1", _value(close[-1]), low, name.end(), "pd_l1.score", Assertion.PRESENT)

    def _score(self, name: re.Match[str], start: int, kind: str | None, number: re.Match[str]) -> Mention:
        value = f"{kind} {_value(number)}" if kind else _value(number)
        return _mention("pd_l1", value, name.start(), start + number.end(), "pd_l1.score", Assertion.PRESENT)

    def _tmb(self, words: str) -> Iterator[Mention]:
        for name in self.tmb.finditer(words):
            if self._is_condition(words, name):
                continue
            window = _cut(words, name.end(), min(len(words), name.end() + 80))
            following = self.tmb.search(window)
            window = window[: following.start()] if following else window
            if self.tmb_silent.search(window[:60]):
                continue
            for number in self._burdens(window):
                yield _mention("tmb", number[0], name.start(), name.end() + number[1], "tmb.number", Assertion.PRESENT)
            level = self._level(window)
            if level is not None:
                yield _mention("tmb", level[0], name.start(), name.end() + level[1], "tmb.level", Assertion.PRESENT)
                continue
            before = re.search(
                r"\b(high|low|intermediate)[ -]$", words[max(0, name.start() - 14) : name.start()], re.IGNORECASE
            )
            if before:
                yield _mention(
                    "tmb",
                    before[1].lower(),
                    name.start() - len(before.group()),
                    name.end(),
                    "tmb.level",
                    Assertion.PRESENT,
                )

    def _burden(self, window: str) -> tuple[str, int] | None:
        """A number with its unit, or a bare number right behind the name."""
        for figure in re.finditer(r"(?<![\d.])([<>]?)\s?(\d{1,3}(?:\.\d{1,3})?)(?![\d.]*\d)", window):
            if _RANGE_END.search(window, 0, figure.start()) or _RANGE_START.match(window, figure.end()):
                continue
            if float(figure[2]) > _HIGHEST_BURDEN or self.threshold.search(window, 0, figure.start()):
                continue
            unit = self.tmb_unit.match(window, figure.end()) or self.tmb_unit.match(window, figure.end() + 1)
            value = figure[1] + figure[2]
            if unit:
                return value, unit.end()
            gap = window[: figure.start()]
            follows = window[figure.end() : figure.end() + 14]
            plain = re.fullmatch(
                r"[\s:=(~-]*(?:(?:of|is|was|high|low|score|approximately|about)\b[\s:=(,-]*){0,3}", gap, re.IGNORECASE
            )
            if plain and not re.match(r"\s?(?:%|st\b|nd\b|rd\b|th\b|mutations?|/|-\d|genes|variants|\d)", follows):
                return value, figure.end()
        return None

    def _burdens(self, window: str) -> Iterator[tuple[str, int]]:
        """The number, and a second one that shares its unit: "30 and 39 mutations/Mb in tissue and blood"."""
        first = self._burden(window)
        if first is None:
            return
        yield first
        second = _SECOND.match(window, first[1])
        if second and (
            unit := self.tmb_unit.match(window, second.end()) or self.tmb_unit.match(window, second.end() + 1)
        ):
            yield second[1], unit.end()

    def _level(self, window: str) -> tuple[str, int] | None:
        for level in self.tmb_level.finditer(window[:70]):
            gap = window[: level.start()]
            plain = re.fullmatch(
                r"[\s:=(,|-]*(?:(?:is|was|to|be|as|found|estimated|reported|considered|classified|status|score|category|level|result|from \w+|by \w+)\b[\s:=(|-]*){0,5}",
                gap,
                re.IGNORECASE,
            )
            columns = re.fullmatch(r"\s{2,}[\w -]{0,40}\s{2,}|(?:[\w -]{0,25}[|\t\u2502]){1,4}\s*", gap)
            bracketed = re.fullmatch(r"[^\n;]{0,50}?\d[^\n;()]{0,30}[(,-]\s?(?:TMB[ -])?", gap)
            if plain or columns or bracketed:
                return str(level.lastgroup), level.end()
        return None

    def _msi(self, words: str) -> Iterator[Mention]:
        taken: list[tuple[int, int]] = []
        for value, pattern, only_denied in self.msi:
            denied_end: int | None = None
            for match in pattern.finditer(words):
                if any(low < match.end() and match.start() < high for low, high in taken):
                    continue
                if self.msi_bare.fullmatch(match.group()) and not self._tumour_talk(words, match):
                    continue
                if self._is_condition(words, match):
                    continue
                denied = self.msi_denied_after.match(words, match.end()) or self.msi_denied_before.search(
                    words[max(0, match.start() - 20) : match.start()]
                )
                if only_denied and not denied:
                    continue
                taken.append(match.span())
                # "No evidence of deficient mismatch repair (dMMR)": the short form is denied with the long one.
                repeats = denied_end is not None and not words[denied_end : match.start()].strip(" (")
                denied_end = match.end() if denied or repeats else None
                assertion = Assertion.ABSENT if denied or repeats else Assertion.PRESENT
                yield _mention("msi", value, match.start(), match.end(), f"msi.{value}", assertion)

    def _is_condition(self, words: str, match: re.Match[str]) -> bool:
        """Whether a threshold or an eligibility is stated, not a result."""
        lead = words[max(0, match.start() - 40) : match.start()]
        return bool(self.condition_before.search(lead) or self.condition_after.match(words, match.end()))

    def _tumour_talk(self, words: str, match: re.Match[str]) -> bool:
        rest = words[: match.start()] + words[match.end() :]
        return len(rest.strip(" .,;")) == 0 or (
            bool(self.msi_needs.search(rest)) and not words[match.end() :].startswith(":")
        )

    def _subtype(self, words: str) -> Iterator[Mention]:
        found: dict[tuple[str, int], Mention] = {}
        for pattern in self.subtype:
            for match in pattern.finditer(words):
                for value in self._subtype_values(match.group()):
                    mention = _mention("subtype", value, match.start(), match.end(), "subtype.stated", None)
                    found.setdefault((value, match.start()), mention)
        # A sentence that names three of them tells how the disease is divided.
        if len({one.value for one in found.values()}) < _SUBTYPES_TOLD:
            yield from found.values()
        for match in self.inflamed.finditer(words):
            yield _mention("subtype", "inflamed", match.start(), match.end(), "subtype.stated", None)

    def _subtype_values(self, words: str) -> list[str]:
        named = next((key for key, pattern in self.subtype_names.items() if pattern.search(words)), None)
        if named is not None:
            return [named]
        letters = re.findall(r"(?<![A-Za-z])[A-Z](?![A-Za-z])", words)
        return [self.subtype_letters[letter] for letter in letters if letter in self.subtype_letters]


def build(rulebook: RuleBook) -> Extractor:
    """The extractor of the fields `ki67`, `pd_l1`, `tmb`, `msi` and `subtype`."""
    return BiomarkerReader.from_rulebook(rulebook).mentions


def _mention(
    field: str, value: str, start: int, end: int, rule: str, assertion: Assertion | None = Assertion.PRESENT
) -> Mention:
    return Mention(field, value, start, end, rule, assertion, confidence=0.95)


def _without_bands(mentions: list[Mention]) -> list[Mention]:
    """Drops "TPS 1-49", the name of a band, where the score itself is given."""
    scores = {one.value.rpartition(" ")[2] for one in mentions if one.field == "pd_l1"}
    scored = any(score.isdigit() and 1 <= int(score) < 50 for score in scores)
    return [one for one in mentions if not (scored and one.field == "pd_l1" and one.value.endswith("1-49"))]


def _shifted(mentions: Iterable[Mention], offset: int) -> Iterator[Mention]:
    for one in mentions:
        yield Mention(
            one.field,
            one.value,
            one.start + offset,
            one.end + offset,
            one.rule,
            one.assertion,
            confidence=one.confidence,
        )


def _value(number: re.Match[str]) -> str:
    """`90`, `80-90`, `>90`, `<1`."""
    low = number["low"]
    if number["high"]:
        return f"{low}-{number['high']}"
    sign = ">" if number["over"] or number["over2"] else "<" if number["under"] or number["under2"] else ""
    return sign + low


def _figure_start(number: re.Match[str]) -> int:
    return number.start("low")


def _percentage(figure: str) -> bool:
    return float(figure) <= 100


def _cut(words: str, start: int, end: int) -> str:
    window = words[start:end]
    stop = _CUT.search(window)
    return window[: stop.start()] if stop else window


def _filled(expression: str, fill: Mapping[str, str]) -> str:
    for placeholder, words in fill.items():
        expression = expression.replace(placeholder, words)
    return expression


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _list(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _union(expressions: Iterable[str], before: str = "") -> Expression:
    return compiled_expression(f"{before}(?:{'|'.join(expressions)})", re.IGNORECASE)


def _words(expressions: Iterable[str]) -> Expression:
    return compiled_expression(rf"(?<![A-Za-z0-9])(?:{'|'.join(expressions)})(?![A-Za-z0-9])", re.IGNORECASE)


def _named(groups: Mapping[str, list[str]]) -> Expression:
    return compiled_expression(
        "|".join(rf"(?P<{key}>(?<![A-Za-z0-9])(?:{'|'.join(some)})(?![A-Za-z]))" for key, some in groups.items()),
        re.IGNORECASE,
    )
