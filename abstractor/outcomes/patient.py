"""One patient, derived: from confirmed facts to lines, best responses and every endpoint, with all that is at fault.

The only place where the pure rules (`lines`, `response`, `progression`, `endpoints`) meet a record. No statistics.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from abstractor.checks.stated import StatedDeath, StatedLine, stated_deaths, stated_lines
from abstractor.model.dates import exact_day, stated_date
from abstractor.outcomes.baseline import Baseline, baseline, diagnosis_day, molecular_report_day, noted_on
from abstractor.outcomes.endpoints import (
    PlatinumSensitivity,
    duration_of_response,
    overall_survival,
    platinum_sensitivity,
    time_to_discontinuation,
    time_to_next_treatment,
)
from abstractor.outcomes.faults import (
    EXCLUDED,
    WARNING,
    Fault,
    backward_spans,
    death_faults,
    early_responses,
    fault,
    line_faults,
    order_faults,
    unreadable,
)
from abstractor.outcomes.imputation import Scheme, impute, impute_death
from abstractor.outcomes.lines import DrugGroups, Line, derive_lines
from abstractor.outcomes.progression import (
    VARIANTS,
    FollowUp,
    genie_pfs,
    progressions,
    real_world_pfs,
    real_world_ttp,
    trial_pfs,
    visit_gap_start,
)
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import (
    Assessment,
    Contact,
    PatientRecord,
    administrations,
    assessments,
    contacts,
    evidence_id,
    has_visits,
    radiotherapy_courses,
    response_facts,
)
from abstractor.outcomes.response import (
    MISSING,
    Best,
    assessed,
    best_response,
    confirmed_best_response,
    confirmed_response_date,
    has_benefit,
    seen,
    without_response,
)
from abstractor.outcomes.timing import Dated, TimeToEvent, not_computed

Day = datetime.date

ENDPOINTS = (
    "os", "pfs", "pfs_trial", "pfs_i", "pfs_m", "pfs_i_or_m", "pfs_i_and_m", "pfs_systemic", "ttp", "ttnt", "ttd",
    "dor", "dor_unconfirmed",
)  # fmt: skip
"""In the order of the analysis table."""

CNS = frozenset({"cns", "brain", "intracranial", "leptomeninges"})
"""Codes of a progression's site that `pfs_systemic` leaves out."""


NO_HISTOLOGY, TRANSFORMED = "no confirmed small-cell histology", "small cell transformed from NSCLC"
"""Why a patient is of another disease than the registry's; every other reason is one of the data."""

RESECTIONS = frozenset({"lobectomy", "pneumonectomy", "segmentectomy", "wedge_resection", "other_resection"})
"""Codes of surgery after which, in limited disease, nothing is left that could respond."""


@dataclass(frozen=True, slots=True)
class LineResponse:
    """A line with its responses."""

    line: Line
    assessments: tuple[Assessment, ...]
    best: Best
    """Without confirmation; NE where nothing adequate was seen."""
    confirmed: Best
    evaluable: bool
    """Disease at the start of the line, and at least one adequate assessment after it."""
    benefit: bool
    """Clinical benefit: a response, or SD for long enough."""


@dataclass(frozen=True, slots=True)
class PatientOutcome:
    """All that was derived of one patient."""

    patient_id: str
    excluded: str
    """Why the patient is in no analysis; "" for those who are."""
    index: Day | None
    baseline: Baseline
    lines: tuple[LineResponse, ...]
    endpoints: Mapping[str, TimeToEvent]
    platinum: PlatinumSensitivity
    faults: tuple[Fault, ...]
    molecular_report: Day | None = None
    """The first molecular report: before it a sequenced patient could not have died."""

    @property
    def eligible(self) -> bool:
        """Whether the patient has the disease in question."""
        return self.excluded not in {NO_HISTOLOGY, TRANSFORMED}

    @property
    def evaluable(self) -> bool:
        """Whether the response to line 1 can be judged."""
        return self.first_line is not None and self.first_line.evaluable

    @property
    def first_line(self) -> LineResponse | None:
        """Line 1 with its responses."""
        return self.lines[0] if self.lines else None

    @property
    def has_imputed(self) -> bool:
        """Whether any endpoint rests on an imputed day."""
        return any(flag.startswith("imputed") for row in self.endpoints.values() for flag in row.flags)


def derive_patient(
    record: PatientRecord, protocol: Protocol, cutoff: Day, groups: DrugGroups, scheme: Scheme = "mid"
) -> PatientOutcome:
    """Derives one patient; never raises for what is in the record, but says it in `faults`."""
    return _Derivation(record, protocol, cutoff, groups, scheme).outcome()


