"""Sentences with the words that matter marked."""

from hypothesis import given
from hypothesis import strategies as st

from abstractor.workbench.quotes import Part, bracketed, quote, sentence_of

TEXT = "No liver lesion. The brain is clear."
SENTENCES = [(0, 16), (17, 36)]


def test_the_sentence_around_the_words_is_quoted_and_they_are_marked() -> None:
    span = (TEXT.index("brain"), TEXT.index("brain") + 5)
    parts = quote(TEXT, sentence_of(SENTENCES, [span], len(TEXT)), [(span, "new")])
    assert parts == (Part("The "), Part("brain", ("new",)), Part(" is clear."))
    assert bracketed(parts) == "The [[brain]] is clear."


def test_words_that_both_quote_carry_both_marks() -> None:
    parts = quote(TEXT, (0, 16), [((3, 8), "old"), ((3, 15), "new")])
    assert parts == (Part("No "), Part("liver", ("new", "old")), Part(" lesion", ("new",)), Part("."))
    assert bracketed(parts) == "No [[liver lesion]]."


def test_two_places_are_quoted_with_what_stands_between() -> None:
    assert sentence_of(SENTENCES, [(20, 22), (3, 8)], len(TEXT)) == (0, 36)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.sampled_from(["old", "new"])), max_size=6))
def test_the_parts_joined_are_the_stretch_and_every_mark_is_where_it_was(marks: list[tuple[int, int, str]]) -> None:
    spans = [((min(a, b), max(a, b)), name) for a, b, name in marks]
    parts = quote(TEXT, (0, len(TEXT)), spans)
    assert "".join(part.text for part in parts) == TEXT
    at = 0
    for part in parts:
        for name in ("old", "new"):
            held = any(span[0] <= at and at + len(part.text) <= span[1] and mark == name for span, mark in spans)
            assert (name in part.marks) == held
        at += len(part.text)
