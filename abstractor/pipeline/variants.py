"""Gene variants: which change of which gene a text states, and whether it was found, not found or not tested.

Reads one sentence at a time as a row of events (gene, change, word of alteration, word of result) and ties them together as
reports and letters do. It never judges plans, hedges or relatives; those are left to the assertion stage.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace

from abstractor.model.finding import Assertion
from abstractor.pipeline.genes import GeneLexicon, GeneMention, Trust
from abstractor.pipeline.mention import Extractor, Mention
from abstractor.pipeline.report_zones import ZoneFinder
from abstractor.pipeline.sieve import Expression, compiled_expression
from abstractor.pipeline.statements import Statement, statements
from abstractor.pipeline.variant_clauses import (
    NEAR,
    Event,
    Group,
    carried,
    denied_lists,
    group_events,
    is_coordinated,
    read_group,
    split_clauses,
)
from abstractor.pipeline.variant_grammar import Change, Grammar
from abstractor.pipeline.view import NoteView
from abstractor.rulebook.book import RuleBook

FIELD = "variant"

_ROW_START = 4
"""A finding this near to the beginning of a statement is a row of a list."""
_EXONS = compiled_expression(r"\bexons?\s+\d{1,2}(?:\s?(?:[-,/]|and)\s?\d{1,2})*", re.IGNORECASE)
_SMALL_CHANGE = compiled_expression(
    r"[ \n]((?:p\.)?[acdefghiklmnpqrstvwy]\d{2,4}(?:[acdefghiklmnpqrstvwyx*]|fs|del))(?![A-Za-z0-9])"
)
_VERDICT = compiled_expression(
    r"\s*(?:All|Both|None|Each|These|Results?)(?: (?:of )?(?:these|them|which|the (?:tests|results|genes)|three|four|tests|results|genes)){0,2}"
    r"(?: (?:have|has))? (?:was|were|are|is|been|came back|returned)\b"
)
_TESTED = compiled_expression(r"test|sequenc|analy|assess|FISH|PCR|perform|check|request|studi|sent", re.IGNORECASE)
_NEXT_SENTENCE = 3
_LONG_PLACE = compiled_expression(r"([ACGT])(\d{4,5})(?!\1)([ACGT])")
"""A3243G: four figures and two letters of the genetic alphabet are bases, not residues."""
_CUT = compiled_expression(r"\n\s*\n|;(?!\s*(?:VAF|AF|MAF|allele))|\.\s+[A-Z]|\n\s*(?:[-*\u2022]|\d+[.)])")
_DONE = compiled_expression(
    r"\s*(?:gene\s+)?(?:mutation(?:al)?\s+)?(?:testing|tests?|analys[ei]s|studies|sequencing|FISH|PCR)?\s*"
    r"(?:(?:was|were|has been|have been)\s+)?(?:also\s+)?(?:tested|performed|done|sequenced|analy[sz]ed|assessed|checked|requested|sent)?"
    r"\s*\.(?=\s+(?:All|Both|None|Each|These|Results?)\b)"
)
"""What stands between the genes and a verdict in the next sentence."""
_ALL_OF_THEM = compiled_expression(
    r",?\s*(?:which\s+|that\s+)?(?:were\s+|was\s+|are\s+)?(?:all|both|each|which)\b(?:\s+(?:of which|of them|being|were|was|are|came back|returned))?",
    re.IGNORECASE,
)
"""Tested for EGFR and ALK, both of which were negative."""
_ENDS = compiled_expression(r"\s*(?:[.;)\n]|$)")
"""After "no EGFR, ALK, ROS1" the thought must end, or an alteration be named."""
_BRACKET = compiled_expression(r"\([^()\n]{0,60}\)")
_OTHER_THOUGHT = compiled_expression(r"[,]|\b(?:and|or|with)\b|\d\s", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class VariantMention:
    """A change of a gene as any text may name it (`Abstractor.variants`)."""

    start: int
    end: int
    text: str
    gene: str | None
    """HGNC symbol, where one is named near it or the change is typical of one gene."""
    hgvs_p: str | None
    hgvs_c: str | None
    kind: str
    """protein, coding, genomic, exon, dbsnp, nucleotide, phrase."""


@dataclass(frozen=True, slots=True)
class _Item:
    """One gene with one alteration."""

    symbol: str
    alteration: str
    start: int
    end: int
    assertion: Assertion | None
    specific: bool
    change: Change | None = None
    lonely: bool = False
    """The change stands without its gene."""


@dataclass(frozen=True)
class VariantReader:
    """The vocabularies, compiled once."""

    lexicon: GeneLexicon
    grammar: Grammar
    words: Expression
    hotspots: Mapping[str, str]
    """`T790M` to EGFR; `exon 19 deletion` to EGFR."""
    any_residue: frozenset[str]
    not_protein: frozenset[str]
    never_changes: frozenset[str]
    fusion_genes: frozenset[str]
    status_genes: frozenset[str]
    stained: frozenset[str]
    suppressors: frozenset[str]
    lost_by_stain: frozenset[str]
    genomic_talk: Expression
    drug: Expression
    test: Expression
    expression: Expression
    general: Expression
    examples: Expression
    general_always: Expression
    general_beside: Expression
    asked_for: Expression
    not_yet: Expression
    remark: Expression
    report_label: Expression
    silent_clause: Expression
    patient: Expression
    fraction: Expression
    fraction_column: Expression
    copies: Expression
    uncertain: Expression
    genetic_talk: Expression
    partners_follow: Expression
    quick: Expression
    """Every sentence with a gene or a change has a match of this."""
    zones: ZoneFinder

    @classmethod
    def from_rulebook(cls, rulebook: RuleBook) -> "VariantReader":
        """Compiles `settings/variants.toml`, `settings/gene_symbols.toml` and `vocab/genes.csv`."""
        settings = rulebook.settings["variants"]
        status, defaults = _table(settings, "status"), _table(settings, "defaults")
        hotspots: dict[str, str] = {}
        for gene, changes in _table(settings, "hotspots").items():
            if gene.startswith("exon_"):
                hotspots[gene.replace("_", " ")] = str(changes[0])
            else:
                hotspots.update(dict.fromkeys(changes, gene))
        attributes = {key: str(value) for key, value in _table(settings, "attributes").items()}
        lexicon = GeneLexicon.from_rulebook(rulebook)
        return cls(
            lexicon=lexicon,
            grammar=Grammar.from_rulebook(rulebook),
            words=_event_words(_table(settings, "alterations"), status),
            hotspots=hotspots,
            any_residue=frozenset(_table(settings, "residues")["any"]),
            not_protein=frozenset(_table(settings, "residues")["not_protein"]),
            never_changes=frozenset(defaults["never_changes"]),
            fusion_genes=frozenset(defaults["fusion"]),
            status_genes=frozenset(defaults["status_genes"]),
            stained=frozenset(defaults["stained"]),
            suppressors=frozenset(defaults["suppressors"]),
            lost_by_stain=frozenset(defaults["lost_by_stain"]),
            genomic_talk=compiled_expression(str(defaults["genomic_talk"]), re.IGNORECASE),
            drug=_union(status["names_a_drug"]),
            test=_union(status["names_a_test"]),
            expression=_union(status["expression"], r"(?<![A-Za-z0-9])"),
            general=_union(status["general"], r"(?<![A-Za-z])"),
            examples=_union(status["examples_of"], r"(?<![A-Za-z])"),
            patient=_union(status["of_this_patient"], r"(?<![A-Za-z])"),
            general_always=_union(status["general_always"], r"(?<![A-Za-z])"),
            general_beside=compiled_expression(str(status["general_beside"]), re.IGNORECASE),
            asked_for=compiled_expression(str(status["asked_for"]), re.IGNORECASE),
            not_yet=compiled_expression(str(status["not_yet"]), re.IGNORECASE),
            remark=compiled_expression(str(status["remark"]), re.IGNORECASE),
            report_label=compiled_expression(str(status["report_labels"]), re.IGNORECASE),
            silent_clause=_union(status["silent_clause"], r"(?<![A-Za-z])"),
            **{key: compiled_expression(value, re.IGNORECASE) for key, value in attributes.items()},
            quick=_quick(lexicon, defaults["status_genes"]),
            zones=ZoneFinder.from_rulebook(rulebook, lexicon),
        )

    def mentions(self, view: NoteView) -> list[Mention]:
        """The variants a note states, as mentions of the field `variant`."""
        found: list[Mention] = []
        latest: tuple[str, int] | None = None
        for statement in _with_verdicts(statements(view)):
            words = statement.words
            if not self.quick.search(words):
                continue
            words = self.remark.sub(lambda match: " " * len(match.group()), words)
            genes = self.lexicon.find(words)
            changes = self.grammar.find(words, ("protein", "coding", "exon"))
            changes = sorted([*changes, *self._small_letters(words, genes, changes)], key=lambda one: one.start)
            if not genes and not changes:
                continue
            zones = self.zones.zones(view)
            titles = zones.borders(statement.start, statement.start + len(words))
            for start, end in split_clauses(words, genes, [title - statement.start for title in titles]):
                # A heading and its list may be one sentence: what counts is where the first gene stands.
                places = [gene.start for gene in genes] + [change.start for change in changes]
                first = min((place for place in places if start <= place < end), default=start)
                kind = zones.kind_at(statement.start + first)
                if kind == "silent":
                    continue
                items, latest_here = self._read(words, start, end, genes, changes, kind, latest, statement.start)
                latest = latest_here or latest
                found.extend(self._mention(view, statement.start, item, kind) for item in items)
        return _unique(found)

    def find(self, text: str) -> list[VariantMention]:
        """All sequence changes of any text, with the gene where the text names it."""
        changes = self.grammar.find(text)
        if not changes:
            return []
        genes = self.lexicon.find(text)
        starts = [gene.start for gene in genes]
        counts = Counter(symbol for gene in genes if gene.trust is not Trust.AMBIGUOUS for symbol in gene.symbols)
        often = {symbol for symbol, count in counts.items() if count > 1}
        # A text about one gene need not name it again beside each change.
        main = max(often, key=lambda symbol: counts[symbol], default=None)
        result: list[VariantMention] = []
        for change in changes:
            near = _around(genes, starts, change)
            if any(gene.start < change.end and change.start < gene.end for gene in near):
                continue
            if text[change.start : change.end] in self.never_changes:
                continue
            if change.weak and not self._supported(text, change):
                continue
            if change.kind == "exon" and not any(0 <= change.start - gene.end <= 2 for gene in near):
                continue
            if (bases := _LONG_PLACE.fullmatch(text, change.start, change.end)) and not _beside_panel_gene(
                near, change
            ):
                coded = f"c.{bases[2]}{bases[1]}>{bases[3]}"
                change = replace(change, kind="nucleotide", hgvs_p=None, hgvs_c=coded)
            gene = self._gene_near(change, near, often) or main
            hgvs_p = self._residue(gene, change)
            words = text[change.start : change.end]
            result.append(VariantMention(change.start, change.end, words, gene, hgvs_p, change.hgvs_c, change.kind))
        return result

    def _small_letters(self, words: str, genes: list[GeneMention], changes: list[Change]) -> Iterator[Change]:
        """Changes that a hurried author wrote in small letters: "tp53 r248w"."""
        for gene in genes:
            match = _SMALL_CHANGE.match(words, gene.end)
            if match is None or any(one.start < match.end() and match.start(1) < one.end for one in changes):
                continue
            hgvs_p = self.grammar.protein(match[1].upper())
            if hgvs_p is not None:
                yield Change(match.start(1), match.end(1), "protein", hgvs_p)

    # --- one clause -----------------------------------------------------------------------------------------------------------

    def _read(
        self,
        words: str,
        start: int,
        end: int,
        genes: list[GeneMention],
        changes: list[Change],
        zone: str,
        latest: tuple[str, int] | None,
        offset: int,
    ) -> tuple[list[_Item], tuple[str, int] | None]:
        """Items of one clause, and the gene named last (with its place in the note) for a change that follows without one."""
        events = self._events(words, start, end, genes, changes)
        if not any(event.kind in {"gene", "change"} for event in events) or self.silent_clause.search(
            words, start, end
        ):
            return [], None
        groups, loose = group_events(words, events, self._belongs_elsewhere)
        items: list[_Item] = []
        for group in groups:
            items.extend(self._items(words, group, zone))
        denied = denied_lists(words, groups)
        items = [
            replace(item, assertion=Assertion.ABSENT)
            if item.assertion is None and any(low <= item.start < high for low, high in denied)
            else item
            for item in items
        ]
        before = (latest[0], latest[1] - offset) if latest else None
        items.extend(self._loose(words, loose, before, zone))
        named = [gene for group in groups for gene in group.genes if gene.trust is not Trust.RARE]
        last = (named[-1].symbols[-1], offset + named[-1].end) if named else None
        return self._sober(words, start, end, items), last

    def _events(self, words: str, start: int, end: int, genes: list[GeneMention], changes: list[Change]) -> list[Event]:
        events = [Event("gene", gene.start, gene.end, gene=gene) for gene in genes if start <= gene.start < end]
        for change in changes:
            if start <= change.start < end and not any(_overlap(change, event) for event in events):
                events.append(Event("change", change.start, change.end, change=change))
        taken = sorted((event.start, event.end) for event in events)
        for match in self.words.finditer(words, start, end):
            kind = str(match.lastgroup)
            position = bisect_right(taken, (match.start(), len(words))) - 1
            inside = position >= 0 and taken[position][1] > match.start()
            crosses = position + 1 < len(taken) and taken[position + 1][0] < match.end()
            if inside or crosses:
                continue
            name, _, alteration = kind.partition("_")
            events.append(Event(name, match.start(), match.end(), alteration=alteration))
        return sorted(events, key=lambda event: event.start)

    def _items(self, words: str, group: Group, zone: str) -> Iterator[_Item]:
        if self._is_partner(words, group):
            return
        pair = self._fusion(words, group)
        if pair is not None:
            yield pair
            return
        if self._is_drug_or_test(words, group):
            return
        if self._is_question(words, group):
            return
        labelled = self._is_labelled(words, group)
        readings = read_group(words, group, zone)
        if readings is None:
            if labelled and not group.after:
                yield from (
                    _Item(symbol, "mutation", gene.start, gene.end, None, specific=False)
                    for gene in group.genes
                    if gene.trust is Trust.SAFE and not gene.protein
                    for symbol in gene.symbols
                )
            return
        alone = self._only_last(words, group, readings)
        changes = [(event, assertion) for event, assertion in readings if event is not None and event.kind == "change"]
        named: set[str] = set()
        for position, gene in enumerate(group.genes):
            last = position == len(group.genes) - 1
            for symbol in gene.symbols:
                if symbol in named and not (changes and last):
                    continue
                named.add(symbol)
                if changes and last:
                    for event, assertion in readings:
                        if event is not None:
                            yield from self._item(words, group, gene, symbol, event, assertion, zone)
                    continue
                words_only = [
                    (event, assertion) for event, assertion in readings if event is None or event.kind == "alteration"
                ]
                if alone and not last:
                    if group.before is not None:
                        yield from self._item(words, group, gene, symbol, group.before, None, zone)
                    elif labelled and gene.trust is Trust.SAFE:
                        yield _Item(symbol, "mutation", gene.start, gene.end, None, specific=False)
                    continue
                if changes:
                    words_only = carried(group)
                for event, assertion in words_only:
                    yield from self._item(words, group, gene, symbol, event, assertion, zone)

    def _item(
        self,
        words: str,
        group: Group,
        gene: GeneMention,
        symbol: str,
        event: Event | None,
        assertion: Assertion | None,
        zone: str,
    ) -> Iterator[_Item]:
        if event is None:
            yield from self._by_result(words, group, gene, symbol, assertion, zone)
            return
        beside = min(abs(event.start - gene.end), abs(gene.start - event.end))
        in_list = len(group.genes) > 1 or group.before is event
        if gene.trust is not Trust.SAFE and beside > _near_enough(gene.trust) and not in_list:
            return
        if event.change is not None:
            if event.change.weak and beside > 4 and not event.change.prefixed:
                return
            value = self._value(symbol, event.change)
            if value is None:
                return
            if f"{symbol} {value[2:]}" in self.not_protein:
                value = "mutation"
            if self.drug.match(words, event.end) or self.test.match(words, event.end):
                return
            yield _Item(symbol, value, *_stretch(gene, event), assertion, specific=True, change=event.change)
            return
        alteration = event.alteration
        if gene.protein and self.expression.search(words, gene.end, min(len(words), event.end + 12)):
            return
        if symbol in self.stained and gene.trust is not Trust.SAFE and beside > _near_enough(Trust.RARE):
            return
        if alteration == "loss" and self._is_expression(words, symbol, gene, event):
            return
        if (
            alteration in {"loss", "deletion", "gain", "amplification"}
            and symbol in self.stained
            and gene.trust is not Trust.SAFE
        ):
            return
        if alteration == "amplification" and assertion is None and in_list and symbol in self.suppressors:
            # "TP53 / MYC amp": nobody means that a suppressor was amplified.
            alteration = "mutation"
        if alteration in {"mutation", "fusion"} and self.test.match(words, event.end):
            return
        yield _Item(symbol, alteration, *_stretch(gene, event), assertion, specific=False)

    def _by_result(
        self, words: str, group: Group, gene: GeneMention, symbol: str, assertion: Assertion | None, zone: str
    ) -> Iterator[_Item]:
        """A gene with a bare result: "ALK negative", "EGFR/KRAS wild type"."""
        if symbol in self.stained or gene.protein or gene.trust is Trust.RARE:
            return
        result = next((event for event in group.after if event.kind in {"absent", "found", "negator"}), None)
        says = words[result.start : result.end].lower() if result is not None else ""
        wild = "wild" in says or says == "wt"
        ends = _ENDS.match(words, group.genes[-1].end) and symbol in self.status_genes
        if group.negated and not group.after and not group.strong and group.before is None and not ends:
            return
        if (
            symbol not in self.status_genes
            and assertion is not Assertion.ABSENT
            and not says.startswith(("mutat", "detect", "identif"))
        ):
            return
        tail = words[group.genes[-1].end : group.genes[-1].end + 30]
        if (
            self.expression.search(words, gene.end, min(len(words), group.end + 18))
            and not wild
            and symbol not in self.fusion_genes
        ):
            return
        if result is not None and result.start >= group.genes[-1].end:
            gap = _DONE.sub(" ", words[group.genes[-1].end : result.start])
            gap = _ALL_OF_THEM.sub(" ", gap)
            gap = _BRACKET.sub(" ", _EXONS.sub(" ", gap))
            if _OTHER_THOUGHT.search(gap) or len(gap.split()) > (2 if gene.trust is Trust.AMBIGUOUS else 6):
                return
        if "+" in says and not re.match(r"\+(?:ve)?(?:[\s,.;)/-]|$)", tail):
            return
        listed = zone.partition("_")[2] if zone.startswith("negative") and result is None else ""
        between = words[gene.end : result.start] if result is not None else ""
        listed = listed or ("amplification" if "copy number" in between.lower() else "")
        alteration = listed or ("fusion" if symbol in self.fusion_genes and not wild else "mutation")
        end = (
            result.end
            if result is not None and result.start >= gene.end and result.end - gene.start <= 80
            else gene.end
        )
        yield _Item(symbol, alteration, gene.start, end, assertion, specific=False)

    def _fusion(self, words: str, group: Group) -> _Item | None:
        """KIF5B-RET, EML4::ALK: two genes joined by a mark; or a gene of fusions with an unlisted partner."""
        genes = group.genes
        if len(genes) < 2:
            return None
        first, second = genes[-2], genes[-1]
        mark = words[first.end : second.start].strip()
        if mark not in {"-", "::", ":", "/", "\u2013"} or first.symbols[0] == second.symbols[0]:
            return None
        said = next((event for event in group.after if event.kind == "alteration"), None)
        if mark in {"/", ":"} and (
            said is None
            or said.alteration != "fusion"
            or (first.symbols[0] in self.fusion_genes) == (second.symbols[0] in self.fusion_genes)
        ):
            return None
        if mark == "-" and said is None and not {first.symbols[0], second.symbols[0]} & self.fusion_genes:
            return None
        if said is not None and said.alteration == "mutation" and mark != "::":
            return None
        readings = read_group(words, group, "")
        assertion = readings[0][1] if readings else None
        end = said.end if said is not None and said.start - second.end <= 20 else second.end
        value = f"{first.symbols[0]}-{second.symbols[0]}"
        return _Item(value, "fusion", first.start, end, Assertion.ABSENT if group.negated else assertion, specific=True)

    def _loose(self, words: str, loose: list[Event], before: tuple[str, int] | None, zone: str) -> Iterator[_Item]:
        """Changes that stand without a gene in their clause: the gene is known from the change or stands just before."""
        for index, event in enumerate(loose):
            change = event.change
            if change is None:
                continue
            symbol = self._known_gene(change)
            if symbol is None and before is not None and change.prefixed and 0 <= event.start - before[1] <= 160:
                symbol = before[0]
            if symbol is None or self.drug.match(words, event.end) or self.test.match(words, event.end):
                continue
            value = self._value(symbol, change)
            if value is None:
                continue
            results = loose[index + 1 : index + 2]
            absent = zone.startswith("negative") or any(
                one.kind == "negator" or (one.kind == "absent" and one.start - event.end < NEAR) for one in results
            )
            if any(one.kind == "unknown" and one.start - event.end < NEAR for one in results):
                continue
            assertion = Assertion.ABSENT if absent else None
            yield _Item(symbol, value, event.start, event.end, assertion, specific=True, change=change, lonely=True)

    def _sober(self, words: str, start: int, end: int, items: list[_Item]) -> list[_Item]:
        """Drops what is said of a gene in general, and what is only given as an example."""
        if not items:
            return items
        clause = words[start:end]
        always = self.general_always.search(clause) and not self.patient.search(clause)
        kept = []
        general = self.general.search(clause) and not self.patient.search(clause)
        open_lists = [match.span() for match in self.not_yet.finditer(words, start, end)]
        for item in items:
            if item.assertion is None and any(low <= item.start < high for low, high in open_lists):
                continue
            if item.assertion is None and not item.specific and self.general_beside.match(words, item.end):
                continue
            example = None
            for match in self.examples.finditer(words, max(0, item.start - 120), item.start):
                example = match
            if example is not None and item.assertion is None and ")" not in words[example.end() : item.start]:
                continue
            if general and item.assertion is None and (not item.specific or item.lonely or always):
                continue
            kept.append(item)
        return kept

    # --- small judgements -----------------------------------------------------------------------------------------------------

    def _is_drug_or_test(self, words: str, group: Group) -> bool:
        first, last = group.genes[0], group.genes[-1]
        if words[max(0, first.start - 5) : first.start].lower() in {"anti-", "anti "} or self.drug.match(
            words, last.end
        ):
            return True
        return any(event.kind == "alteration" and self.drug.match(words, event.end) for event in group.after[:1])

    def _is_question(self, words: str, group: Group) -> bool:
        """Whether the genes were only asked for: "tested for EGFR and ALK", with no result behind."""
        if group.negated or any(event.kind in {"found", "absent", "change", "negator"} for event in group.after):
            return False
        start = min(group.genes[0].start, group.before.start if group.before is not None else group.genes[0].start)
        return bool(self.asked_for.search(words, max(0, start - 90), start))

    def _is_labelled(self, words: str, group: Group) -> bool:
        """Whether a report is named right before the genes: what a report lists without more is altered."""
        start = group.genes[0].start
        return not group.negated and bool(self.report_label.search(words, max(0, start - 40), start))

    def _only_last(self, words: str, group: Group, readings: list[tuple[Event | None, Assertion | None]]) -> bool:
        """Whether an alteration is said of the last gene of a mere enumeration: "TP53, RB1, MYC amp"."""
        if len(group.genes) < 2 or group.negated:
            return False
        event = readings[0][0]
        if event is None or event.alteration in {"", "mutation"} or readings[0][1] is not None:
            return False
        plural = words[event.start : event.end].lower().endswith("s")
        gaps = words[group.genes[0].end : group.genes[-1].start]
        return not plural and "," in gaps and not is_coordinated(gaps)

    def _is_partner(self, words: str, group: Group) -> bool:
        """The genes in "ALK fusion (EML4 and others)" are partners, not findings of their own."""
        if (
            not group.link.rstrip().endswith("(")
            or {symbol for gene in group.genes for symbol in gene.symbols} & self.fusion_genes
        ):
            return False
        before = words[max(0, group.genes[0].start - 24) : group.genes[0].start]
        return bool(self.partners_follow.search(before))

    def _is_expression(self, words: str, symbol: str, gene: GeneMention, event: Event) -> bool:
        low, high = min(gene.start, event.start), max(gene.end, event.end)
        near = self.expression.search(words, max(0, low - 25), min(len(words), high + 25))
        if symbol in self.lost_by_stain and not self.genomic_talk.search(words):
            return True
        return gene.protein or symbol in self.stained or near is not None

    def _belongs_elsewhere(self, words: str, event: Event, group: Group) -> bool:
        """Whether a change is typical of another gene than the one before it: "TP53 R248W, no prior T790M"."""
        known = self._known_gene(event.change) if event.change is not None else None
        if known is None or known in group.genes[-1].symbols:
            return False
        return bool(re.search(r"[A-Za-z]", words[group.end : event.start])) or bool(group.after)

    def _known_gene(self, change: Change) -> str | None:
        if change.label is not None:
            return self.hotspots.get(change.label)
        return self.hotspots.get(change.hgvs_p[2:].replace("*", "X")) if change.hgvs_p else None

    def _value(self, symbol: str, change: Change) -> str | None:
        """What the registry stores: the protein change as far as it is written, else the exon's name, else the coding change."""
        return change.written or self._residue(symbol, change) or change.label or change.hgvs_c

    def _residue(self, symbol: str | None, change: Change) -> str | None:
        """`p.G719*` written with an X is "any residue" in genes where no stop occurs there."""
        value = change.hgvs_p
        if value and value.endswith("*"):
            known = self.hotspots.get(value[2:-1] + "X")
            owner = symbol or known
            if owner and f"{owner} {value[2:-1]}" in self.any_residue:
                return value[:-1] + "X"
        return value

    def _supported(self, text: str, change: Change) -> bool:
        around = text[max(0, change.start - 40) : change.end + 40]
        return any(
            match.lastgroup and match.lastgroup.startswith("alteration") for match in self.words.finditer(around)
        ) or bool(self.genetic_talk.search(around))

    def _gene_near(self, change: Change, genes: Iterable[GeneMention], often: Set[str]) -> str | None:
        known = self._known_gene(change)
        best: tuple[int, str] | None = None
        for gene in genes:
            # A gene in front is more likely meant than one behind.
            distance = gene.start - change.end + 8 if gene.start >= change.end else change.start - gene.end
            if gene.trust is Trust.RARE and distance > 40 and gene.symbols[-1] not in often:
                continue
            if distance <= 250 and (best is None or distance < best[0]):
                best = (distance, gene.symbols[-1])
        if known is not None and (best is None or best[0] > 25):
            return known
        return best[1] if best else known

    def _mention(self, view: NoteView, offset: int, item: _Item, zone: str) -> Mention:
        start, end = offset + item.start, offset + item.end
        attributes = self._attributes(view.text, start, end, item, zone)
        rule = "variant.change" if item.specific else f"variant.{item.alteration}"
        confidence = 0.95 if item.specific else 0.9
        value = f"{item.symbol} {item.alteration}"
        assertion = item.assertion
        if (
            assertion is None
            and item.specific
            and ("vaf" in attributes or "vus" in attributes or zone in {"positive", "unknown_significance"})
        ):
            # A measured fraction, a judgement of what it means, or a place among a report's findings says that it was found.
            assertion = Assertion.PRESENT
        return Mention(FIELD, value, start, end, rule, assertion, attributes=attributes, confidence=confidence)

    def _attributes(self, text: str, start: int, end: int, item: _Item, zone: str) -> dict[str, object]:
        attributes: dict[str, object] = {}
        after = text[end : end + 140]
        cut = _CUT.search(after)
        after = after[: cut.start()] if cut else after
        following = self.lexicon.find(after)
        if following:
            after = after[: following[0].start]
        fraction = self.fraction.search(after)
        if fraction and (fraction[1] or fraction[3]):
            number = float(fraction[1] or fraction[3])
            share = number / 100 if fraction[2] or fraction[3] or number > 1 else number
            if 0 <= share <= 1:
                attributes["vaf"] = round(share, 5)
        elif item.specific and (column := self.fraction_column.match(after)) and float(column[1]) <= 100:
            attributes["vaf"] = round(float(column[1]) / 100, 5)
        copies = (
            self.copies.search(text[start:end] + after[:60])
            if item.alteration in {"amplification", "gain", "loss", "deletion"}
            else None
        )
        if copies:
            attributes["copy_number"] = float(copies[1] or copies[2])
        if zone == "unknown_significance" or self.uncertain.search(after[:120]):
            attributes["vus"] = True
        if item.change is not None and item.change.hgvs_p and item.change.hgvs_c:
            attributes["hgvs_c"] = item.change.hgvs_c
        return attributes


