"""Finds spread to organs: "liver metastases", "metastases to bone and brain", "Liver: no metastases". Regional nodes are none."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from abstractor.model.finding import Assertion
from abstractor.pipeline.mention import Extractor, Mention
from abstractor.pipeline.site import primary_sides
from abstractor.pipeline.view import NoteView, Sentence
from abstractor.rulebook.book import RuleBook

RULE = "metastasis"
UNSPECIFIC = "distant"
NODES = "distant_lymph_node"
_FAR_APART = 60
"""Characters between an organ and the word of spread beyond which the organ alone is the evidence."""
_SIDE = re.compile(r"\b(left|right|lt|rt|l|r)\.?[ \t]+$", re.IGNORECASE)
_OTHER_SIDE = re.compile(
    r"\b(?:contralateral(?:ly)?|(?:on|of)[ \t]+the[ \t]+(?:other|opposite)[ \t]+side)\b[^.;\n]*$", re.IGNORECASE
)
_TURNS = re.compile(r"\b(?:not|no|but|without|nor)\b", re.IGNORECASE)
_NEW = re.compile(
    r"\b(?:no|without|not|nor)\b[^.;,\n]{0,40}\b(?:new|further|additional|other)\b[^.;,\n]{0,40}$", re.IGNORECASE
)
_DENIED_AHEAD = re.compile(
    r"\b(?:no|not|without|negative|neg|free|absence|nor|rule|exclude)\b[^.;\n]{0,80}$", re.IGNORECASE
)


@dataclass(frozen=True)
class _Words:
    """The expressions of the component, compiled."""

    organ: re.Pattern[str]
    values: dict[str, str]
    """Word in lower case to the site it means."""
    before_spread: re.Pattern[str]
    after_spread: re.Pattern[str]
    headed: re.Pattern[str]
    inside: re.Pattern[str]
    opening: re.Pattern[str]
    spread: re.Pattern[str]
    malignant: re.Pattern[str]
    organ_denied: re.Pattern[str]
    lesion_denied: re.Pattern[str]
    denied_in: re.Pattern[str]
    telling: re.Pattern[str]
    nodes: re.Pattern[str]
    benign: re.Pattern[str]
    unspecific: re.Pattern[str]
    enlarged: re.Pattern[str]
    specimen: re.Pattern[str]
    of_lung: re.Pattern[str]
    not_behind: re.Pattern[str]
    not_ahead: re.Pattern[str]
    region_only: re.Pattern[str]
    regional: re.Pattern[str]
    hedged: re.Pattern[str]
    hedged_ahead: re.Pattern[str]
    cheap: re.Pattern[str]
    telling_sections: frozenset[str]
    denied_sites: frozenset[str]
    scans: tuple[tuple[re.Pattern[str], str], ...]
    """What a scan of one organ is called, and the organ."""


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

    def compiled(expression: str) -> re.Pattern[str]:
        return re.compile(expression, re.IGNORECASE)

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
        after_spread=compiled(rf"\b(?P<spread>{word('spread')}|spread|spreading){word('bridge')}(?P<sites>{sites})"),
        headed=compiled(
            rf"(?:^|[.;:\n]\s*|^[\s\dA-H.)*>-]+)(?:left|right|both|the|bilateral)?[ \t]*(?P<sites>{sites})(?P<specimen>[^.:;\n]{{0,60}}?)[ \t]*:"
        ),
        inside=compiled(rf"\bmetastatic[ \t]+(?P<sites>{sites})[ \t]+(?:{lesion}|implants?|spread|nodul\w+)\b"),
        opening=compiled(rf"[\s\d.*)-]*(?:the|left|right|both|bilateral|his|her|[ \t])*(?P<sites>{sites})"),
        spread=compiled(rf"\b{word('spread')}\b"),
        malignant=compiled(word("malignant")),
        organ_denied=compiled(
            rf"(?P<sites>{sites})[ \t:,]*(?P<denied>{denied}{word('denied_qualifiers')}(?:{lesion}))\b"
        ),
        lesion_denied=compiled(
            rf"\b{denied}(?:{word('denied_qualifiers')}|[ \t]+)(?P<sites>{sites}){word('qualified')}(?:{lesion})\b"
        ),
        denied_in=compiled(
            rf"\b{denied}(?:{word('denied_qualifiers')}|[ \t]+)(?:{lesion}|uptake|activity)[ \t]+"
            rf"(?:is[ \t]+|are[ \t]+|seen[ \t]+|noted[ \t]+)*(?:in|within|involving)[ \t]+(?:the[ \t]+)?(?P<sites>{sites})"
        ),
        telling=compiled(
            rf"\b{word('telling')}(?:[ \t]+[\w-]+){{0,3}}?[ \t]+(?P<sites>(?:{told}))[ \t]+(?:parenchymal[ \t]+)?(?P<noun>{lesion})\b"
            rf"|\b{word('telling')}(?:[ \t]+[\w-]+){{0,3}}?[ \t]+(?P<noun2>{lesion})[ \t]+(?:in|of|within|throughout|involving)[ \t]+(?:the[ \t]+|both[ \t]+)?(?P<sites2>(?:{told}))\b"
        ),
        nodes=compiled(
            rf"(?P<list>(?<![A-Za-z]){word('node_regions')}(?:[ \t]*(?:,|/|and|or|&)[ \t]*(?:\w+[ \t]+)?{word('node_regions')})*)[ \t]+{word('node')}"
            rf"|\b{word('node')}[ \t]+(?:in[ \t]+the[ \t]+|of[ \t]+the[ \t]+)?(?P<list2>{word('node_regions')})\b"
        ),
        benign=compiled(rf"\b{word('benign')}\b"),
        unspecific=compiled(rf"(?P<present>{word('unspecific_present')})|(?P<absent>{word('unspecific_absent')})"),
        enlarged=compiled(word("node_enlarged")),
        specimen=compiled(word("specimen")),
        of_lung=compiled(word("of_lung")),
        not_behind=compiled(word("not_unspecific_behind")),
        not_ahead=compiled(word("not_unspecific_ahead")),
        region_only=compiled(word("region_only")),
        hedged_ahead=compiled(word("hedged_ahead")),
        hedged=compiled(word("spread_hedged")),
        regional=compiled(rf"\b{word('node_regional')}\b"),
        cheap=compiled(
            rf"{word('spread')}|lesion|mass|nodule|foc[iu]|node|adenopath|deposit|spread|filia|involv|disease|uptake|activity|locali[sz]ation|implant"
        ),
        denied_sites=_names(settings.get("denied_sites")),
        scans=tuple((compiled(str(expression)), str(value)) for value, expression in scans.items())
        if isinstance(scans, dict)
        else (),
        telling_sections=_names(settings.get("telling_sections")),
    )


def _names(listed: object) -> frozenset[str]:
    return frozenset(str(name) for name in listed) if isinstance(listed, list) else frozenset()


def _in_sentence(view: NoteView, sentence: Sentence, words: _Words) -> Iterator[Mention]:
    found = [_hedged(view, sentence, _sided(view, sentence, one), words) for one in _of_organs(view, sentence, words)]
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


def _sided(view: NoteView, sentence: Sentence, mention: Mention) -> Mention:
    """Metastases of the lung that is not the primary's are of the contralateral one."""
    if mention.value != "lung":
        return mention
    if _OTHER_SIDE.search(view.text, max(sentence.start, mention.start - 50), mention.start):
        return replace(mention, value="contralateral_lung")
    side = _SIDE.search(view.text, max(sentence.start, mention.start - 12), mention.start)
    sides = primary_sides(view)
    named = ("left" if side[1][0].lower() == "l" else "right") if side else ""
    return replace(mention, value="contralateral_lung") if named and sides and named not in sides else mention


