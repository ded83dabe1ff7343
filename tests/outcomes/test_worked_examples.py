"""The worked examples of DOMAIN §2.10 with their inputs written out; index 2021-01-10, cutoff 2022-06-30 unless stated."""

import datetime
import json
from pathlib import Path

import pytest

from abstractor.model.dates import PartialDate
from abstractor.model.errors import InputError
from abstractor.outcomes.endpoints import (
    duration_of_response,
    overall_survival,
    platinum_sensitivity,
    time_to_next_treatment,
)
from abstractor.outcomes.imputation import impute, impute_death
from abstractor.outcomes.landmarks import Followed, from_landmark
from abstractor.outcomes.lines import DrugGroups, Line, derive_lines, drug_groups, load_drug_groups
from abstractor.outcomes.progression import (
    FollowUp,
    Variant,
    genie_pfs,
    progressions,
    real_world_pfs,
    trial_pfs,
    visit_gap_start,
)
from abstractor.outcomes.proportions import benjamini_hochberg, holm, proportion
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import Administration, Assessment, RadiotherapyCourse
from abstractor.outcomes.response import (
    Seen,
    assessed,
    best_response,
    confirmed_best_response,
    confirmed_response_date,
    seen,
)
from abstractor.outcomes.survival import follow_up, kaplan_meier, log_rank, quantile, sample
from abstractor.outcomes.timing import Dated, TimeToEvent
from abstractor.rulebook.load import load_rulebook

PROJECT = Path(__file__).resolve().parents[2]
EXAMPLES = PROJECT / ".." / "shared" / "reference" / "worked_examples.jsonl"
PROTOCOL = Protocol()


def d(text: str) -> datetime.date:
    """`05-17` is of 2021."""
    return datetime.date.fromisoformat(text if len(text) == 10 else f"2021-{text}")


INDEX, CUTOFF = d("01-10"), d("2022-06-30")


# --- Overall survival ---------------------------------------------------------------------------------------------


def os_of(death: str | None, alive: str | None, entry: str | None = None) -> TimeToEvent:
    last_alive = d(alive) if alive else None
    died = None
    if death:
        imputed = impute_death(PartialDate.parse(death), last_known_alive=last_alive, cutoff=CUTOFF)
        died = Dated(imputed.date, ("death",), imputed.flag)
    return overall_survival(
        INDEX, died, last_alive, cutoff=CUTOFF, protocol=PROTOCOL, entry=d(entry) if entry else None
    )


OS = {
    "OS1": (os_of("2021-11-20", None), "2021-11-20", 314, 1, 10.316),
    "OS2": (os_of(None, "2022-03-01"), "2022-03-01", 415, 0, 13.634),
    "OS3": (os_of("2022-07-15", None), "2022-06-30", 536, 0, 17.610),
    "OS4": (os_of("2021-11", "11-02"), "2021-11-15", 309, 1, 10.152),
    "OS5": (os_of("2021-11", "11-20"), "2021-11-20", 314, 1, 10.316),
    "OS6": (os_of("2021", "09-04"), "2021-09-04", 237, 1, 7.786),
    "OS7": (os_of("2021-11-20", None, entry="04-10"), "2021-11-20", 314, 1, 10.316),
    "OS8": (os_of(None, "2022-12-01"), "2022-06-30", 536, 0, 17.610),
}


@pytest.mark.parametrize("name", OS)
def test_overall_survival(name: str) -> None:
    row, stop, days, event, months = OS[name]
    assert (row.stop, row.days, row.event) == (d(stop), days, bool(event))
    assert row.days is not None
    assert PROTOCOL.months(row.days) == pytest.approx(months, abs=5e-4)


def test_delayed_entry_is_counted_from_the_index() -> None:
    assert OS["OS7"][0].entry_days == 90


def test_a_death_known_to_the_year_is_for_sensitivity_analysis_only() -> None:
    assert not OS["OS6"][0].primary
    assert OS["OS4"][0].primary
    assert OS["OS4"][0].flags == ("imputed:D",)


def test_a_patient_sequenced_after_the_end_never_enters() -> None:
    row = os_of("2021-03-01", None, entry="2021-04-01")
    assert row.event is None
    assert "under observation" in row.reason


