"""`stats` and `derive`: the published layout, faults named by row, what is refused, and that the report shows the same numbers."""

import csv
import datetime
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from abstractor.cli.options import ErrorGroup
from abstractor.cli.stats import derive, stats
from abstractor.model.fact import Fact
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import NoteContact, PatientRecord
from abstractor.outcomes.run import run_outcomes
from abstractor.outcomes.statistics import Question, compute_statistics


@click.group(cls=ErrorGroup)
def cli() -> None: ...


cli.add_command(stats)
cli.add_command(derive)

Run = Callable[..., Result]
BASE = ("--time", "time", "--event", "event")
# The worked log-rank example, with hand-made entries, strata and ages.
TIMES = (3, 5, 7, 9, 10, 12, 15, 20, 2, 2, 4, 5, 6, 8, 9, 11)
EVENTS = (1, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 0, 1)
TRIAL = "time,event,arm,entry,site,age\n" + "\n".join(
    f"{time},{event},{'AB'[place > 7]},{place % 2},{'xy'[place % 2]},{50 + 3 * place % 17}"
    for place, (time, event) in enumerate(zip(TIMES, EVENTS, strict=True))
)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trial.csv").write_text(TRIAL, encoding="utf-8")

    def invoke(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(cli, arguments)
        assert result.exit_code == code, result.output
        return result

    return invoke


@pytest.fixture
def answer(run: Run, tmp_path: Path) -> Callable[..., Any]:
    def invoke(*options: str, file: str = "trial.csv") -> Any:
        run("stats", file, *BASE, *options, "--json", "answer.json")
        return json.loads((tmp_path / "answer.json").read_text(encoding="utf-8"))

    return invoke


def test_the_json_has_the_published_layout(answer: Callable[..., Any]) -> None:
    found = answer("--by", "arm", "--times", "6,30", "--rmst", "10")
    assert (found["n"], found["events"]) == (16, 13)
    assert list(found["groups"]) == ["A", "B"]
    group = found["groups"]["A"]
    assert [one["prob"] for one in group["quantiles"]] == [0.25, 0.5, 0.75]
    assert group["quantiles"][1]["est"] == 10.5  # the midpoint, where lifelines gives 12
    assert group["quantiles"][2]["upper"] is None
    assert {"t", "n_risk", "surv", "std_err", "lower", "upper", "beyond_last"} <= set(group["survival"][0])
    assert [one["beyond_last"] for one in group["survival"]] == [False, True]
    assert set(group["rmst"]) == {"tau", "rmst", "se", "extrapolated"}
    assert set(group["followup"]) == {"median", "lower", "upper"}
    assert found["logrank"]["chisq"] == pytest.approx(2.7829695244550474)
    assert (found["logrank"]["df"], found["logrank"]["p"]) == (1, pytest.approx(0.09527137474106737))
    (term,) = found["cox"]
    assert list(term) == ["term", "coef", "se", "hr", "lower", "upper", "z", "p"]
    assert term["term"] == "arm[T.B]"
    assert term["hr"] == pytest.approx(2.767370, rel=1e-6)
    assert [one["term"] for one in found["zph"]] == ["arm[T.B]", "GLOBAL"]
    assert set(found["zph"][0]) == {"term", "transform", "chisq", "df", "p"}


def test_without_groups_there_is_one_called_all(answer: Callable[..., Any]) -> None:
    found = answer()
    assert list(found["groups"]) == ["all"]
    assert (found["logrank"], found["cox"], found["zph"]) == (None, [], [])


def test_people_read_no_test_of_groups_that_are_too_small(run: Run, answer: Callable[..., Any]) -> None:
    printed = run("stats", "trial.csv", *BASE, "--by", "arm").stdout
    assert "no test: group A has 8 patients (at least 10)" in printed
    assert "chi-square" not in printed
    assert "hazard ratio (" not in printed
    assert answer("--by", "arm")["logrank"]["below_limits"] == "no test: group A has 8 patients (at least 10)"


def test_people_read_tables_with_ne_for_what_is_not_reached(run: Run, tmp_path: Path) -> None:
    rows = [f"{time + 1},{int(time % 3 == 0)},{'AB'[time % 2]}" for time in range(60)]
    (tmp_path / "two.csv").write_text("time,event,arm\n" + "\n".join(rows), encoding="utf-8")
    printed = run("stats", "two.csv", *BASE, "--by", "arm", "--times", "20,90", "--rmst", "30").stdout
    assert "60 patients, 20 events" in printed
    assert "NE (later than the last time)" in printed
    assert "log-rank: chi-square" in printed
    assert "proportional hazards" in printed


@pytest.mark.parametrize(
    ("rows", "options", "says"),
    [
        ("5,1,A\n-2,1,B", (), "row 2 (line 3): the time is negative; the event lies before time zero: correct the dates"),
        ("5,1,A\n,1,B", (), "row 2 (line 3): the time is missing; complete the row or exclude it"),
        ("5,1,A\nabc,1,B", (), "row 2 (line 3): the time (column time) is not a number; write it with a decimal point"),
        ("5,1,A\ninf,1,B", (), "row 2 (line 3): the time is not finite"),
        ("5,1,A\n6,2,B", (), "row 2 (line 3): the event (column event) is neither 0 nor 1; recode it (1/2 to 0/1)"),
        ("5,1,A\n6,7,B", (), "neither 0 nor 1; recode it; if the codes are events that compete"),
        ("5,1,A\n6,,B", (), "row 2 (line 3): the event is missing"),
        ("5,1,A\n6,1,", ("--by", "arm"), "row 2 (line 3): the group (column arm) is missing; complete the row or exclude it"),
        ("5,1,A\n6,1,NA", ("--by", "arm"), "row 2 (line 3): the group (column arm) is missing"),
        ("5,1,A\n6,1", (), "row 2 (line 3): 2 cells, the header has 3"),
        ("5,1,1\n6,1,6", ("--entry", "arm"), "row 2 (line 3): the entry is not before the exit"),
        ("5,1,1\n6,1,", ("--entry", "arm"), "row 2 (line 3): the entry time is missing; give 0 to who was there"),
        ("-5,1,A\n-2,1,B\n-3,1,B", (), "row 1 (line 2): the time is negative; the event lies before time zero: correct the dates (also rows 2, 3)"),
        ("5,1,A", ("--by", "arms"), "no column arms; did you mean arm? the columns are time, event, arm"),
        ("5,1,A", ("--cause", "9"), "nobody has event code 9"),
        ("5,1,A", ("--where", "arm=Z"), "no rows meet the conditions"),
        ("5,1,A", ("--where", "arm"), "write COLUMN=VALUE"),
        ("5,1,3\n6,1,x", ("--covariates", "arm"), "row 2 (line 3): arm is not a number, though it is elsewhere; correct it, or name it in --factor"),
        ("\n".join(f"5,1,{place}" for place in range(101)), ("--by", "arm"), "arm has 101 values (at most 100)"),
        ("\n".join(f"5,1,p{place}" for place in range(101)), ("--covariates", "arm"), "arm has 101 levels (at most 100)"),
        ("", (), "no rows"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_row_and_the_remedy(
    rows: str, options: Sequence[str], says: str, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "bad.csv").write_text(f"time,event,arm\n{rows}\n", encoding="utf-8")
    result = run("stats", "bad.csv", *BASE, *options, "--json", "answer.json", code=1)
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "answer.json").exists()


def test_no_cell_is_quoted_in_an_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("time,event\n5,1\nXanthippe,1\n", encoding="utf-8")
    assert "Xanthippe" not in run("stats", "bad.csv", *BASE, code=1).stderr


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"time,event\n\xff\xfe,1\n", "UTF-8"),
        (b"time,time,event\n1,1,1\n", "2 columns are called time"),
        (b'time,event\n1,"1\n', "not a CSV file"),
    ],
)
def test_a_file_that_is_no_table_is_refused(content: bytes, says: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_bytes(content)
    assert says in run("stats", "bad.csv", *BASE, code=1).stderr


def test_a_missing_file_is_one_line(run: Run) -> None:
    assert "can't be read" in run("stats", "nowhere.csv", *BASE, code=1).stderr


@pytest.mark.parametrize("options", [("--times", "6,x"), ("--times", "-3"), ("--rmst", "0"), ("--conf-level", "95")])
def test_an_option_out_of_range_is_wrong_usage(options: Sequence[str], run: Run) -> None:
    run("stats", "trial.csv", *BASE, *options, code=2)


def test_time_and_event_go_together(run: Run) -> None:
    assert "--time and --event" in run("stats", "trial.csv", "--time", "time", code=1).stderr


@pytest.mark.parametrize(
    "options",
    [
        ("--landmark", "4"), ("--reached", "age"), ("--landmark", "4", "--reached", "age", "--by", "arm"),
        ("--cause", "1", "--rmst", "9"), ("--cause", "1", "--start-at-risk", "3"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_refused(options: Sequence[str], run: Run) -> None:
    assert len(run("stats", "trial.csv", *BASE, *options, code=1).stderr.splitlines()) == 1


def test_semicolons_tabs_marks_and_blank_lines_are_read(answer: Callable[..., Any], tmp_path: Path) -> None:
    plain = answer("--by", "arm")
    for name, text in (
        ("semicolon.csv", TRIAL.replace(",", ";")),
        ("tab.csv", "\ufeff" + TRIAL.replace(",", "\t")),
        ("windows.csv", TRIAL.replace("\n", "\r\n") + "\r\n\r\n"),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8", newline="")
        assert answer("--by", "arm", file=name) == plain


def test_groups_that_bring_immortal_time_are_refused_unless_vouched_for(run: Run, tmp_path: Path) -> None:
    (tmp_path / "late.csv").write_text(TRIAL.replace("arm", "best_response"), encoding="utf-8")
    for option in ("--by", "--strata", "--covariates"):
        refused = run("stats", "late.csv", *BASE, option, "best_response", code=1)
        assert "immortal time" in refused.stderr
        assert "--landmark" in refused.stderr
    run("stats", "late.csv", *BASE, "--by", "best_response", "--known-at-start")


def test_a_landmark_groups_by_what_had_happened_and_follows_from_there(
    answer: Callable[..., Any], tmp_path: Path
) -> None:
    rows = "30,1,\n80,1,20\n100,0,60\n120,1,\n150,1,95\n200,0,10"
    (tmp_path / "r.csv").write_text(f"time,event,responded\n{rows}\n", encoding="utf-8")
    found = answer("--landmark", "90", "--reached", "responded", file="r.csv")
    assert {name: one["n"] for name, one in found["groups"].items()} == {"reached": 2, "not reached": 2}
    assert found["groups"]["not reached"]["quantiles"][1]["est"] == 45  # 30 and 60 after the landmark
    assert found["cox"][0]["term"] == "responded[T.reached]"
    assert any("2 of 6 left before or on it" in note for note in found["notes"])
    assert found["time_dependent"]["n"] == 6


def test_competing_risks_give_incidence_and_cause_specific_comparisons(
    answer: Callable[..., Any], tmp_path: Path
) -> None:
    rows = "2,1,A\n4,2,A\n4,1,A\n6,0,A\n8,2,A\n3,2,B\n5,1,B\n7,1,B"
    (tmp_path / "c.csv").write_text(f"time,event,arm\n{rows}\n", encoding="utf-8")
    found = answer("--cause", "1", "--by", "arm", "--times", "5", file="c.csv")
    assert (found["events"], found["settings"]["cause"]) == (4, "1")
    group = found["groups"]["A"]
    assert (group["events"], group["competing_events"]) == (2, 2)
    assert group["cumulative_incidence"][0]["est"] == pytest.approx(0.4)
    assert "quantiles" not in group  # one minus Kaplan–Meier would overstate
    assert found["logrank"]["observed"] == {"A": 2, "B": 2}


def test_rows_without_a_covariate_or_stratum_are_left_out_and_named(answer: Callable[..., Any], tmp_path: Path) -> None:
    lines = TRIAL.splitlines()
    lines[3] = ",".join([*lines[3].split(",")[:4], "", ""])
    (tmp_path / "gaps.csv").write_text("\n".join(lines), encoding="utf-8")
    found = answer("--by", "arm", "--covariates", "arm,age", file="gaps.csv")
    assert (found["n"], found["cox_model"]["n"], found["logrank"]["n"]) == (16, 15, 16)
    assert any("row 3" in note and "age" in note for note in found["notes"])
    assert answer("--by", "arm", "--strata", "site", file="gaps.csv")["logrank"]["n"] == 15


def test_a_constant_or_repeated_covariate_gets_no_coefficient(answer: Callable[..., Any], tmp_path: Path) -> None:
    head, *rows = TRIAL.splitlines()
    lines = [f"{head},one,double", *(f"{row},7,{2 * int(row.split(',')[-1])}" for row in rows)]
    (tmp_path / "same.csv").write_text("\n".join(lines), encoding="utf-8")
    found = answer("--covariates", "age,one,double", file="same.csv")
    assert {row["term"]: row["coef"] is None for row in found["cox"]} == {"age": False, "one": True, "double": True}
    assert answer("--covariates", "age", file="same.csv")["cox"][0] == found["cox"][0]


def test_levels_that_are_numbers_are_in_their_order(answer: Callable[..., Any], tmp_path: Path) -> None:
    rows = [f"{place % 23 + 1},{place % 3 > 0:d},{(10, 2, 9)[place % 3]}" for place in range(60)]
    (tmp_path / "doses.csv").write_text("time,event,dose\n" + "\n".join(rows), encoding="utf-8")
    found = answer("--covariates", "dose", "--factor", "dose", file="doses.csv")
    assert [one["term"] for one in found["cox"]] == ["dose[T.9]", "dose[T.10]"]


def test_the_reference_level_can_be_chosen(answer: Callable[..., Any], run: Run) -> None:
    (plain,), (turned,) = (
        answer("--by", "arm", "--covariates", "arm", *options)["cox"] for options in ((), ("--reference", "arm=B"))
    )
    assert turned["term"] == "arm[T.A]"
    assert turned["coef"] == pytest.approx(-plain["coef"], rel=1e-9)
    assert (
        "the levels are A, B" in run("stats", "trial.csv", *BASE, "--by", "arm", "--reference", "arm=C", code=1).stderr
    )
    assert "neither the grouping" in run("stats", "trial.csv", *BASE, "--reference", "arm=B", code=1).stderr
    run("stats", "trial.csv", *BASE, "--by", "arm", "--reference", "B", code=2)


def test_pairs_of_groups_are_tested_with_corrected_p(answer: Callable[..., Any], tmp_path: Path) -> None:
    rows = [f"{place % 29 + 1},1,{'ABC'[place % 3]}" for place in range(90)]
    (tmp_path / "three.csv").write_text("time,event,arm\n" + "\n".join(rows), encoding="utf-8")
    pairs = answer("--by", "arm", "--pairwise", file="three.csv")["pairwise"]
    assert [one["groups"] for one in pairs] == [["A", "B"], ["A", "C"], ["B", "C"]]
    assert all(one["p"] <= one["p_bh"] <= one["p_holm"] + 1e-12 <= 1 + 1e-12 for one in pairs)


def test_markers_are_screened_with_corrected_p(answer: Callable[..., Any], run: Run, tmp_path: Path) -> None:
    rows = [
        f"{place % 31 + 1},{place % 5 > 0:d},{place % 3 > 0:d},{'' if place % 4 else place % 8 // 4},{place < 3:d}"
        for place in range(120)
    ]
    (tmp_path / "genes.csv").write_text("time,event,TP53,RB1,MYC\n" + "\n".join(rows), encoding="utf-8")
    found = answer("--screen", "TP53,RB1,MYC", "--named-before", "TP53", file="genes.csv")
    assert [(one["marker"], one["n"]) for one in found["screen"]] == [("TP53", 120), ("RB1", 30), ("MYC", 120)]
    assert found["screen"][2]["not_tested"] == "altered in 3 (at least 10)"
    assert found["screen"][0]["p_holm"] is not None
    assert "2 of 3 markers tested" in found["notes"]
    assert "not tested: altered in 3" in run("stats", "genes.csv", *BASE, "--screen", "TP53,MYC").stdout
    assert (
        "not in --screen"
        in run("stats", "genes.csv", *BASE, "--screen", "TP53", "--named-before", "RB1", code=1).stderr
    )


def test_two_restricted_means_are_compared(answer: Callable[..., Any]) -> None:
    found = answer("--by", "arm", "--rmst", "10")
    means = [one["rmst"]["rmst"] for one in found["groups"].values()]
    assert found["rmst_difference"]["est"] == pytest.approx(means[1] - means[0])


def test_a_curve_with_delayed_entry_says_where_it_starts(answer: Callable[..., Any], tmp_path: Path) -> None:
    rows = [f"{20 + place},{place % 3 > 0:d},{'AB'[place % 2]},{place // 2}" for place in range(30)]
    (tmp_path / "late.csv").write_text("time,event,arm,entry\n" + "\n".join(rows), encoding="utf-8")
    options = ("--by", "arm", "--entry", "entry", "--rmst", "40", "--times", "5")
    plain, later = answer(*options, file="late.csv"), answer(*options, "--start-at-risk", "5", file="late.csv")
    assert later["groups"]["A"]["start"] == 4
    assert "group A: its curve starts at 4, the first time with 5 at risk" in later["notes"]
    assert "start" not in plain["groups"]["A"]
    assert later["logrank"] == plain["logrank"]
    means = [one["rmst"]["rmst"] for one in later["groups"].values()]
    assert later["rmst_difference"]["est"] == pytest.approx(means[1] - means[0])
    assert -1 <= later["truncation"]["kendall_tau"] <= 1


def test_response_rates_alone(run: Run, tmp_path: Path) -> None:
    rows = [f"{'ab'[place % 2]},{'' if place == 9 else int(place < 5)}" for place in range(10)]
    (tmp_path / "r.csv").write_text("arm,responded\n" + "\n".join(rows), encoding="utf-8")
    printed = run(
        "stats", "r.csv", "--response", "responded", "--by", "arm", "--known-at-start", "--json", "r.json"
    ).stdout
    found = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert {name: (one["x"], one["n"]) for name, one in found["response"].items()} == {"a": (3, 5), "b": (2, 4)}
    assert found["response_missing"] == 1
    assert "1 without a value" in printed


ROWS = st.lists(
    st.tuples(st.integers(0, 30), st.booleans(), st.sampled_from("AB"), st.integers(0, 3)), min_size=1, max_size=25
)


@given(ROWS, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_any_table_is_answered_and_the_order_of_its_rows_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, bool, str, int]], random: Any
) -> None:
    path = tmp_path_factory.mktemp("any") / "table.csv"
    asked = Question(
        time="time", event="event", by="arm", covariates=("arm", "x"), times=(0.0, 7.0), tau=9.0, curve=True
    )
    found = []
    for order in (rows, sorted(rows, key=lambda _: random.random())):
        lines = [f"{time},{int(event)},{arm},{x}" for time, event, arm, x in order]
        path.write_text("time,event,arm,x\n" + "\n".join(lines) + "\n", encoding="utf-8")
        found.append(compute_statistics(path, asked))
        json.dumps(found[-1], allow_nan=False)
    one, other = found
    assert one["groups"] == other["groups"]
    assert (one["n"], one["events"], one["notes"]) == (other["n"], other["events"], other["notes"])
    if one["logrank"]:
        assert one["logrank"]["chisq"] == pytest.approx(other["logrank"]["chisq"], abs=1e-9)


START = datetime.date(2021, 1, 10)


def patients() -> list[PatientRecord]:
    found = []
    for place in range(48):
        name, last = f"p{place:02d}", 60 + 17 * place % 401
        days = {n: (START + datetime.timedelta(days=n)).isoformat() for n in (0, 43, 70, last)}
        facts = [
            Fact(name, "histology", "small_cell"),
            Fact(name, "stage.valg", ("limited", "extensive")[place % 3 > 0]),
            Fact(name, "therapy_line", "1", date=days[0], end_date=days[70], attributes={"drugs": "etoposide"}),
            Fact(name, "response", ("PR", "SD", "PD")[place % 3], date=days[43]),
            Fact(name, "visit", days[last], date=days[last]),
        ]
        if place % 4:
            facts.append(Fact(name, "death_date", days[last]))
        if place == 7:
            facts = [one for one in facts if one.field != "therapy_line"]
        found.append(PatientRecord(name, tuple(facts), (NoteContact(START, "clinic"),)))
    return found


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_report_holds_the_numbers_that_stats_gives_for_its_own_table(run: Run, tmp_path: Path) -> None:
    run_outcomes(
        patients(), tmp_path / "report", protocol=Protocol(), cutoff=datetime.date(2022, 6, 30), second_opinion_most=0
    )
    survival, comparisons = (rows_of(tmp_path / f"report/tables/{name}.csv") for name in ("survival", "comparisons"))
    for endpoint in ("os", "pfs", "pfs_i"):
        run(
            "stats", "report/analysis.csv", "--time", f"{endpoint}_days", "--event", f"{endpoint}_event",
            "--where", f"{endpoint}_primary=1", "--where", "analysed=1", "--by", "stage_valg", "--reference",
            "stage_valg=limited", "--times", "182.625,365.25,730.5", "--json", "answer.json",
        )  # fmt: skip
        found = json.loads((tmp_path / "answer.json").read_text(encoding="utf-8"))
        for group in ("limited", "extensive"):
            theirs = [row for row in survival if (row["endpoint"], row["group"]) == (endpoint, group)]
            assert theirs[0]["n"] == str(found["groups"][group]["n"])
            months = {row["quantity"]: row for row in theirs}
            for one in found["groups"][group]["quantiles"]:
                row = months[f"quantile {one['prob']:g}"]
                for key, column in (("est", "estimate"), ("lower", "lower"), ("upper", "upper")):
                    assert (one[key] is None) == (row[column] == "")
                    assert one[key] is None or one[key] / 30.4375 == pytest.approx(float(row[column]), rel=1e-12)
            marks = [row for row in theirs if row["quantity"] == "survival"]
            for mark, row in zip(found["groups"][group]["survival"], marks, strict=True):
                assert mark["n_risk"] == int(row["n_at_risk"])
                assert mark["beyond_last"] or mark["surv"] == pytest.approx(float(row["estimate"]), rel=1e-12)
        test, *ratios = [row for row in comparisons if row["endpoint"] == endpoint]
        if test["note"]:
            assert found["logrank"]["below_limits"] == test["note"]
            continue
        assert found["logrank"]["chisq"] == pytest.approx(float(test["chi_square"]), rel=1e-9)
        (term,), (ratio, hazards, *_) = found["cox"], ratios
        assert found["zph"][-1]["chisq"] == pytest.approx(float(hazards["chi_square"]), rel=1e-9)
        for key, column in (("hr", "hazard_ratio"), ("lower", "lower"), ("upper", "upper"), ("p", "p")):
            assert term[key] == pytest.approx(float(ratio[column]), rel=1e-9)


def cases_file(path: Path, cases: Any) -> str:
    path.write_text(json.dumps(cases), encoding="utf-8")
    return str(path)


BEST = {
    "id": "b1", "endpoint": "BOR", "parameters": {"sd_min_days": 42}, "reference_date": "2021-01-10", "first_pd_date": None,
    "assessments": [{"date": "2021-02-22", "response": "PR"}],
}  # fmt: skip
DEATH = {
    "id": "t1", "endpoint": "OS", "start_date": "2021-01-10", "events": [{"kind": "DEATH", "date": "2021-11-20"}],
    "censors": [],
}  # fmt: skip


def test_derived_cases_have_the_published_layout(run: Run, tmp_path: Path) -> None:
    for cases in ([BEST, DEATH], {"note": "two", "cases": [BEST, DEATH]}):
        printed = run("derive", cases_file(tmp_path / "cases.json", cases), "--json", "answers.json").stdout
        assert json.loads((tmp_path / "answers.json").read_text(encoding="utf-8")) == {
            "b1": {"value": "PR", "date": "2021-02-22"},
            "t1": {"date": "2021-11-20", "event": 1, "days": 314},
        }
        assert "b1  value PR  date 2021-02-22" in printed


def test_an_entry_after_the_end_leaves_nothing_to_count(run: Run, tmp_path: Path) -> None:
    late = {**DEATH, "entry_date": "2021-12-01"}
    told = {**DEATH, "id": "t2", "note": "delayed entry on 2021-12-01, after death"}
    run("derive", cases_file(tmp_path / "cases.json", [late, told]), "--json", "answers.json")
    answers = json.loads((tmp_path / "answers.json").read_text(encoding="utf-8"))
    assert answers["t1"] == answers["t2"] == {"date": None, "event": None, "days": None}


@pytest.mark.parametrize(
    ("cases", "says"),
    [
        ([], "no cases"),
        ({"a": 1}, "no cases"),
        ([{**BEST, "endpoint": None}], "case b1"),
        ([{key: value for key, value in BEST.items() if key != "reference_date"}], "case b1: no reference_date"),
        ([{**BEST, "reference_date": "10.1.2021"}], "case b1"),
        ([{**BEST, "assessments": ["PR"]}], "case b1"),
        ([{**DEATH, "start_date": None}], "case t1"),
        ([DEATH, DEATH], "case t1 comes twice"),
    ],
)
def test_a_case_at_fault_is_named(cases: Any, says: str, run: Run, tmp_path: Path) -> None:
    result = run("derive", cases_file(tmp_path / "cases.json", cases), "--json", "answers.json", code=1)
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "answers.json").exists()


def test_a_file_that_is_no_json_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "cases.json").write_text("{", encoding="utf-8")
    assert "not JSON" in run("derive", "cases.json", code=1).stderr


DOCS = Path(__file__).resolve().parents[2] / "docs" / "checking-statistics.md"


def test_the_documented_cases_can_be_derived(run: Run, tmp_path: Path) -> None:
    (example,) = [part.split("```")[0] for part in DOCS.read_text(encoding="utf-8").split("```json")[1:]]
    run("derive", cases_file(tmp_path / "cases.json", json.loads(example)), "--json", "answers.json")
    answers = json.loads((tmp_path / "answers.json").read_text(encoding="utf-8"))
    assert answers["b1"] == {"value": "PR", "date": "2021-02-22"}
    assert answers["t1"]["days"] == 314


@pytest.mark.parametrize("option", [option for one in stats.params for option in one.opts if option.startswith("--")])
def test_every_option_is_in_the_documentation(option: str) -> None:
    assert f"`{option}" in DOCS.read_text(encoding="utf-8") or f" {option} " in DOCS.read_text(encoding="utf-8")
