"""How the words of one clause about genes belong together: which alteration and which result is said of which gene.

Works on events (gene, change, word of alteration, word of result) and on the text between them; it knows no vocabulary and no note.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from abstractor.model.finding import Assertion
from abstractor.pipeline.genes import GeneMention
from abstractor.pipeline.sieve import compiled_expression
from abstractor.pipeline.variant_grammar import Change

_LIST_GAP = compiled_expression(
    r"\s*(?:[,/&+\u00b7|]|,?\s*\b(?:and|or|nor|as well as|plus|and/or|then)\b)?\s*(?:the\s|both\s|either\s)?\s*"
    r"(?:\d{1,2}[pq][\d.]{0,6}\s*\(\s*)?",
    re.IGNORECASE,
)
_NEGATIVE_CONJUNCTION = compiled_expression(r"\b(?:or|nor)\b", re.IGNORECASE)
_CONJUNCTION = compiled_expression(r"\b(?:and|or|nor)\b|/|&", re.IGNORECASE)
_CLAUSE = compiled_expression(
    r";(?!\s*(?:both|all|none|each|neither)\b)|\.\s+(?!(?:All|Both|None|Each|These|Results?)\s)(?=[A-Z0-9(])|\n\s*\n|\b(?:but|however|although|whereas|while|though|despite|except)\b",
    re.IGNORECASE,
)
_BRACKETS = compiled_expression(r"\([^()\n]{0,120}\)")
_ROW = compiled_expression(r"\n[\s\-*\u2022>|\u2502]*")
_OPEN_LINE = compiled_expression(
    r"(?:,|/|&|\+|:|\(|\b(?:and|or|nor|in|of|for|the|a|no|with|without|to|by|not))\s*$", re.IGNORECASE
)
_LEFT_LINK = compiled_expression(
    r"\s*(?:\([^()\n]{0,30}\)\s*)?(?:(?:was|were|is|are)\s+)?(?:(?:also\s+)?(?:detected|identified|found|present|seen|noted|reported|shared|observed|confirmed|discovered|revealed|called|recorded|acquired|retained|evident)\s*)?"
    r"(?:(?:in\s+)?(?:any\s+of\s+)?(?:the\s+)?(?:\d{1,4}\s+)?(?:other\s+)?(?:(?:assayed|tested|analy[sz]ed|sequenced)\s+)?"
    r"(?:genes?|panel)(?:\s+(?:assayed|tested|analy[sz]ed|sequenced|examined|covered|panel)){0,2},?\s+(?:including|included|namely)\s+"
    r"|(?:of\s+)?(?:chromosome\s+)?\d{1,2}[pq][\d.]{0,6}\s*(?:\(\s*|(?:including|containing|encompassing|with)\s+)|(?:in|of|within|involving|affecting|for|at|on|include|included|including|includes)(?:\s*:\s*|\s+)|:\s*|-\s+|[(]\s*)?"
    r"(?:either\s+|both\s+|the\s+|any\s+(?:of\s+)?|genes?\s*:?\s+|following\s+(?:genes?)?:?\s*|exons?\s\d+\sof\s){0,3}",
    re.IGNORECASE,
)
_PREPOSITION = compiled_expression(
    r"\b(?:in|of|within|involving|affecting|for|include|included|including|includes)\b|[:(]", re.IGNORECASE
)
_PERCENT = compiled_expression(r"\d\s?%")
_VERBAL = compiled_expression(r"\b(?:was|were|is|are|all|both|not)\b", re.IGNORECASE)
NEAR = 60
"""So many characters may stand between a gene and what is said of it."""
_FARTHEST_DENIAL = 4
"""So many words may stand between "no" and what it denies."""
STRONG = "first"
"""Marks words of absence that ask for no alteration: "negative for EGFR"; after "no" one must be named."""
_LIST_WORDS = frozenset({"and", "or", "nor", "the", "any", "other", "as", "well", "plus", "also", "no"})
_LIST_MARK = compiled_expression(r"[,;/(:]|\band\b|\bor\b|\bwith\b", re.IGNORECASE)
_OTHERS = compiled_expression(r"\b(?:other|others|remaining|rest|results|further|additional)\b", re.IGNORECASE)
_LIKEWISE = compiled_expression(r"\bas (?:was|were|is|are)\b|\bso (?:was|were)\b|\blikewise\b", re.IGNORECASE)
_FUSION_GAP = compiled_expression(r"\s?(?:-|::|:|/)\s?")


@dataclass(frozen=True, slots=True)
class Event:
    """A word that counts: `kind` is gene, change, alteration, or a result (absent, negator, found, unknown)."""

    kind: str
    start: int
    end: int
    gene: GeneMention | None = None
    change: Change | None = None
    alteration: str = ""


@dataclass
class Group:
    """Genes named in one breath, and what is said of them."""

    genes: list[GeneMention]
    link: str
    """The text between this group and what stands before it."""
    before: Event | None = None
    """An alteration named in front: "mutations in …"."""
    after: list[Event] = field(default_factory=list)
    inherited: bool = False
    """`before` was said of the group in front and carries on over the list."""
    negated: bool = False
    strong: bool = False
    """Negated by words that ask for no more: "negative for EGFR"; after "no" an alteration must be named."""

    @property
    def end(self) -> int:
        return self.after[-1].end if self.after else self.genes[-1].end


def split_clauses(words: str, genes: list[GeneMention], titles: Iterable[int] = ()) -> Iterator[tuple[int, int]]:
    """Splits at semicolons, contrasts, titles, and where a new row of a table or list begins with a gene of its own."""
    starts = {gene.start for gene in genes}
    borders = [0, *titles]
    inside = [match.span() for match in _BRACKETS.finditer(words)]
    borders.extend(
        match.end()
        for match in _CLAUSE.finditer(words)
        if match.group() != ";" or not any(low < match.start() < high for low, high in inside)
    )
    borders.extend(
        match.end()
        for match in _ROW.finditer(words)
        if match.end() in starts and not _OPEN_LINE.search(words, max(0, match.start() - 12), match.start())
    )
    borders.append(len(words))
    borders = sorted(set(borders))
    yield from itertools.pairwise(borders)


def read_group(words: str, group: Group, zone: str) -> list[tuple[Event | None, Assertion | None]] | None:
    """What is said of the group: alterations (or None for a bare result) and their assertion. None: not tested, or nothing said."""
    said: list[tuple[Event | None, Assertion | None]] = []
    open_: list[Event] = []
    absent = Assertion.ABSENT
    negated = group.negated
    settled = negated_anew = False
    said_end = 0

    def close(assertion: Assertion | None) -> None:
        said.extend((event, assertion) for event in _condensed(words, open_))
        open_.clear()

    if _is_named_in_front(group) and group.before is not None:
        open_.append(group.before)
    for event in group.after:
        if event.kind in {"alteration", "change"}:
            if event.change is not None and any(one is not None and _repeats(one, event) for one, _ in said):
                continue
            if event.change is not None and words[max(0, event.start - 4) : event.start].lower() == "non-":
                said.append((event, absent))
                continue
            if settled and not negated_anew and not _follows_on(words[said_end : event.start]):
                break
            open_.append(event)
        elif event.kind == "absent":
            far = open_ and (
                distance(words, open_[-1].end, event.start) > 45 or _PERCENT.search(words, open_[-1].end, event.start)
            )
            if far:
                break
            denied = _denied_alteration(words, event)
            if denied is not None:
                close(absent if negated else None)
                said.append((denied, absent))
                settled, said_end = True, event.end
                continue
            if len(open_) > 1 and (words[event.start - 1] == "-" or _apart(words, open_[-2], open_[-1])):
                last = open_.pop()
                close(absent if negated else None)
                open_.append(last)
            if not open_ and not said:
                said.append((None if group.inherited or _is_bracketed(group) else group.before, absent))
            close(absent)
            settled, said_end, negated_anew = True, event.end, False
        elif event.kind == "doubtful":
            close(Assertion.UNCERTAIN)
            settled, said_end = True, event.end
        elif event.kind == "negator":
            close(absent if negated else None)
            negated = negated_anew = True
        elif event.kind == "found":
            if not open_ and not said:
                said.append((group.before, absent if negated else None))
            close(absent if negated else None)
            settled, said_end = True, event.end
        elif event.kind == "unknown":
            if _OTHERS.search(words, open_[-1].end if open_ else group.genes[-1].end, event.start):
                break
            if not said:
                return None
            open_.clear()
            said_end = event.end
    in_list = zone.startswith("negative") and not any(event.kind == "found" for event in group.after)
    close(absent if negated or in_list else None)
    if not said and group.before is not None:
        said.append((group.before, absent if negated or in_list else None))
    if not said and (negated or in_list):
        said.append((None, absent))
    return said or None


def _is_named_in_front(group: Group) -> bool:
    """Whether the change stands before the gene and its kind behind: "an L858R EGFR mutation"."""
    named = group.before is not None and group.before.change is not None and not group.inherited
    return named and any(event.alteration == "mutation" for event in group.after[:1])


def _is_bracketed(group: Group) -> bool:
    """Whether the genes are the details of a general word: "no driver mutation (EGFR, ALK negative)"."""
    general = group.before is not None and group.before.alteration == "mutation"
    return general and group.link.rstrip().endswith("(")


def _follows_on(gap: str) -> bool:
    """Whether a further alteration of the same gene comes after a result: "EGFR wild type, amplification positive"."""
    remark = gap.rpartition("(")[2] if "(" in gap else ""
    return bool(_LIST_MARK.search(gap)) and len(remark.split()) <= 1


def _repeats(first: Event, second: Event) -> bool:
    one, other = first.change, second.change
    return one is not None and other is not None and one.hgvs_p is not None and one.hgvs_p == other.hgvs_p


def _apart(words: str, first: Event, second: Event) -> bool:
    """Whether a result behind the second change says nothing of the first: "exon 19 deletion, T790M negative"."""
    if first.change is None or second.change is None:
        return False
    gap = words[first.end : second.start]
    return not _CONJUNCTION.search(gap) and ("," in gap or ")" in gap or len(gap.split()) > 1)


def _denied_alteration(words: str, event: Event) -> Event | None:
    """The alteration that a word of absence names itself: "not amplified" denies an amplification, whatever was said before."""
    said = words[event.start : event.end].lower()
    kinds = {"amplified": "amplification", "rearranged": "fusion", "mutated": "mutation", "altered": "mutation"}
    found = next((kind for word, kind in kinds.items() if word in said), None)
    return replace(event, kind="alteration", alteration=found) if found else None


def carried(group: Group) -> list[tuple[Event | None, Assertion | None]]:
    """What holds for the genes of a list of which the last has a change of its own: "negative for EGFR, ALK, BRAF V600E"."""
    if group.negated:
        return [(group.before, Assertion.ABSENT)]
    return [(group.before, None)] if group.before is not None else []


def _condensed(words: str, events: list[Event]) -> list[Event]:
    """Of words for one and the same alteration, the most telling: the change in letters, else the word that came first."""
    kept: list[Event] = []
    for event in events:
        previous = kept[-1] if kept else None
        gap = words[previous.end : event.start] if previous is not None else ""
        apart = previous is not None and re.search(r",|\band\b|\bor\b|\bwith\b|\bplus\b|\+", gap, re.IGNORECASE)
        if previous is None:
            kept.append(event)
        elif previous.alteration == "gain" and event.alteration == "amplification" and len(gap.strip()) <= 1:
            kept[-1] = event
        elif event.change is not None and previous.change is not None:
            if event.change.kind == "coding" and previous.change.kind in {"protein", "exon"}:
                kept[-1] = _with_coding(previous, event)
            elif event.change.kind == "protein" and previous.change.kind == "coding":
                kept[-1] = _with_coding(event, previous)
            elif event.change.kind == "protein" and previous.change.kind == "exon" and not apart:
                kept[-1] = event
            elif event.change.kind == "exon" and previous.change.kind == "protein" and not apart:
                continue
            else:
                kept.append(event)
        elif event.change is not None:
            if previous.alteration in {"mutation", "deletion"} or not apart:
                kept[-1] = event
            else:
                kept.append(event)
        elif previous.change is not None:
            if apart and event.alteration != "mutation":
                kept.append(event)
        elif re.search(r"\b(?:and|or)\b|/", gap) and event.alteration != previous.alteration:
            kept.append(event)
    return kept


def _with_coding(protein: Event, coding: Event) -> Event:
    if protein.change is None or coding.change is None:
        return protein
    return replace(protein, change=replace(protein.change, hgvs_c=coding.change.hgvs_c))


def denied_lists(words: str, groups: list[Group]) -> list[tuple[int, int]]:
    """Stretches for which a result at the end of a list holds: "EGFR mutation, ALK fusion and ROS1 fusion were not detected"."""
    denied: list[tuple[int, int]] = []
    for index in range(len(groups) - 1, 0, -1):
        group = groups[index]
        result = next((event for event in group.after if event.kind == "absent"), None)
        if result is None or any(event.kind == "found" for event in group.after):
            continue
        spoken = _VERBAL.match(words[result.start : result.end])
        if not spoken and not (
            any(event.kind == "alteration" for event in group.after) and _CONJUNCTION.search(group.link)
        ):
            continue
        if not _CONJUNCTION.search(group.link):
            continue
        first = index
        while first > 0 and _LIST_GAP.fullmatch(groups[first].link.strip() or " ") is not None:
            earlier = groups[first - 1]
            if any(event.kind in {"absent", "found", "unknown"} for event in earlier.after):
                break
            if not spoken and any(event.kind == "change" for event in earlier.after):
                break
            first -= 1
        denied.extend((one.genes[0].start, one.end) for one in groups[first:index])
    return denied


def _points_forward(words: str, event: Event, following: Event, group: Group | None) -> bool:
    """Whether an alteration belongs to the gene that comes after it: "mutations in TP53", "R273H in TP53"."""
    gap = words[event.end : following.start]
    if not _LEFT_LINK.fullmatch(gap):
        return False
    if _PREPOSITION.search(gap):
        return not (gap.strip().startswith("(") and group is not None and event.start - group.end <= 2)
    beside = group is not None and event.start - group.end <= 3
    if event.kind == "change":
        return gap == " " and not beside and event.change is not None
    return gap == " " and not beside and event.alteration in {"fusion", "amplification", "mutation"} and group is None


def _goes_on(gap: str) -> bool:
    """Whether a list goes on: "TP53 (p.R175H), RB1 (…), and KMT2D"."""
    return _LIST_GAP.fullmatch(gap.lstrip(") ")) is not None


def _new_thought(gap: str) -> bool:
    """Whether more than the links of a list stands between two genes."""
    bare = re.sub(r"\([^()]*\)", " ", gap)
    return len([word for word in re.findall(r"[A-Za-z]{2,}", bare) if word.lower() not in _LIST_WORDS]) > 1


def _in_new_row(words: str, group: Group, event: Event) -> bool:
    """Whether an alteration opens a line of its own: it belongs to what follows there."""
    return (
        not group.after
        and words[group.end : event.start].strip() == ""
        and "\n" in words[group.end : event.start]
        and words[event.start].isupper()
        and not words[event.start : event.end].isupper()
    )


def _is_far(words: str, negator: Event, event: Event) -> bool:
    """Whether a denial is of something else: "(no small cell transformation), retained L858R"."""
    gap = words[negator.end : event.start]
    return ")" in gap or len(gap.split()) > _FARTHEST_DENIAL


def _is_past(negator: Event, group: Group, gap: str) -> bool:
    """Whether a denial that held for the group before ends in front of the next gene."""
    return negator.start < group.genes[0].start and _new_thought(gap)


def _leads_on(words: str, group: Group | None, event: Event, following: Event | None) -> bool:
    """Whether a result belongs to the gene behind it: "NRAS G12C with wild-type BRAF"."""
    if following is None or following.kind != "gene" or words[event.end : following.start].strip(" :"):
        return False
    return (
        group is None
        or bool(re.search(r",|\b(?:and|with|but)\b", words[group.end : event.start]))
        or distance(words, group.end, event.start) > NEAR
    )


def _gene_follows(words: str, rest: list[Event]) -> bool:
    """Whether the alteration that comes next is tied to a gene behind it: "no mutation in EGFR"."""
    if len(rest) < 2 or rest[1].kind != "gene":
        return False
    gap = words[rest[0].end : rest[1].start]
    return bool(_LEFT_LINK.fullmatch(gap)) and bool(_PREPOSITION.search(gap))


def _reaches(words: str, before: Event, gene: Event) -> bool:
    return bool(_LEFT_LINK.fullmatch(words[before.end : gene.start])) or gene.start - before.end <= 3


def _same(group: Group, event: Event) -> bool:
    """ERBB2 (HER2): the same gene by another name."""
    last = group.genes[-1]
    return event.gene is not None and event.gene.symbols == last.symbols and event.start - last.end <= 3


def is_coordinated(gap: str) -> bool:
    """Whether "and", "or", a slash stand between two parts."""
    return bool(_CONJUNCTION.search(gap))


def distance(words: str, start: int, end: int) -> int:
    """Characters between two places, runs of blanks counted once: the columns of a table stand side by side."""
    return len(" ".join(words[start:end].split())) if end > start else end - start


Elsewhere = Callable[[str, Event, Group], bool]
"""Whether a change is typical of another gene than those of the group before it."""


def group_events(words: str, events: list[Event], elsewhere: Elsewhere) -> tuple[list[Group], list[Event]]:
    """Ties each event to the genes before or after it; the changes that stand without a gene come back apart."""
    groups: list[Group] = []
    loose: list[Event] = []
    before: Event | None = None
    negator: Event | None = None
    strong = False
    last_end = events[0].start
    for index, event in enumerate(events):
        group = groups[-1] if groups else None
        following = events[index + 1] if index + 1 < len(events) else None
        if negator is not None and index and events[index - 1] is negator and _is_far(words, negator, event):
            negator = None
        if event.kind == "gene" and event.gene is not None:
            gap = words[last_end : event.start]
            joins = group is not None and not group.after and before is None
            if group is not None and negator is not None and negator.start > group.genes[-1].start:
                # "RB1 is diploid and no RB1 …" breaks the list, "neither EGFR nor KRAS" carries it on.
                joins = joins and words[negator.start : negator.end].lower() == "nor"
            if (
                group is not None
                and joins
                and (_LIST_GAP.fullmatch(gap) or _FUSION_GAP.fullmatch(gap) or _same(group, event))
            ):
                group.genes.append(event.gene)
            else:
                linked = before if before is not None and _reaches(words, before, event) else None
                between = words[group.end : event.start] if group is not None else ""
                inherited = linked is None and group is not None and group.before is not None and _goes_on(between)
                if inherited and group is not None:
                    linked = group.before
                likewise = group is not None and _LIKEWISE.search(between) and group.after[-1:]
                if likewise and likewise[0].kind == "absent":
                    groups.append(Group([event.gene], gap, linked, negated=True, strong=True))
                    before, last_end = None, event.end
                    continue
                negated = negator is not None
                if group is not None and group.negated and negator is not None and _is_past(negator, group, between):
                    negated, negator = False, None
                if group is not None and negated and not strong and _ends_negation(words, group, gap, events[index:]):
                    negated, negator = False, None
                groups.append(Group([event.gene], gap, linked, negated=negated, strong=strong, inherited=inherited))
                before = None
        elif event.kind in {"alteration", "change"}:
            forward = (
                following is not None and following.kind == "gene" and _points_forward(words, event, following, group)
            )
            if forward:
                named = index > 0 and event.alteration == "mutation" and loose[-1:] == [events[index - 1]]
                close_by = named and not words[last_end : event.start].strip()
                before = replace(loose.pop(), end=event.end) if close_by else event
            elif (
                group is not None
                and distance(words, group.end, event.start) <= NEAR
                and (negator is None or negator.start < group.end)
                and not _in_new_row(words, group, event)
                and not elsewhere(words, event, group)
            ):
                group.after.append(event)
            elif event.kind == "change":
                apart = (
                    index
                    and events[index - 1] is not negator
                    and not _LIST_GAP.fullmatch(words[last_end : event.start])
                )
                if apart and loose and not _FUSION_GAP.fullmatch(words[last_end : event.start]):
                    negator = None
                loose.append(event)
                if negator is not None and negator.start > (group.end if group is not None else -1):
                    loose.append(negator)
            else:
                before = event
        elif event.kind == "negator":
            inside = (
                group is not None
                and following is not None
                and following.kind in {"alteration", "change"}
                and not _gene_follows(words, events[index + 1 :])
                and not elsewhere(words, following, group)
                and distance(words, group.end, event.start) <= NEAR
                and "," not in _BRACKETS.sub(" ", words[group.end : event.start])
            )
            if inside and group is not None:
                group.after.append(event)
            else:
                negator, strong = event, event.alteration == STRONG
        elif event.kind == "absent" and _leads_on(words, group, event, following):
            negator, strong = event, True
        elif group is not None and distance(words, group.end, event.start) <= NEAR:
            group.after.append(event)
            if event.kind == "found" and group.negated:
                negator = None
        elif event.kind in {"absent", "unknown"} and loose:
            loose.append(event)
        last_end = max(last_end, event.end)
    return groups, loose


def _ends_negation(words: str, group: Group, gap: str, rest: list[Event]) -> bool:
    """Whether "no A amplification, B …" stops being about what is not there."""
    if re.search(r"\bwith\b|\band\s+an?\s", gap, re.IGNORECASE):
        return True
    if "," not in gap or _CONJUNCTION.search(gap):
        return False
    said = any(event.kind in {"alteration", "change"} for event in group.after)
    text = words[rest[0].start : rest[-1].end]
    return said and not _NEGATIVE_CONJUNCTION.search(text)
