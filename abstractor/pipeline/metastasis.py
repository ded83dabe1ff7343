"""Finds spread to organs: "liver metastases", "metastases to bone and brain", "Liver: no metastases". Regional nodes are none."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from abstractor.model.finding import Assertion
from abstractor.pipeline.mention import Extractor, Mention
from abstractor.pipeline.sieve import Expression, compiled_expression
from abstractor.pipeline.site import primary_sides
from abstractor.pipeline.view import NoteView, Sentence
from abstractor.rulebook.book import RuleBook

RULE = "metastasis"
UNSPECIFIC = "distant"
NODES = "distant_lymph_node"
_FAR_APART = 60
"""Characters between an organ and the word of spread beyond which the organ alone is the evidence."""


@dataclass(frozen=True)
class _Words:
    """The expressions of the component, compiled."""

    organ: Expression
    values: dict[str, str]
    """Word in lower case to the site it means."""
    before_spread: Expression
    after_spread: Expression
    headed: Expression
    inside: Expression
    opening: Expression
    spread: Expression
    malignant: Expression
    organ_denied: Expression
    lesion_denied: Expression
    denied_in: Expression
    telling: Expression
    nodes: Expression
    benign: Expression
    unspecific: Expression
    enlarged: Expression
    node_not_enlarged: Expression
    node_benign: Expression
    node_felt: Expression
    specimen: Expression
    of_lung: Expression
    of_origin: Expression
    holds_spread: Expression
    not_behind: Expression
    not_ahead: Expression
    region_only: Expression
    regional: Expression
    hedged: Expression
    hedged_ahead: Expression
    cheap: Expression
    telling_sections: frozenset[str]
    denied_sites: frozenset[str]
    denied_on_imaging: frozenset[str]
    scans: tuple[tuple[Expression, str], ...]
    """What a scan of one organ is called, and the organ."""
    side: Expression
    """Left or right, right in front of an organ."""
    any_side: Expression
    left: Expression
    other_side: Expression
    turns: Expression
    new_only: Expression
    denied_ahead: Expression
    new: Expression
    tumour_of_lung: Expression


def build(rulebook: RuleBook) -> Extractor:
    """An extractor for metastasis."""
    words = _compile(rulebook)

    def extract(view: NoteView) -> Iterable[Mention]:
        if words.cheap.search(view.text):
            for sentence in view.sentences:
                if words.cheap.search(view.text, sentence.start, sentence.end):
                    yield from _in_sentence(view, sentence, words)

    return extract


def _compile(rulebook: RuleBook) -> _Words:
    settings = rulebook.settings.get("metastasis", {})

    def word(name: str) -> str:
        return str(settings.get(name, "(?!)"))

    def compiled(expression: str) -> Expression:
        return compiled_expression(expression, re.IGNORECASE)

    values = {term.lower(): site.value for site in rulebook.sites() for term in (*site.nouns, *site.adjectives)}
    terms = sorted(values, key=len, reverse=True)
    organ = (
        r"(?<![A-Za-z])(?:"
        + "|".join(r"[\s-]+".join(re.escape(part) for part in re.split(r"[\s-]+", term)) for term in terms)
        + r")(?![A-Za-z])"
    )
    sites = rf"{organ}(?:{word('qualified')}{word('listed')}{organ}){{0,8}}"
    telling_sites = settings.get("telling_sites", [])
    telling_terms = [term for term in terms if isinstance(telling_sites, list) and values[term] in telling_sites]
    told = "|".join(re.escape(term) for term in telling_terms) or "(?!)"
    lesion, denied = word("lesion"), word("denied")
    scans = settings.get("scans", {})
    return _Words(
        organ=compiled(organ),
        values=values,
        before_spread=compiled(rf"(?P<sites>{sites}){word('qualified')}(?P<spread>\b{word('spread')})\b"),
        after_spread=compiled(rf"\b(?P<spread>{word('spread')}|{word('spreads')}){word('bridge')}(?P<sites>{sites})"),
        headed=compiled(
            rf"(?:^|[.;:\n]\s*|^[\s\dA-H.)*>-]+)(?:{word('determiner')}[ \t]+){{0,4}}(?P<sites>{sites})(?P<specimen>[^.:;\n]{{0,60}}?)[ \t]*:"
        ),
        inside=compiled(rf"\b{word('metastatic')}[ \t]+(?P<sites>{sites})[ \t]+(?:{lesion}|{word('inside')})\b"),
        opening=compiled(rf"[\s\d.*)-]*(?:{word('determiner')}[ \t]+){{0,4}}(?P<sites>{sites})"),
        spread=compiled(rf"\b{word('spread')}\b"),
        malignant=compiled(word("malignant")),
        organ_denied=compiled(
            rf"(?P<sites>{sites})[ \t:,]*(?P<denied>{denied}{word('denied_qualifiers')}(?:{lesion}))\b"
        ),
        lesion_denied=compiled(
            rf"\b{denied}(?:{word('denied_qualifiers')}|[ \t]+)(?P<sites>{sites}){word('qualified')}(?:{lesion})\b"
        ),
        denied_in=compiled(
            rf"\b{denied}(?:{word('denied_qualifiers')}|[ \t]+)(?:{lesion}|{word('activity')})[ \t]+"
            rf"(?:{word('seen')}[ \t]+){{0,3}}{word('in_organ')}[ \t]+(?:{word('determiner')}[ \t]+)?(?P<sites>{sites})"
        ),
        telling=compiled(
            rf"\b{word('telling')}(?:[ \t]+[\w-]+){{0,3}}?[ \t]+(?P<sites>(?:{told}))[ \t]+(?:{word('parenchymal')}[ \t]+)?(?P<noun>{lesion})\b"
            rf"|\b{word('telling')}(?:[ \t]+[\w-]+){{0,3}}?[ \t]+(?P<noun2>{lesion})[ \t]+{word('in_organ')}[ \t]+(?:{word('determiner')}[ \t]+)?(?P<sites2>(?:{told}))\b"
        ),
        nodes=compiled(
            rf"(?P<list>(?<![A-Za-z]){word('node_regions')}(?:[ \t]*{word('joined_regions')}[ \t]*(?:\w+[ \t]+)?{word('node_regions')}){{0,6}})[ \t]+{word('node')}"
            rf"|\b{word('node')}[ \t]+(?:{word('in_organ')}[ \t]+{word('determiner')}[ \t]+)?(?P<list2>{word('node_regions')})\b"
        ),
        benign=compiled(rf"\b{word('benign')}\b"),
        unspecific=compiled(rf"(?P<present>{word('unspecific_present')})|(?P<absent>{word('unspecific_absent')})"),
        enlarged=compiled(word("node_enlarged")),
        node_not_enlarged=compiled(word("node_not_enlarged")),
        node_benign=compiled(word("node_benign")),
        node_felt=compiled(word("node_felt")),
        specimen=compiled(word("specimen")),
        of_lung=compiled(word("of_lung")),
        of_origin=compiled(word("of_origin")),
        holds_spread=compiled(word("holds_spread")),
        not_behind=compiled(word("not_unspecific_behind")),
        not_ahead=compiled(word("not_unspecific_ahead")),
        region_only=compiled(word("region_only")),
        hedged_ahead=compiled(word("hedged_ahead")),
        hedged=compiled(word("spread_hedged")),
        regional=compiled(rf"\b{word('node_regional')}\b"),
        cheap=compiled(rf"{word('spread')}|{word('cheap')}"),
        denied_sites=_names(settings.get("denied_sites")),
        denied_on_imaging=_names(settings.get("denied_on_imaging")),
        scans=tuple((compiled(str(expression)), str(value)) for value, expression in scans.items())
        if isinstance(scans, dict)
        else (),
        telling_sections=_names(settings.get("telling_sections")),
        side=compiled(word("side")),
        any_side=compiled(word("any_side")),
        left=compiled(word("left")),
        other_side=compiled(word("other_side")),
        turns=compiled(word("turns")),
        new_only=compiled(word("new_only")),
        denied_ahead=compiled(word("denied_ahead")),
        new=compiled(word("new")),
        tumour_of_lung=compiled(word("tumour_of_lung")),
    )


def _names(listed: object) -> frozenset[str]:
    return frozenset(str(name) for name in listed) if isinstance(listed, list) else frozenset()


def _in_sentence(view: NoteView, sentence: Sentence, words: _Words) -> Iterator[Mention]:
    found = [
        _hedged(view, sentence, _sided(view, sentence, one, words), words) for one in _of_organs(view, sentence, words)
    ]
    seen: set[tuple[str, int]] = set()
    for mention in found:
        if (mention.value, mention.start) not in seen:
            seen.add((mention.value, mention.start))
            yield mention
    covered = [(mention.start, mention.end) for mention in found]
    for mention in _unspecific(view, sentence, words, covered):
        yield _hedged(view, sentence, mention, words)


def _hedged(view: NoteView, sentence: Sentence, mention: Mention, words: _Words) -> Mention:
    """Spread that what stands behind it makes a mere possibility: "two foci in the spleen, metastasis not excludable"."""
    if mention.assertion is not None:
        return mention
    doubted = words.hedged.match(view.text, mention.end, sentence.end) or words.hedged_ahead.search(
        view.text, max(sentence.start, mention.start - 50), mention.start
    )
    return replace(mention, assertion=Assertion.UNCERTAIN) if doubted else mention


def _sided(view: NoteView, sentence: Sentence, mention: Mention, words: _Words) -> Mention:
    """Metastases of the lung that is not the primary's are of the contralateral one."""
    if mention.value != "lung":
        return mention
    if words.other_side.search(view.text, max(sentence.start, mention.start - 50), mention.start):
        return replace(mention, value="contralateral_lung")
    organ = [match.start() for match in words.organ.finditer(view.text, mention.start, mention.end)]
    side = next(
        (
            found
            for place in (mention.start, *organ)
            if (found := words.side.search(view.text, max(sentence.start, place - 12), place))
        ),
        None,
    )
    sides = primary_sides(view)
    named = ("left" if words.left.match(side[1]) else "right") if side else ""
    return replace(mention, value="contralateral_lung") if named and sides and named not in sides else mention