class _Derivation:
    """The steps for one patient, in their order; each attribute is settled once."""

    def __init__(
        self, record: PatientRecord, protocol: Protocol, cutoff: Day, groups: DrugGroups, scheme: Scheme
    ) -> None:
        self.record, self.protocol, self.cutoff, self.groups, self.scheme = record, protocol, cutoff, groups, scheme
        self.faults: list[Fault] = [*unreadable(record), *line_faults(record), *backward_spans(record)]
        self.diagnosis = diagnosis_day(record)
        self.contacts = contacts(record, protocol.contact_note_types)
        self.deaths = stated_deaths(record.facts)
        diagnosed = [date.first for fact in record.present("diagnosis_date") if (date := stated_date(fact.value))]
        self.faults += death_faults(record, self.deaths, self.contacts, min(diagnosed, default=None))
        self.death_unusable = any(one.severity == EXCLUDED and one.scope == "os" for one in self.faults)
        self.last_alive = self._last_alive()
        self.death, self.imputed_index = self._death(), ""
        self.lines = self._lines()
        self.assessments = self._assessments([line.start for line in self.lines])

    # --- what happened, as days ---

    def _last_alive(self) -> Day | None:
        """The last contact; a note dated after an exact death is none."""
        limit = next((one.date.last for one in self.deaths if one.date is not None), None)
        days = [one.date for one in self.contacts if one.firm or limit is None or one.date <= limit]
        return max(days, default=None)

    def _death(self) -> Dated | None:
        best: StatedDeath | None = next((one for one in self.deaths if one.date is not None), None)
        if best is None or best.date is None or self.death_unusable:
            return None
        found = impute_death(best.date, last_known_alive=self.last_alive, cutoff=self.cutoff, scheme=self.scheme)
        same = [evidence_id(one.fact) for one in self.deaths if one.date == best.date]
        return Dated(found.date, tuple(dict.fromkeys(same)), found.flag)

    def _assessments(self, starts: Sequence[Day]) -> tuple[Assessment, ...]:
        facts = [(fact, date) for fact in response_facts(self.record) if (date := stated_date(fact.date))]
        not_pd = sorted(date.first for fact, date in facts if date.precision == "day" and fact.value.upper() != "PD")
        dated = []
        for fact, date in facts:
            before = after = None
            if fact.value.upper() == "PD":
                before = max((day for day in not_pd if date.first <= day <= date.last), default=None)
                after = min((day for day in starts[1:] if date.first <= day <= date.last), default=None)
            found = impute(date, self.scheme, not_before=before, not_after=after)
            dated.append((fact, found.date, found.flag))
        return assessments(dated)

    def _lines(self) -> tuple[Line, ...]:
        stated = _each_once(stated_lines(self.record.facts))
        if stated:
            return tuple(line for line in self._from_stated(stated) if line.start <= self.cutoff)
        courses = radiotherapy_courses(self.record)
        days = [one.date for one in progressions(self._assessments([]))]
        derived = derive_lines(
            administrations(self.record),
            self.groups,
            self.protocol,
            progressions=days,
            radiotherapy=courses,
            diagnosis=self.diagnosis,
        )
        return tuple(line for line in derived if line.start <= self.cutoff)

    def _from_stated(self, stated: Sequence[StatedLine]) -> list[Line]:
        lines: list[Line] = []
        for place, one in enumerate(stated):
            after = stated[place + 1].start.first if place + 1 < len(stated) else None
            previous = lines[-1].stop if lines else self.diagnosis
            start = impute(one.start, self.scheme, not_before=previous, not_after=after)
            stop = impute(one.stop, self.scheme, not_before=start.date, not_after=after) if one.stop else None
            ends = max(stop.date if stop else start.date, start.date)
            flags = [f"imputed:{start.flag}"] if start.flag else []
            if after is not None and ends >= after:
                ends = max(start.date, after - datetime.timedelta(days=1))
                flags.append("overlap")
            stated_platinum = exact_day(str(one.fact.attributes.get("last_platinum") or ""))
            platinum = stated_platinum or self._last_platinum(one, start.date, ends, after)
            lines.append(
                Line(
                    number=one.number,
                    start=start.date,
                    stop=ends,
                    drugs=one.drugs,
                    opened_by="stated",
                    flags=tuple(flags),
                    last_platinum=platinum,
                    cycles=one.cycles,
                    stop_known=one.stop is not None,
                    evidence=(evidence_id(one.fact),),
                )
            )
        return lines

    def _last_platinum(self, line: StatedLine, start: Day, stop: Day, after: Day | None) -> Day | None:
        """The last platinum dose within a stated line; its end where the line was chemotherapy alone."""
        until = after or Day.max
        days = [
            one.last
            for one in administrations(self.record)
            if one.drug in self.groups.platinum and start <= one.first < until
        ]
        if days:
            return max(min(day, until - datetime.timedelta(days=1)) if after else day for day in days)
        drugs = set(line.drugs)
        if line.stop is not None and drugs & self.groups.platinum and not drugs & self.groups.immunotherapy:
            return stop
        return None

    # --- endpoints ---

    def outcome(self) -> PatientOutcome:
        first = self.lines[0].start if self.lines else None
        index, why_not = self._time_zero()
        self.faults += early_responses(self.record, first)
        self.faults += order_faults(
            self.record,
            diagnosis=self.diagnosis,
            line_1=first,
            report=molecular_report_day(self.record),
            before_diagnosis=self.protocol.before_diagnosis_days,
        )
        self.faults += self._unused_therapy(first)
        found = baseline(self.record, index or first, self.protocol)
        if found.columns["histology"] is None and self.record.present("stage.valg"):
            text = "no confirmed histology; taken as small cell, because a limited or extensive stage is confirmed"
            self.faults.append(fault(self.record, "no_histology", WARNING, "all", text))
        self.faults += [fault(self.record, "conflict", WARNING, field, text) for field, text in found.conflicts]
        lines = tuple(self._respond(place) for place in range(len(self.lines)))
        rows = {name: not_computed(name, index, why_not or "not computed") for name in ENDPOINTS}
        if index is not None and not self._shut_out():
            rows.update(self._rows(index, lines))
        self.faults += self._row_faults(rows)
        return PatientOutcome(
            patient_id=self.record.patient_id,
            excluded=self._excluded(found, index, why_not),
            index=index,
            baseline=found,
            lines=lines,
            endpoints=rows,
            platinum=self._platinum(),
            faults=tuple(dict.fromkeys(self.faults)),
            molecular_report=molecular_report_day(self.record),
        )

    def _unused_therapy(self, line_1: Day | None) -> list[Fault]:
        """Why confirmed systemic therapy makes no line: no day, or all of it long before the diagnosis (L1)."""
        doses = self.record.present("systemic_therapy")
        if line_1 is not None or not doses:
            return []
        limit = self.protocol.before_diagnosis_days
        days = [impute(date).date for one in doses if (date := stated_date(one.date))]
        if self.diagnosis is not None and days and max(days) < self.diagnosis - datetime.timedelta(days=limit):
            text = f"all dated systemic therapy lies more than {limit} days before the diagnosis {self.diagnosis}; correct one of the dates"
            return [fault(self.record, "therapy_before_diagnosis", EXCLUDED, "all", text)]
        text = "systemic therapy is confirmed, but without a dated dose"
        return [fault(self.record, "undated_therapy", EXCLUDED, "all", text)]

    def _shut_out(self) -> str:
        return next((one.text for one in self.faults if one.severity == EXCLUDED and one.scope == "all"), "")

    def _excluded(self, found: Baseline, index: Day | None, why_not: str) -> str:
        histology = found.columns["histology"]
        if self.protocol.require_histology and histology is None and not self.record.present("stage.valg"):
            return NO_HISTOLOGY
        if histology == "transformed_small_cell" and not self.protocol.include_transformed:
            return TRANSFORMED
        return self._shut_out() or ("" if index is not None else why_not)

    def _time_zero(self) -> tuple[Day | None, str]:
        first = self.lines[0] if self.lines else None
        choice = self.protocol.time_zero
        if choice == "line_1_start":
            if first is not None:
                self.imputed_index = _flag_of(first.flags)
            return (first.start, "") if first else (None, "no dated line 1 of systemic therapy")
        if choice == "diagnosis":
            day: Day | None = self.diagnosis
        elif choice == "molecular_report":
            day = molecular_report_day(self.record)
        elif choice == "radiotherapy_start":
            chest = [one.start for one in radiotherapy_courses(self.record) if one.site == "thoracic"]
            day = min(chest, default=None)
        else:
            day = self._extensive_first()
        if day is not None and day > self.cutoff:
            return None, f"time zero ({choice}) is after the data cutoff"
        return day, "" if day is not None else f"no date for time zero ({choice})"

    def _extensive_first(self) -> Day | None:
        facts = [one for one in self.record.present("stage.valg") if one.value == "extensive"]
        days = [day for one in (*facts, *self.record.present("metastasis")) if (day := noted_on(one))]
        if facts and not days:
            return self.diagnosis
        return min(days, default=None)

    def _respond(self, place: int) -> LineResponse:
        line = self.lines[place]
        after = self.lines[place + 1].start if place + 1 < len(self.lines) else None
        found = assessed(self.assessments, line.start, next_line=after, cutoff=self.cutoff)
        resected = line.number == 1 and self._is_resected(line.start)
        course = without_response(seen(found)) if resected else seen(found)
        best = best_response(course, line.start, self.protocol.sd_min_days)
        confirmed = confirmed_best_response(course, line.start, self.protocol)
        return LineResponse(
            line=line,
            assessments=found,
            best=_ne_for_missing(best),
            confirmed=_ne_for_missing(confirmed),
            evaluable=not resected and any(one.value != "NE" for one in course),
            benefit=has_benefit(course, line.start, best, self.protocol.benefit_days),
        )

    def _is_resected(self, start: Day) -> bool:
        """Resected before the first systemic therapy and never said to have spread: adjuvant treatment."""
        done = [one for one in self.record.present("surgery") if one.value in RESECTIONS]
        before = [one for one in done if (day := noted_on(one)) is not None and day <= start]
        if not before or baseline(self.record, start, self.protocol).columns["stage_valg"] == "extensive":
            return False
        last = max(day for one in before if (day := noted_on(one)))
        return not any(last < one.date <= start for one in progressions(self.assessments))

    def _follow_up(self, index: Day) -> FollowUp:
        days = [one.date for one in self._contacts_alive() if one.date <= self.cutoff]
        read = [one.date for one in self.record.notes if one.note_type in self.protocol.status_note_types]
        read += [one.date for one in self.assessments]
        if not self.record.notes:
            read += days
        visits = has_visits(self.record)
        gap = visit_gap_start(days, index, self.protocol.visit_gap_days, self.cutoff) if visits else None
        return FollowUp(
            last_abstraction=max((day for day in read if day <= self.cutoff), default=None),
            last_activity=max(days, default=None),
            gap_start=gap,
            visits_known=visits,
        )

    def _contacts_alive(self) -> list[Contact]:
        return [one for one in self.contacts if self.last_alive is not None and one.date <= self.last_alive]

    def _rows(self, index: Day, lines: Sequence[LineResponse]) -> dict[str, TimeToEvent]:
        protocol, cutoff, death = self.protocol, self.cutoff, self.death
        later = [line for line in self.lines if line.number > 1 and line.start > index]
        after = Dated(later[0].start, later[0].evidence) if later else None
        follow = self._follow_up(index)
        everything = progressions(self.assessments)
        trial = trial_pfs(index, self.assessments, death, cutoff=cutoff, protocol=protocol, next_line=after)
        rows = {
            "os": self._overall_survival(index),
            "pfs": self._pfs(index, follow, after),
            "pfs_trial": trial,
            "pfs_systemic": real_world_pfs(
                index,
                [one for one in everything if one.site not in CNS],
                death,
                follow,
                cutoff=cutoff,
                protocol=protocol,
                next_line=after,
                endpoint="pfs_systemic",
                basis="clinician-anchored, outside the CNS",
            ),
            "ttp": real_world_ttp(index, everything, death, follow, cutoff=cutoff, protocol=protocol, next_line=after),
            "ttnt": time_to_next_treatment(index, after, death, self.last_alive, cutoff=cutoff, protocol=protocol),
        }
        for kind in VARIANTS:
            row = genie_pfs(
                kind,
                index,
                self.assessments,
                death,
                cutoff=cutoff,
                protocol=protocol,
                next_line=after.date if after else None,
            )
            rows[row.endpoint] = row
        if lines:
            rows.update(self._line_rows(index, lines[0], after, death))
        return {name: self._settle(row) for name, row in rows.items()}

    def _line_rows(
        self, index: Day, first: LineResponse, after: Dated | None, death: Dated | None
    ) -> dict[str, TimeToEvent]:
        protocol, cutoff = self.protocol, self.cutoff
        course = seen(first.assessments)
        if self._is_resected(first.line.start):
            course = without_response(course)
        from_line = trial_pfs(
            first.line.start, self.assessments, death, cutoff=cutoff, protocol=protocol, next_line=after
        )
        confirmed = confirmed_response_date(course, protocol)
        responded = first.best.date if first.best.value in ("CR", "PR") else None
        first_response = (
            min((one.date for one in course if one.value in ("CR", "PR")), default=None) if responded else None
        )
        unconfirmed = replace(duration_of_response(first_response, from_line, protocol), endpoint="dor_unconfirmed")
        if first.line.stop_known:
            ttd = time_to_discontinuation(
                first.line.start, first.line.stop, after, death, self.last_alive, cutoff=cutoff, protocol=protocol
            )
        else:
            ttd = not_computed("ttd", index, "not computed: the end of line 1 is not stated")
        return {"dor": duration_of_response(confirmed, from_line, protocol), "dor_unconfirmed": unconfirmed, "ttd": ttd}

    def _overall_survival(self, index: Day) -> TimeToEvent:
        if self.death_unusable:
            reason = next(one.text for one in self.faults if one.severity == EXCLUDED and one.scope == "os")
            return not_computed("os", index, f"excluded: {reason}", "EXCLUDED")
        entry = None
        if self.protocol.delayed_entry == "molecular_report":
            entry = molecular_report_day(self.record)
            if entry is None:
                return not_computed(
                    "os", index, "excluded: no molecular report, never under observation", "EXCLUDED 2.9"
                )
        return overall_survival(
            index, self.death, self.last_alive, cutoff=self.cutoff, protocol=self.protocol, entry=entry
        )

    def _pfs(self, index: Day, follow: FollowUp, after: Dated | None) -> TimeToEvent:
        basis = self.protocol.progression_basis
        for kind in VARIANTS:
            if basis == f"pfs_{kind.lower()}":
                row = genie_pfs(
                    kind,
                    index,
                    self.assessments,
                    self.death,
                    cutoff=self.cutoff,
                    protocol=self.protocol,
                    next_line=after.date if after else None,
                )
                return replace(row, endpoint="pfs")
        counted = {
            "imaging": [one for one in self.assessments if one.imaging],
            "recist": [one for one in self.assessments if one.recist],
        }.get(basis, list(self.assessments))
        return real_world_pfs(
            index,
            progressions(counted),
            self.death,
            follow,
            cutoff=self.cutoff,
            protocol=self.protocol,
            next_line=after,
            basis="clinician-anchored" if basis == "clinician" else basis,
        )

    def _settle(self, row: TimeToEvent) -> TimeToEvent:
        """Carries over what is true of all rows: an imputed index, and a death that can't be dated."""
        if self.death_unusable and row.event is False and row.endpoint != "os":
            return not_computed(row.endpoint, row.start, "excluded: dead, but the death can't be dated", "EXCLUDED")
        if self.imputed_index and row.event is not None:
            extra = Dated(self.lines[0].start, flag=self.imputed_index).flags
            return replace(row, flags=tuple(dict.fromkeys((*row.flags, *extra))))
        return row

    def _platinum(self) -> PlatinumSensitivity:
        if not self.lines:
            return PlatinumSensitivity(None, "unknown")
        first = self.lines[0]
        after = self.lines[1].start if len(self.lines) > 1 else Day.max
        days = [one.date for one in progressions(self.assessments) if first.start < one.date <= min(after, self.cutoff)]
        return platinum_sensitivity(first.last_platinum, min(days, default=None), self.protocol.platinum_free_cutoff)

    def _row_faults(self, rows: Mapping[str, TimeToEvent]) -> list[Fault]:
        found = []
        for name in ("os", "pfs"):
            row = rows[name]
            if row.event is None and self.lines:
                found.append(fault(self.record, f"no_{name}", EXCLUDED, name, row.reason))
            elif not row.primary and row.event is not None:
                text = "a date is known to the year only: in the sensitivity analyses, not in the primary one"
                found.append(fault(self.record, f"year_only_{name}", WARNING, name, text))
        if "progression_after_death" in rows["pfs"].flags:
            found.append(
                fault(self.record, "progression_after_death", WARNING, "pfs", "a progression is dated after the death")
            )
        return found


def _each_once(stated: Sequence[StatedLine]) -> tuple[StatedLine, ...]:
    first: dict[int, StatedLine] = {}
    for one in stated:
        first.setdefault(one.number, one)
    return tuple(first.values())


def _ne_for_missing(best: Best) -> Best:
    """In the analysis a patient without an assessment is not evaluable."""
    return replace(best, value="NE") if best.value == MISSING else best


def _flag_of(flags: Sequence[str]) -> str:
    return next((flag.removeprefix("imputed:") for flag in flags if flag.startswith("imputed:")), "")
