"""Each part of each check: what makes it fire, and what is near to it and right. From the meaning of the rules, by hand."""

import datetime

import pytest

from abstractor.checks.book import load_checks
from abstractor.checks.facts import NoteDay, PatientFacts, known_of
from abstractor.checks.problem import Severity
from abstractor.checks.run import CHECKS, find_problems
from abstractor.model.fact import Fact
from abstractor.model.finding import Assertion
from abstractor.model.suggestion import Evidence
from abstractor.rulebook.load import load_rulebook
from abstractor.rulebook.slots import slot_key

BOOK = load_rulebook()
KNOWN = known_of(BOOK)
RULES = load_checks(BOOK.root)
TODAY = datetime.date(2025, 6, 30)
WORDS = (Evidence("n1", 0, 4, "some", "abc", "2020-01-01", "clinic"),)


def fact(
    field: str,
    value: str,
    date: str | None = None,
    end: str | None = None,
    evidence: tuple[Evidence, ...] = WORDS,
    source: str = "review",
    **attributes: object,
) -> Fact:
    """A confirmed fact with words behind it, in the slot that the registry gives it."""
    slot = slot_key(BOOK.fields[field], value, Assertion.PRESENT, date)
    return Fact("P-1", field, value, Assertion.PRESENT, date, end, attributes, source, evidence=evidence, slot=slot)


SMALL_CELL = fact("histology", "small_cell")


def patient(*facts: Fact, patient_id: str = "P-1", **settings: object) -> PatientFacts:
    """A patient of small cell carcinoma, unless another histology is given."""
    given = facts if any(one.field == "histology" for one in facts) else (SMALL_CELL, *facts)
    return PatientFacts(patient_id, given, TODAY, KNOWN, **settings)  # type: ignore[arg-type]


def fired(one: PatientFacts) -> set[str]:
    """What fires, as `E02 born_after`."""
    return {f"{problem.check} {problem.part}" for problem in find_problems(one, RULES)}


def dx(date: str = "2024-01-10") -> Fact:
    return fact("diagnosis_date", date, date)


def born(date: str) -> Fact:
    return fact("birth_date", date, date)


def died(date: str) -> Fact:
    return fact("death_date", date, date)


def line(number: int, start: str, end: str | None = None, **attributes: object) -> Fact:
    return fact("therapy_line", str(number), start, end, WORDS, "review", **attributes)


def pd(date: str) -> Fact:
    return fact("response", "PD", date)


def note(name: str, date: str, kind: str = "clinic", digest: str = "") -> NoteDay:
    return NoteDay(name, date, kind, digest or name)


DEAD = fact("vital_status", "dead")
ALIVE = fact("vital_status", "alive")
LIMITED, EXTENSIVE = fact("stage.valg", "limited"), fact("stage.valg", "extensive")
PLATINUM = {"drugs": ["carboplatin", "etoposide"]}
LINE_1 = line(1, "2024-01-20", "2024-04-20", **PLATINUM)

