"""Finds spread that a clause tells with verbs: "foci in the liver were regarded as metastases", "the axillary node contained carcinoma".

It works beside `metastasis` (organ and word of spread side by side) and `metastasis_lists`; regional nodes and the primary's lung are not
its business.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from abstractor.model.finding import Assertion
from abstractor.pipeline.mention import Mention
from abstractor.pipeline.sieve import Expression, compiled_expression
from abstractor.pipeline.view import NoteView, Sentence
from abstractor.rulebook.book import RuleBook

NODES = "distant_lymph_node"
_REACH = 300
"""Characters of a sentence, before and behind an organ, that are looked at."""

_AFTER = 25
"""Characters behind an organ in which stands what else came to it (tuberculosis, a stroke)."""

Clauses = Callable[[NoteView, Sentence], Iterator[Mention]]


@dataclass(frozen=True)
class _Words:
    values: Mapping[str, str]
    """Word for an organ, in lower case, to the site it means."""
    organ: Expression
    node: Expression
    cheap: Expression
    equated: tuple[Expression, ...]
    unsure: Expression
    denied_ahead: Expression
    denied_inside: Expression
    asked_ahead: Expression
    holding: Expression
    strewn: Expression
    involved: Expression
    direct: Expression
    hot: Expression
    reached: tuple[Expression, ...]
    not_reached: Expression
    scan_shown: tuple[tuple[Expression, str], ...]
    not_shown: Expression
    row: Expression
    unclear: Expression
    sampled: tuple[Expression, ...]
    not_sampled: Expression
    found_in: Expression
    taken: Expression
    """A sample of an organ, of which the sentence need not say what was found."""
    reported: Expression
    """The beginning of a sentence that says what was found in the sample of the one before."""
    lesion_of: Expression
    """A lesion of an organ, which the sentence need not call spread."""
    proved: Expression
    """The beginning of a sentence that says what tissue of the lesion of the one before was."""
    not_between: Expression
    scan_denied: tuple[tuple[Expression, str], ...]
    organ_denied: Expression
    only_new: Expression
    turned: Expression
    vertebra: Expression
    sites: Mapping[str, frozenset[str]]
    """Which organs a kind of clause may name."""


def build(rulebook: RuleBook) -> Clauses:
    """What finds the spread that one sentence tells with verbs."""
    words = _compile(rulebook)

    def in_sentence(view: NoteView, sentence: Sentence) -> Iterator[Mention]:
        text, start, end = view.text, sentence.start, sentence.end
        yield from _reported_next(view, sentence, words)
        if not words.cheap.search(text, start, end):
            return
        for pattern, value in words.scan_denied:
            for match in pattern.finditer(text, start, end):
                if not words.only_new.search(match.group()):
                    yield _mention(value, match.start(), match.end(), "scan-denied", Assertion.ABSENT)
        for pattern, value in words.scan_shown:
            for match in pattern.finditer(text, start, end):
                if not words.not_shown.search(text, match.start(), min(end, match.end() + 90)):
                    yield _mention(value, match.start("shown"), match.end(), "scan-shown", None, 0.7)
        if any(place.search(text, start, end) for place in (words.organ, words.node, words.vertebra)):
            yield from _of_organs(text, start, end, words)

    return in_sentence


def _compile(rulebook: RuleBook) -> _Words:
    settings: Mapping[str, Any] = rulebook.settings.get("metastasis", {})
    told: Mapping[str, Any] = settings.get("clauses", {})
    scans: Mapping[str, Any] = settings.get("scans", {})

    def word(name: str) -> str:
        return str(told.get(name, "(?!)"))

    def compiled(expression: str) -> Expression:
        return compiled_expression(expression, re.IGNORECASE)

    def names(kind: str) -> frozenset[str]:
        listed = told.get("sites", {}).get(kind, ())
        return frozenset(str(one) for one in listed)

    values = {term.lower(): site.value for site in rulebook.sites() for term in (*site.nouns, *site.adjectives)}
    organ = _one_of(values)
    all_scans = "|".join(f"(?:{scan})" for scan in (*scans.values(), word("other_scan")))
    together = rf"(?:{word('scans_joined')}(?:{all_scans}))?"
    node = rf"(?<![A-Za-z]){settings.get('node_regions', '(?!)')}[ \t]+(?:\w+[ \t]+)?{settings.get('node', '(?!)')}"
    vertebra = word("vertebra")
    place = rf"(?:{node}|{organ}(?:[ \t]+{word('part')})?|{vertebra})"
    # A list once read is not given back place by place: where nothing fits behind it, that would be tried in dozens of ways.
    places = rf"(?P<places>{place}(?:{word('joined')}{place}){{0,6}}+)"
    spread = rf"(?:{settings.get('spread', '(?!)')}|{word('spread')})"
    bones = _one_of({term: value for term, value in values.items() if value == "bone"})
    link = rf"[^.;\n]{{0,80}}?\b(?P<link>{word('link')})\b(?P<gap>[^.;\n]{{0,40}}?)\b{spread}\b"
    malignant = word("malignant")
    scan_of = rf"(?:{word('scan_gap')}){word('nothing')}{word('nothing_gap')}(?:{word('something')})\b"
    return _Words(
        values=values,
        organ=compiled(organ),
        node=compiled(node),
        cheap=compiled(word("cheap")),
        equated=(
            compiled(rf"\b{word('lesion')}{word('within')}{places}{link}"),
            compiled(rf"{places}[ \t]+(?:\w+[ \t]+)?{word('lesion')}{link}"),
            compiled(rf"{places}{word('holding')}{word('amount')}(?:[\w-]+[ \t]+){{0,2}}{word('lesion')}{link}"),
        ),
        denied_ahead=compiled(word("denied_ahead")),
        denied_inside=compiled(word("denied_inside")),
        asked_ahead=compiled(word("asked_ahead")),
        unsure=compiled(rf"\b(?:{word('unsure')})\b"),
        holding=compiled(rf"{places}{word('holding')}(?P<no>{word('no')})?{word('amount')}{spread}\b"),
        strewn=compiled(rf"{places}(?:{word('strewn')})"),
        involved=compiled(rf"{places}(?:{word('involvement')})\b|\b(?:{word('involvement_of')})(?P<places2>{place})"),
        direct=compiled(word("direct")),
        row=compiled(rf"(?P<places>{place}(?:{word('joined')}{place}){{1,6}}+){word('row_of_lesions')}"),
        unclear=compiled(str(settings.get("lesions", {}).get("unclear", "(?!)"))),
        reached=(
            compiled(rf"{word('reached')}{word('regional_first')}{places}"),
            compiled(rf"{places}{word('is_involved')}"),
        ),
        not_reached=compiled(word("not_reached")),
        scan_shown=tuple(
            (compiled(rf"(?:{scan}){word('scan_gap')}(?P<shown>{word('shown')})"), str(value))
            for value, scan in scans.items()
        ),
        not_shown=compiled(word("not_shown")),
        hot=compiled(rf"\b(?:{word('hot')})[ \t]+(?P<places>{bones})"),
        sampled=(
            compiled(rf"\b{word('sample')}{word('sample_of')}{places}[^.;\n]{{0,90}}?\b(?P<malignant>{malignant})"),
            compiled(
                rf"{places}[ \t]+(?:{word('sampled_thing')}[ \t]+)?{word('sample')}[^.;\n]{{0,80}}?\b(?P<malignant>{malignant})"
            ),
            compiled(
                rf"\b(?:{word('sampled_thing')}[ \t]+(?:in|of|on|at|over)[ \t]+(?:the[ \t]+)?)?{places}(?:[ \t]+{word('sampled_thing')})?"
                rf"[^.;\n]{{0,60}}?\b{word('yielded')}\b[^.;:\n]{{0,30}}?\b(?P<malignant>{malignant})"
            ),
        ),
        found_in=compiled(
            rf"\b(?P<malignant>{malignant})[^.;\n]{{0,40}}?{word('tissue_found')}{places}[ \t]+(?:{word('sampled_thing')}[ \t]+)?{word('sample')}\b"
        ),
        taken=compiled(
            rf"\b{word('sample')}{word('sample_of')}{places}"
            rf"|{places.replace('?P<places>', '?P<places2>')}[ \t]+(?:{word('sampled_thing')}[ \t]+)?{word('sample')}\b"
        ),
        reported=compiled(rf"{word('report_opens')}[^.;\n]{{0,60}}?\b(?P<malignant>{malignant})"),
        lesion_of=compiled(
            rf"{places}[ \t]+(?:\w+[ \t]+)?{word('sampled_thing')}\b"
            rf"|\b{word('sampled_thing')}[ \t]+(?:in|of|on|at|over)[ \t]+(?:(?:the|his|her|left|right|upper|lower)[ \t]+){{0,3}}{places.replace('?P<places>', '?P<places2>')}"
        ),
        proved=compiled(rf"{word('lesion_report_opens')}[^.;\n]{{0,60}}?\b(?P<malignant>{malignant})"),
        not_between=compiled(word("not_between")),
        not_sampled=compiled(rf"\b(?:{word('not_sampled')})\b"),
        scan_denied=tuple((compiled(rf"(?:{scan}){together}{scan_of}"), str(value)) for value, scan in scans.items()),
        organ_denied=compiled(
            rf"\b{word('nothing')}[ \t]+(?:seen[ \t]+|found[ \t]+)?(?:in|within)[ \t]+(?:the[ \t]+)?{places}[ \t]+{word('looks_like')}"
        ),
        only_new=compiled(word("only_new")),
        turned=compiled(word("turned")),
        vertebra=compiled(vertebra),
        sites={
            kind: names(kind) for kind in ("involved", "strewn", "infiltrated", "sampled", "proved", "row", "reached")
        },
    )


def _one_of(values: Iterable[str]) -> str:
    terms = sorted(values, key=len, reverse=True)
    return (
        r"(?<![A-Za-z])(?:"
        + "|".join(r"[\s-]+".join(re.escape(part) for part in re.split(r"[\s-]+", term)) for term in terms)
        + r")(?![A-Za-z])"
    )


def _mention(
    value: str, start: int, end: int, rule: str, assertion: Assertion | None = None, confidence: float = 0.75
) -> Mention:
    return Mention("metastasis", value, start, end, f"metastasis-{rule}", assertion=assertion, confidence=confidence)


def _values(text: str, span: tuple[int, int], words: _Words) -> Iterator[tuple[str, int, int]]:
    """The sites of a list of organs and node regions: value, start and end."""
    nodes = list(words.node.finditer(text, *span))
    for node in nodes:
        yield NODES, node.start(), node.end()
    for organ in words.organ.finditer(text, *span):
        if any(node.start() <= organ.start() < node.end() for node in nodes):
            continue
        value = words.values.get(" ".join(re.split(r"[\s-]+", organ.group().lower())))
        if value is not None and value != "lung":
            yield value, organ.start(), organ.end()
    for vertebra in words.vertebra.finditer(text, *span):
        yield "bone", vertebra.start(), vertebra.end()


def _of_organs(text: str, start: int, end: int, words: _Words) -> Iterator[Mention]:
    for pattern in words.equated:
        for match in pattern.finditer(text, start, end):
            if words.only_new.search(match["gap"]) or words.turned.search(match["gap"]):
                continue
            ahead = text[max(start, match.start() - 60) : match.start()]
            before_link = text[match.end("places") : match.start("link")]
            if words.denied_ahead.search(ahead) or words.denied_inside.search(before_link):
                continue
            doubted = words.unsure.search(match["link"] + match["gap"]) or words.asked_ahead.search(ahead)
            doubt = Assertion.UNCERTAIN if doubted else Assertion.PRESENT
            for value, begin, stop in _values(text, match.span("places"), words):
                yield _mention(value, begin, stop, "equated", doubt)
    for match in words.holding.finditer(text, start, end):
        said = Assertion.ABSENT if match["no"] else None
        if not (said and words.only_new.search(match.group())):
            for value, begin, _ in _values(text, match.span("places"), words):
                yield _mention(value, begin, match.end(), "holding", said, 0.85)
    for match in words.strewn.finditer(text, start, end):
        allowed = words.sites["infiltrated" if match["through"] else "strewn"]
        for value, begin, _ in _values(text, match.span("places"), words):
            if value in allowed:
                yield _mention(value, begin, match.end(), "strewn")
    for match in words.involved.finditer(text, start, end):
        if words.direct.search(text, max(start, match.start() - 40), match.end() + 20):
            continue
        span = match.span("places" if match["places"] else "places2")
        for value, begin, stop in _values(text, span, words):
            if value in words.sites["involved"]:
                place = (begin, match.end()) if match["places"] else (match.start(), stop)
                yield _mention(value, *place, "involved")
    for match in words.hot.finditer(text, start, end):
        yield _mention("bone", match.start(), match.end(), "hot")
    for match in words.row.finditer(text, start, end):
        if words.unclear.search(text, match.start(), min(end, match.end() + 60)) or words.only_new.search(
            text, max(start, match.start() - 30), match.start()
        ):
            continue
        for value, begin, _ in _values(text, match.span("places"), words):
            if value in words.sites["row"]:
                yield _mention(value, begin, match.end(), "row", None, 0.7)
    for pattern in words.reached:
        for match in pattern.finditer(text, start, end):
            if words.not_reached.search(text, match.start(), min(end, match.end() + _AFTER)) or words.only_new.search(
                match.group()
            ):
                continue
            for value, begin, stop in _values(text, match.span("places"), words):
                if value in words.sites["reached"]:
                    yield _mention(value, begin, stop, "reached", None, 0.7)
    yield from _from_tissue(text, start, end, words)
    for match in words.organ_denied.finditer(text, start, end):
        for value, begin, _ in _values(text, match.span("places"), words):
            yield _mention(value, begin, match.end(), "denied", Assertion.ABSENT)


def _from_tissue(text: str, start: int, end: int, words: _Words) -> Iterator[Mention]:
    """Reads "core biopsy of the liver confirmed small cell carcinoma"; what was found is proved, so nothing else is asked."""
    for pattern in (*words.sampled, words.found_in):
        for match in pattern.finditer(text, start, end):
            around = text[max(start, match.start() - 40) : min(end, match.end() + 20)]
            if words.not_sampled.search(around) or words.not_between.search(match.group()):
                continue
            for value, begin, stop in _values(text, match.span("places"), words):
                if value in words.sites["sampled"]:
                    yield _mention(value, begin, stop, "tissue", Assertion.PRESENT)


def _reported_next(view: NoteView, sentence: Sentence, words: _Words) -> Iterator[Mention]:
    """Reads "An FNA of the pancreatic mass was performed. Cytology showed small cell carcinoma": the organ is named a sentence ahead."""
    text, start, end = view.text, sentence.start, sentence.end
    for asked, told in ((words.taken, words.reported), (words.lesion_of, words.proved)):
        match = asked.search(text, start, end)
        if match is None or words.not_sampled.search(text, max(start, match.start() - 25), end):
            continue
        index = bisect_right(view.sentences, start, key=lambda one: one.start)
        if index >= len(view.sentences):
            return
        after = view.sentences[index]
        report = told.match(text, after.start, after.end)
        if report is None or any(no.search(report.group()) for no in (words.not_sampled, words.not_between)):
            continue
        for value, begin, stop in _values(text, match.span("places" if match["places"] else "places2"), words):
            if value in words.sites["proved"]:
                yield _mention(value, begin, stop, "tissue", Assertion.PRESENT)
