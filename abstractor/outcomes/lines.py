"""Lines of therapy from the drugs that were given: rules L0–L11 as one pure function.

Cheap to import: the batch proposes lines with it from what the notes say; what a person states wins over it.
Which drugs are platinum, immunotherapy or supportive is data (`rules/lines.toml`), never code.
"""

import datetime
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from abstractor.model.errors import InputError
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import Administration, RadiotherapyCourse
from abstractor.rulebook.book import RuleBook

Day = datetime.date

CHEST = frozenset({"thoracic", "unspecified"})


@dataclass(frozen=True, slots=True)
class DrugGroups:
    """The drugs the rules need to know; generic names in lower case."""

    supportive: frozenset[str] = frozenset()
    platinum: frozenset[str] = frozenset()
    backbone: frozenset[str] = frozenset()
    immunotherapy: frozenset[str] = frozenset()
    consolidation: frozenset[str] = frozenset()
    maintenance_partner: frozenset[str] = frozenset()
    unspecific: frozenset[str] = frozenset()
    interchangeable: tuple[frozenset[str], ...] = ()
    classes: Mapping[str, str] = field(default_factory=dict)
    """Group of the drug vocabulary to the group it means here."""

    def with_classes(self, class_of: Mapping[str, str]) -> "DrugGroups":
        """Adds the drugs of a vocabulary (generic name to class) to the groups their class means."""
        added: dict[str, set[str]] = {"supportive": set(), "platinum": set(), "immunotherapy": set(), "backbone": set()}
        for drug, name in class_of.items():
            group = self.classes.get(name)
            if group in added:
                added[group].add(drug.lower())
        return replace(
            self,
            supportive=self.supportive | added["supportive"],
            platinum=self.platinum | added["platinum"],
            immunotherapy=self.immunotherapy | added["immunotherapy"],
            backbone=self.backbone | added["backbone"],
        )

    def replaces(self, one: str, other: str) -> bool:
        """Whether one may take the place of the other without a new line (L4)."""
        return any(one in group and other in group for group in self.interchangeable)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of therapy."""

    number: int
    start: Day
    stop: Day
    """Last administration of the line (L11); for outcomes it runs to the day before the next line."""
    drugs: tuple[str, ...]
    opened_by: str
    """L1, L8, L9, or `stated`."""
    flags: tuple[str, ...] = ()
    """What happened within it: `L2`, `L3 delayed_addition`, `L4 interchange`, `L5 maintenance`, ..."""
    last_platinum: Day | None = None
    cycles: int | None = None
    stop_known: bool = True
    """False where no administration after the first is known, or no end was stated."""
    evidence: tuple[str, ...] = ()


def load_drug_groups(path: Path) -> DrugGroups:
    """Reads `rules/lines.toml`.

    Raises:
        InputError: not readable, not TOML, or a key that is not known.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: can't be read as TOML ({error}); restore it from the package") from error
    known = set(DrugGroups.__dataclass_fields__)
    unknown = sorted(set(raw) - known)
    if unknown:
        raise InputError(f"{path}: unknown key {', '.join(unknown)}; the keys are {', '.join(sorted(known))}")
    classes = {str(name): str(group) for name, group in raw.pop("classes", {}).items()}
    pairs = tuple(frozenset(group) for group in raw.pop("interchangeable", []))
    return DrugGroups(**{key: frozenset(drugs) for key, drugs in raw.items()}, interchangeable=pairs, classes=classes)


def drug_groups(rulebook: RuleBook) -> DrugGroups:
    """The groups of `lines.toml`, widened by the classes of the rulebook's drugs.

    Raises:
        InputError: `lines.toml` can't be read.
    """
    groups = load_drug_groups(rulebook.root / "lines.toml")
    return groups.with_classes({drug.generic: drug.group for drug in rulebook.drugs()})


@dataclass(slots=True)
class _Open:
    """A line that is being built."""

    number: int
    opened_by: str
    given: list[Administration]
    flags: list[str]

    @property
    def start(self) -> Day:
        return self.given[0].first

    @property
    def last(self) -> Day:
        return max(one.last for one in self.given)

    def last_of(self, drugs: frozenset[str]) -> Day | None:
        return max((one.last for one in self.given if one.drug in drugs), default=None)

    @property
    def drugs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.drug for one in self.given))

    def flag(self, text: str) -> None:
        if text not in self.flags:
            self.flags.append(text)


def derive_lines(
    given: Sequence[Administration],
    groups: DrugGroups,
    protocol: Protocol,
    *,
    progressions: Sequence[Day] = (),
    radiotherapy: Sequence[RadiotherapyCourse] = (),
    diagnosis: Day | None = None,
    complete: bool = True,
) -> tuple[Line, ...]:
    """Lines from dated administrations.

    Args:
        given: drugs with their days; supportive ones are ignored (L0).
        groups: what the drugs are.
        protocol: windows and gaps in days.
        progressions: days of documented progression.
        radiotherapy: courses, for consolidation after chemoradiation (L6); they never open or close a line.
        diagnosis: treatment more than `before_diagnosis_days` earlier belongs to something else (L1).
        complete: every administration is there. Mentions in notes are not: with False, a long silence before the same drug
            goes on, without progression in between, is no break in treatment.
    """
    earliest = diagnosis - datetime.timedelta(days=protocol.before_diagnosis_days) if diagnosis else None
    agents = sorted(
        (one for one in given if one.drug not in groups.supportive and (earliest is None or one.first >= earliest)),
        key=lambda one: (one.first, one.drug in groups.unspecific, one.drug),
    )
    lines: list[_Open] = []
    for place, one in enumerate(agents):
        if not lines:
            lines.append(_Open(1, "L1", [one], []))
            continue
        line = lines[-1]
        rule = _opens_new(line, one, agents[place:], groups, protocol, progressions, radiotherapy, complete)
        if rule:
            again = "rechallenge" if set(line.drugs) & {one.drug} else ""
            lines.append(_Open(line.number + 1, rule, [one], [again] if again else []))
        else:
            line.given.append(one)
    return _close(lines, groups, protocol)