def _of_organs(view: NoteView, sentence: Sentence, words: _Words) -> Iterator[Mention]:
    text, start, end = view.text, sentence.start, sentence.end
    denied: list[tuple[int, int]] = []
    for pattern in (words.denied_in, words.lesion_denied, words.organ_denied):
        for match in pattern.finditer(text, start, end):
            denied.append(match.span())
            if not words.new.search(match.group()):
                yield from _denied(view, match, words)
    for pattern in (words.before_spread, words.after_spread, words.inside):
        for match in pattern.finditer(text, start, end):
            if (
                _touches(match.span(), denied)
                or _is_new_denied(text, start, match, words)
                or words.benign.search(match.group())
            ):
                continue
            yield from _sites(text, match.span("sites"), match.span(), words)
    yield from _headed(view, sentence, words)
    for match in words.telling.finditer(text, start, end):
        if (
            _touches(match.span(), denied)
            or words.benign.search(text, start, end)
            or _is_new_denied(text, start, match, words)
        ):
            continue
        named = match.span("sites" if match["sites"] else "sites2")
        noun = match.start("noun" if match["noun"] else "noun2")
        yield from _sites(text, named, (min(named[0], noun), match.end()), words, confidence=0.7)
    for match in words.nodes.finditer(text, start, end):
        around = text[max(start, match.start() - 40) : min(end, match.end() + 40)]
        if (
            words.node_not_enlarged.match(text, match.end())
            or words.node_benign.match(text, match.end(), end)
            or (view.note.note_type != "radiology" and words.node_felt.search(text, start, end))
        ):
            continue
        if words.enlarged.search(around) and not _is_new_denied(text, start, match, words):
            yield Mention("metastasis", NODES, match.start(), match.end(), "metastasis-nodes", confidence=0.75)