def _of_organs(view: NoteView, sentence: Sentence, words: _Words) -> Iterator[Mention]:
    text, start, end = view.text, sentence.start, sentence.end
    denied: list[tuple[int, int]] = []
    for pattern in (words.denied_in, words.lesion_denied, words.organ_denied):
        for match in pattern.finditer(text, start, end):
            denied.append(match.span())
            if not _speaks_of_new(text, match):
                yield from _denied(text, match, words)
    for pattern in (words.before_spread, words.after_spread, words.inside):
        for match in pattern.finditer(text, start, end):
            if (
                _touches(match.span(), denied)
                or _is_new_denied(text, start, match)
                or words.benign.search(match.group())
            ):
                continue
            yield from _sites(text, match.span("sites"), match.span(), words)
    yield from _headed(view, sentence, words)
    for match in words.telling.finditer(text, start, end):
        if (
            _touches(match.span(), denied)
            or words.benign.search(text, start, end)
            or _is_new_denied(text, start, match)
        ):
            continue
        named = match.span("sites" if match["sites"] else "sites2")
        noun = match.start("noun" if match["noun"] else "noun2")
        yield from _sites(text, named, (min(named[0], noun), match.end()), words, confidence=0.7)
    for match in words.nodes.finditer(text, start, end):
        around = text[max(start, match.start() - 40) : min(end, match.end() + 40)]
        if words.enlarged.search(around) and not _is_new_denied(text, start, match):
            yield Mention("metastasis", NODES, match.start(), match.end(), "metastasis-nodes", confidence=0.75)


