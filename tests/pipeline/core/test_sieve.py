"""What an expression cannot match without, and that searched texts are read like plain ones. Truth: Python runs the expressions themselves,
on texts made up for them."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abstractor.pipeline.literals import BLANKS, conditions, fold, relaxed, remainder
from abstractor.pipeline.sieve import Gate, ScannedText, compiled_expression, like, part

EXPRESSIONS = [
    r"\b(?:small|large)[\s-]+cell\b",
    r"lung (?:cancer|ca\b)s?",
    r"(?<!\w)(?:PR|SD|PD)(?!\w)",
    r"\d+(?:\.\d+)?\s?Gy",
    r"(?:a|b)?foo\w*bar",
    r"stage\s*(?:I{1,3}|IV)[abc]?",
    r"died|death|(?:passed\s+away)|\bdec'd",
    r"(?P<gene>TP53|RB1)[ ,]{1,3}(?:p\.)?[A-Z]\d{1,4}[A-Z*]",
    r"(?-i:ER)[ -](?:positive|negative)|HER2",
    r"[^.;]{0,20}?\bno\b[^.;]{0,5}(?:change|growth)|;stable",
    r"(?:(?:left|right)[ \t]+){0,3}(?:lungs?|hilum)(?![ \t]+to\b)",
    r"(?i:kras|nras)\b.{0,4}?(?:wild[- ]type|wt)|\bqqq",
]


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        (r"\bdied\b", {"died"}),
        (r"(?:lung|bronchial)\s+cancer", {"cancer"}),
        (r"colou?rs?", {"color", "colour", "colors", "colours"}),
        (r"(?:\d{1,2}\s)?cycles", {"cycles"}),
        (r"K(?:RAS|ras)", {"kras"}),
    ],
)
def test_the_longest_certain_words_are_taken(expression: str, words: set[str]) -> None:
    assert conditions(expression, re.IGNORECASE)[0].words == words


@pytest.mark.parametrize("expression", [r"\w+", r"x*", r"(?:lung)?", r"(?:lung|\w+)", r"[^a]", r"\d+", "a"])
def test_nothing_is_certain_of_an_expression_that_needs_no_word(expression: str) -> None:
    assert conditions(expression, re.IGNORECASE) == ()


def test_how_far_before_the_word_a_match_may_begin() -> None:
    [one] = conditions(r"(?:the |his )?liver", re.IGNORECASE)
    assert one.words == {"liver", "the liver", "his liver"}
    assert one.lead == 0
    [other] = conditions(r"\d{1,3} ?mg", re.IGNORECASE)
    assert other.lead == 3


@pytest.mark.parametrize("expression", EXPRESSIONS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_match_holds_a_word_of_each_condition_near_where_it_says(expression: str, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(re.compile(expression, re.IGNORECASE)))
    folded = fold(text)
    for match in re.finditer(expression, text, re.IGNORECASE) if folded is not None else ():
        assert folded is not None
        for need in conditions(expression, re.IGNORECASE):
            places = [folded.find(word, match.start(), match.end()) for word in need.words]
            found = [place for place in places if place >= 0]
            assert found
            assert need.lead is None or min(found) - match.start() <= need.lead


@pytest.mark.parametrize("expression", EXPRESSIONS)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_relaxed_expression_matches_whatever_the_kind_of_blanks(expression: str, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(re.compile(expression, re.IGNORECASE | re.ASCII)))
    loose = relaxed(expression, re.IGNORECASE)
    if loose is not None and re.search(expression, text, re.IGNORECASE):
        assert loose.search(text.translate(BLANKS))


def test_an_expression_that_asks_for_the_end_of_a_line_is_not_relaxed() -> None:
    assert relaxed(r"liver\n") is None
    assert relaxed(r"liver[^ ]lung") is None
    assert relaxed(r"liver[^ -/]lung") is None
    assert relaxed(r"(?:liver|spleen\n)") is None


def test_local_flags_hold_for_the_alternatives_that_are_taken_apart() -> None:
    rest = remainder(r"(?-i:\s+She|\s+HE) was|died", re.IGNORECASE)
    assert rest.search(" She was")
    assert not rest.search(" SHE WAS")
    assert not rest.search("died")


@pytest.mark.parametrize("text", ["٣ cycles", "\u2003wide", "a\x1cb"])
def test_nothing_certain_is_said_of_a_text_with_strange_figures_or_blanks(text: str) -> None:
    assert fold(text) is None or fold(text) == text.lower()
    assert fold("٣ cycles") is None


@given(st.text())
def test_folding_keeps_the_length(text: str) -> None:
    folded = fold(text)
    assert folded is None or len(folded) == len(text)


def test_letters_that_python_takes_for_one_another_fold_to_one() -> None:
    for odd, plain in (("\u212a", "k"), ("\u017f", "s"), ("\u0131", "i")):
        assert re.fullmatch(plain, odd, re.IGNORECASE)
        assert fold(odd) == plain


# Searched texts

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
