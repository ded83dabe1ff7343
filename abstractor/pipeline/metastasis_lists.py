"""Finds spread that is told without the word: places in brackets behind a stage, lesions of an organ, organs called clear.

It works beside `metastasis`, which finds everything that is called metastasis.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from abstractor.model.finding import Assertion
from abstractor.pipeline import metastasis_clauses
from abstractor.pipeline.mention import Extractor, Mention
from abstractor.pipeline.sieve import Expression, compiled_expression
from abstractor.pipeline.site import primary_sides
from abstractor.pipeline.view import NoteView, Sentence
from abstractor.rulebook.book import RuleBook

FIELD = "metastasis"
NODES = "distant_lymph_node"
_LONGEST_LIST = 160
_LABEL = compiled_expression(r"[\s\d.)*>-]*(?P<label>[A-Za-z][A-Za-z /&,-]{2,60}?)[ \t]*(?:\([^()]{0,30}\))?:")
_CLOSING = compiled_expression(r"[).:\n]|[ \t]-[ \t]|[ \t]{3,}|\t")
_REMARK = compiled_expression(r"[^(),.;:\n]{2,40}\([^()\n]{0,40}\)")
_BRACKETS = compiled_expression(r"\([^()\n]*\)")


@dataclass(frozen=True)
class _Words:
    values: Mapping[str, str]
    """Word for an organ, in lower case, to the site it means."""
    opens: Expression
    gap: Expression
    separator: Expression
    around: Expression
    passed_over: Expression
    node: Expression
    lesions: Expression
    loose_lesions: Expression
    loose_denied: Expression
    unclear: Expression
    adrenal_sized: Expression
    vertebra: Expression
    studded: Expression
    denied_bone: Expression
    progressed: Expression
    scan_cleared: tuple[tuple[Expression, str], ...]
    organ_cleared: Expression
    node_places: Expression
    node_denied: Expression
    sided_lung: Expression
    sized_liver: Expression
    hedged_behind: Expression
    nothing_in: Expression
    one_organ: Expression
    new_only: Expression
    opening: Expression
    vertebra_alone: Expression
    side: Expression
    left: Expression
    not_vertebral: Expression
    palpable: Expression
    clear_lung: Expression
    pleura_denied: Expression
    not_denied: Expression
    autopsy: Expression
    autopsy_parent: Expression
    autopsy_child: Expression
    autopsy_not: Expression
    organ: Expression
    imaged: Expression
    sites: Mapping[str, frozenset[str]]
    """Organs a label or the first word of a sentence may name, and sections in which imaging is told."""


def build(rulebook: RuleBook) -> Extractor:
    """An extractor for metastasis."""
    words = _compile(rulebook)
    clauses = metastasis_clauses.build(rulebook)

    def extract(view: NoteView) -> Iterable[Mention]:
        organ: str | None = None
        last_end = 0
        for sentence in view.sentences:
            if "\n\n" in view.text[last_end : sentence.start]:
                organ = None
            last_end = sentence.end
            label = _LABEL.match(view.text, sentence.start, sentence.end)
            if label:
                organ = _organ(label["label"], words)
            yield from _lists(view, sentence, words)
            yield from _lesions(view, sentence, words)
            yield from _clear(view, sentence, words)
            yield from clauses(view, sentence)
            subject = (None if label else _subject(view, sentence, words)) or organ
            if subject:
                yield from _under_label(view, sentence, subject, words)
        if words.autopsy.search(view.text):
            yield from _at_autopsy(view, words)

    return extract


def _compile(rulebook: RuleBook) -> _Words:
    settings: Mapping[str, Any] = rulebook.settings.get("metastasis", {})
    lists: Mapping[str, Any] = settings.get("lists", {})
    lesions: Mapping[str, Any] = settings.get("lesions", {})
    scans: Mapping[str, Any] = settings.get("scans", {})

    def of(table: Mapping[str, Any], name: str) -> str:
        return str(table.get(name, "(?!)"))

    def compiled(expression: str) -> Expression:
        return compiled_expression(expression, re.IGNORECASE)

    organ, plural, singular = of(lesions, "organ"), of(lesions, "plural"), of(lesions, "singular")
    described = of(lesions, "described")
    terms = [term for site in rulebook.sites() for term in site.nouns]
    return _Words(
        values={term.lower(): site.value for site in rulebook.sites() for term in (*site.nouns, *site.adjectives)},
        opens=compiled(of(lists, "opens")),
        gap=compiled(of(lists, "gap")),
        separator=compiled(of(lists, "separator")),
        around=compiled(of(lists, "around")),
        passed_over=compiled(of(lists, "passed_over")),
        node=compiled(rf"{of(settings, 'node_regions')}[ \t]+{of(settings, 'node')}"),
        lesions=compiled(
            rf"\b(?P<organ>{organ})[ \t]+(?:{plural}|{singular}(?=[ \t,(]*(?:{of(lesions, 'before_described')}|\()?{described}))\b"
            rf"|\b{described}[ \t]+(?P<organ2>{organ})[ \t]+{singular}\b"
            rf"|\b{plural}{of(lesions, 'lesions_in')}(?P<organ3>{of(lesions, 'holds_lesions')})\b"
            rf"|\b{singular}{of(lesions, 'lesion_in')}(?P<organ4>{of(lesions, 'holds_lesion')})\b"
        ),
        loose_lesions=compiled(
            rf"\b(?:{of(lesions, 'several')}|"
            rf"{described})[ \t]+(?:[\w-]+[ \t]+){{0,3}}?(?:{plural}|{singular})\b|\b(?:{plural}|{singular})[ \t]+{of(lesions, 'segment')}"
        ),
        loose_denied=compiled(
            rf"\b{of(lesions, 'none')}[ \t]+(?:[a-z-]+[ \t]+){{0,4}}?(?:{plural}|{singular}|{of(lesions, 'something')})\b(?!{of(lesions, 'no_lesion')})"
        ),
        unclear=compiled(of(lesions, "unclear")),
        adrenal_sized=compiled(of(lesions, "adrenal_sized")),
        vertebra=compiled(of(lesions, "vertebra")),
        studded=compiled(of(lesions, "studded")),
        denied_bone=compiled(of(lesions, "denied_bone")),
        progressed=compiled(of(lesions, "progressed")),
        scan_cleared=tuple(
            (compiled(rf"(?:{scan})(?:{of(lesions, 'scan_remark')})(?:{of(lesions, 'cleared')})"), str(value))
            for value, scan in scans.items()
        ),
        organ_cleared=compiled(rf"{of(lesions, 'cleared_organs')}(?:{of(lesions, 'cleared')})"),
        node_places=compiled(of(lesions, "node_places")),
        node_denied=compiled(of(lesions, "node_denied")),
        sided_lung=compiled(of(lesions, "sided_lung")),
        sized_liver=compiled(of(lesions, "sized_liver")),
        hedged_behind=compiled(of(lesions, "hedged_behind")),
        nothing_in=compiled(of(lesions, "nothing_in")),
        one_organ=compiled(of(lesions, "one_organ")),
        new_only=compiled(of(lesions, "new_only")),
        opening=compiled(of(lesions, "opening")),
        vertebra_alone=compiled(of(lesions, "vertebra_alone")),
        side=compiled(of(lists, "side")),
        left=compiled(of(settings, "left")),
        not_vertebral=compiled(of(lesions, "not_vertebral")),
        palpable=compiled(of(lesions, "palpable")),
        clear_lung=compiled(of(lesions, "clear_lung")),
        pleura_denied=compiled(of(lesions, "pleura_denied")),
        not_denied=compiled(of(lesions, "not_denied")),
        autopsy=compiled(of(lesions, "autopsy")),
        autopsy_parent=compiled(of(lesions, "autopsy_parent")),
        autopsy_child=compiled(of(lesions, "autopsy_child")),
        autopsy_not=compiled(of(lesions, "autopsy_not")),
        organ=compiled("|".join(sorted(map(re.escape, terms), key=len, reverse=True)) + r"(?![A-Za-z])"),
        imaged=compiled(of(lesions, "imaged")),
        sites={
            name: frozenset(str(one) for one in lesions.get(name, ()))
            for name in ("labels", "imaging_sections", "label_denied")
        },
    )


def _organ(name: str, words: _Words) -> str | None:
    """The one organ a label names."""
    parts = words.separator.split(name)
    named = {value for part in parts if (value := _site_of(part, words)) is not None}
    return named.pop() if len(named) == 1 else None


def _site_of(name: str, words: _Words) -> str | None:
    plain = name.lower().split()
    tried = (" ".join(plain), " ".join(plain[-2:]), *plain[-1:], " ".join(plain[:2]), *plain[:1])
    value = next((words.values[one] for one in tried if one in words.values), None)
    return value if value in words.sites["labels"] else None


def _subject(view: NoteView, sentence: Sentence, words: _Words) -> str | None:
    """The organ a sentence begins with: "Liver is fatty, no focal lesion"."""
    opening = words.opening.match(view.text, sentence.start, sentence.end)
    return (
        _organ(opening["word"], words)
        if opening and words.loose_denied.search(view.text, sentence.start, sentence.end)
        else None
    )


def _mention(
    value: str, start: int, end: int, rule: str, assertion: Assertion | None = None, confidence: float = 0.75
) -> Mention:
    return Mention(FIELD, value, start, end, f"metastasis-{rule}", assertion=assertion, confidence=confidence)


def _lists(view: NoteView, sentence: Sentence, words: _Words) -> Iterator[Mention]:
    text = view.text
    for opening in words.opens.finditer(text, sentence.start, sentence.end):
        gap = words.gap.match(text, opening.end(), sentence.end)
        if not gap:
            continue
        places = list(_places(view, gap.end(), min(sentence.end, gap.end() + _LONGEST_LIST), words))
        bracketed = "(" in gap.group()
        if len(places) > 1 or (
            places and (bracketed or text[places[-1][2] : places[-1][2] + 1] in {"", ".", ";", ")", ",", "\n"})
        ):
            for value, start, end in places:
                yield _mention(value, start, end, "list")


def _places(view: NoteView, start: int, stop: int, words: _Words) -> Iterator[tuple[str, int, int]]:
    """The places of a list, up to its end: site, start and end of its words."""
    text = view.text
    position = start
    while position < stop:
        inside = _past_remark(text, position, stop)
        border = words.separator.search(text, inside, stop)
        closing = _CLOSING.search(text, inside, stop)
        end = min(border.start() if border else stop, closing.start() if closing else stop)
        part = text[position:end]
        value = _place(view, part, words)
        if value:
            lead = len(part) - len(part.lstrip())
            yield value, position + lead, position + len(part.rstrip())
        elif not any(words.passed_over.fullmatch(one.strip()) for one in (part, _BRACKETS.sub("", part))):
            return
        if border is None or end != border.start():
            if closing is not None and text[end] == ")" and (border := words.separator.match(text, end + 1, stop)):
                position = border.end()
                continue
            return
        position = border.end()


def _past_remark(text: str, position: int, stop: int) -> int:
    """Where to look for the end of an item: behind the brackets that belong to it ("bone marrow (trephine positive), liver")."""
    remark = _REMARK.match(text, position, stop)
    return remark.end() if remark else position


def _place(view: NoteView, part: str, words: _Words) -> str | None:
    """The site that one part of a list names, and nothing else."""
    if words.node.search(part) and len(part) < 40:
        return NODES
    if words.vertebra_alone.fullmatch(part.strip()):
        return "bone"
    bare = " ".join(words.around.sub(" ", _BRACKETS.sub(" ", part)).lower().split())
    value = words.values.get(bare)
    if value == "lung":
        return _opposite(view, part, words)
    return value


def _opposite(view: NoteView, part: str, words: _Words) -> str | None:
    """The other lung, where the list says which; the lung of the primary is no spread."""
    side = words.side.search(part)
    if side is None:
        return None
    sides = primary_sides(view)
    named = "left" if words.left.match(side[1]) else "right"
    return "contralateral_lung" if sides and named not in sides else None


def _lesions(view: NoteView, sentence: Sentence, words: _Words) -> Iterator[Mention]:
    text, start, end = view.text, sentence.start, sentence.end
    for match in words.lesions.finditer(text, start, end):
        if not _doubtful(text, sentence, match, words):
            name = next(part for part in (match["organ"], match["organ2"], match["organ3"], match["organ4"]) if part)
            if value := words.values.get(name.lower(), ""):
                yield _mention(value, match.start(), match.end(), "lesions", _hedged(text, sentence, match, words))
    for pattern, value in ((words.adrenal_sized, "adrenal"), (words.vertebra, "bone"), (words.sized_liver, "liver")):
        for match in pattern.finditer(text, start, end):
            inside = words.not_vertebral.search(text, max(start, match.start() - 50), min(end, match.end() + 30))
            if not _doubtful(text, sentence, match, words) and not (pattern is words.vertebra and inside):
                doubt = _hedged(text, sentence, match, words) if pattern is words.adrenal_sized else None
                yield _mention(value, match.start(), match.end(), "lesions", doubt)
    for pattern in (words.studded, words.progressed):
        for match in pattern.finditer(text, start, end):
            named = [group for group, name in match.groupdict().items() if name and name.lower() in words.values]
            for group in named if not _doubtful(text, sentence, match, words) else ():
                place = (match.start(), match.end(group)) if group != "organ3" else match.span(group)
                yield _mention(words.values[match[group].lower()], *place, "lesions")
    for match in words.sided_lung.finditer(text, start, end):
        other_lung = _opposite(view, match.group(), words)
        if other_lung and not _doubtful(text, sentence, match, words):
            yield _mention(other_lung, match.start(), match.end(), "other-lung")
    for match in words.node_places.finditer(text, start, end):
        yield _mention(NODES, match.start(), match.end(), "nodes")


def _hedged(text: str, sentence: Sentence, match: re.Match[str], words: _Words) -> Assertion | None:
    """Whether the words behind say that the lesions only may be spread: "skeletal foci, suspicious for metastases"."""
    return Assertion.UNCERTAIN if words.hedged_behind.match(text, match.end(), sentence.end) else None


def _doubtful(text: str, sentence: Sentence, match: re.Match[str], words: _Words) -> bool:
    around = text[max(sentence.start, match.start() - 40) : min(sentence.end, match.end() + 90)]
    ahead = text[max(sentence.start, match.start() - 60) : match.end()]
    return words.unclear.search(around) is not None or words.new_only.search(ahead) is not None


def _clear(view: NoteView, sentence: Sentence, words: _Words) -> Iterator[Mention]:
    text, start, end = view.text, sentence.start, sentence.end
    for pattern, value in words.scan_cleared:
        for match in pattern.finditer(text, start, end):
            yield _mention(value, match.start(), match.end(), "clear", Assertion.ABSENT)
    for match in (*words.organ_cleared.finditer(text, start, end), *words.nothing_in.finditer(text, start, end)):
        for organ in words.one_organ.finditer(text, *match.span("organ")):
            value = words.values[" ".join(organ.group().lower().split())]
            yield _mention(value, organ.start(), match.end(), "clear", Assertion.ABSENT)
    for match in words.clear_lung.finditer(text, start, end):
        other_lung = _opposite(view, match.group(), words)
        if other_lung and _on_imaging(view, sentence, words):
            yield _mention(other_lung, match.start(), match.end(), "clear", Assertion.ABSENT)
    if view.note.note_type == "radiology":
        for match in words.pleura_denied.finditer(text, start, end):
            yield _mention("pleura", match.start(), match.end(), "clear", Assertion.ABSENT)
    for match in words.denied_bone.finditer(text, start, end):
        if not words.new_only.search(match.group()):
            yield _mention("bone", match.start(), match.end(), "clear", Assertion.ABSENT)
    for match in words.node_denied.finditer(text, start, end):
        if words.palpable.search(match.group()) and not _on_imaging(view, sentence, words):
            continue  # what the hand does not feel is no finding about spread (ruling 3)
        yield _mention(NODES, match.start(), match.end(), "clear", Assertion.ABSENT)


def _at_autopsy(view: NoteView, words: _Words) -> Iterator[Mention]:
    """Reads the organs listed under a heading of an autopsy report that names the cancer."""
    under_cancer = False
    start = 0
    for line in view.text.split("\n"):
        child = words.autopsy_child.match(line)
        organ = words.organ.match(line, child.end()) if child else None
        if words.autopsy_parent.match(line):
            under_cancer = True
        elif not child:
            under_cancer = under_cancer and line.startswith((" ", "\t"))
        elif under_cancer and organ and not words.autopsy_not.search(line):
            value = words.values.get(" ".join(organ.group().lower().split()))
            if value is not None and value != "lung":
                yield _mention(value, start + organ.start(), start + organ.end(), "autopsy", Assertion.PRESENT)
        start += len(line) + 1


def _on_imaging(view: NoteView, sentence: Sentence, words: _Words) -> bool:
    return (
        view.note.note_type == "radiology"
        or view.section_at(sentence.start) in words.sites["imaging_sections"]
        or words.imaged.search(view.text, sentence.start, sentence.end) is not None
    )


def _under_label(view: NoteView, sentence: Sentence, organ: str, words: _Words) -> Iterator[Mention]:
    """Reads "Liver: two residual lesions. ..." and "Bones: ... No destructive lesion." up to the next label."""
    text, start, end = view.text, sentence.start, sentence.end
    denied = words.loose_denied.search(text, start, end)
    if denied and any(word in words.values for word in re.findall(r"\w+", denied.group().lower())):
        return
    if denied and words.not_denied.search(denied.group()):
        return
    if denied and not words.new_only.search(text, start, denied.end()):
        yield _mention(organ, denied.start(), denied.end(), "label", Assertion.ABSENT)
        return
    if organ in words.sites["label_denied"]:
        return
    for match in words.loose_lesions.finditer(text, start, end):
        if not _doubtful(text, sentence, match, words):
            yield _mention(organ, match.start(), match.end(), "label", _hedged(text, sentence, match, words))