def _touches(span: tuple[int, int], others: list[tuple[int, int]]) -> bool:
    return any(span[0] < stop and begin < span[1] for begin, stop in others)


def _denied(text: str, match: re.Match[str], words: _Words) -> Iterator[Mention]:
    """An organ without lesion ("no liver lesion") is denied; "no lung nodule" denies nothing, unless it says metastasis."""
    named = match.span("sites")
    whole = (named[0], match.end()) if match.end() > named[1] else match.span()
    for mention in _sites(text, named, whole, words, Assertion.ABSENT):
        if mention.value in words.denied_sites or words.spread.search(match.group()):
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
        if value is None or (value == "lung" and words.of_lung.match(text, organ.end())):
            continue
        place = (organ.start(), span[1]) if leads else (span[0], organ.end())
        between = text[organ.end() : span[1]] if leads else text[span[0] : organ.start()]
        if assertion is None and (len(between) > _FAR_APART or _TURNS.search(between)):
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
        if said and not _is_new_denied(text, behind, said) and not words.organ.search(text, behind, said.start()):
            listed = (start + match.start("sites"), start + match.end("sites"))
            for mention in _sites(text, listed, listed, words):
                yield Mention("metastasis", mention.value, *said.span(), RULE)


def _speaks_of_new(text: str, match: re.Match[str]) -> bool:
    return re.search(r"\bnew\b", match.group(), re.IGNORECASE) is not None


def _is_new_denied(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether only something new is denied: "no new liver metastases" says nothing about the old ones."""
    first_new = re.search(r"\bnew\b", match.group(), re.IGNORECASE)
    ahead = text[max(start, match.start() - 80) : match.start() + (first_new.end() if first_new else 0)]
    return _NEW.search(ahead) is not None


def _unspecific(view: NoteView, sentence: Sentence, words: _Words, covered: list[tuple[int, int]]) -> Iterator[Mention]:
    text = view.text
    for match in words.unspecific.finditer(text, sentence.start, sentence.end):
        if any(match.start() < stop and begin < match.end() for begin, stop in covered):
            continue
        ahead = text[max(sentence.start, match.start() - 80) : match.start()]
        if (
            words.not_behind.match(text, match.end())
            or words.not_ahead.search(ahead)
            or _is_new_denied(text, sentence.start, match)
        ):
            continue
        around = text[max(sentence.start, match.start() - 60) : min(sentence.end, match.end() + 60)]
        is_denied = _DENIED_AHEAD.search(ahead) is not None
        organ = next((value for scan, value in words.scans if scan.search(ahead)), None)
        if organ:
            yield Mention("metastasis", organ, match.start(), match.end(), "metastasis-scan", confidence=0.8)
            continue
        if is_denied and (opening := words.opening.match(text, sentence.start, match.start())):
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
