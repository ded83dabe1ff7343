"""Small cells: what is withheld can't be worked out from what is shown."""

from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractor.outcomes.disclosure import Count, withhold


def people(first: int, last: int) -> frozenset[str]:
    return frozenset(f"p{place}" for place in range(first, last))


def shown(counts: list[Count], least: int = 5) -> list[str]:
    hidden = withhold(counts, least)
    return [one.id for one in counts if one.id not in hidden]


def test_a_small_count_is_withheld_and_nobody_may_be_shown() -> None:
    found = withhold([Count("few", people(0, 4)), Count("enough", people(10, 15)), Count("none", frozenset())], 5)
    assert found.small == {"few"}
    assert not found.with_others


def test_the_last_part_of_a_whole_goes_with_the_small_one() -> None:
    counts = [Count("all", people(0, 20)), Count("large", people(0, 16)), Count("small", people(16, 20))]
    assert shown(counts) == ["all"]


def test_with_two_small_parts_the_third_may_stay() -> None:
    counts = [
        Count("all", people(0, 26)),
        Count("a", people(0, 18)),
        Count("b", people(18, 22)),
        Count("c", people(22, 26)),
    ]
    assert shown(counts) == ["all", "a"]


def test_a_small_difference_between_two_shown_counts_is_not_given_away() -> None:
    counts = [Count("responders", people(0, 9)), Count("confirmed responders", people(0, 6))]
    assert shown(counts) == ["responders"]


def test_two_analysis_sets_may_differ_by_few() -> None:
    counts = [Count("with survival", people(0, 30), size=True), Count("with progression", people(0, 28), size=True)]
    assert shown(counts) == ["with survival", "with progression"]


def test_a_sum_over_three_tables_is_seen_through() -> None:
    """All less women, less men with stage II and III, leaves the few men with stage I."""
    counts = [
        Count("all", people(0, 40)),
        Count("women", people(20, 40)),
        Count("men II", people(3, 12)),
        Count("men III", people(12, 20)),
        Count("men I", people(0, 3)),
    ]
    assert shown(counts) == ["all", "women", "men II"]


def solvable(vectors: list[list[int]], wanted: list[int]) -> bool:
    """Whether a vector is a combination of others, in exact fractions."""
    rows = [[Fraction(cell) for cell in row] for row in zip(*vectors, strict=True)] if vectors else [[] for _ in wanted]
    table = [[*row, Fraction(goal)] for row, goal in zip(rows, wanted, strict=True)]
    done = 0
    for column in range(len(vectors)):
        pivot = next((row for row in range(done, len(table)) if table[row][column]), None)
        if pivot is None:
            continue
        table[done], table[pivot] = table[pivot], table[done]
        head = [cell / table[done][column] for cell in table[done]]
        table = [
            row if place == done else [cell - row[column] * lead for cell, lead in zip(row, head, strict=True)]
            for place, row in enumerate(table)
        ]
        table[done] = head
        done += 1
    return not any(row[-1] for row in table[done:])


@given(st.lists(st.frozensets(st.integers(0, 11)), min_size=1, max_size=9), st.integers(2, 5))
def test_no_withheld_small_set_can_be_solved_for(sets: list[frozenset[int]], least: int) -> None:
    counts = [Count(str(place), frozenset(map(str, one))) for place, one in enumerate(sets)]
    hidden = withhold(counts, least)
    vectors = [[int(place in one) for place in range(12)] for one in sets]
    told = [vector for count, vector in zip(counts, vectors, strict=True) if count.id not in hidden]
    small = [one for one in sets if 0 < len(one) < least]
    small += [a ^ b for a, b in combinations(set(sets), 2) if (a < b or b < a) and 0 < len(a ^ b) < least]
    for one in small:
        assert not solvable(told, [int(place in one) for place in range(12)])


@pytest.mark.parametrize("least", [1, 5])
def test_without_counts_nothing_happens(least: int) -> None:
    assert withhold([], least).small == frozenset()