FIRING: list[tuple[str, PatientFacts]] = [
    ("E01 social_security", patient(patient_id="123-45-6789")),
    ("E01 record_number", patient(patient_id="00417733")),
    ("E01 record_number", patient(patient_id="MRN 417")),
    ("E01 name", patient(patient_id="Fen, Ada")),
    ("E02 born_after", patient(born("2024-02"), dx("2024-01-10"))),
    ("E02 age", patient(born("2011"), dx("2024-01-10"))),
    ("E02 age", patient(born("1910-05-01"), dx("2024-01-10"))),
    ("E02 unusual", patient(born("1998"), dx("2024-01-10"))),
    ("E03 never", patient(fact("smoking_status", "never"), fact("pack_years", "40"))),
    ("E03 too_many", patient(born("1990"), dx(), fact("pack_years", "100"))),
    ("E03 quit_as_child", patient(born("1950-06-01"), fact("smoking_status", "former", quit_date="1957"))),
    ("E04 dead_score", patient(fact("ecog", "5", "2024-03-01"), ALIVE)),
    ("E04 dead_score", patient(fact("ecog", "5", "2024-03-01"), DEAD, died("2024-04"))),
    ("E04 kps_steps", patient(fact("kps", "75", "2024-03-01"))),
    ("E04 kps_steps", patient(fact("kps", "110", "2024-03-01"))),
    ("E04 differ", patient(fact("ecog", "1", "2024-03-01"), fact("kps", "40", "2024-03-01"))),
    ("E04 differ", patient(fact("ecog", "3", "2024-03-01"), fact("kps", "90", "2024-03-01"))),
    ("E05 contact_after", patient(DEAD, died("2024-03"), fact("last_contact_date", "2024-04-01"))),
    ("E05 contact_after", patient(DEAD, died("2024-03-05"), fact("visit", "2024-03-06", "2024-03-06"))),
    ("E05 after_limit", patient(DEAD, died("2025-07-01"))),
    ("E05 alive", patient(ALIVE, died("2024-03-05"))),
    ("E05 two_dates", patient(fact("vital_status", "dead", "2024-04-02"), died("2024-03-05"))),
    ("E05 undated", patient(DEAD)),
    ("E05 not_dead", patient(died("2024-03-05"))),
    ("E05 note_after", patient(DEAD, died("2024-03-05"), notes=(note("n9", "2024-03-07"),))),
    ("E06 before_diagnosis", patient(dx("2024-03"), DEAD, died("2024-02"))),
    ("E06 after", patient(DEAD, died("2024-03-05"), fact("response", "PD", "2024-03-06"))),
    ("E06 after", patient(DEAD, died("2024-03-05"), line(1, "2024-01-01", "2024-03-09"))),
    ("E07 early", patient(dx(), fact("systemic_therapy", "carboplatin", "2023-12-20"))),
    ("E07 far", patient(dx(), fact("radiotherapy", "thoracic", "2023-10"))),
    ("E08 future", patient(fact("response", "PR", "2025-08-01"), LINE_1)),
    ("E08 future", patient(dx("2026"))),
    ("E08 future", patient(ALIVE, fact("visit", "2025-06-02", "2025-06-02"), cutoff=datetime.date(2025, 6, 1))),
    ("E09 other", patient(fact("histology", "carcinoid"))),
    ("E09 missing", PatientFacts("P-1", (dx(),), TODAY, KNOWN)),
    ("E11 component", patient(fact("ihc", "p40 positive"))),
    ("E12 driver", patient(fact("variant", "EGFR exon 19 deletion"))),
    ("E12 driver", patient(fact("variant", "EML4-ALK fusion"))),
    ("E12 driver", patient(fact("variant", "EGFR p.L858R"))),
    ("E14 limited_m1", patient(LIMITED, fact("stage.m", "M1a"))),
    ("E14 limited_group", patient(LIMITED, fact("stage.group", "IVA"))),
    ("E14 limited_effusion", patient(LIMITED, dx(), fact("metastasis", "pleura", "2024-01-05"))),
    ("E14 limited_spread", patient(LIMITED, LINE_1, fact("metastasis", "liver", "2024-01-05"))),
    ("E14 extensive_local", patient(EXTENSIVE, fact("stage.group", "IIIA"), fact("stage.t", "T2a"))),
    ("E14 extensive_local", patient(EXTENSIVE, fact("stage.m", "M0"))),
    ("E15 prefix", patient(fact("stage.t", "T1a", prefix="yp"))),
    ("E15 late", patient(LINE_1, fact("stage.valg", "extensive", "2024-09"))),
    (
        "E16 mismatch",
        patient(dx(), fact("stage.t", "T1a"), fact("stage.n", "N2"), fact("stage.m", "M0"), fact("stage.group", "IIB")),
    ),
    ("E16 category", patient(dx("2024-12-31"), fact("stage.n", "N2a"))),
    ("E16 category", patient(dx("2020"), fact("stage.m", "M1c1"))),
    ("E16 group", patient(dx("2017"), fact("stage.group", "IIIC"))),
    ("E16 m0", patient(dx(), fact("stage.m", "M0"), fact("metastasis", "bone", "2024-01-12"))),
    ("E17 unexplained", patient(LINE_1, fact("metastasis", "brain", "2024-08-01"))),
    ("E18 gene", patient(fact("variant", "TP35 p.R175H"))),
    ("E18 codon", patient(fact("variant", "TP53 p.R175H", hgvs_c="c.818G>A"))),
    ("E20 soon", patient(LINE_1, pd("2024-05-01"), fact("response", "CR", "2024-05-20"))),
    ("E20 lost", patient(LINE_1, fact("response", "CR", "2024-03-01"), fact("response", "PR", "2024-05-01"))),
    ("E21 between", patient(LINE_1, pd("2024-05-01"), fact("response", "SD", "2024-05-08"), pd("2024-05-15"))),
    ("E21 copies", patient(notes=tuple(note(f"n{n}", f"2024-0{n}-01", digest="same") for n in (1, 2, 3)))),
    ("E22 fraction", patient(fact("radiotherapy", "bone", "2024-03-01", dose_gy=30, fractions=1))),
    ("E22 fraction", patient(fact("radiotherapy", "thoracic", "2024-03-01", dose_gy=10, fractions=30))),
    ("E22 twice_daily", patient(fact("radiotherapy", "thoracic", "2024-03-01", dose_gy=72, fractions=48))),
    ("E22 brain", patient(fact("radiotherapy", "pci", "2024-05-01"), fact("metastasis", "brain", "2024-04"))),
    ("E22 before_line_1", patient(fact("radiotherapy", "pci", "2024-01-02"), LINE_1)),
    ("E23 order", patient(line(1, "2024-03-01"), line(2, "2024-03-01"))),
    ("E23 twice", patient(line(1, "2024-03-01"), fact("therapy_line", "01", "2024-06-01"))),
    ("E23 gap", patient(LINE_1, line(3, "2024-09-01"))),
    ("E23 overlap", patient(line(1, "2024-01-20", "2024-06-20"), line(2, "2024-06-10"))),
    ("E23 short", patient(line(1, "2024-01-20", "2024-02-10", cycles=4, **PLATINUM))),
    ("E23 long", patient(line(1, "2024-01-20", "2024-09-20", cycles=4, **PLATINUM))),
    ("E23 cycles", patient(line(1, "2024-01-20", "2024-07-20", cycles=8, **PLATINUM))),
    ("E23 drug", patient(line(1, "2024-01-20", drugs=["etopside"]))),
    ("E24 first_day", patient(LINE_1, pd("2024-01-20"))),
    (
        "E24 no_consequence",
        patient(line(1, "2024-01-20"), pd("2024-05-01"), fact("visit", "2024-12-01", "2024-12-01")),
    ),
    ("E25 before", patient(LINE_1, fact("response", "PR", "2024-01-05"))),
    ("E25 untreated", patient(fact("response", "CR", "2024-03-05"))),
    ("E25 course_before", patient(LINE_1, pd("2024-01-05"))),
    ("E25 course_untreated", patient(pd("2024-03-05"))),
    ("E26 share", patient(fact("pd_l1", "TPS 105"))),
    ("E28 order", patient(fact("radiotherapy", "thoracic", "2024-04", "2024-02-03"))),
    ("E28 unreadable", patient(fact("response", "PR", "2024-02-30"), LINE_1)),
    ("E28 unreadable", patient(fact("response", "PR", "0204-02-20"), LINE_1)),  # no patient lived then
    ("E28 precision", patient(fact("diagnosis_date", "2021-01-01", evidence=(Evidence("n1", 0, 7, "in 2021"),)))),
    ("E28 precision", patient(fact("response", "PR", "2024-02-03", date_precision="month"), LINE_1)),
    (
        "E29 lost",
        patient(ALIVE, fact("last_contact_date", "2024-01-02"), cutoff=datetime.date(2025, 6, 30)),
    ),
    ("E30 none", patient(fact("primary_site", "left_lung", evidence=()))),
    ("E30 moved", patient(fact("primary_site", "left_lung"), moved=frozenset({"primary_site"}))),
    ("E30 otherwise", patient(fact("primary_site", "left_lung"), read_as={"primary_site": "Right lung"})),
]

