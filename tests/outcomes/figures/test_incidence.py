"""The figures of competing events and from the landmark: the numbers of a case by hand, no overlap up to six groups, no figure of nothing."""

import datetime
from collections.abc import Callable

import pytest
from matplotlib.figure import Figure

from abstractor.outcomes.cause_results import cause_results
from abstractor.outcomes.cohort import ALL, Analysis, analyse
from abstractor.outcomes.figures.incidence import incidence_figure, incidence_pictures, incidence_text
from abstractor.outcomes.figures.response_curves import landmark_picture
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import PatientRecord
from abstractor.outcomes.response_results import response_results

MakePatient = Callable[..., PatientRecord]
CUTOFF = datetime.date(2024, 6, 30)
MONTH = 30.4375


@pytest.fixture(scope="module")
def four(make_patient: MakePatient) -> Analysis:
    """PD on day 100 and 200, death without progression on 150, and one without either."""
    records = [
        make_patient("A1", "limited", "0-40 carboplatin", "43SD 100PD", 120, False),
        make_patient("A2", "limited", "0-40 carboplatin", "43SD 130SD", 150, True),
        make_patient("B1", "extensive", "0-40 carboplatin", "43PR 85PR 200PD", 220, False),
        make_patient("B2", "extensive", "0-40 carboplatin", "43PR 85PR 300PR", 300, False),
    ]
    return analyse(records, Protocol(), CUTOFF)


def test_the_words_hold_the_case_worked_out_by_hand(four: Analysis) -> None:
    """1/4 after day 100, then 1/4 dead, then 1/4 + 1/2 * 1/2: by 6 months (day 182) 25 %, by 8 months (day 243) 50 %."""
    progression = [one for one in cause_results(four)[0].curves if one.group == ALL]
    text = incidence_text(progression, labels=["progression", "death"], month_days=MONTH, conf_level=0.95)
    first = text.split("death\n")[0]
    assert [
        line.split()[:2] + line.split()[-2:] for line in first.splitlines() if line.strip().startswith(("6 ", "8 "))
    ] == [
        ["6", "25.0", "2", "1"],
        ["8", "50.0", "1", "2"],
    ]


def test_causes_of_one_group_share_their_numbers_at_risk(
    four: Analysis, words_of: Callable[[Figure], list[str]]
) -> None:
    curves = [one for one in cause_results(four)[0].curves if one.group == ALL]
    words = words_of(incidence_figure(curves, labels=["progression", "death"], month_days=MONTH, conf_level=0.95))
    assert words.count("At risk") == 1
    assert words.count("progression") == words.count("death") == 2  # the legend, and the row of events
    assert "2 / 4" in words
    assert "1 / 4" in words


def test_nothing_overlaps_with_six_groups_and_many_months(
    make_patient: MakePatient, layout_faults: Callable[[Figure], list[str]]
) -> None:
    records = [
        make_patient(
            f"P{place}", None, "0-40 carboplatin", f"43SD {60 + 40 * place}PD", 900, False, ecog=str(place % 6)
        )
        for place in range(18)
    ]
    protocol = Protocol(landmark_months=(3.0, 6.0, 12.0, 18.0, 24.0, 36.0))
    question = cause_results(analyse(records, protocol, CUTOFF, by="ecog"))[0]
    for cause in ("progression", "death without progression"):
        groups = [one for one in question.curves if one.group != ALL and one.cause == cause]
        labels = [f"a group with a name {one.group}" for one in groups]
        figure = incidence_figure(groups, labels=labels, month_days=MONTH, conf_level=0.95, notes=["a note"])
        assert len(groups) == 6
        assert layout_faults(figure) == []


def test_groups_are_drawn_of_the_first_cause_only(four: Analysis) -> None:
    pictures = incidence_pictures(cause_results(four)[0], month_days=MONTH, conf_level=0.95, by="stage_valg")
    assert [one.name for one in pictures] == ["incidence_progression", "incidence_progression_by_stage_valg"]
    assert "no test: group limited has 2 patients" in pictures[1].text
    assert "limited\n" in pictures[1].text
    assert "death" not in pictures[1].text.split("\n", 1)[1]


def test_without_an_event_there_is_no_figure(make_patient: MakePatient) -> None:
    records = [make_patient("A1", "limited", "0-40 carboplatin", "43SD 85SD", 90, False)]
    question = cause_results(analyse(records, Protocol(), CUTOFF))[0]
    assert incidence_pictures(question, month_days=MONTH, conf_level=0.95, by="stage_valg") == []


def test_from_the_landmark_the_curves_begin_with_who_was_still_followed(four: Analysis) -> None:
    survival = response_results(four)[0]
    picture = landmark_picture(survival, month_days=MONTH, conf_level=0.95)
    assert picture is not None
    assert picture.name == "landmark_os"
    assert "response by day 84     0 / 2" in picture.text
    assert "no response by day 84  1 / 2" in picture.text
    assert "as their time ended by day 84: 0 patients" in picture.text


def test_with_responders_alone_nothing_is_compared_from_the_landmark(make_patient: MakePatient) -> None:
    records = [make_patient("A1", "limited", "0-40 carboplatin", "43PR 85PR", 300, True)]
    assert (
        landmark_picture(response_results(analyse(records, Protocol(), CUTOFF))[0], month_days=MONTH, conf_level=0.95)
        is None
    )


def test_a_change_that_is_no_number_is_named_and_not_drawn(make_patient: MakePatient) -> None:
    record = make_patient("A1", "limited", "0-40 carboplatin", "43PR:much 85PR:-45", 300, True)
    (patient,) = analyse([record], Protocol(), CUTOFF).patients
    assert [one.text for one in patient.faults if one.code == "bad_change"] == [
        "response 'PR' of 2021-02-22: change_percent is no number of at least -100, not drawn"
    ]
