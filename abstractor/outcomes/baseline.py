"""The columns of a patient at time zero: stage, histology, performance, spread, genes. Confirmed facts only.

What is not known is None, never a guess; what was worked out and not stated carries a flag.
"""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from abstractor.model.dates import exact_day, stated_date
from abstractor.model.fact import Fact
from abstractor.model.finding import Assertion
from abstractor.outcomes.imputation import impute
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import PatientRecord

Day = datetime.date
Cell = str | int | float | None

STATED_STAGE_WINDOW = (-30, 90)
"""Days around the diagnosis in which a stated stage is the stage at diagnosis."""
AT_DIAGNOSIS_DAYS = 14
"""Spread found this long after the index still is spread at diagnosis."""
NOT_AT_DIAGNOSIS = frozenset("yra")
"""Prefixes of TNM given during or after treatment, at recurrence or autopsy: never the stage at diagnosis (E15)."""

COLUMNS = (
    "histology",
    "stage_valg",
    "stage_valg_source",
    "stage_t",
    "stage_n",
    "stage_m",
    "stage_group",
    "primary_site",
    "diagnosis_date",
    "age_at_index",
    "sex",
    "smoking_status",
    "pack_years",
    "ecog",
    "n_metastatic_sites",
    "brain_metastases",
    "liver_metastases",
    "molecular_report_date",
)


@dataclass(frozen=True, slots=True)
class Baseline:
    """Column name to value; `conflicts` says in words where facts disagree."""

    columns: Mapping[str, Cell]
    conflicts: tuple[tuple[str, str], ...] = ()


def baseline(record: PatientRecord, index: Day | None, protocol: Protocol) -> Baseline:
    """The baseline columns and one column a gene of the protocol."""
    diagnosis = diagnosis_day(record)
    anchor = index or diagnosis
    conflicts: list[tuple[str, str]] = []
    stage, source = _stage_valg(record, diagnosis, anchor, conflicts)
    spread = _spread(record, anchor)
    columns: dict[str, Cell] = {
        "histology": _histology(record),
        "stage_valg": stage,
        "stage_valg_source": source,
        "stage_t": _at_diagnosis(record, "stage.t", anchor),
        "stage_n": _at_diagnosis(record, "stage.n", anchor),
        "stage_m": _at_diagnosis(record, "stage.m", anchor),
        "stage_group": _at_diagnosis(record, "stage.group", anchor),
        "primary_site": _one(record, "primary_site", conflicts),
        "diagnosis_date": _one(record, "diagnosis_date", conflicts),
        "age_at_index": _age(record, anchor),
        "sex": _one(record, "sex", conflicts),
        "smoking_status": _latest(record, "smoking_status", anchor),
        "pack_years": _number(_latest(record, "pack_years", anchor)),
        "ecog": _ecog(record, anchor),
        "n_metastatic_sites": _count_sites(record, spread, stage),
        "brain_metastases": _has_site(record, spread, "brain"),
        "liver_metastases": _has_site(record, spread, "liver"),
        "molecular_report_date": _first_value(record, "molecular_report_date"),
    }
    columns.update({gene: gene_status(record, gene) for gene in protocol.genes})
    return Baseline(columns, tuple(conflicts))


def diagnosis_day(record: PatientRecord) -> Day | None:
    """The (imputed) day of diagnosis; the earliest where several are stated."""
    stated = [
        date for fact in record.present("diagnosis_date") if (date := stated_date(fact.value) or stated_date(fact.date))
    ]
    return min((impute(date).date for date in stated), default=None)


def molecular_report_day(record: PatientRecord) -> Day | None:
    """The first day on which a molecular report was there."""
    days = [exact_day(fact.value) or exact_day(fact.date) for fact in record.present("molecular_report_date")]
    return min((day for day in days if day), default=None)


def noted_on(fact: Fact) -> Day | None:
    """When a fact held: its own date, else the earliest note that states it.

    What a note states had happened when it was written, so a partial date is not put behind its earliest note.
    """
    written = min((day for one in fact.evidence if (day := exact_day(one.note_date))), default=None)
    stated = stated_date(fact.date)
    return written if stated is None else impute(stated, not_after=written).date


def gene_status(record: PatientRecord, gene: str) -> str | None:
    """`altered`, `wild_type`, or None where the gene was not tested. A VUS alone is no alteration."""
    about = [fact for fact in record.facts if fact.field == "variant" and gene in genes_of(fact.value)]
    known = [fact for fact in about if fact.assertion in (Assertion.PRESENT, Assertion.ABSENT)]
    if any(fact.assertion is Assertion.PRESENT and not fact.attributes.get("vus") for fact in known):
        return "altered"
    return "wild_type" if known else None


def genes_of(variant: str) -> tuple[str, ...]:
    """The gene of a variant; both genes of a fusion."""
    return tuple(variant.split(" ", 1)[0].split("-"))


def _histology(record: PatientRecord) -> str | None:
    said = record.values("histology")
    return next((one for one in ("transformed_small_cell", "combined_small_cell", "small_cell") if one in said), None)


def _stage_valg(
    record: PatientRecord, diagnosis: Day | None, anchor: Day | None, conflicts: list[tuple[str, str]]
) -> tuple[str | None, str | None]:
    derived = _derived_stage(record, anchor)
    stated = _stated_stage(record, diagnosis, anchor)
    if len(stated) > 1:
        conflicts.append(("stage_valg", f"stage stated as {' and '.join(stated)}; none is used"))
        return None, None
    if stated:
        if derived is not None and derived != stated[0]:
            conflicts.append(
                ("stage_valg", f"stage stated as {stated[0]}, from TNM and spread {derived}; the stated is used")
            )
        return stated[0], "stated"
    return derived, "derived" if derived else None