SILENT: list[tuple[str, PatientFacts]] = [
    ("E01", patient(patient_id="SP-00417")),
    ("E01", patient(patient_id="00417")),
    ("E02", patient(born("1956"), dx())),
    ("E02", patient(born("1994"), dx("2024"))),  # 30 on the last day
    ("E03", patient(fact("smoking_status", "never"), fact("pack_years", "0"))),
    ("E03", patient(born("1950"), dx(), fact("pack_years", "120"))),
    ("E04", patient(fact("ecog", "5", "2024-04-10"), DEAD, died("2024-04"))),
    ("E04", patient(fact("ecog", "1", "2024-03-01"), fact("kps", "40", "2024-05-01"))),
    ("E05", patient(DEAD, died("2024-03"), fact("last_contact_date", "2024-03-31"))),  # the month can mean the 31st
    ("E05", patient(fact("vital_status", "dead", "2024-03"), died("2024-03-05"))),  # the month holds the day
    ("E05", patient(DEAD, pending=frozenset({"death_date"}))),
    ("E05", patient(DEAD, died("2024-03-05"), notes=(note("n9", "2024-03-09", "death"),))),
    ("E06", patient(dx("2024-03"), DEAD, died("2024-03-01"))),
    (
        "E06",  # the death note tells the course: the response carries the note's day
        patient(
            DEAD,
            died("2024-03-05"),
            fact("response", "PD", "2024-03-07", evidence=(Evidence("d", 0, 1, "x", "", "2024-03-07", "death"),)),
        ),
    ),
    ("E07", patient(dx(), fact("systemic_therapy", "carboplatin", "2023-12-30"))),
    ("E07", patient(dx("2024-01"), fact("surgery", "lobectomy", "2023-12"))),
    (
        "E07",
        patient(fact("histology", "transformed_small_cell"), dx(), fact("systemic_therapy", "osimertinib", "2020")),
    ),
    ("E08", patient(dx("2025"))),
    ("E08", patient(fact("response", "PR", "2151-01-01"), LINE_1, notes=(note("n", "2151-02-01"),))),  # shifted dates
    ("E09", PatientFacts("P-1", (dx(),), TODAY, KNOWN, pending=frozenset({"histology"}))),
    ("E11", patient(fact("histology", "combined_small_cell"), fact("ihc", "p40 positive"))),
    ("E12", patient(fact("histology", "transformed_small_cell"), fact("variant", "EGFR p.L858R"))),
    ("E12", patient(fact("variant", "EGFR p.L858R", vus=True))),
    ("E12", patient(fact("variant", "EGFR amplification"))),
    ("E14", patient(LIMITED, LINE_1, fact("metastasis", "liver", "2024-11-05"))),
    ("E14", patient(LIMITED, LINE_1, fact("metastasis", "liver"))),
    ("E14", patient(EXTENSIVE, fact("stage.group", "IIIC"), fact("stage.t", "T4"))),
    ("E15", patient(fact("stage.t", "T1a", prefix="c"))),
    (
        "E15",  # the day is only that of the note that repeats it
        patient(
            LINE_1,
            fact("stage.valg", "extensive", "2024-09-01", evidence=(Evidence("n", 0, 1, "x", "", "2024-09-01"),)),
        ),
    ),
    (
        "E16",
        patient(dx(), fact("stage.t", "T1a"), fact("stage.n", "N2"), fact("stage.m", "M0"), fact("stage.group", "III")),
    ),
    ("E16", patient(dx("2025-01-01"), fact("stage.n", "N2a"), fact("stage.m", "M1c2"))),
    ("E16", patient(dx("2019"), fact("stage.group", "IIIC"), fact("stage.n", "NX"))),
    ("E17", patient(LINE_1, pd("2024-07-20"), fact("metastasis", "brain", "2024-08-01"))),
    ("E17", patient(LINE_1, fact("metastasis", "brain", "2024-02-01"))),
    ("E18", patient(fact("variant", "TP53 p.R175H", hgvs_c="c.524G>A"))),
    ("E18", patient(fact("variant", "KIF5B-RET fusion"))),
    ("E20", patient(LINE_1, pd("2024-05-01"), line(2, "2024-05-03"), fact("response", "CR", "2024-05-20"))),
    ("E20", patient(LINE_1, fact("response", "CR", "2024-03-01"), pd("2024-05-01"))),
    ("E21", patient(LINE_1, pd("2024-05-01"), fact("response", "SD", "2024-05-20"), pd("2024-06-15"))),
    ("E21", patient(notes=tuple(note(f"n{n}", f"2024-0{n}-01", digest="same") for n in (1, 2)))),
    ("E22", patient(fact("radiotherapy", "thoracic", "2024-03-01", dose_gy=45, fractions=30))),
    ("E22", patient(fact("radiotherapy", "stereotactic_brain", "2024-03-01", dose_gy=20, fractions=1))),
    ("E22", patient(fact("radiotherapy", "pci", "2024-05-01"), fact("metastasis", "brain", "2024-09"), LINE_1)),
    ("E23", patient(LINE_1, line(2, "2024-09-01", drugs=["amg 757"]))),
    ("E23", patient(line(1, "2024-01-20", "2024-03-23", cycles=4, **PLATINUM))),
    (
        "E23",
        patient(line(1, "2024-01-20", "2025-02-20", cycles=4, drugs=["carboplatin", "etoposide", "atezolizumab"])),
    ),
    ("E24", patient(line(1, "2024-01-20"), pd("2024-05-01"))),  # nothing is known of the time after
    ("E24", patient(LINE_1, pd("2024-05-01"), fact("visit", "2024-12-01", "2024-12-01"))),
    (
        "E24",
        patient(line(1, "2024-01-20", continued="yes"), pd("2024-05-01"), fact("visit", "2024-12-01", "2024-12-01")),
    ),
    ("E25", patient(LINE_1, fact("response", "PR", "2024-03-05"))),
    ("E25", patient(fact("response", "PR", "2024-03-05"), pending=frozenset({"therapy_line"}))),
    ("E26", patient(fact("pd_l1", "CPS 105"))),
    ("E28", patient(fact("diagnosis_date", "2021-01-01", evidence=(Evidence("n1", 0, 9, "1 Jan 2021"),)))),
    ("E28", patient(fact("diagnosis_date", "2021", evidence=(Evidence("n1", 0, 7, "in 2021"),)))),
    ("E29", patient(ALIVE, fact("last_contact_date", "2024-01-02"))),
    ("E29", patient(DEAD, died("2020-01-02"), cutoff=datetime.date(2025, 6, 30))),
    ("E30", patient(fact("primary_site", "left_lung", evidence=(), source="import"))),
    ("E30", patient(line(1, "2024-01-20"))),
]