def _opens_new(
    line: _Open,
    one: Administration,
    still_to_come: Sequence[Administration],
    groups: DrugGroups,
    protocol: Protocol,
    progressions: Sequence[Day],
    radiotherapy: Sequence[RadiotherapyCourse],
    complete: bool,
) -> str:
    """The rule by which an administration opens a new line, or "" when it belongs to the running one (and flags why)."""
    progressed = any(line.start < day <= one.first for day in progressions)
    own_last = line.last_of(frozenset({one.drug}))
    since_any = (one.first - line.last).days
    if own_last is not None and progressed and 0 <= (one.first - own_last).days <= protocol.continued_days:
        line.flag("beyond_progression")
        return ""
    consolidates = not progressed and _consolidates(line, one, groups, protocol, radiotherapy)
    goes_on = not complete and not progressed and own_last is not None
    if since_any > protocol.line_gap_days and not consolidates and not goes_on:
        return "L9"
    if progressed and one.first > line.start:
        return "L8"
    if one.drug in line.drugs or one.drug in groups.unspecific:
        return ""
    if any(groups.replaces(one.drug, drug) for drug in line.drugs):
        line.flag("L4 interchange")
        return ""
    since_start = (one.first - line.start).days
    if since_start <= protocol.line_window_days:
        if _substitutes(line, one, still_to_come):
            line.flag("L10 substituted")
        elif since_start:
            line.flag("L2")
        return ""
    if _joins_late(line, one, still_to_come, groups, protocol):
        line.flag("L3 delayed_addition")
        return ""
    if consolidates:
        return ""
    if _joins_maintenance(line, one, groups, protocol):
        line.flag("L7 maintenance")
        return ""
    return "L8"


def _substitutes(line: _Open, one: Administration, still_to_come: Sequence[Administration]) -> bool:
    """L10: all that was given so far was one administration a drug, and none of it is given again."""
    before = set(line.drugs)
    once = all(sum(other.drug == drug for other in line.given) == 1 for drug in before)
    short = all((other.last - other.first).days <= 6 for other in line.given)
    return once and short and one.first > line.start and not any(other.drug in before for other in still_to_come)


def _joins_late(
    line: _Open, one: Administration, still_to_come: Sequence[Administration], groups: DrugGroups, protocol: Protocol
) -> bool:
    """L3: immunotherapy while platinum or etoposide goes on."""
    if one.drug not in groups.immunotherapy or (one.first - line.start).days > protocol.ici_join_days:
        return False
    chemo = groups.platinum | groups.backbone
    if not set(line.drugs) & chemo:
        return False
    last = max(other.last for other in (*line.given, *still_to_come) if other.drug in chemo)
    return (one.first - last).days <= protocol.line_window_days


def _consolidates(
    line: _Open,
    one: Administration,
    groups: DrugGroups,
    protocol: Protocol,
    radiotherapy: Sequence[RadiotherapyCourse],
) -> bool:
    """L6: consolidation after concurrent chemoradiation."""
    if one.drug not in groups.consolidation or one.drug in line.drugs:
        return False
    concurrent = [
        course
        for course in radiotherapy
        if course.site in CHEST and course.start <= line.last and course.end >= line.start
    ]
    ended = max([line.last, *(course.end for course in concurrent)])
    wait = (one.first - ended).days
    if not concurrent or not 1 <= wait <= protocol.consolidation_tolerance_days:
        return False
    line.flag("L6 consolidation" if wait <= protocol.consolidation_days else f"L6 consolidation late ({wait} d)")
    return True


def _joins_maintenance(line: _Open, one: Administration, groups: DrugGroups, protocol: Protocol) -> bool:
    """L7: a partner added to immunotherapy maintenance soon after the last platinum."""
    last_platinum = line.last_of(groups.platinum)
    return (
        one.drug in groups.maintenance_partner
        and bool(set(line.drugs) & groups.immunotherapy)
        and last_platinum is not None
        and 0 <= (one.first - last_platinum).days <= protocol.maintenance_join_days
    )


def _close(lines: Sequence[_Open], groups: DrugGroups, protocol: Protocol) -> tuple[Line, ...]:
    found = []
    for place, line in enumerate(lines):
        stop = line.last
        if place + 1 < len(lines) and stop >= lines[place + 1].start:
            stop = lines[place + 1].start - datetime.timedelta(days=1)
            line.flag("overlap")
        last_platinum = line.last_of(groups.platinum)
        last_ici = line.last_of(groups.immunotherapy)
        last_chemo = max((one.last for one in line.given if one.drug not in groups.immunotherapy), default=None)
        if last_ici and last_chemo and (last_ici - last_chemo).days > protocol.line_window_days:
            line.flag("L5 maintenance")
        found.append(
            Line(
                number=line.number,
                start=line.start,
                stop=max(stop, line.start),
                drugs=_named(line.drugs, groups),
                opened_by=line.opened_by,
                flags=tuple(line.flags),
                last_platinum=last_platinum,
                stop_known=stop > line.start,
                evidence=tuple(dict.fromkeys(ref for one in line.given for ref in one.evidence)),
            )
        )
    return tuple(found)


def _named(drugs: Sequence[str], groups: DrugGroups) -> tuple[str, ...]:
    """Words for a class go where a drug is named."""
    return tuple(drug for drug in drugs if drug not in groups.unspecific) or tuple(drugs)