def build(rulebook: RuleBook) -> Extractor:
    """The extractor of the field `variant`."""
    return VariantReader.from_rulebook(rulebook).mentions


def _with_verdicts(told: Iterable[Statement]) -> Iterator[Statement]:
    """Joins a result that stands as a sentence of its own to what was tested: "EGFR and ALK were tested. Both were negative."."""
    waiting: Statement | None = None
    for statement in told:
        if waiting is not None and _VERDICT.match(statement.words) and _TESTED.search(waiting.words):
            gap = statement.start - waiting.start - len(waiting.words)
            if 0 <= gap <= _NEXT_SENTENCE:
                yield Statement(waiting.start, waiting.words + " " * gap + statement.words)
                waiting = None
                continue
        if waiting is not None:
            yield waiting
        waiting = statement
    if waiting is not None:
        yield waiting


def _stretch(gene: GeneMention, event: Event) -> tuple[int, int]:
    """The words from gene to alteration where they stand together, else the part that says more."""
    low, high = min(gene.start, event.start), max(gene.end, event.end)
    if high - low <= 90:
        return low, high
    return (event.start, event.end) if event.kind == "change" else (gene.start, gene.end)


def _near_enough(trust: Trust) -> int:
    return 4 if trust is Trust.RARE else 24


def _overlap(change: Change, event: Event) -> bool:
    return change.start < event.end and event.start < change.end