# --- Trial PFS ----------------------------------------------------------------------------------------------------


def scans(*pairs: str) -> tuple[Assessment, ...]:
    return tuple(Assessment(d(pair.split()[1]), pair.split()[0], evidence=(pair,)) for pair in pairs)


def dated(text: str | None) -> Dated | None:
    return Dated(d(text), (text,)) if text else None


def trial(*pairs: str, death: str | None = None, therapy: str | None = None) -> TimeToEvent:
    return trial_pfs(INDEX, scans(*pairs), dated(death), cutoff=CUTOFF, protocol=PROTOCOL, next_line=dated(therapy))


TRIAL = {
    "P1": (trial("PR 02-22", "PR 04-05", "PD 05-17"), "05-17", 127, 1, "PD"),
    "P2": (trial("PR 02-22", "SD 04-05"), "04-05", 85, 0, "CENS_LAST_ASSESSMENT"),
    "P3": (trial("SD 02-22", death="04-20"), "04-20", 100, 1, "DEATH"),
    "P4": (trial("SD 02-22", death="08-20"), "02-22", 43, 0, "CENS_MISSED_ASSESSMENTS"),
    "P5": (trial("PR 02-22", "SD 04-05", "PD 06-28", therapy="05-01"), "04-05", 85, 0, "CENS_NEW_THERAPY"),
    "P6": (trial(), "01-10", 1, 0, "CENS_NO_POSTBASELINE"),
    "P7": (trial(death="03-01"), "03-01", 50, 1, "DEATH"),
    "P8": (trial("SD 02-22", "NE 04-05", "SD 05-17"), "05-17", 127, 0, "CENS_LAST_ASSESSMENT"),
}


@pytest.mark.parametrize("name", TRIAL)
def test_trial_pfs(name: str) -> None:
    row, stop, days, event, rule = TRIAL[name]
    assert (row.stop, row.days, row.event) == (d(stop), days, bool(event))
    assert row.rule.split()[0] == rule


# --- Real-world PFS -----------------------------------------------------------------------------------------------


def rw(
    *days: str, death: str | None = None, read: str | None = "08-20", active: str = "08-25", gap: str | None = None
) -> TimeToEvent:
    follow = FollowUp(d(read) if read else None, d(active), d(gap) if gap else None)
    return real_world_pfs(
        INDEX, [Dated(d(day), (day,)) for day in days], dated(death), follow, cutoff=CUTOFF, protocol=PROTOCOL
    )


REAL_WORLD = {
    "R1": (rw("06-01", death="09-01"), "06-01", 142, 1, "PROGRESSION"),
    "R2": (rw("01-20", "06-01"), "06-01", 142, 1, "PROGRESSION"),
    "R3": (rw(death="09-10"), "09-10", 243, 1, "DEATH"),
    "R4": (rw(death="11-30"), "08-20", 222, 0, "CENSORED"),
    "R5": (rw("10-05", gap="05-02"), "05-02", 112, 0, "CENSORED"),
    "R6": (rw(active="08-15"), "08-15", 217, 0, "CENSORED"),
    "R8": (rw("09-02", death="08-30", read="09-10", active="09-10"), "08-30", 232, 1, "DEATH"),
}


@pytest.mark.parametrize("name", REAL_WORLD)
def test_real_world_pfs(name: str) -> None:
    row, stop, days, event, rule = REAL_WORLD[name]
    assert (row.stop, row.days, row.event) == (d(stop), days, bool(event))
    assert row.rule.split()[0] == rule


def test_real_world_pfs_is_missing_without_an_abstraction_date() -> None:
    assert rw("06-01", read=None).event is None


def test_progression_after_death_is_flagged() -> None:
    assert "progression_after_death" in REAL_WORLD["R8"][0].flags


def test_the_visit_gap_starts_at_the_last_visit_before_it() -> None:
    visits = [d("2020-09-01"), d("01-10"), d("03-01"), d("05-02"), d("10-05")]
    assert visit_gap_start(visits, INDEX, 90, CUTOFF) == d("05-02")
    assert visit_gap_start(visits, INDEX, None, CUTOFF) is None
    assert visit_gap_start([d("04-10")], INDEX, 90, CUTOFF) is None, "exactly 90 days is no gap"