def _touches(span: tuple[int, int], others: list[tuple[int, int]]) -> bool:
    return any(span[0] < stop and begin < span[1] for begin, stop in others)


def _denied(view: NoteView, match: re.Match[str], words: _Words) -> Iterator[Mention]:
    """An organ without lesion ("no liver lesion") is denied; "no lung nodule" denies nothing, unless it says metastasis."""
    named = match.span("sites")
    whole = (named[0], match.end()) if match.end() > named[1] else match.span()
    sites = words.denied_sites | (words.denied_on_imaging if view.note.note_type == "radiology" else frozenset())
    for mention in _sites(view.text, named, whole, words, Assertion.ABSENT):
        if mention.value in sites or words.spread.search(match.group()):
            yield mention


def _sites(
    text: str,
    listed: tuple[int, int],
    span: tuple[int, int],
    words: _Words,
    assertion: Assertion | None = None,
    confidence: float = 0.9,
) -> Iterator[Mention]:
    """One mention for each organ of a list; its evidence runs between the organ and the word that says spread."""
    begin, stop = listed
    leads = begin - span[0] <= span[1] - stop  # the organs stand in front of the word of spread
    for organ in words.organ.finditer(text, begin, stop):
        value = words.values.get(" ".join(re.split(r"[\s-]+", organ.group().lower())))
        if value is None:
            continue
        if (
            value == "lung"
            and words.of_lung.match(text, organ.end())
            and not words.tumour_of_lung.fullmatch(text, *span)
        ):
            continue
        if value == "lung" and words.of_origin.fullmatch(text, span[0], organ.start()):
            continue
        place = (organ.start(), span[1]) if leads else (span[0], organ.end())
        between = text[organ.end() : span[1]] if leads else text[span[0] : organ.start()]
        if assertion is None and (len(between) > _FAR_APART or words.turns.search(between)):
            place = organ.span()
        yield Mention("metastasis", value, *place, RULE, assertion=assertion, confidence=confidence)


