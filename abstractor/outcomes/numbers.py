"""Every published number with an id that stays, and the patients it rests on: the way from a number down to decisions and words.

An id is made of what the number is (`os.limited.median`, `orr-confirmed.all.all`, `gene.os.TP53.hr`), never of its value, so that the
same number has the same id in every report. Numbers of one curve or rate share their group of patients.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from abstractor.outcomes.cohort import ALL, Analysis, EndpointResult, GroupSurvival, headline
from abstractor.outcomes.definitions import TITLES
from abstractor.outcomes.disclosure import Count
from abstractor.outcomes.further import Further
from abstractor.outcomes.patient import PatientOutcome
from abstractor.outcomes.survival import Quantile
from abstractor.outcomes.trail import RESPONSE

PATIENTS, MONTHS, SHARE, RATIO, P_VALUE = "patients", "months", "share", "ratio", "p value"
EVENT, CENSORED, COUNTED, NOT_COUNTED = "event", "censored", "counted", "not counted"


@dataclass(frozen=True, slots=True)
class Member:
    """A patient's part in a number."""

    patient: str
    role: str
    """`event`, `censored`, `counted`, `not counted`."""
    day: int | None = None
    """Of the event or the censoring, from time zero (or the landmark)."""


@dataclass(frozen=True, slots=True)
class Group:
    """Patients whom numbers share."""

    id: str
    title: str
    trail: str
    """Which trail leads on from here: an endpoint, or `response`; "" for who they are alone."""
    members: tuple[Member, ...]

    def ids(self, *roles: str) -> frozenset[str]:
        """The patients, or those of some roles."""
        return frozenset(one.patient for one in self.members if not roles or one.role in roles)


@dataclass(frozen=True, slots=True)
class Number:
    """One published number."""

    id: str
    what: str
    group: str
    """Id of the `Group` it rests on."""
    unit: str
    value: float | None
    lower: float | None = None
    upper: float | None = None
    counts: frozenset[str] | None = None
    """Of a count: the patients it counts."""
    needs: tuple[str, ...] = ()
    """Counts without which an estimate is not shown either."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """All numbers of a run."""

    groups: tuple[Group, ...]
    numbers: tuple[Number, ...]

    def counts(self) -> tuple[Count, ...]:
        """The counts, most important first: the whole study's patients, events and rates, sizes of groups, theirs, then all details."""
        found = [
            Count(one.id, one.counts, size=one.id.endswith(".n") and not one.id.startswith(("flow", "left-out")))
            for one in self.numbers
            if one.counts is not None
        ]
        return tuple(sorted(found, key=lambda one: _rank(one.id)))


def _rank(name: str) -> int:
    parts = name.split(".")
    if len(parts) > 2 and parts[0] in _LEADING and parts[-1] in ("n", "events", "x"):
        whole = parts[-2] == ALL
        return 0 if whole else 1 if parts[-1] == "n" else 2
    return 3


_LEADING = frozenset({"os", "pfs", "orr", "orr-confirmed", "dcr", "dcr-confirmed"})


def slug(text: str) -> str:
    """A part of an id: letters, digits and `-`, `_`, `+`, so that an id can be typed."""
    return re.sub(r"[^\w+]+", "-", text.strip()).strip("-") or "-"


def number_all(analysis: Analysis, further: Further) -> Numbers:
    """Names every number of the results."""
    groups: list[Group] = []
    numbers: list[Number] = []
    for found_groups, found_numbers in _parts(analysis, further):
        groups += found_groups
        numbers += found_numbers
    return Numbers(tuple(groups), tuple(numbers))


_Part = tuple[list[Group], list[Number]]


def _parts(analysis: Analysis, further: Further) -> Iterator[_Part]:
    main = [one for one in analysis.endpoints if one.endpoint in ("os", "pfs", "pfs_trial")]
    for result in main:
        yield _curve(analysis, result.endpoint, result.overall, TITLES[result.endpoint])
    yield _rates(analysis)
    yield _best(analysis)
    yield _flow(analysis)
    yield _left_out(analysis)
    for result in analysis.endpoints:
        if result not in main:
            yield _curve(analysis, result.endpoint, result.overall, TITLES[result.endpoint])
        for group in result.groups:
            yield _curve(analysis, result.endpoint, group, TITLES[result.endpoint])
        yield _comparison(result)
    yield _causes(analysis, further)
    yield from _responses(analysis, further)
    yield _genes(further)
    yield _forests(further)
    yield _endings(further)
    yield _platinum(further)
    yield _intervals(further)


