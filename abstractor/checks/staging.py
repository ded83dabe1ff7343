"""Checks of histology, stage and spread (E09, E11, E14 to E17)."""

from collections.abc import Iterator

from abstractor.checks.book import CheckRule
from abstractor.checks.facts import PatientFacts, days_apart
from abstractor.checks.problem import Hit, hit
from abstractor.model.dates import PartialDate
from abstractor.model.fact import Fact
from abstractor.rulebook.stages import Edition, edition_in

_STAGES = ("stage.valg", "stage.t", "stage.n", "stage.m", "stage.group")


def histology(patient: PatientFacts, rule: CheckRule) -> Iterator[Hit]:
    """E09: a small cell carcinoma, proven."""
    found = patient.one("histology")
    if found is None:
        if patient.facts and "histology" not in patient.pending:
            yield hit("missing", ())
    elif found.value not in rule.words["eligible"]:
        yield hit("other", (found,), histology=found.value)


def component(patient: PatientFacts, rule: CheckRule) -> Iterator[Hit]:
    """E11: markers of another component in what is called pure."""
    found = patient.one("histology")
    if found is None or found.value != "small_cell":
        return
    for one in patient.present("ihc"):
        if one.value in rule.words["markers"]:
            yield hit("component", (found, one), marker=one.value)


def extent(patient: PatientFacts, rule: CheckRule) -> Iterator[Hit]:
    """E14: limited and extensive disease against M, the stage group and the sites of spread."""
    valg, m, group = (patient.one(name) for name in ("stage.valg", "stage.m", "stage.group"))
    if valg is None:
        return
    if valg.value == "limited":
        if m is not None and m.value.startswith("M1"):
            yield hit("limited_m1", (valg, m), m=m.value)
        if group is not None and group.value.startswith("IV"):
            yield hit("limited_group", (valg, group), group=group.value)
        for when, one in _spread(patient, rule):
            part = "limited_effusion" if one.value in rule.words["effusion"] else "limited_spread"
            yield hit(part, (valg, one), site=one.value.replace("_", " "), date=when)
    elif valg.value == "extensive":
        local = group if group is not None and group.value and group.value[:2] not in {"IV", "0"} else None
        m0 = m if m is not None and m.value == "M0" else None
        if (local or m0) and not patient.value("stage.t").startswith(rule.words["volume"]):
            about = [one for one in (local, m0) if one is not None]
            yield hit("extensive_local", (valg, *about), told=" ".join(_named(one) for one in about))


def _named(fact: Fact) -> str:
    return f"stage group {fact.value}" if fact.field == "stage.group" else fact.value


def _spread(patient: PatientFacts, rule: CheckRule) -> Iterator[tuple[PartialDate, Fact]]:
    """Spread that was surely there at the diagnosis."""
    for when, one in patient.dated("metastasis"):
        if one.value not in rule.words["not_spread"] and patient.at_diagnosis(when, rule.days("at_diagnosis")):
            yield when, one


def at_diagnosis(patient: PatientFacts, rule: CheckRule) -> Iterator[Hit]:
    """E15: a stage after treatment, of a recurrence or of an autopsy, taken for the one at diagnosis."""
    line = patient.line_1
    for one in patient.present(*_STAGES):
        prefix = str(one.attributes.get("prefix") or "")
        if any(letter in rule.words["later"] for letter in prefix):
            yield hit("prefix", (one,), what=patient.name(one), prefix=prefix)
            continue
        when = patient.when(one)
        # a note's own date only says when the stage was written down
        of_a_note = any((words.note_date or "")[:10] == one.date for words in one.evidence)
        if line is not None and when is not None and not of_a_note and when.first > line.start.last:
            yield hit("late", (one, line.fact), what=patient.name(one), date=when, line=line.start)


def tnm(patient: PatientFacts, rule: CheckRule) -> Iterator[Hit]:
    """E16: T, N, M and the stage group against the tables of the edition in use at the diagnosis."""
    diagnosis = patient.only("diagnosis_date")
    m = patient.one("stage.m")
    if m is not None and m.value == "M0":
        for when, one in _spread(patient, rule):
            yield hit("m0", (m, one), site=one.value.replace("_", " "), date=when)
    if diagnosis is None:
        return
    when, dated = diagnosis
    edition = edition_in(patient.known.editions, when.year)
    if edition is not None:
        yield from _unknown(patient, edition, when, dated)
        yield from _mismatch(patient, edition)


def _unknown(patient: PatientFacts, edition: Edition, when: PartialDate, dated: Fact) -> Iterator[Hit]:
    """Categories and groups that the edition does not have; one without its letter stands for each that begins with it."""
    told = {"edition": edition.number, "diagnosis": when}
    for name in ("stage.t", "stage.n", "stage.m"):
        one = patient.one(name)
        if one is not None and not edition.knows(one.value):
            yield hit("category", (one, dated), what=one.value, **told)
    group = patient.one("stage.group")
    groups = {*edition.spread.values(), *(one for row in edition.rows.values() for one in row)}
    if group is not None and not any(one.startswith(group.value) for one in groups):
        yield hit("group", (group, dated), group=group.value, **told)


def _mismatch(patient: PatientFacts, edition: Edition) -> Iterator[Hit]:
    """A stage group that T, N and M can't mean."""
    t, n, m, group = (patient.one(f"stage.{name}") for name in ("t", "n", "m", "group"))
    if m is None or group is None:
        return
    names = {"t": t.value if t else "", "n": n.value if n else "", "m": m.value}
    derived = edition.groups(**names)
    if not derived or any(one.startswith(group.value) or group.value.startswith(one) for one in derived):
        return
    about = [one for one in (t, n, m) if one is not None]
    told = {"derived": " or ".join(sorted(derived)), "edition": edition.number, "group": group.value}
    yield hit("mismatch", (*about, group), **names, **told)


def new_spread(patient: PatientFacts, rule: CheckRule) -> Iterator[Hit]:
    """E17: a new site during the course without a progression near it."""
    line = patient.line_1
    if line is None or "response" in patient.pending:
        return
    progressions = [when for when, one in patient.dated("response") if one.value in {"PD", "mixed"}]
    for when, one in patient.dated("metastasis"):
        if (when.first - line.start.last).days <= rule.limit("after"):
            continue
        if not any(days_apart(when, day) <= rule.limit("within") for day in progressions):
            told = {"site": one.value.replace("_", " "), "date": when, "within": rule.days("within")}
            yield hit("unexplained", (one,), **told)