# --- GENIE variants -----------------------------------------------------------------------------------------------


def report(text: str, kind: str) -> Assessment:
    value, day = text.split()
    return Assessment(d(day), value, imaging=kind == "I", clinician=kind == "M", evidence=(text,))


def genie(
    kind: Variant, imaging: list[str], oncologist: list[str], death: str | None, following: str | None = None
) -> TimeToEvent:
    reports = [report(text, "I") for text in imaging] + [report(text, "M") for text in oncologist]
    return genie_pfs(
        kind,
        INDEX,
        reports,
        dated(death),
        cutoff=CUTOFF,
        protocol=PROTOCOL,
        next_line=d(following) if following else None,
    )


_IMAGING, _ONCOLOGIST = ["PR 03-01", "PD 05-03"], ["PR 03-04", "SD 05-06", "PD 06-10"]
GENIE = {
    "G_I": (genie("I", _IMAGING, _ONCOLOGIST, "12-01"), 113, 1),
    "G_M": (genie("M", _IMAGING, _ONCOLOGIST, "12-01"), 151, 1),
    "G_I_or_M": (genie("I_or_M", _IMAGING, _ONCOLOGIST, "12-01"), 113, 1),
    "G_I_and_M": (genie("I_and_M", _IMAGING, _ONCOLOGIST, "12-01"), 151, 1),
    "G5": (genie("I_and_M", ["PD 05-03"], ["SD 05-06"], None, "05-20"), 116, 0),
    "G6": (genie("I_and_M", ["PD 05-03"], ["SD 05-06"], "06-30"), 171, 1),
}


@pytest.mark.parametrize("name", GENIE)
def test_pfs_by_imaging_and_oncologist(name: str) -> None:
    row, days, event = GENIE[name]
    assert (row.days, row.event) == (days, bool(event))


# --- Next treatment, duration of response -------------------------------------------------------------------------


def ttnt(line: str | None = None, death: str | None = None, alive: str | None = None) -> TimeToEvent:
    return time_to_next_treatment(
        INDEX, dated(line), dated(death), d(alive) if alive else None, cutoff=CUTOFF, protocol=PROTOCOL
    )


NEXT_TREATMENT = {
    "T1": (ttnt("07-01"), 172, 1),
    "T2": (ttnt(death="04-01"), 81, 1),
    "T3": (ttnt(alive="09-09"), 242, 0),
}


@pytest.mark.parametrize("name", NEXT_TREATMENT)
def test_time_to_next_treatment(name: str) -> None:
    row, days, event = NEXT_TREATMENT[name]
    assert (row.days, row.event) == (days, bool(event))


def dor(*pairs: str) -> TimeToEvent:
    found = assessed(scans(*pairs), INDEX)
    trial_row = trial_pfs(INDEX, found, None, cutoff=CUTOFF, protocol=PROTOCOL)
    return duration_of_response(confirmed_response_date(seen(found), PROTOCOL), trial_row, PROTOCOL)


DURATION = {
    "DOR1": (dor("PR 02-22", "PR 04-05", "SD 05-17", "PD 06-28"), "02-22", 126, 1),
    "DOR2": (dor("PR 02-22", "CR 04-05", "CR 06-28"), "02-22", 126, 0),
}


@pytest.mark.parametrize("name", DURATION)
def test_duration_of_response(name: str) -> None:
    row, start, days, event = DURATION[name]
    assert (row.start, row.days, row.event) == (d(start), days, bool(event))


def test_an_unconfirmed_responder_has_no_duration_of_confirmed_response() -> None:
    assert dor("PR 02-22", "PD 04-05").event is None


# --- Best response ------------------------------------------------------------------------------------------------

ORIGIN = datetime.date(2021, 1, 10)


def course(text: str) -> list[Seen]:
    """`43PR 85PD`: days after the index and what was seen."""
    return [
        Seen(ORIGIN + datetime.timedelta(days=int(one.rstrip("CRPSDNE"))), one.lstrip("0123456789"))
        for one in text.split()
    ]