def _flow(analysis: Analysis) -> _Part:
    groups, numbers = [], []
    for place, step in enumerate(analysis.flow):
        name = f"flow.{place}"
        members = frozenset(step.patients or ())
        groups.append(Group(name, step.label, "", tuple(Member(one, COUNTED) for one in step.patients or ())))
        counts = members if step.patients is not None else None
        numbers.append(Number(f"{name}.n", step.label, name, PATIENTS, float(step.count), counts=counts))
    return groups, numbers


CONTRADICTION = "data that contradict each other"


def left_out_reason(outcome: PatientOutcome) -> str:
    """Why a patient is not analysed, in words that hold for many: nothing of the patient's dates."""
    told = {one.text for one in outcome.faults}
    return CONTRADICTION if outcome.excluded in told else outcome.excluded


def _left_out(analysis: Analysis) -> _Part:
    groups, numbers = [], []
    for reason in sorted({left_out_reason(one) for one in analysis.patients if one.excluded}):
        name = f"left-out.{slug(reason)}"
        some = [one.patient_id for one in analysis.patients if one.excluded and left_out_reason(one) == reason]
        groups.append(Group(name, f"not analysed: {reason}", "", tuple(Member(one, COUNTED) for one in some)))
        numbers.append(
            Number(f"{name}.n", f"not analysed: {reason}", name, PATIENTS, float(len(some)), counts=frozenset(some))
        )
    return groups, numbers


def _rate_id(measure: str) -> str:
    return "-".join(reversed(measure.lower().split()))


def rate_id(measure: str, denominator: str, group: str) -> str:
    """`orr-confirmed.all.limited`."""
    return f"{_rate_id(measure)}.{slug(denominator)}.{slug(group)}"


def _rates(analysis: Analysis) -> _Part:
    groups, numbers = [], []
    leads = headline(analysis) == "confirmed"
    for one in sorted(
        analysis.rates, key=lambda rate: (rate.group != ALL, rate.measure.startswith("confirmed") != leads)
    ):
        name = rate_id(one.measure, one.denominator, one.group)
        title = f"{one.measure} of {one.denominator}, {one.group}"
        members = [
            Member(patient.patient_id, COUNTED if _hits(one.measure, patient) else NOT_COUNTED)
            for patient in analysis.treated
            if one.group in (ALL, analysis.split.get(patient.patient_id))
            and (one.denominator == ALL or (patient.first_line is not None and patient.first_line.evaluable))
        ]
        group = Group(name, title, RESPONSE, tuple(members))
        groups.append(group)
        value = one.value
        numbers += [
            Number(f"{name}.n", f"{title}: patients", name, PATIENTS, float(value.n), counts=group.ids()),
            Number(f"{name}.x", f"{title}: counted", name, PATIENTS, float(value.x), counts=group.ids(COUNTED)),
            Number(
                f"{name}.share", title, name, SHARE, value.estimate, value.lower, value.upper,
                needs=(f"{name}.n", f"{name}.x"),
            ),
        ]  # fmt: skip
    return groups, numbers


def _hits(measure: str, patient: PatientOutcome) -> bool:
    line = patient.first_line
    if line is None:
        return False
    if measure == "CBR":
        return line.benefit
    best = line.confirmed.value if measure.startswith("confirmed") else line.best.value
    return best in (("CR", "PR") if measure.endswith("ORR") else ("CR", "PR", "SD"))


def _best(analysis: Analysis) -> _Part:
    groups, numbers = [], []
    for kind, counts in analysis.best_responses.items():
        name = f"bor-{kind}"
        lines = [(one.patient_id, one.first_line) for one in analysis.treated if one.first_line is not None]
        values = {patient: (line.confirmed if kind == "confirmed" else line.best).value for patient, line in lines}
        groups.append(
            Group(name, f"best response, {kind}", RESPONSE, tuple(Member(one, said) for one, said in values.items()))
        )
        for value, n in counts.items():
            of_value = frozenset(one for one, said in values.items() if said == value)
            what = f"best response {value}, {kind}"
            numbers.append(Number(f"{name}.{slug(value)}", what, name, PATIENTS, float(n), counts=of_value))
    return groups, numbers


def members_of(group: GroupSurvival) -> tuple[Member, ...]:
    """The patients of a curve with how and when each ended."""
    sample = group.sample
    return tuple(
        Member(patient, EVENT if event else CENSORED, int(time))
        for patient, event, time in zip(group.patients, sample.event, sample.time, strict=True)
    )


