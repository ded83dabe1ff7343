"""Samples can be drawn again, their weights say what was done, and what they estimate covers the truth."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractor.outcomes.proportions import clopper_pearson
from abstractor.quality.estimates import Audited, StratumSize, accept, share_right
from abstractor.quality.sampling import Unit, draw, first_of_newcomers
from abstractor.quality.settings import FieldClass

CRITICAL = FieldClass(error_limit=0.02, plan_limit=0.05, confidence=0.95, counted=("minor", "major"))


def frame(size: int = 300) -> list[Unit]:
    """Of three abstractors, one of whom does little; two fields; a few that are taken in any case."""
    return [
        Unit(
            f"d{number:04}",
            "response" if number % 3 else "histology",
            {
                "abstractor": "jo" if number % 25 == 0 else ("ann", "max")[number % 2],
                "speed": ("fast", "usual")[number % 5 > 0],
            },
            "every response PD" if number % 40 == 1 else "",
        )
        for number in range(size)
    ]


def test_the_same_seed_draws_the_same_sample_in_whatever_order_the_frame_comes() -> None:
    sizes = {"response": 30, "histology": 20}
    once = draw(frame(), seed=7, by=("speed",), sizes=sizes)
    again = draw(reversed(frame()), seed=7, by=("speed",), sizes=sizes)
    other = draw(frame(), seed=8, by=("speed",), sizes=sizes)
    assert once == again
    assert once.units != other.units
    assert once.frame_hash == other.frame_hash


def test_what_is_targeted_is_taken_in_full_and_weighs_one() -> None:
    drawn = draw(frame(), seed=7, by=(), sizes={"response": 10, "histology": 10})
    targeted = {one.key for one in frame() if one.certain}
    assert targeted <= {key for key, _ in drawn.units}
    assert {one.weight for one in drawn.strata if one.name.startswith("all | ")} == {1.0}


@given(st.integers(0, 10_000), st.integers(1, 80), st.integers(1, 80))
def test_weights_add_up_to_the_frame(seed: int, responses: int, histologies: int) -> None:
    drawn = draw(
        frame(), seed=seed, by=("speed", "abstractor"), sizes={"response": responses, "histology": histologies}
    )
    weights = {one.name: one.weight for one in drawn.strata}
    assert sum(weights[stratum] for _, stratum in drawn.units) == pytest.approx(300)
    assert len({key for key, _ in drawn.units}) == len(drawn.units)
    assert sum(one.size for one in drawn.strata) == drawn.frame_size == 300


def test_every_abstractor_has_the_least_number_there_is() -> None:
    drawn = draw(frame(), seed=7, by=(), sizes={"response": 6, "histology": 6}, least_of={"abstractor": 10})
    by_key = {one.key: one.traits["abstractor"] for one in frame()}
    counts = Counter(by_key[key] for key, _ in drawn.units)
    assert counts["jo"] >= 10
    assert counts["ann"] >= 10
    assert counts["max"] >= 10


def test_the_first_charts_of_a_new_abstractor_are_taken_and_not_those_of_a_known_one() -> None:
    charts = [
        ("p3", "new", "2024-03-01"),
        ("p1", "new", "2024-01-01"),
        ("p2", "old", "2024-02-01"),
        ("p4", "new", "2024-04-01"),
    ]
    assert first_of_newcomers(charts, 2, {"old"}) == {"p1", "p3"}


def test_a_plain_sample_has_the_exact_interval() -> None:
    audited = [Audited("f", number >= 5) for number in range(100)]
    found = share_right(audited, {"f": StratumSize(10**9, 100)})
    assert found.value == 0.95
    assert (found.lower, found.upper) == pytest.approx(clopper_pearson(95, 100), abs=1e-6)
    assert found.method == "exact (Clopper–Pearson)"


def test_a_field_that_was_audited_in_full_has_no_sampling_error() -> None:
    found = share_right([Audited("f", number >= 5) for number in range(100)], {"f": StratumSize(100, 100)})
    assert (found.lower, found.value, found.upper) == (0.95, 0.95, 0.95)


def test_strata_weigh_as_much_as_they_stand_for() -> None:
    # 900 decisions of which one in ten was audited and all are right; 100 of which half was audited and half are wrong
    audited = [Audited("many", True)] * 90 + [Audited("few", number % 2 == 0) for number in range(50)]
    found = share_right(audited, {"many": StratumSize(900, 90), "few": StratumSize(100, 50)})
    assert found.value == pytest.approx(0.95)
    assert found.lower is not None
    assert found.upper is not None
    assert found.lower < 0.95 < found.upper


@pytest.mark.parametrize(
    ("sizes", "wrong", "drawn"),
    [
        ((2000,), (0.05,), (100,)),
        ((1500, 300, 200), (0.02, 0.1, 0.3), (60, 20, 20)),
        ((1900, 100), (0.05, 0.2), (20, 80)),  # the heavy stratum is the thin one
        ((900, 90, 10), (0.04, 0.5, 0.5), (30, 30, 10)),
    ],
)
def test_intervals_cover_the_truth_at_least_as_often_as_they_say(
    sizes: Sequence[int], wrong: Sequence[float], drawn: Sequence[int]
) -> None:
    random = np.random.default_rng(11)
    whole = [random.random(size) >= share for size, share in zip(sizes, wrong, strict=True)]
    truth = sum(one.sum() for one in whole) / sum(sizes)
    strata = {str(place): StratumSize(size, n) for place, (size, n) in enumerate(zip(sizes, drawn, strict=True))}
    runs, covered = 300, 0
    for _ in range(runs):
        audited = [
            Audited(str(place), bool(right))
            for place, (one, n) in enumerate(zip(whole, drawn, strict=True))
            for right in random.choice(one, n, replace=False)
        ]
        found = share_right(audited, strata)
        assert found.lower is not None
        assert found.upper is not None
        covered += found.lower <= truth <= found.upper
    # 95 % less what chance allows in so many runs
    assert covered / runs >= 0.95 - 2.6 * math.sqrt(0.95 * 0.05 / runs)


@pytest.mark.parametrize(
    ("audited", "errors", "drawn", "frame_size", "verdict"),
    [
        (59, 0, 59, 500, "accepted"),
        (59, 1, 59, 500, "failed"),
        (93, 1, 93, 500, "accepted"),
        (70, 1, 93, 500, "open"),  # one error is allowed, but not all is audited
        (20, 2, 93, 500, "failed"),  # it can't pass any more
        (40, 0, 40, 500, "open"),  # too few to pass any plan
        (30, 0, 30, 30, "accepted"),  # all there are
        (30, 1, 30, 30, "failed"),
        (200, 4, 200, 200, "accepted"),
    ],
)
def test_a_field_passes_by_its_plan(audited: int, errors: int, drawn: int, frame_size: int, verdict: str) -> None:
    found = accept(audited, errors, drawn, frame_size, CRITICAL)
    assert found.verdict == verdict
    assert found.text.startswith(verdict)