BEST = {
    "B1": ("43PR 85PR 127PD", "PR", {}),
    "B2": ("43PR 85PD", "SD", {}),
    "B3": ("30PR 58SD 90PD", "SD", {}),
    "B4": ("30SD 41PD", "PD", {}),
    "B5": ("43CR 85CR", "CR", {}),
    "B6": ("43CR 85PR 127PR", "PR", {}),
    "B6s": ("43CR 85PR 127PR", "SD", {"response_after_cr": "strict"}),
    "B7": ("43NE 85NE", "NE", {}),
    "B8": ("28SD", "NE", {}),
    "B9": ("43PR 85SD 127PR", "SD", {}),
    "B9a": ("43PR 85SD 127PR", "PR", {"confirm_accept_sd": True}),
    "B10": ("43PD", "PD", {}),
    "B11": ("43PR 60PR 90PD", "SD", {}),
    "B12": ("30CR 85NE", "NE", {}),
    "B13": ("43PR 85NE 127PR", "PR", {}),
    "B14": ("43PR 85NE 127NE 169PR", "SD", {}),
}


@pytest.mark.parametrize("name", BEST)
def test_confirmed_best_response(name: str) -> None:
    text, expected, settings = BEST[name]
    assert confirmed_best_response(course(text), ORIGIN, Protocol.model_validate(settings)).value == expected


def test_unconfirmed_best_response_takes_the_first_response() -> None:
    assert best_response(course("43PR 85PD"), ORIGIN, 42).value == "PR"


# --- Partial dates ------------------------------------------------------------------------------------------------


def death_day(text: str, alive: str | None = None, cutoff: str | None = None) -> str:
    found = impute_death(
        PartialDate.parse(text), last_known_alive=d(alive) if alive else None, cutoff=d(cutoff) if cutoff else None
    )
    return found.date.isoformat()


IMPUTED = {
    "I1": (impute(PartialDate.parse("2021-11")).date.isoformat(), "2021-11-15"),
    "I2": (death_day("2021-11", "11-20"), "2021-11-20"),
    "I3": (impute(PartialDate.parse("2021")).date.isoformat(), "2021-06-30"),
    "I4": (death_day("2021", "09-04"), "2021-09-04"),
    "I5": (impute(PartialDate.parse("2020-02"), "hi").date.isoformat(), "2020-02-29"),
    "I6": (impute(PartialDate.parse("2021-11"), "lo").date.isoformat(), "2021-11-01"),
    "I7": (death_day("2022-06", cutoff="2022-06-10"), "2022-06-10"),
}


@pytest.mark.parametrize("name", IMPUTED)
def test_partial_dates(name: str) -> None:
    ours, expected = IMPUTED[name]
    assert ours == expected


# --- Lines of therapy ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def groups() -> DrugGroups:
    return load_drug_groups(PROJECT / "rules" / "lines.toml")


def given(text: str) -> list[Administration]:
    """`carboplatin+etoposide 01-10 01-31; atezolizumab 01-10`: each drug on each of its days."""
    found = []
    for part in text.split(";"):
        drugs, *days = part.split()
        found += [Administration(drug, d(day), d(day), (f"{drug}@{day}",)) for drug in drugs.split("+") for day in days]
    return found


CBE = "carboplatin+etoposide 01-10 01-31 02-21 03-14"


def lines_of(text: str, groups: DrugGroups, *pd: str, rt: tuple[RadiotherapyCourse, ...] = ()) -> tuple[Line, ...]:
    return derive_lines(given(text), groups, PROTOCOL, progressions=[d(day) for day in pd], radiotherapy=rt)


def test_lot1_immunotherapy_maintenance_stays_line_one(groups: DrugGroups) -> None:
    months = "atezolizumab 01-10 01-31 02-21 03-14 04-04 04-25 05-16 06-06 06-27 07-18 08-01"
    (line,) = lines_of(f"{CBE}; {months}", groups)
    assert (line.start, line.stop) == (INDEX, d("08-01"))
    assert "L5 maintenance" in line.flags
    assert line.last_platinum == d("03-14")