def _curve(analysis: Analysis, prefix: str, group: GroupSurvival, title: str, trail: str | None = None) -> _Part:
    name = f"{prefix}.{slug(group.group)}"
    whole = Group(name, f"{title}, {group.group}", prefix if trail is None else trail, members_of(group))
    months = analysis.protocol.month_days
    n, events = f"{name}.n", f"{name}.events"
    needs = (n, events)
    numbers = [
        Number(n, f"{whole.title}: patients", name, PATIENTS, float(group.sample.n), counts=whole.ids()),
        Number(events, f"{whole.title}: events", name, PATIENTS, float(group.sample.events), counts=whole.ids(EVENT)),
    ]
    for label, one in (("q25", group.quantiles[0]), ("median", group.median), ("q75", group.quantiles[2])):
        values = _scaled(one, months)
        numbers.append(Number(f"{name}.{label}", f"{whole.title}: {label}", name, MONTHS, *values, needs=needs))
    for month, mark in zip(analysis.protocol.landmark_months, group.landmarks, strict=True):
        key = f"{name}.s{month:g}"
        at_risk = frozenset(one.patient for one in whole.members if (one.day or 0) >= mark.time)
        by_then = frozenset(one.patient for one in whole.members if one.role == EVENT and (one.day or 0) <= mark.time)
        what = f"{whole.title}: survival at {month:g} months"
        known = not mark.beyond_last
        numbers += [
            Number(f"{key}.at-risk", f"{what}, at risk", name, PATIENTS, float(mark.at_risk), counts=at_risk),
            Number(f"{key}.events", f"{what}, events until then", name, PATIENTS, float(len(by_then)), counts=by_then),
            Number(
                key, what, name, SHARE, *((mark.survival, mark.lower, mark.upper) if known else (None, None, None)),
                needs=(*needs, f"{key}.at-risk", f"{key}.events"),
            ),
        ]  # fmt: skip
    values, what = _scaled(group.follow_up[1], months), f"{whole.title}: median follow-up (reverse KM)"
    numbers.append(Number(f"{name}.followup", what, name, MONTHS, *values, needs=needs))
    mean = group.restricted
    if group.sample.n:
        value = None if mean.extrapolated else mean.estimate / months
        what = f"{whole.title}: restricted mean to {analysis.protocol.rmst_months:g} months"
        numbers.append(Number(f"{name}.rmst", what, name, MONTHS, value, needs=needs))
    return [whole], numbers


def _scaled(one: Quantile, days: float) -> tuple[float | None, float | None, float | None]:
    estimate, lower, upper = (None if value is None else value / days for value in (one.estimate, one.lower, one.upper))
    return estimate, lower, upper


def _comparison(result: EndpointResult) -> _Part:
    if not result.groups:
        return [], []
    name = f"{result.endpoint}.groups"
    title = f"{TITLES[result.endpoint]}, groups compared"
    members = tuple(one for group in result.groups for one in members_of(group))
    needs = tuple(f"{result.endpoint}.{slug(one.group)}.{part}" for one in result.groups for part in ("n", "events"))
    numbers = []
    if result.test is not None:
        numbers.append(
            Number(f"{result.endpoint}.logrank", f"{title}: log-rank p", name, P_VALUE, result.test.p, needs=needs)
        )
    numbers += [
        Number(
            f"{result.endpoint}.hr.{slug(one.group)}", f"{title}: hazard ratio {one.group} against {one.reference}",
            name, RATIO, one.estimate, one.lower, one.upper, needs=needs,
        )
        for one in result.hazard_ratios
    ]  # fmt: skip
    if result.hazards_test is not None:
        what = f"{title}: p of proportional hazards"
        numbers.append(Number(f"{result.endpoint}.zph", what, name, P_VALUE, result.hazards_test.p, needs=needs))
    if result.mean_difference is not None:
        one = result.mean_difference
        what = f"{title}: difference of restricted means, days"
        numbers.append(
            Number(
                f"{result.endpoint}.rmst-difference",
                what,
                name,
                "days",
                one.estimate,
                one.lower,
                one.upper,
                needs=needs,
            )
        )
    return [Group(name, title, result.endpoint, members)], numbers


def cause_id(question: str, cause: str, group: str) -> str:
    """`risk.progression.death-without-progression.all`."""
    return f"risk.{question}.{slug(cause)}.{slug(group)}"


