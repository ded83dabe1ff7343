"""What a person types to find words in a note, and where it is found. Pure."""

from abstractor.registry.search import find_places


def find_in(text: str, wanted: str) -> tuple[tuple[int, int], ...]:
    """Where the wanted words occur, any case; a leading backslash makes the rest a regular expression.

    Raises:
        InputError: the expression can't be read, or takes too long.
    """
    pattern, is_expression = split_wanted(wanted)
    return tuple(find_places(text, pattern, is_expression)) if pattern else ()


def split_wanted(wanted: str) -> tuple[str, bool]:
    """The pattern without its mark, and whether it is a regular expression."""
    return (wanted[1:], True) if wanted.startswith("\\") else (wanted, False)
