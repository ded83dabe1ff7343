"""The notation of wordings: what they match, and what faults are told."""

import pytest

from abstractor.pipeline.wording import WordingError, Wordings, stems

LISTS = Wordings(
    {
        "tumour": ["mass[es]", "tumou?rs?", "lymph-nodes?"],
        "very": ["very", "quite", "*ly"],
        "stops": ["no", "not", "*n't"],
    }
)


def found(wording: str, text: str, *not_between: str) -> str | None:
    match = LISTS.compiled(wording, not_between).regex.search(text)
    return match[0] if match else None


@pytest.mark.parametrize(
    ("wording", "text"),
    [
        ("stable disease", "stable disease"),
        ("stable disease", "Stable\n  Disease"),
        ("disease free", "disease-free"),
        ("re-growth", "regrowth"),
        ("re-growth", "re growth"),
        ("tumou?r", "tumor"),
        ("decreas*", "decreasing"),
        ("(a|the) mass", "the mass"),
        ("[all] gone", "gone"),
        ("[all] gone", "all gone"),
        ("shrink[s|ing]", "shrinking"),
        ("{tumour} shrank", "lymph nodes shrank"),
        ("{very*} good", "good"),
        ("{very*} good", "very, very good"),
        ("size # mm", "size 4.5 mm"),
        ("=NED", "NED"),
        ("gone &($)", "gone"),
    ],
)
def test_a_wording_matches_what_it_says(wording: str, text: str) -> None:
    assert found(wording, text) == text


@pytest.mark.parametrize(
    ("wording", "text"),
    [
        ("mass", "massive"),
        ("=NED", "needs ned"),
        ("{tumour} ..2 shrank", "tumour in the left lobe shrank"),
        ("{tumour} ..5 shrank", "tumour has not shrank"),
        ("{tumour} ..5 shrank", "tumour, as said, shrank"),
        ("worse !(outcome*)", "worse outcomes"),
        ("<!(partial) response", "partial response"),
        ("gone &($)", "gone by bus"),
    ],
)
def test_a_wording_does_not_match_what_it_excludes(wording: str, text: str) -> None:
    assert found(wording, text) is None


def test_a_gap_with_three_dots_reads_over_commas() -> None:
    assert found("{tumour} ...5 shrank", "tumour as seen, duly, shrank") == "tumour as seen, duly, shrank"


def test_a_phrase_may_have_stops_of_its_own() -> None:
    assert found("{tumour} ..5 shrank", "tumour stable nodes shrank") is not None
    assert found("{tumour} ..5 shrank", "tumour stable and rest shrank", "stable") is None


@pytest.mark.parametrize("wording", ["{unknown}", "(a|b", "a]", "stable) disease"])
def test_a_fault_is_told(wording: str) -> None:
    with pytest.raises(WordingError):
        LISTS.compiled(wording)


def test_a_list_in_itself_is_a_fault() -> None:
    with pytest.raises(WordingError):
        Wordings({"circle": ["a {circle}"]}).compiled("{circle}")


@pytest.mark.parametrize(
    ("wording", "text"),
    [
        ("{tumour} ..5 shrank", "the tumour quickly shrank"),
        ("(un|in)controlled growth", "uncontrolled growth"),
        ("*platin worked", "carboplatin worked"),
        ("re-growth of {tumour}", "regrowth of lymph nodes"),
        ("{very*} (good|bad) response", "very good response"),
    ],
)
def test_what_matches_has_the_stems_that_are_looked_for_first(wording: str, text: str) -> None:
    compiled = LISTS.compiled(wording)
    assert compiled.regex.search(text)
    assert all(not stems(text).isdisjoint(wanted) for wanted in compiled.hints)


def test_no_wording_takes_long_on_a_long_text() -> None:
    text = "tumour " * 3_000
    assert LISTS.compiled("{tumour} ..7 {very*} ..7 shrank").regex.search(text) is None


def test_any_of_nothing_matches_nothing() -> None:
    assert LISTS.any_of([]).search("anything") is None
    assert LISTS.any_of(["a", "b"]).search("b")
