"""brat standoff: the text to the letter, and every annotation on the words it says."""

import re

import pytest
from exported_study import TEXT, Study

from abstractor.exports.brat import fragments_of
from abstractor.model.errors import InputError


def test_every_annotation_quotes_the_text_at_its_offsets(study: Study) -> None:
    folder = study.export("brat", "identified") / "A-1"
    text = (folder / "N-1.txt").read_bytes().decode()
    assert text == TEXT
    lines = (folder / "N-1.ann").read_bytes().decode().split("\n")
    bound = [line.split("\t") for line in lines if line.startswith("T")]
    assert len(bound) == 3
    for _, place, words in bound:
        spans = [tuple(map(int, part.split())) for part in place.partition(" ")[2].split(";")]
        assert " ".join(text[start:end] for start, end in spans) == words
        assert "\n" not in words


def test_a_span_over_the_end_of_a_line_is_a_fragment_a_line(study: Study) -> None:
    lines = (study.export("brat", "identified") / "A-1" / "N-1.ann").read_text().splitlines()
    start = TEXT.index("Small cell\n")
    assert f"T1\thistology {start} {start + 10};{start + 11} {start + 20}\tSmall cell carcinoma" in lines
    assert fragments_of("ab\r\n\ncd", 0, 7) == [(0, 2), (5, 7)]


def test_assertion_origin_and_confirmation_are_attributes(study: Study) -> None:
    lines = (study.export("brat", "identified") / "A-1" / "N-1.ann").read_text().splitlines()
    liver = next(line.split("\t")[0] for line in lines if "metastases in the liver" in line)
    brain = next(line.split("\t")[0] for line in lines if "No brain" in line)
    said = [re.sub(r"^A\d+\t", "", line) for line in lines if line.startswith("A")]
    assert f"Assertion {liver} present" in said
    assert f"Assertion {brain} absent" in said
    assert f"Confirmed {liver}" in said
    assert f"Confirmed {brain}" not in said
    assert all(f"Origin {one} machine" in said for one in (liver, brain))


def test_every_type_and_attribute_is_configured(study: Study) -> None:
    folder = study.export("brat", "identified")
    types = set((folder / "annotation.conf").read_text().split("\n"))
    for path in folder.glob("*/*.ann"):
        used = {line.split("\t")[1].split(" ")[0] for line in path.read_text().splitlines() if line.startswith("T")}
        assert used <= types


def test_words_of_notes_leave_identified_only(study: Study) -> None:
    with pytest.raises(InputError, match="--profile identified"):
        study.export("brat")
    assert not (study.folder / "brat").exists()
