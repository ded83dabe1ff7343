"""medspaCy as it comes: its default pipeline with its own rules (PyRuSH, target matcher, ConText) and the sectionizer, our terms as target rules."""

import medspacy
from loguru import logger
from measure import Read, Terms, measured
from medspacy.target_matcher import TargetRule

COMPONENTS = (
    "medspacy_tokenizer",
    "medspacy_pyrush",
    "medspacy_target_matcher",
    "medspacy_context",
    "medspacy_sectionizer",
)


def prepare(terms: Terms) -> Read:
    logger.remove()
    logger.disable("PyRuSH")  # it would print every word, and take longer
    language = medspacy.load(medspacy_enable=COMPONENTS)
    language.max_length = 10_000_000
    rules = [TargetRule(term, label) for label, listed in terms.items() for term in listed]
    language.get_pipe("medspacy_target_matcher").add(rules)

    def read(text: str, kind: str) -> int:
        return len(language(text).ents)

    return read


if __name__ == "__main__":
    measured(prepare)