def _causes(analysis: Analysis, further: Further) -> _Part:
    groups, numbers = [], []
    for question in further.causes:
        for one in question.curves:
            name = cause_id(question.name, one.cause, one.group)
            rows = {row.patient_id: row.endpoints["pfs"] for row in analysis.analysed}
            members = tuple(
                Member(patient, COUNTED if ended else NOT_COUNTED, rows[patient].days)
                for patient, ended in zip(one.patients, one.ended_by, strict=True)
            )
            group = Group(name, f"{one.cause}, {one.group}", "pfs", members)
            groups.append(group)
            numbers.append(
                Number(
                    f"{name}.events",
                    f"{group.title}: events",
                    name,
                    PATIENTS,
                    float(one.events),
                    counts=group.ids(COUNTED),
                )
            )
            for month, at in zip(analysis.protocol.landmark_months, one.at, strict=True):
                key = f"{name}.m{month:g}"
                by_then = frozenset(
                    member.patient for member in members if member.role == COUNTED and (member.day or 0) <= at.time
                )
                what = f"{group.title}: cumulative incidence at {month:g} months"
                values = (None, None, None) if at.beyond_last else (at.incidence, at.lower, at.upper)
                numbers += [
                    Number(f"{key}.events", f"{what}, events", name, PATIENTS, float(len(by_then)), counts=by_then),
                    Number(key, what, name, SHARE, *values, needs=(f"{name}.events", f"{key}.events")),
                ]
        for ratio in question.ratios:
            name = f"risk.{question.name}.hr.{slug(ratio.group)}"
            what = f"{question.title}: cause-specific hazard ratio {ratio.group} against {ratio.reference}"
            causes = dict.fromkeys(one.cause for one in question.curves)
            needs = tuple(
                f"{cause_id(question.name, cause, level)}.events"
                for cause in causes
                for level in (ratio.group, ratio.reference)
            )
            rests = cause_id(question.name, next(iter(causes)), ALL)
            numbers.append(Number(name, what, rests, RATIO, ratio.estimate, ratio.lower, ratio.upper, needs=needs))
    return groups, numbers


def _responses(analysis: Analysis, further: Further) -> Iterator[_Part]:
    for one in further.responses:
        prefix = f"landmark.{one.endpoint}"
        title = f"{TITLES[one.endpoint]} from day {one.landmark_days}"
        for group in one.groups:
            yield _curve(analysis, prefix, group, title, one.endpoint)
        members = tuple(member for group in one.groups for member in members_of(group))
        needs = tuple(f"{prefix}.{slug(group.group)}.{part}" for group in one.groups for part in ("n", "events"))
        numbers = []
        if one.test is not None:
            numbers.append(
                Number(f"{prefix}.logrank", f"{title}: log-rank p", prefix, P_VALUE, one.test.p, needs=needs)
            )
        if one.ratio is not None:
            ratio = one.ratio
            what = f"{title}: hazard ratio, {ratio.group}"
            numbers.append(
                Number(f"{prefix}.hr", what, prefix, RATIO, ratio.estimate, ratio.lower, ratio.upper, needs=needs)
            )
        groups = [Group(prefix, f"{title}, by response", one.endpoint, members)]
        if one.time_dependent is not None:
            term = one.time_dependent
            what = f"{TITLES[one.endpoint]}: hazard ratio after a response (time-dependent)"
            name = f"response.{one.endpoint}.hr"
            numbers.append(
                Number(name, what, f"{one.endpoint}.all", RATIO, term.hazard_ratio, term.lower, term.upper, needs=needs)
            )
        yield groups, numbers


def _genes(further: Further) -> _Part:
    groups, numbers = [], []
    for screen in further.genes:
        for one in screen.genes:
            name = f"gene.{screen.endpoint}.{slug(one.marker)}"
            altered = set(screen.altered[one.marker])
            members = tuple(
                Member(patient, "altered" if patient in altered else "not altered")
                for patient in screen.known[one.marker]
            )
            group = Group(name, f"{one.marker}, {TITLES[screen.endpoint]}", screen.endpoint, members)
            groups.append(group)
            needs = (f"{name}.known", f"{name}.altered")
            numbers += [
                Number(needs[0], f"{group.title}: tested", name, PATIENTS, float(one.known), counts=group.ids()),
                Number(
                    needs[1], f"{group.title}: altered", name, PATIENTS, float(one.altered), counts=group.ids("altered")
                ),
            ]
            if one.ratio is not None:
                ratio = one.ratio
                numbers.append(
                    Number(
                        f"{name}.hr",
                        f"{group.title}: hazard ratio",
                        name,
                        RATIO,
                        ratio.hazard_ratio,
                        ratio.lower,
                        ratio.upper,
                        needs=needs,
                    )
                )
            for key, what, value in (
                ("p", "log-rank p", one.test.p if one.test else None),
                ("q", "Benjamini–Hochberg q", one.q),
                ("p-holm", "Holm p", one.p_holm),
            ):
                if value is not None:
                    numbers.append(Number(f"{name}.{key}", f"{group.title}: {what}", name, P_VALUE, value, needs=needs))
    return groups, numbers