def _headed(view: NoteView, sentence: Sentence, words: _Words) -> Iterator[Mention]:
    """Reads "Liver: multiple metastases", "Liver, core biopsy: small cell carcinoma"."""
    text, start, end = view.text, sentence.start, sentence.end
    on_tissue = view.note.note_type == "pathology"
    for match in words.headed.finditer(text[start:end]):
        behind = start + match.end()
        said = words.spread.search(text, behind, end)
        if not said and (on_tissue or words.specimen.search(match["specimen"] or "")):
            said = words.malignant.search(text, behind, end)
        if (
            said
            and not _is_new_denied(text, behind, said, words)
            and not words.organ.search(text, behind, said.start())
        ):
            listed = (start + match.start("sites"), start + match.end("sites"))
            for mention in _sites(text, listed, listed, words):
                value = mention.value
                if value == "lung":
                    value = _other_lung(view, match.group(), words) or value
                yield Mention("metastasis", value, *said.span(), RULE)


def _other_lung(view: NoteView, heading: str, words: _Words) -> str | None:
    """`contralateral_lung`, where a heading names the side that is not the primary's."""
    side = words.any_side.search(heading)
    sides = primary_sides(view)
    if side is None or not sides:
        return None
    return None if ("left" if words.left.match(side[1]) else "right") in sides else "contralateral_lung"


def _is_new_denied(text: str, start: int, match: re.Match[str], words: _Words) -> bool:
    """Whether only something new is denied: "no new liver metastases" says nothing about the old ones."""
    first_new = words.new.search(match.group())
    ahead = text[max(start, match.start() - 80) : match.start() + (first_new.end() if first_new else 0)]
    return words.new_only.search(ahead) is not None


def _holds(text: str, start: int, end: int, words: _Words) -> bool:
    """Whether the organ that a sentence opens with holds the spread told behind it, and no other organ stands between."""
    return (
        words.holds_spread.search(text, start, end) is not None
        and words.turns.search(text, start, end) is None
        and words.organ.search(text, start, end) is None
    )


def _unspecific(view: NoteView, sentence: Sentence, words: _Words, covered: list[tuple[int, int]]) -> Iterator[Mention]:
    text = view.text
    for match in words.unspecific.finditer(text, sentence.start, sentence.end):
        if any(match.start() < stop and begin < match.end() for begin, stop in covered):
            continue
        ahead = text[max(sentence.start, match.start() - 80) : match.start()]
        if (
            words.not_behind.match(text, match.end())
            or words.not_ahead.search(ahead)
            or _is_new_denied(text, sentence.start, match, words)
        ):
            continue
        around = text[max(sentence.start, match.start() - 60) : min(sentence.end, match.end() + 60)]
        is_denied = words.denied_ahead.search(ahead) is not None
        organ = next((value for scan, value in words.scans if scan.search(ahead)), None)
        if organ:
            yield Mention("metastasis", organ, match.start(), match.end(), "metastasis-scan", confidence=0.8)
            continue
        opening = words.opening.match(text, sentence.start, match.start())
        if opening and (is_denied or _holds(text, opening.end(), match.start(), words)):
            for mention in _sites(text, opening.span("sites"), opening.span("sites"), words):
                yield Mention("metastasis", mention.value, *match.span(), "metastasis-unspecific", confidence=0.8)
            continue
        if words.region_only.search(around) and is_denied:
            continue
        if match["absent"] and not is_denied:
            continue
        if (
            words.regional.search(text, max(sentence.start, match.start() - 30), min(sentence.end, match.end() + 25))
            and not is_denied
        ):
            continue
        yield Mention("metastasis", UNSPECIFIC, match.start(), match.end(), "metastasis-unspecific", confidence=0.8)