def test_lot2_carboplatin_for_cisplatin_stays_line_one(groups: DrugGroups) -> None:
    (line,) = lines_of("cisplatin+etoposide 01-10; carboplatin+etoposide 01-31 02-21", groups)
    assert "L4 interchange" in line.flags


def test_lot3_immunotherapy_added_late_joins_with_a_flag(groups: DrugGroups) -> None:
    (line,) = lines_of(f"{CBE}; atezolizumab 02-21 03-14", groups)
    assert "L3 delayed_addition" in line.flags


def test_lot4_rechallenge_after_a_break_is_line_two(groups: DrugGroups) -> None:
    text = "carboplatin+etoposide 01-10 02-01 02-22 03-15 04-15 11-10"
    first, second = lines_of(text, groups, "11-01")
    assert (first.stop, second.start, second.opened_by) == (d("04-15"), d("11-10"), "L9")
    assert "rechallenge" in second.flags
    interval = platinum_sensitivity(first.last_platinum, d("11-01"), 90)
    assert (interval.days, interval.category) == (200, "sensitive")


def test_lot5_consolidation_after_chemoradiation_stays_line_one(groups: DrugGroups) -> None:
    chest = RadiotherapyCourse("thoracic", d("03-04"), d("04-15"), end_stated=True)
    text = "cisplatin+etoposide 01-10 01-31 02-21 03-14; durvalumab 05-10 06-07"
    (line,) = lines_of(text, groups, rt=(chest,))
    assert "L6 consolidation" in line.flags


def test_lot6_lurbinectedin_with_maintenance_stays_line_one_without_progression(groups: DrugGroups) -> None:
    text = f"{CBE}; atezolizumab 01-10 01-31 02-21 03-14 04-04 04-23; lurbinectedin 04-23"
    (line,) = lines_of(text, groups)
    assert "L7 maintenance" in line.flags
    first, second = lines_of(text, groups, "04-22")
    assert (first.number, second.number, second.start) == (1, 2, d("04-23"))


def test_lot7_prophylactic_radiotherapy_changes_no_line(groups: DrugGroups) -> None:
    pci = RadiotherapyCourse("pci", d("04-20"), d("05-03"), end_stated=True)
    text = f"{CBE}; atezolizumab 01-10 03-14 04-04 05-16"
    assert lines_of(text, groups, rt=(pci,)) == lines_of(text, groups)


def test_lot8_supportive_drugs_change_no_line(groups: DrugGroups) -> None:
    assert lines_of(f"{CBE}; trilaciclib 01-10 02-21 09-01; pegfilgrastim 01-13", groups) == lines_of(CBE, groups)


def test_lot9_one_dose_replaced_without_progression_is_a_substitution(groups: DrugGroups) -> None:
    (line,) = lines_of("topotecan 01-10; lurbinectedin 01-20 02-10", groups)
    assert "L10 substituted" in line.flags


def test_a_long_silence_before_the_same_drug_is_a_break_only_in_a_complete_record(groups: DrugGroups) -> None:
    mentions = given("carboplatin+etoposide+atezolizumab 01-10; atezolizumab 06-01")
    assert len(derive_lines(mentions, groups, PROTOCOL)) == 2
    (line,) = derive_lines(mentions, groups, PROTOCOL, complete=False)
    assert "L5 maintenance" in line.flags
    assert len(derive_lines(mentions, groups, PROTOCOL, progressions=[d("05-01")], complete=False)) == 2


def test_words_for_a_class_name_no_drug_of_a_line(groups: DrugGroups) -> None:
    (line,) = derive_lines(given("cisplatin+etoposide 01-10; platinum 03-14; chemotherapy 02-01"), groups, PROTOCOL)
    assert line.drugs == ("cisplatin", "etoposide")
    assert line.last_platinum == d("03-14")
    (unnamed,) = derive_lines(given("chemotherapy 01-10"), groups, PROTOCOL)
    assert unnamed.drugs == ("chemotherapy",)


def test_treatment_long_before_the_diagnosis_is_no_line(groups: DrugGroups) -> None:
    (line,) = derive_lines(given("docetaxel 2019-05-01; cisplatin 01-10"), groups, PROTOCOL, diagnosis=d("01-20"))
    assert (line.number, line.drugs) == (1, ("cisplatin",))


