"""Finds where the primary tumour sits. Lobes that are named for other things (pneumonia, nodes, metastases) are not its business."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from abstractor.pipeline.mention import Extractor, Mention
from abstractor.pipeline.sieve import compiled_expression
from abstractor.pipeline.view import NoteView, Sentence
from abstractor.rulebook.book import RuleBook

RULE = "primary-site"
_ON_TISSUE = frozenset({"pathology", "molecular"})
_LESION = "lesion"
"""Cue of a place that is only said to hold a lesion."""
_SIDES = "primary sides"
"""Key in `NoteView.memo`."""


def primary_sides(view: NoteView) -> frozenset[str]:
    """`left` and `right`, as far as the primary tumour's side was found before; empty where it was not."""
    sides = view.memo.get(_SIDES)
    return sides if isinstance(sides, frozenset) else frozenset()


def _without_lesions_opposite(found: Iterable[Mention]) -> list[Mention]:
    """Drops the lesions of the lung that is not the one whose tumour is named; the other lesions lose their cue."""
    every = list(found)
    sides = {one.value.split("_")[0] for one in every if not one.attributes.get("cue")} - {"mediastinum"}
    kept = [
        one
        for one in every
        if one.attributes.get("cue") != _LESION or not sides or one.value.split("_")[0] in {*sides, "mediastinum"}
    ]
    return [replace(one, attributes={}) if one.attributes.get("cue") == _LESION else one for one in kept]


def build(rulebook: RuleBook) -> Extractor:
    """An extractor for primary_site."""
    words = rulebook.settings.get("primary_site", {})
    parts = words.get("parts", {})
    named = {str(value): str(expression) for value, expression in parts.items()} if isinstance(parts, dict) else {}
    place = compiled_expression(
        "|".join(rf"(?P<{value}>(?<![A-Za-z0-9]){expression}(?![A-Za-z]))" for value, expression in named.items())
        or "(?!)",
        re.IGNORECASE,
    )

    def word(name: str) -> str:
        return str(words.get(name, "(?!)"))

    named_with = compiled_expression(word("named_with"), re.IGNORECASE)
    cheap = compiled_expression(word("cheap"), re.IGNORECASE)
    resected = compiled_expression(word("resection_ahead"), re.IGNORECASE)
    not_specimen = compiled_expression(word("not_specimen"), re.IGNORECASE)
    behind = compiled_expression(rf"{word('bridge_behind')}(?P<tumour>\b{word('tumour')})\b", re.IGNORECASE)
    ahead = compiled_expression(rf"\b{word('tumour')}(?:\b|(?<=\.)){word('bridge_ahead')}$", re.IGNORECASE)
    measured = compiled_expression(word("measured"), re.IGNORECASE)
    seated = compiled_expression(word("seated"), re.IGNORECASE)
    replaced = compiled_expression(word("replaced"), re.IGNORECASE)
    nodule_ahead = compiled_expression(word("nodule_ahead"), re.IGNORECASE)
    bracketed = compiled_expression(word("bracketed_cancer"), re.IGNORECASE)
    closes = compiled_expression(word("bracket_closes"), re.IGNORECASE)
    resection = compiled_expression(word("resection"), re.IGNORECASE)
    never = compiled_expression(word("never_behind"), re.IGNORECASE)
    nodule = compiled_expression(word("other_nodules"), re.IGNORECASE)
    specimen_behind = compiled_expression(word("specimen_behind"), re.IGNORECASE)
    specimen_ahead = compiled_expression(word("specimen_ahead"), re.IGNORECASE)
    nodule_cue = compiled_expression(word("nodule_cue"), re.IGNORECASE)
    harmless = compiled_expression(word("harmless_nodule"), re.IGNORECASE)
    lesion = compiled_expression(word("mere_lesion"), re.IGNORECASE)
    of_another_organ = compiled_expression(word("of_another_organ"), re.IGNORECASE)
    spread = compiled_expression(word("listed_spread"), re.IGNORECASE)
    silent = compiled_expression(word("never_sentence"), re.IGNORECASE)
    listed = words.get("diagnosis_sections", [])
    sections = frozenset(str(name) for name in listed) if isinstance(listed, list) else frozenset()

    def stated(view: NoteView, sentence: Sentence, match: re.Match[str]) -> tuple[int, float, str] | None:
        """What makes the place the primary's: end of the evidence, confidence, and the cue where it is a weak one."""
        text, start, end = view.text, match.start(), match.end()

        def just_before(reach: int) -> str:
            return text[max(sentence.start, start - reach) : start]

        if named_with.search(match.group()):
            return end, 0.85, ""
        tumour = behind.match(text, end, sentence.end)
        if tumour and not never.match(text, tumour.end()):
            return tumour.end(), 0.9, _LESION if lesion.fullmatch(tumour["tumour"]) else ""
        if ahead.search(just_before(110)):
            return end, 0.9, ""
        head = just_before(200)
        in_brackets = closes.match(text, end) and bracketed.search(head)
        if replaced.match(text, end, sentence.end) or seated.search(head) or in_brackets:
            return end, 0.75, ""
        if resection.match(text, end) or resected.search(just_before(40)):
            return end, 0.7, "resection"
        if measured.match(text, end) and not nodule.search(just_before(70)):
            return end, 0.7, "measured"
        on_tissue = view.note.note_type in _ON_TISSUE
        if on_tissue and not_specimen.match(text, end):
            return None
        if on_tissue and (specimen_behind.match(text, end) or specimen_ahead.search(just_before(40))):
            return end, 0.6, "specimen"
        if nodule_cue.match(text, end) or nodule_ahead.search(just_before(50)):
            if harmless.search(text, sentence.start, sentence.end):
                return None
            return end, 0.6, "nodule"
        if view.section_at(start) in sections and not spread.search(text, sentence.start, start):
            return end, 0.8, ""
        return None

    def in_sentence(view: NoteView, sentence: Sentence) -> Iterator[Mention]:
        for match in place.finditer(view.text, sentence.start, sentence.end):
            elsewhere = never.match(view.text, match.end()) or of_another_organ.search(
                view.text, sentence.start, match.end()
            )
            found = None if elsewhere else stated(view, sentence, match)
            if found is not None:
                end, confidence, cue = found
                attributes = {"cue": cue} if cue else {}
                value = match.lastgroup or ""
                yield Mention(
                    "primary_site", value, match.start(), end, RULE, confidence=confidence, attributes=attributes
                )

    def extract(view: NoteView) -> Iterable[Mention]:
        view.memo[_SIDES] = frozenset[str]()
        found = _without_lesions_opposite(everywhere(view))
        sides = (one.value.split("_")[0] for one in found if not one.attributes.get("cue"))
        view.memo[_SIDES] = frozenset(side for side in sides if side != "mediastinum")
        return found

    def everywhere(view: NoteView) -> Iterator[Mention]:
        if not cheap.search(view.text):
            return
        for sentence in view.sentences:
            piece = view.words(sentence.start, sentence.end)
            if cheap.search(piece) and not silent.search(piece):
                yield from in_sentence(view, sentence)

    return extract