def forest_id(endpoint: str, factor: str, level: str) -> str:
    """`forest.os.sex.female`."""
    return f"forest.{endpoint}.{slug(factor)}.{slug(level)}"


def _forests(further: Further) -> _Part:
    groups, numbers = [], []
    for forest in further.forests:
        for factor in forest.factors:
            for one in factor.levels:
                name = forest_id(forest.endpoint, factor.name, one.level)
                group = Group(
                    name, f"{factor.name} {one.level}, {TITLES[forest.endpoint]}", forest.endpoint,
                    tuple(Member(patient, COUNTED) for patient in one.patients),
                )  # fmt: skip
                groups.append(group)
                numbers.append(
                    Number(
                        f"{name}.n",
                        f"{group.title}: patients",
                        name,
                        PATIENTS,
                        float(len(one.patients)),
                        counts=group.ids(),
                    )
                )
                if one.ratio is not None:
                    ratio = one.ratio
                    what = f"{group.title}: hazard ratio {forest.group} against {forest.reference}"
                    numbers.append(
                        Number(
                            f"{name}.hr",
                            what,
                            name,
                            RATIO,
                            ratio.hazard_ratio,
                            ratio.lower,
                            ratio.upper,
                            needs=(f"{name}.n",),
                        )
                    )
            if factor.interaction_p is not None and factor.levels:
                rests = forest_id(forest.endpoint, factor.name, factor.levels[0].level)
                what = f"{factor.name}, {TITLES[forest.endpoint]}: p of interaction"
                numbers.append(
                    Number(
                        f"forest.{forest.endpoint}.{slug(factor.name)}.interaction",
                        what,
                        rests,
                        P_VALUE,
                        factor.interaction_p,
                        needs=tuple(f"{forest_id(forest.endpoint, factor.name, one.level)}.n" for one in factor.levels),
                    )
                )
    return groups, numbers


def ending_id(endpoint: str, reason: str) -> str:
    """`end.pfs.censored-end-of-follow-up-for-progression-visit-gap`."""
    return f"end.{endpoint}.{slug(reason)}"


def _endings(further: Further) -> _Part:
    groups, numbers = [], []
    for one in further.course.endings:
        name = ending_id(one.endpoint, one.reason)
        title = f"{TITLES[one.endpoint]} ends: {one.reason}"
        members = tuple(Member(patient, EVENT if one.event else CENSORED) for patient in one.patients)
        groups.append(Group(name, title, one.endpoint, members))
        numbers.append(Number(name, title, name, PATIENTS, float(len(members)), counts=frozenset(one.patients)))
    return groups, numbers


def platinum_id(cutoff: int, category: str) -> str:
    """`platinum.90.sensitive`."""
    return f"platinum.{cutoff}.{slug(category)}"


def _platinum(further: Further) -> _Part:
    groups, numbers = [], []
    for one in further.course.platinum:
        for category, who in one.patients:
            name, title = platinum_id(one.cutoff, category), f"platinum sensitivity at {one.cutoff} days: {category}"
            groups.append(Group(name, title, RESPONSE, tuple(Member(patient, COUNTED) for patient in who)))
            numbers.append(Number(name, title, name, PATIENTS, float(len(who)), counts=frozenset(who)))
    return groups, numbers


def interval_id(group: str) -> str:
    """`assessment-interval.limited`."""
    return f"assessment-interval.{slug(group)}"


def _intervals(further: Further) -> _Part:
    groups, numbers = [], []
    for one in further.course.intervals:
        name, title = interval_id(one.group), f"days between assessments in line 1, {one.group}"
        groups.append(Group(name, title, RESPONSE, tuple(Member(patient, COUNTED) for patient in one.patients)))
        lower, middle, upper = one.quartiles or (None, None, None)
        needs = (f"{name}.n",)
        numbers += [
            Number(
                f"{name}.n", f"{title}: patients", name, PATIENTS, float(len(one.patients)), counts=groups[-1].ids()
            ),
            Number(f"{name}.median", f"{title}: median and quartiles", name, "days", middle, lower, upper, needs=needs),
        ]
    return groups, numbers


def withheld_estimates(numbers: Sequence[Number], withheld: Iterable[str]) -> frozenset[str]:
    """Estimates that must go because a count they need is withheld."""
    gone = set(withheld)
    return frozenset(one.id for one in numbers if any(need in gone for need in one.needs))