def _stated_stage(record: PatientRecord, diagnosis: Day | None, anchor: Day | None) -> tuple[str, ...]:
    """The stage stated nearest the diagnosis; several only where equally near ones differ."""
    reference = diagnosis or anchor
    near: list[tuple[int, str]] = []
    undated: list[str] = []
    for fact in record.present("stage.valg"):
        day = noted_on(fact)
        if day is None or reference is None:
            undated.append(fact.value)
            continue
        away = (day - reference).days
        if STATED_STAGE_WINDOW[0] <= away <= STATED_STAGE_WINDOW[1] or (anchor is not None and day <= anchor):
            near.append((abs(away), fact.value))
    if near:
        closest = min(away for away, _ in near)
        return tuple(dict.fromkeys(value for away, value in near if away == closest))
    return tuple(dict.fromkeys(undated))


def _derived_stage(record: PatientRecord, anchor: Day | None) -> str | None:
    m, group = _at_diagnosis(record, "stage.m", anchor), _at_diagnosis(record, "stage.group", anchor)
    dated_spread = [fact for fact in record.present("metastasis") if _by(fact, anchor, AT_DIAGNOSIS_DAYS)]
    if (m or "").startswith("M1") or (group or "").startswith("IV") or dated_spread:
        return "extensive"
    return "limited" if m == "M0" or group else None


def _by(fact: Fact, anchor: Day | None, days: int) -> bool:
    """Whether a fact is dated, and held no later than this long after the anchor."""
    day = noted_on(fact)
    return day is not None and (anchor is None or (day - anchor).days <= days)


def _at_diagnosis(record: PatientRecord, field: str, anchor: Day | None) -> str | None:
    """The last value before treatment; None where the values of the same day disagree."""
    usable = [
        fact for fact in record.present(field) if not NOT_AT_DIAGNOSIS & set(str(fact.attributes.get("prefix") or ""))
    ]
    before = [fact for fact in usable if noted_on(fact) is None or _by(fact, anchor, AT_DIAGNOSIS_DAYS)]
    return _last_value(before)


def _last_value(facts: Sequence[Fact]) -> str | None:
    if not facts:
        return None
    last = max((day for fact in facts if (day := noted_on(fact))), default=None)
    values = {fact.value for fact in facts if noted_on(fact) == last}
    return max(values, key=len) if len({value[:2] for value in values}) == 1 else None


def _one(record: PatientRecord, field: str, conflicts: list[tuple[str, str]]) -> str | None:
    said = record.values(field)
    if len(said) > 1:
        conflicts.append((field, f"{field} stated as {' and '.join(sorted(said))}; the first is used"))
    return said[0] if said else None


def _first_value(record: PatientRecord, field: str) -> str | None:
    return min(record.values(field), default=None)


def _latest(record: PatientRecord, field: str, anchor: Day | None) -> str | None:
    """The last value up to 90 days after the anchor, else the first known one."""
    facts = record.present(field)
    before = [fact for fact in facts if _by(fact, anchor, 90)]
    if before:
        return max(before, key=lambda fact: noted_on(fact) or Day.min).value
    return facts[0].value if facts else None


def _ecog(record: PatientRecord, anchor: Day | None) -> int | None:
    """The score nearest to and not after the index; of a range the worse."""
    scores = [
        (day, int(fact.value))
        for fact in record.present("ecog")
        if fact.value.isdecimal() and (day := noted_on(fact)) is not None and (anchor is None or day <= anchor)
    ]
    if scores:
        return max(scores)[1]
    undated = [int(fact.value) for fact in record.present("ecog") if fact.value.isdecimal() and noted_on(fact) is None]
    return max(undated, default=None)


def _number(text: str | None) -> float | None:
    cleaned = (text or "").lstrip("<>≥≤~ ")
    try:
        return float(cleaned) if cleaned else None
    except ValueError:
        return None


def _age(record: PatientRecord, anchor: Day | None) -> int | None:
    born = next(
        (date for fact in record.present("birth_date") if (date := stated_date(fact.value) or stated_date(fact.date))),
        None,
    )
    if born is None or anchor is None:
        return None
    day = impute(born).date
    age = anchor.year - day.year - ((anchor.month, anchor.day) < (day.month, day.day))
    return age if age >= 0 else None


def _spread(record: PatientRecord, anchor: Day | None) -> frozenset[str]:
    facts = record.present("metastasis")
    return frozenset(fact.value for fact in facts if noted_on(fact) is None or _by(fact, anchor, AT_DIAGNOSIS_DAYS))


def _count_sites(record: PatientRecord, spread: Iterable[str], stage: str | None) -> int | None:
    sites = set(spread) - {"distant"}
    if sites:
        return len(sites)
    said_none = any(fact.field == "metastasis" and fact.assertion is Assertion.ABSENT for fact in record.facts)
    if set(spread):
        return None  # spread somewhere, nowhere named
    return 0 if said_none or stage == "limited" else None


def _has_site(record: PatientRecord, spread: frozenset[str], site: str) -> str | None:
    if site in spread:
        return "yes"
    denied = any(
        fact.field == "metastasis" and fact.assertion is Assertion.ABSENT and fact.value in (site, "distant")
        for fact in record.facts
    )
    return "no" if denied else None
