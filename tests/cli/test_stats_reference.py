"""`abstractor stats` and `derive`, as a statistician runs them, against every number of the R reference (skipped without it)."""

import csv
import json
import math
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from abstractor.cli.options import ErrorGroup
from abstractor.cli.stats import derive, stats

REFERENCE = Path(__file__).resolve().parents[2] / ".." / "shared" / "reference" / "survival"
pytestmark = pytest.mark.skipif(not REFERENCE.is_dir(), reason="the R reference files are not beside the project")

Row = dict[str, str]
SETS = sorted(path.stem for path in (REFERENCE / "data").glob("*.csv")) if REFERENCE.is_dir() else []
CONF_TYPES = ("log-log", "log", "plain")
# Times 1 ulp apart, printed alike in the reference: what it counts at "0.3" depends on digits it does not show.
UNEQUAL_BY_ROUNDING = {"float_ties"}


@click.group(cls=ErrorGroup)
def cli() -> None: ...


cli.add_command(stats)
cli.add_command(derive)


@cache
def rows_of(name: str) -> list[Row]:
    with (REFERENCE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def of_set(table: str, name: str) -> list[Row]:
    return [row for row in rows_of(table) if row["dataset"] == name]


@pytest.fixture
def answer(tmp_path: Path) -> Any:
    def run(name: str, *options: str) -> Any:
        path = REFERENCE / "data" / f"{name}.csv"
        columns = path.read_text(encoding="utf-8").splitlines()[0].split(",")
        delayed = ["--entry", "entry"] if "entry" in columns else []
        out = tmp_path / "answer.json"
        arguments = ["stats", str(path), "--time", "time", "--event", "event", *delayed, *options, "--json", str(out)]
        result = CliRunner().invoke(cli, arguments)
        assert result.exit_code == 0, result.output
        return json.loads(out.read_text(encoding="utf-8"))

    return run


def group_of(found: Any, label: str) -> Any:
    return found["groups"][label.removeprefix("arm=")]


def grouping(label: str) -> tuple[str, ...]:
    return () if label == "all" else ("--by", "arm")


def agrees(ours: float | None, theirs: str, rel: float = 1e-6) -> bool:
    if theirs in ("", "NA", "Inf", "-Inf"):
        return ours is None
    return ours is not None and ours == pytest.approx(float(theirs), rel=rel, abs=1e-12)


@pytest.mark.parametrize("name", sorted(set(SETS) - UNEQUAL_BY_ROUNDING))
def test_survival_at_given_times(name: str, answer: Any) -> None:
    wanted: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in of_set("km_landmarks.csv", name):
        wanted[row["conf_type"], row["group"]].append(row)
    counted = {(row["group"], float(row["t"])): row for row in of_set("numbers_at_risk.csv", name)}
    assert {conf_type for conf_type, _ in wanted} == set(CONF_TYPES)
    for (conf_type, label), rows in wanted.items():
        times = ",".join(row["t"] for row in rows)
        found = group_of(answer(name, *grouping(label), "--times", times, "--conf-type", conf_type), label)
        for ours, row in zip(found["survival"], rows, strict=True):
            assert ours["beyond_last"] == (row["beyond_last"] == "TRUE"), row
            for mine, theirs in (("n_risk", "n_risk"), ("surv", "surv"), ("lower", "lower"), ("upper", "upper")):
                if row[theirs] or mine != "n_risk":
                    assert agrees(ours[mine], row[theirs]), (mine, row)
            assert agrees(ours["std_err"], row["std_err"]), row
            table = counted.get((label, ours["t"]))
            if table:
                assert [ours["n_risk"], ours["events"], ours["censored"]] == [
                    int(table[key]) for key in ("at_risk", "cum_events", "cum_censored")
                ]


@pytest.mark.parametrize("name", SETS)
def test_quartiles_and_follow_up(name: str, answer: Any) -> None:
    follow_up = {(row["conf_type"], row["group"]): row for row in of_set("reverse_km_followup.csv", name)}
    compared = 0
    for conf_type in CONF_TYPES:
        found = answer(name, "--conf-type", conf_type), answer(name, "--conf-type", conf_type, "--by", "arm")
        rows = [row for row in of_set("quantiles.csv", name) if row["conf_type"] == conf_type]
        assert rows
        for row in rows:
            group = group_of(found[row["group"] != "all"], row["group"])
            (ours,) = [one for one in group["quantiles"] if one["prob"] == float(row["prob"])]
            assert all(agrees(ours[key], row[key]) for key in ("est", "lower", "upper")), row
            assert (group["n"], group["events"]) == (int(row["n"]), int(row["events"]))
            late = follow_up.get((conf_type, row["group"]))
            if late is None:  # the reference has follow-up on one or two scales only
                continue
            compared += row["prob"] == "0.5"
            assert agrees(group["followup"]["median"], late["median_followup"]), late
            assert all(agrees(group["followup"][key], late[key]) for key in ("lower", "upper")), late
    assert compared == len(follow_up)


@pytest.mark.parametrize("name", SETS)
def test_restricted_means(name: str, answer: Any) -> None:
    for row in of_set("rmst.csv", name):
        ours = group_of(answer(name, *grouping(row["group"]), "--rmst", row["tau"]), row["group"])["rmst"]
        assert agrees(ours["rmst"], row["rmst"]), row
        assert agrees(ours["se"], row["se"]), row
        assert ours["extrapolated"] == (row["extrapolated"] == "TRUE"), row


@pytest.mark.parametrize("name", SETS)
def test_every_step_of_every_curve(name: str, answer: Any) -> None:
    steps: dict[str, list[Row]] = defaultdict(list)
    for row in rows_of(f"curves/{name}.csv"):
        steps[row["group"]].append(row)
    for label, rows in steps.items():
        for conf_type in CONF_TYPES:
            curve = group_of(answer(name, *grouping(label), "--curve", "--conf-type", conf_type), label)["curve"]
            short = conf_type.replace("-", "")
            for ours, row in zip(curve, rows, strict=True):
                assert (ours["n_risk"], ours["n_event"], ours["n_censor"]) == (
                    int(row["n_risk"]),
                    int(row["n_event"]),
                    int(row["n_censor"]),
                )
                assert agrees(ours["t"], row["time"])
                assert agrees(ours["surv"], row["surv"])
                assert agrees(ours["lower"], row[f"lower_{short}"]), row
                assert agrees(ours["upper"], row[f"upper_{short}"]), row


@pytest.mark.parametrize("name", SETS)
def test_log_rank_tests(name: str, answer: Any) -> None:
    for row in of_set("logrank.csv", name):
        layers = () if row["strata"] == "none" else ("--strata", row["strata"])
        ours = answer(name, "--by", "arm", "--rho", row["rho"], *layers)["logrank"]
        assert agrees(ours["chisq"], row["chisq"]), row
        assert (ours["df"], ours["n"]) == (int(row["df"]), int(row["n"]))
        assert agrees(ours["p"], row["p"]), row
        for one in of_set("logrank_obs_exp.csv", name):
            if (one["rho"], one["strata"]) == (row["rho"], row["strata"]):
                assert agrees(ours["observed"][one["arm"]], one["obs"]), one
                assert agrees(ours["expected"][one["arm"]], one["exp"]), one


def term_of(name: str) -> str:
    """`arm[T.B]` as R has it: `armB`."""
    return name.replace("[T.", "").removesuffix("]")


@pytest.mark.parametrize("name", SETS)
def test_cox_models_and_proportional_hazards(name: str, answer: Any) -> None:
    for row in of_set("cox_models.csv", name):
        formula, _, stratum = row["formula"].partition("+strata(")
        options = ["--covariates", formula.replace("+", ","), "--ties", row["ties"]]
        options += ["--strata", stratum.removesuffix(")")] if stratum else []
        found = answer(name, *options)
        model = found["cox_model"]
        assert (model["n"], model["events"]) == (int(row["n"]), int(row["events"]))
        assert model["converged"] == (row["converged_flag"] == "TRUE")
        assert agrees(model["loglik_null"], row["loglik0"])
        assert agrees(model["loglik"], row["loglik"])
        assert agrees(model["concordance"], row["concordance"])
        for test in ("lrt", "score"):
            assert agrees(model[test]["chisq"], row[test]), row
            assert agrees(model[test]["p"], row[f"{test}_p"], 1e-5), row
        theirs = [
            one for one in of_set("cox_terms.csv", name) if (one["model"], one["ties"]) == (row["model"], row["ties"])
        ]
        for ours, one in zip(found["cox"], theirs, strict=True):
            assert term_of(ours["term"]) == one["term"]
            for key in ("coef", "se", "hr", "lower", "upper", "z", "p"):
                assert agrees(ours[key], one[key], 1e-5) if model["converged"] else ours[key] is None, (ours, one)
        if row["ties"] == "efron" and model["converged"]:
            check_hazards_of(name, row["model"], answer, options)


def check_hazards_of(name: str, model: str, answer: Any, options: list[str]) -> None:
    rows = [row for row in of_set("cox_zph.csv", name) if row["model"] == model]
    assert {row["transform"] for row in rows} >= {"km", "rank", "identity"}
    for transform in ("km", "rank", "identity", "log"):
        ours = answer(name, *options, "--transform", transform)["zph"]
        theirs = [row for row in rows if row["transform"] == transform]
        assert [term_of(one["term"]) for one in ours] == [row["term"] for row in theirs]
        for one, row in zip(ours, theirs, strict=True):
            assert agrees(one["chisq"], row["chisq"]), row
            assert one["df"] == int(row["df"])
            assert agrees(one["p"], row["p"], 1e-5), row


def test_subgroups_and_their_interaction(answer: Any) -> None:
    for row in rows_of("subgroup_forest.csv"):
        where = ["--where", "arm!=Lev"] if row["dataset"] == "colon_death" else []
        term = "Obs" if where else "chemo_io"
        part = answer(row["dataset"], *where, "--covariates", "arm", "--where", f"{row['variable']}={row['level']}")
        (ours,) = part["cox"]
        assert ours["term"] == f"arm[T.{term}]"
        assert (part["n"], part["events"]) == (int(row["n"]), int(row["events"]))
        assert all(agrees(ours[key], row[key], 1e-5) for key in ("hr", "lower", "upper")), row
        factor = ["--factor", row["variable"], *where]
        with_it, without = (
            answer(row["dataset"], "--covariates", f"arm,{row['variable']}{more}", *factor)["cox_model"]
            for more in (f",arm:{row['variable']}", "")
        )
        ratio = 2 * (with_it["loglik"] - without["loglik"])
        assert agrees(ratio, row["interaction_lrt"], 1e-5), row
        assert with_it["lrt"]["df"] - without["lrt"]["df"] == int(row["interaction_df"])


def response_table(path: Path, groups: dict[str, tuple[int, int]]) -> Path:
    rows = [f"{name},{int(place < x)}" for name, (x, n) in groups.items() for place in range(n)]
    path.write_text("\n".join(["arm,response", *rows]) + "\n", encoding="utf-8")
    return path


def responses(path: Path, *options: str) -> Any:
    out = path.with_suffix(".json")
    result = CliRunner().invoke(cli, ["stats", str(path), "--response", "response", *options, "--json", str(out)])
    assert result.exit_code == 0, result.output
    return json.loads(out.read_text(encoding="utf-8"))


def test_intervals_of_response_rates(tmp_path: Path) -> None:
    for row in rows_of("binom_ci.csv"):
        table = response_table(tmp_path / "table.csv", {"A": (int(row["x"]), int(row["n"]))})
        ours = responses(table, "--conf-level", row["conf"])["response"]["all"]
        assert (ours["x"], ours["n"]) == (int(row["x"]), int(row["n"]))
        for mine, theirs in (
            ("lower", "cp_lower"), ("upper", "cp_upper"), ("wilson_lower", "wilson_lower"), ("wilson_upper", "wilson_upper"),
        ):  # fmt: skip
            assert agrees(ours[mine], row[theirs]), row


def test_two_response_rates_compared(tmp_path: Path) -> None:
    for row in rows_of("orr_two_groups.csv"):
        table = response_table(
            tmp_path / "table.csv",
            {"A": (int(row["x1"]), int(row["n1"])), "B": (int(row["x2"]), int(row["n2"]))},
        )
        ours = responses(table, "--by", "arm")["fisher"]
        assert agrees(ours["p"], row["fisher_p"])
        assert agrees(ours["difference"], row["wald_diff"])
        assert agrees(ours["difference_lower"], row["wald_diff_lower"])
        assert agrees(ours["difference_upper"], row["wald_diff_upper"])
        # R looks for these with a tolerance of 1.2e-4, on the scale of the inverse for the upper limit; we solve to the end.
        for mine, theirs in (("odds_ratio", "or_cond"), ("lower", "or_lower"), ("upper", "or_upper")):
            assert agrees(ours[mine], row[f"fisher_{theirs}"], 2e-3), row


@pytest.mark.parametrize("name", ["bor_cases.json", "tte_cases.json"])
def test_published_cases(name: str, tmp_path: Path) -> None:
    out = tmp_path / "answers.json"
    result = CliRunner().invoke(cli, ["derive", str(REFERENCE / name), "--json", str(out)])
    assert result.exit_code == 0, result.output
    answers = json.loads(out.read_text(encoding="utf-8"))
    cases = json.loads((REFERENCE / name).read_text(encoding="utf-8"))["cases"]
    assert list(answers) == [case["id"] for case in cases]
    for case in cases:
        ours, expected = answers[case["id"]], case["expected"]
        if "value" in expected:
            assert ours["value"] == expected["value"], case["id"]
            if expected["date"] is not None:
                assert ours["date"] == expected["date"], case["id"]
        else:
            assert (ours["date"], ours["event"]) == (expected["date"], expected["event"]), case["id"]
            if expected.get("days") is not None:
                assert ours["days"] == expected["days"], case["id"]


def test_a_curve_of_times_joined_across_rounding_is_counted_once(answer: Any) -> None:
    found = answer("float_ties", "--times", "0.29999999999999999,0.30000000000000004")["groups"]["all"]["survival"]
    assert [one["n_risk"] for one in found] == [10, 7]
    assert all(math.isclose(one["surv"], 0.8) for one in found)
