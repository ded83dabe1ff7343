"""Reads TNM classifications: together ("cT3 cN2 cM1c"), in part ("T2 N0"), and alone where the words around say so."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from abstractor.model.finding import Assertion
from abstractor.pipeline.mention import Extractor, Mention
from abstractor.pipeline.sieve import compiled_expression
from abstractor.pipeline.taken import Taken
from abstractor.pipeline.view import NoteView
from abstractor.rulebook.book import RuleBook

RULE = "tnm"
_CONFIDENCE_TOGETHER = 0.97
_CONFIDENCE_ALONE = 0.85


def build(rulebook: RuleBook) -> Extractor:
    """An extractor for stage.t, stage.n, stage.m and for the site codes behind M1 (metastasis)."""
    words = rulebook.settings.get("tnm", {})

    def part(name: str) -> str:
        return str(words.get(name, "(?!)"))

    one = {letter: rf"(?P<{letter}p>{part('prefix')})(?P<{letter}>{part(letter)})" for letter in "tnm"}
    gap = part("between")
    start, end = r"(?<![A-Za-z0-9-])", r"(?![A-Za-z0-9])"
    apart = {
        letter: rf"(?P<{letter}p>{part('prefix')})(?P<{letter}>{letter.upper()}{part('inside')}{part(letter)[1:]})"
        for letter in "tnm"
    }
    together = compiled_expression(rf"{start}{apart['t']}{gap}{apart['n']}(?:{gap}{apart['m']})?{end}", re.IGNORECASE)
    nodes_on = compiled_expression(rf"{start}{one['n']}{gap}{one['m']}{end}")
    alone = {letter: compiled_expression(rf"{start}{one[letter]}{end}") for letter in "tnm"}
    behind, ahead = (
        compiled_expression(part("alone_before_words"), re.IGNORECASE),
        compiled_expression(part("alone_after_words"), re.IGNORECASE),
    )
    never = compiled_expression(part("not_before_words"), re.IGNORECASE)
    codes = words.get("site_codes", {})
    sites = {str(code): str(site) for code, site in codes.items()} if isinstance(codes, dict) else {}
    code = rf"(?:{'|'.join(sites) or '(?!)'})"
    times, lead = part("code_times"), part("codes_lead")
    coded = compiled_expression(rf"(?:{lead})(?P<codes>{code}(?:{times}\s*[,;/+]\s*{code})*){times}(?=[)\];.\s]|$)")
    one_code = compiled_expression(code)
    or_other, other_or = compiled_expression(part("or_other")), compiled_expression(part("other_or"))

    def doubt(text: str, one: Mention) -> Assertion | None:
        """Uncertain where another category stands beside it as the alternative ("M0 v M1c")."""
        beside = or_other.match(text, one.end) or other_or.search(text, max(0, one.start - 12), one.start)
        return Assertion.UNCERTAIN if beside else None

    def extract(view: NoteView) -> Iterable[Mention]:
        text = view.text
        taken = Taken()
        for pattern in (together, nodes_on):
            for match in pattern.finditer(text):
                if not taken.add(*match.span()):
                    continue
                # A negation that stands behind is of something else: "cT4 N3 M0, PD-L1 negative".
                scope = (view.sentence_at(match.start()).start, match.end())
                for one in _parts(match, _CONFIDENCE_TOGETHER):
                    yield replace(one, scope=scope, assertion=doubt(text, one))
        for letter, pattern in alone.items():
            for match in pattern.finditer(text):
                if taken.touches(*match.span()):
                    continue
                if never.match(text, match.end()):
                    continue
                before = text[max(0, match.start() - 24) : match.start()]
                if (
                    match[letter + "p"]
                    or behind.match(text, match.end())
                    or ahead.search(before)
                    or _many_sites(letter, match)
                ):
                    for one in _parts(match, _CONFIDENCE_ALONE):
                        yield replace(one, assertion=doubt(text, one))
        for match in coded.finditer(text):
            for named in one_code.finditer(text, *match.span("codes")):
                yield Mention(
                    "metastasis",
                    sites[named.group()],
                    named.start(),
                    named.end(),
                    "tnm-site-code",
                    confidence=0.95,
                )

    return extract


def _many_sites(letter: str, match: re.Match[str]) -> bool:
    """M1a to M1c mean nothing else in a chart."""
    return letter == "m" and len(match["m"]) > 2 and match["m"][1] == "1"


def _parts(match: re.Match[str], confidence: float) -> Iterator[Mention]:
    groups = match.groupdict()
    for letter in "tnm":
        stated = groups.get(letter)
        if not stated or (letter in "nm" and stated[-1] in "xX"):
            continue
        prefix = (groups[letter + "p"] or "").lower()
        value = _value(stated)
        start = match.start(letter + "p") if prefix else match.start(letter)
        attributes = {"prefix": prefix} if prefix else {}
        yield Mention(
            f"stage.{letter}", value, start, match.end(letter), RULE, attributes=attributes, confidence=confidence
        )


def _value(stated: str) -> str:
    """Upper-case letter, lower-case suffix."""
    rest = stated[1:].strip(" \t:=-(")
    return stated[0].upper() + ("X" if rest in "xX" else rest.lower())
