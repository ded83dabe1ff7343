"""EDS-NLP: its tokenizer, sentences, normaliser, matcher over the same terms and the qualifiers negation, hypothesis, history and family.

Its qualifiers know French; on English notes they show what reading costs, not what it is worth.
"""

import sys

from measure import Read, Terms, measured

try:
    import edsnlp
    from edsnlp import pipes
    from loguru import logger
except ImportError:
    sys.exit("EDS-NLP is not installed for this interpreter: requirements/benchmarks.txt")


def prepare(terms: Terms) -> Read:
    logger.remove()
    language = edsnlp.blank("eds")
    language.max_length = 10_000_000
    for part in (
        pipes.sentences(),
        pipes.normalizer(),
        pipes.matcher(terms=terms, attr="LOWER"),
        pipes.negation(),
        pipes.hypothesis(),
        pipes.history(use_sections=False),
        pipes.family(use_sections=False),
    ):
        language.add_pipe(part)

    def read(text: str, kind: str) -> int:
        return len(language(text).ents)

    return read


if __name__ == "__main__":
    measured(prepare)
