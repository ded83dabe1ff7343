"""A language forgets, so that memory stays flat over millions of notes."""

from spacy.language import Language

from abstractor.pipeline.language import Renewed


def test_a_language_is_made_anew_when_it_has_seen_too_many_new_words() -> None:
    made: list[Language] = []
    renewed = Renewed(lambda language: made.append(language) or len(made), most=100)
    for number in range(1_000):
        language, component = renewed.current()
        language.make_doc(f"newword{number} otherword{number}")
        assert language is made[-1]
        assert component == len(made)
    assert len(made) > 5
    assert all(len(one.vocab.strings) < len(Renewed(lambda _: 0).current()[0].vocab.strings) + 110 for one in made)


def test_a_language_that_sees_the_same_words_stays() -> None:
    renewed = Renewed(lambda _: object(), most=100)
    first = renewed.current()
    for _ in range(500):
        renewed.current()[0].make_doc("no evidence of progression")
    assert renewed.current() == first
