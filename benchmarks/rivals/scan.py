"""The bare scan: every term looked for in the bytes of a text, and nothing else done. What no engine over these terms can be quicker than.

python scan.py hyperscan|ahocorasick
"""

import sys

from measure import Read, Terms, measured


def with_hyperscan(terms: Terms) -> Read:
    """Vectorscan, one database of literals, case folded for ASCII; one match a term is told (SINGLEMATCH)."""
    import hyperscan

    words = _words(terms)
    flags = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_SINGLEMATCH
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    literals = [word.encode() for word in words]
    database.compile(
        expressions=literals, ids=list(range(len(words))), flags=[flags] * len(words), elements=len(words), literal=True
    )
    hits: list[int] = []

    def hit(number: int, start: int, end: int, flag: int, context: object) -> None:
        hits.append(number)

    def read(text: str, kind: str) -> int:
        hits.clear()
        database.scan(text.encode(), match_event_handler=hit)
        return len(hits)

    return read


def with_ahocorasick(terms: Terms) -> Read:
    """An automaton in Rust over the text in lower case; every place is told."""
    from ahocorasick_rs import AhoCorasick

    automaton = AhoCorasick(_words(terms))

    def read(text: str, kind: str) -> int:
        return len(automaton.find_matches_as_indexes(text.lower(), overlapping=False))

    return read


def _words(terms: Terms) -> list[str]:
    return sorted({term.lower() for listed in terms.values() for term in listed})


SCANNERS = {"hyperscan": with_hyperscan, "ahocorasick": with_ahocorasick}

if __name__ == "__main__":
    if sys.argv[1:2] == [] or sys.argv[1] not in SCANNERS:
        sys.exit(__doc__)
    try:
        measured(SCANNERS[sys.argv[1]])
    except ImportError as error:
        sys.exit(f"{error.name} is not installed for this interpreter: requirements/benchmarks.txt")