@pytest.mark.parametrize(("part", "case"), FIRING)
def test_it_fires_where_something_is_wrong(part: str, case: PatientFacts) -> None:
    assert part in fired(case)


@pytest.mark.parametrize(("check", "case"), SILENT)
def test_it_is_silent_where_the_values_can_be_right(check: str, case: PatientFacts) -> None:
    assert not {one for one in fired(case) if one.startswith(check)}


def test_every_part_of_every_check_has_an_example_that_fires() -> None:
    parts = {f"{rule.id} {part}" for rule in RULES for part in rule.messages}
    assert parts == {part for part, _ in FIRING}


def test_every_check_that_can_be_made_has_an_example_that_does_not_fire() -> None:
    assert {rule.id for rule in RULES if not rule.not_applicable} == {check for check, _ in SILENT}


def test_all_thirty_checks_are_made_or_say_why_they_cannot_be() -> None:
    assert [rule.id for rule in RULES] == [f"E{number:02}" for number in range(1, 31)]
    assert {rule.id for rule in RULES if not rule.not_applicable} == set(CHECKS)
    assert {rule.id for rule in RULES if rule.not_applicable} == {"E10", "E13", "E19", "E27"}


@pytest.mark.parametrize(("part", "case"), FIRING)
def test_messages_are_whole_sentences_with_the_values_in(part: str, case: PatientFacts) -> None:
    for problem in find_problems(case, RULES):
        assert "{" not in problem.message, part
        assert problem.severity in Severity


def test_the_fatal_ones_come_first() -> None:
    one = patient(died("2024-03-05"), ALIVE, fact("ihc", "p40 positive"))
    letters = [problem.severity.value for problem in find_problems(one, RULES)]
    assert letters == sorted(letters, key="FWI".index)
    assert set(letters) == {"F", "W"}