def _around(genes: list[GeneMention], starts: list[int], change: Change) -> list[GeneMention]:
    position = bisect_right(starts, change.start)
    return genes[max(0, position - 4) : position + 2]


def _beside_panel_gene(genes: list[GeneMention], change: Change) -> bool:
    return any(gene.trust is Trust.SAFE and 0 <= change.start - gene.end <= 25 for gene in genes)


def _unique(mentions: list[Mention]) -> list[Mention]:
    seen: dict[tuple[str, Assertion | None, int], Mention] = {}
    for mention in mentions:
        seen.setdefault((mention.value, mention.assertion, mention.start), mention)
    return sorted(seen.values(), key=lambda one: (one.start, one.value))


# --- Compiling ----------------------------------------------------------------------------------------------------------------------


def _table(settings: Mapping[str, object], name: str) -> Mapping[str, list[str]]:
    table = settings[name]
    return table if isinstance(table, Mapping) else {}


def _union(expressions: Iterable[str], before: str = "") -> Expression:
    return compiled_expression(before + "(?:" + "|".join(expressions) + ")", re.IGNORECASE)


def _quick(lexicon: GeneLexicon, often_small: Iterable[str]) -> Expression:
    """A figure, two capitals, or the last word of a name that may stand in small letters ("k-ras", "anaplastic lymphoma kinase")."""
    last = {
        name.tokens[-1].lower()
        for names in lexicon.names.values()
        for name in names
        if len(name.tokens) > 1 and "".join(name.tokens).isalpha() and len(name.tokens[-1]) > 2
    }
    small = last | {symbol.lower() for symbol in often_small}
    return compiled_expression(r"\d|[A-Z]{2}|(?i:" + "|".join(sorted(small)) + ")")


def _event_words(alterations: Mapping[str, list[str]], status: Mapping[str, list[str]]) -> Expression:
    """One expression for all words that count; the name of the group that matched says what the word is."""
    parts = [
        ("nothing", status["nothing"]),
        ("doubtful", status["doubtful"]),
        ("unknown", status["unknown"]),
        ("negator_first", status["absent_before_first"]),
        ("absent", status["absent_after"]),
        ("negator", status["absent_before"]),
        *((f"alteration_{name}", words) for name, words in alterations.items()),
        ("found", status["present"]),
    ]
    joined = "|".join(f"(?P<{name}>{'|'.join(words)})" for name, words in parts)
    # TP53mut, EGFRwt: a word may follow the capitals of a symbol at once.
    border = r"(?:(?<![A-Za-z])|(?=[(+-])|(?-i:(?<=[A-Z]{2})(?=mut|wt\b|amp\b|del\b)))"
    return compiled_expression(rf"{border}(?:{joined})(?![A-Za-z])", re.IGNORECASE)