def test_classes_of_the_drug_vocabulary_join_the_groups(groups: DrugGroups) -> None:
    wider = groups.with_classes({"newmab": "pdl1", "newplatin": "platinum", "newcillin": "antibiotic"})
    assert "newmab" in wider.immunotherapy
    assert "newplatin" in wider.platinum
    assert not {"newcillin"} & (wider.supportive | wider.platinum)


def test_the_rules_folder_gives_lists_and_vocabulary_together() -> None:
    found = drug_groups(load_rulebook(PROJECT / "rules"))
    assert {"carboplatin", "platinum"} <= found.platinum
    assert "durvalumab" in found.consolidation
    assert "trilaciclib" in found.supportive
    assert not found.supportive & (found.platinum | found.immunotherapy | found.backbone)


def test_a_fault_in_the_drug_groups_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lines.toml"
    with pytest.raises(InputError, match=r"lines\.toml: can't be read"):
        load_drug_groups(path)
    path.write_text("platinumm = []", encoding="utf-8")
    with pytest.raises(InputError, match=r"unknown key platinumm; the keys are .*platinum"):
        load_drug_groups(path)


def test_chemotherapy_free_interval_of_81_days() -> None:
    found = platinum_sensitivity(d("04-20"), d("07-10"), 90)
    assert (found.days, found.category) == (81, "resistant")
    assert dict(found.at_cutoffs) == {60: "sensitive", 75: "sensitive", 90: "resistant", 180: "resistant"}


# --- Numbers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "n", "exact", "score"),
    [
        (31, 50, (0.4717, 0.7535), (0.4815, 0.7414)),
        (41, 50, (0.6856, 0.9142), (0.6920, 0.9023)),
        (31, 47, (0.5069, 0.7914), (0.5167, 0.7783)),
        (0, 20, (0.0, 0.1684), (0.0, 0.1611)),
        (20, 20, (0.8316, 1.0), (0.8389, 1.0)),
        (8, 10, (0.4439, 0.9748), (0.4902, 0.9433)),
    ],
)
def test_binomial_intervals(x: int, n: int, exact: tuple[float, float], score: tuple[float, float]) -> None:
    found = proportion(x, n)
    assert (found.lower, found.upper) == pytest.approx(exact, abs=5e-5)
    assert (found.wilson_lower, found.wilson_upper) == pytest.approx(score, abs=5e-5)


def test_kaplan_meier_of_ten() -> None:
    data = sample([2, 3, 5, 5, 8, 9, 12, 14, 15, 18], [1, 1, 1, 0, 1, 1, 0, 1, 0, 1])
    curve = kaplan_meier(data)
    assert list(curve.survival) == pytest.approx([0.9, 0.8, 0.7, 0.5833, 0.4667, 0.4667, 0.3111, 0.3111, 0.0], abs=5e-5)
    median = quantile(curve, 0.5)
    assert (median.estimate, median.lower) == (9.0, 2.0)
    # The list prints 18 as the upper limit, from lifelines, which gives the last time when S reaches 0: it is not reached.
    assert median.upper is None
    assert follow_up(data)[1].estimate == 15.0


def test_kaplan_meier_with_left_truncation() -> None:
    rows = [(0, 4, 1), (5, 6, 1), (3, 8, 1), (0, 10, 0), (9, 12, 1), (7, 15, 1)]
    entry, exit_, event = zip(*rows, strict=True)
    curve = kaplan_meier(sample(exit_, event, entry))
    died = curve.events > 0
    assert list(curve.time[died]) == [4, 6, 8, 12, 15]
    assert list(curve.survival[died]) == pytest.approx([0.6667, 0.4444, 0.2963, 0.1481, 0.0], abs=5e-5)
    assert quantile(curve, 0.5).estimate == 6.0


def test_without_the_entry_times_the_median_is_the_midpoint_where_s_is_one_half() -> None:
    curve = kaplan_meier(sample([4, 6, 8, 10, 12, 15], [1, 1, 1, 0, 1, 1]))
    assert list(curve.survival[curve.events > 0]) == pytest.approx([0.8333, 0.6667, 0.5, 0.25, 0.0], abs=5e-5)
    assert quantile(curve, 0.5).estimate == 10.0  # R's rule; the first time with S <= 0.5 is 8


