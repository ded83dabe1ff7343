"""Expressions on searched texts find what they find on plain ones."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abstractor.pipeline.sieve import Gate, ScannedText, compiled_expression, like, part
from tests.pipeline.core.test_literals import EXPRESSIONS

TEXT = (
    "Small cell lung cancer, stage IV. She died of lung ca in 2020; ER positive, HER2 negative. Received 60 Gy.\n"
    "TP53, p.R175H; no marked growth. Left right hilum to be treated, kras wild-type. PD, then SD; passed  away. foobar foo1bar"
)


def spans(found: object) -> list[tuple[int, int]]:
    return [match.span() for match in found]  # type: ignore[attr-defined]


@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.parametrize(("start", "end"), [(0, len(TEXT)), (7, 120), (60, 61), (100, 210)])
def test_searching_a_stretch_finds_the_same_with_and_without(expression: str, start: int, end: int) -> None:
    own = compiled_expression(expression, re.IGNORECASE)
    searched = ScannedText.of(TEXT)
    plain = re.compile(expression, re.IGNORECASE)
    assert spans(own.finditer(searched, start, end)) == spans(plain.finditer(TEXT, start, end))
    one, other = own.search(searched, start, end), plain.search(TEXT, start, end)
    assert (one and one.span()) == (other and other.span())


@pytest.mark.parametrize("expression", EXPRESSIONS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_made_up_matches_are_found_alike(expression: str, data: st.DataObject) -> None:
    plain = re.compile(expression, re.IGNORECASE)
    pieces = data.draw(st.lists(st.one_of(st.from_regex(plain), st.text(max_size=8)), min_size=1, max_size=4))
    text = data.draw(st.sampled_from(["", " ", "\n", ". "])).join(pieces)
    searched = ScannedText.of(text)
    own = compiled_expression(expression, re.IGNORECASE)
    assert spans(own.finditer(ScannedText.of(text))) == spans(plain.finditer(text))
    assert spans(own.finditer(searched)) == spans(plain.finditer(text))
    cut = part(ScannedText.of(text), 2, len(text) - 1)
    assert spans(own.finditer(cut)) == spans(plain.finditer(text[2 : len(text) - 1]))


def test_an_expression_that_is_compiled_after_the_search_is_run_all_the_same() -> None:
    searched = ScannedText.of("a word nobody asked for before: zyzzogeton")
    assert compiled_expression("zyzzo(?:geton|phone)", re.IGNORECASE).search(searched)


def test_a_part_of_a_searched_text_is_the_same_text_and_its_places_count_from_its_start() -> None:
    own = compiled_expression("hilum")
    cut = part(ScannedText.of(TEXT), 60, len(TEXT))
    assert cut == TEXT[60:]
    found = own.search(cut)
    assert found is not None
    assert found.start() == TEXT.index("hilum") - 60


def test_a_plain_text_is_read_the_long_way() -> None:
    assert compiled_expression("hilum").search(TEXT)
    assert like(TEXT, "other") == "other"


def test_a_text_with_strange_figures_is_not_searched_and_still_read() -> None:
    text = "٤ cycles of cisplatin"
    assert type(ScannedText.of(text)) is str
    assert compiled_expression(r"\d cycles").search(ScannedText.of(text))


def test_a_gate_opens_for_what_may_match_and_for_nothing_else() -> None:
    gate = Gate({"cancer": (r"\blung[ \t]+cancer\b", re.IGNORECASE), "any": (r"\w+", 0)})
    assert gate.open_to("lungs clear; breast cancer") == {"any"}
    assert gate.open_to("LUNG\ncancer") == {"cancer", "any"}
    assert gate.open_to("lung cancerous") == {"any"}
    assert gate.open_to("٣") == {"cancer", "any"}
