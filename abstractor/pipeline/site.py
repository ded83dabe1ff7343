"""Finds where the primary tumour sits. Lobes that are named for other things (pneumonia, nodes, metastases) are not its business."""

import re
from collections.abc import Iterable, Iterator

from abstractor.pipeline.mention import Extractor, Mention
from abstractor.pipeline.view import NoteView, Sentence
from abstractor.rulebook.book import RuleBook

RULE = "primary-site"
_ON_TISSUE = frozenset({"pathology", "molecular"})
_SIDES = "primary sides"
"""Key in `NoteView.memo`."""
_CHEAP = re.compile(
    r"lobe|hil|bronch|lung|lingul|mediastin|lobar|apex|\b[RL][UML]L\b|pulmonary|lower|sided", re.IGNORECASE
)


def primary_sides(view: NoteView) -> frozenset[str]:
    """`left` and `right`, as far as the primary tumour's side was found before; empty where it was not."""
    sides = view.memo.get(_SIDES)
    return sides if isinstance(sides, frozenset) else frozenset()


def build(rulebook: RuleBook) -> Extractor:
    """An extractor for primary_site."""
    words = rulebook.settings.get("primary_site", {})
    parts = words.get("parts", {})
    named = {str(value): str(expression) for value, expression in parts.items()} if isinstance(parts, dict) else {}
    place = re.compile(
        "|".join(rf"(?P<{value}>(?<![A-Za-z]){expression}(?![A-Za-z]))" for value, expression in named.items())
        or "(?!)",
        re.IGNORECASE,
    )

    def word(name: str) -> str:
        return str(words.get(name, "(?!)"))

    behind = re.compile(rf"{word('bridge_behind')}(?P<tumour>\b{word('tumour')})\b", re.IGNORECASE)
    ahead = re.compile(rf"\b{word('tumour')}(?:\b|(?<=\.)){word('bridge_ahead')}$", re.IGNORECASE)
    measured = re.compile(word("measured"), re.IGNORECASE)
    seated = re.compile(word("seated"), re.IGNORECASE)
    replaced = re.compile(word("replaced"), re.IGNORECASE)
    nodule_ahead = re.compile(word("nodule_ahead"), re.IGNORECASE)
    bracketed = re.compile(word("bracketed_cancer"), re.IGNORECASE)
    closes = re.compile(word("bracket_closes"), re.IGNORECASE)
    resection = re.compile(word("resection"), re.IGNORECASE)
    never = re.compile(word("never_behind"), re.IGNORECASE)
    nodule = re.compile(word("other_nodules"), re.IGNORECASE)
    specimen_behind = re.compile(word("specimen_behind"), re.IGNORECASE)
    specimen_ahead = re.compile(word("specimen_ahead"), re.IGNORECASE)
    nodule_cue = re.compile(word("nodule_cue"), re.IGNORECASE)
    spread = re.compile(word("listed_spread"), re.IGNORECASE)
    silent = re.compile(word("never_sentence"), re.IGNORECASE)
    listed = words.get("diagnosis_sections", [])
    sections = frozenset(str(name) for name in listed) if isinstance(listed, list) else frozenset()

    def in_sentence(view: NoteView, sentence: Sentence) -> Iterator[Mention]:
        text = view.text
        for match in place.finditer(text, sentence.start, sentence.end):
            value = match.lastgroup or ""
            if never.match(text, match.end()):
                continue
            tumour = behind.match(text, match.end(), sentence.end)
            if tumour and not never.match(text, tumour.end()):
                yield Mention("primary_site", value, match.start(), tumour.end(), RULE)
            elif before := ahead.search(text, max(sentence.start, match.start() - 110), match.start()):
                yield Mention(
                    "primary_site",
                    value,
                    match.start(),
                    match.end(),
                    RULE,
                    scope=None,
                    confidence=0.9 if before else 0.8,
                )
            elif replaced.match(text, match.end(), sentence.end) or (
                (head := text[max(sentence.start, match.start() - 200) : match.start()])
                and (seated.search(head) or (closes.match(text, match.end()) and bracketed.search(head)))
            ):
                yield Mention("primary_site", value, match.start(), match.end(), RULE, scope=None, confidence=0.75)
            elif resection.match(text, match.end()):
                yield Mention(
                    "primary_site",
                    value,
                    match.start(),
                    match.end(),
                    RULE,
                    confidence=0.7,
                    attributes={"cue": "resection"},
                )
            elif measured.match(text, match.end()) and not nodule.search(
                text, max(sentence.start, match.start() - 70), match.start()
            ):
                yield Mention(
                    "primary_site",
                    value,
                    match.start(),
                    match.end(),
                    RULE,
                    confidence=0.7,
                    attributes={"cue": "measured"},
                )
            elif view.note.note_type in _ON_TISSUE and (
                specimen_behind.match(text, match.end())
                or specimen_ahead.search(text, max(sentence.start, match.start() - 40), match.start())
            ):
                yield Mention(
                    "primary_site",
                    value,
                    match.start(),
                    match.end(),
                    RULE,
                    confidence=0.6,
                    attributes={"cue": "specimen"},
                )
            elif nodule_cue.match(text, match.end()) or nodule_ahead.search(
                text, max(sentence.start, match.start() - 50), match.start()
            ):
                yield Mention(
                    "primary_site",
                    value,
                    match.start(),
                    match.end(),
                    RULE,
                    confidence=0.6,
                    attributes={"cue": "nodule"},
                )
            elif view.section_at(match.start()) in sections and not spread.search(text, sentence.start, match.start()):
                yield Mention("primary_site", value, match.start(), match.end(), RULE, confidence=0.8)

    def extract(view: NoteView) -> Iterable[Mention]:
        view.memo[_SIDES] = frozenset[str]()
        found = list(everywhere(view))
        sides = (one.value.split("_")[0] for one in found if not one.attributes.get("cue"))
        view.memo[_SIDES] = frozenset(side for side in sides if side != "mediastinum")
        return found

    def everywhere(view: NoteView) -> Iterator[Mention]:
        if not _CHEAP.search(view.text):
            return
        for sentence in view.sentences:
            piece = view.text[sentence.start : sentence.end]
            if _CHEAP.search(piece) and not silent.search(piece):
                yield from in_sentence(view, sentence)

    return extract