def test_log_rank_of_two_groups() -> None:
    time = [3, 5, 7, 9, 10, 12, 15, 20, 2, 2, 4, 5, 6, 8, 9, 11]
    event = [1, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 0, 1]
    found = log_rank(sample(time, event), ["A"] * 8 + ["B"] * 8)
    assert found is not None
    assert found.observed[0] == 6
    assert found.expected[0] == pytest.approx(8.6325, abs=5e-5)
    assert found.chi_square == pytest.approx(2.7829695244550474, rel=1e-12)
    assert found.p == pytest.approx(0.09527137474106737, rel=1e-12)
    medians = [
        quantile(kaplan_meier(sample(time[part], event[part])), 0.5).estimate for part in (slice(8), slice(8, 16))
    ]
    # S is exactly one half from 9 to 12 and from 5 to 6: the midpoints (the list prints lifelines' 12 and 6).
    assert medians == [10.5, 5.5]


def test_landmark_analysis_counts_a_late_responder_as_none() -> None:
    rows = [
        (43, 300, 1),
        (None, 60, 1),
        (85, 200, 1),
        (130, 400, 1),
        (None, 150, 1),
        (None, 80, 0),
        (43, 500, 0),
        (None, 95, 1),
    ]
    found = from_landmark([Followed(reached, day, bool(event)) for reached, day, event in rows], 90)
    responders = {one.place + 1: (one.days, one.event) for one in found if one.reached}
    others = {one.place + 1: (one.days, one.event) for one in found if not one.reached}
    assert responders == {1: (210, True), 3: (110, True), 7: (410, False)}
    assert others == {4: (310, True), 5: (60, True), 8: (5, True)}


def test_corrections_for_several_tests() -> None:
    p = [0.003, 0.020, 0.021, 0.040, 0.300, 0.650]
    assert benjamini_hochberg(p) == pytest.approx([0.018, 0.042, 0.042, 0.060, 0.360, 0.650])
    assert holm(p) == pytest.approx([0.018, 0.100, 0.100, 0.120, 0.600, 0.650])


# --- The list beside the project ----------------------------------------------------------------------------------


@pytest.mark.skipif(not EXAMPLES.is_file(), reason="the worked examples are not beside the project")
def test_the_list_of_worked_examples_says_the_same() -> None:
    rows: dict[str, TimeToEvent] = {}
    for table in (OS, TRIAL, REAL_WORLD, GENIE, NEXT_TREATMENT, DURATION):
        rows.update({name: values[0] for name, values in table.items()})
    checked = 0
    for line in EXAMPLES.read_text(encoding="utf-8").splitlines():
        example = json.loads(line)
        name = example["id"]
        if name in rows:
            row = rows[name]
            assert (row.days, row.event) == (example["days"], bool(example["status"])), name
            if "date" in example:
                assert str(row.stop) == example["date"], name
            if "months" in example:
                assert round(PROTOCOL.months(example["days"]), 3) == example["months"], name
            if "reason" in example:
                assert row.rule.split()[0] == example["reason"], name
            if "entry_days" in example:
                assert row.entry_days == example["entry_days"], name
        elif name in BEST:
            text, _, settings = BEST[name]
            found = confirmed_best_response(course(text), ORIGIN, Protocol.model_validate(settings))
            assert found.value == example["expected"], name
        elif name == "B2u":
            assert best_response(course(BEST["B2"][0]), ORIGIN, 42).value == example["expected"]
        elif name == "I":
            assert {one: ours for one, (ours, _) in IMPUTED.items()} == {k: v for k, v in example.items() if k != "id"}
        elif name == "R7":
            assert rw("06-01", read=None).event is example["status"]
        else:
            assert name == "DOR3"
            assert example["expected"] is None
        checked += 1
    assert checked >= 53


def test_progressions_leave_out_pseudoprogression() -> None:
    real, flare = Assessment(d("05-17"), "PD"), Assessment(d("03-01"), "PD", pseudoprogression=True)
    assert [one.date for one in progressions([real, flare])] == [d("05-17")]
