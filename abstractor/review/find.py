"""Finding words in a note: plain, or as a regular expression that is given up when it takes too long. Pure."""

import regex

from abstractor.model.errors import InputError

_SECONDS = 0.5
_MOST = 1000


def find_in(text: str, wanted: str) -> tuple[tuple[int, int], ...]:
    """Where the wanted words occur, any case; a leading backslash makes the rest a regular expression.

    Raises:
        InputError: the expression can't be read, or takes too long.
    """
    pattern, is_expression = split_wanted(wanted)
    if not pattern:
        return ()
    try:
        compiled = regex.compile(pattern if is_expression else regex.escape(pattern), regex.IGNORECASE)
        spans = []
        for match in compiled.finditer(text, timeout=_SECONDS):
            if match.end() > match.start():
                spans.append(match.span())
            if len(spans) >= _MOST:
                break
    except regex.error as error:
        raise InputError(f"not a regular expression: {error}") from None
    except TimeoutError:
        raise InputError("this expression takes too long; make it simpler") from None
    return tuple(spans)


def split_wanted(wanted: str) -> tuple[str, bool]:
    """The pattern without its mark, and whether it is a regular expression."""
    return (wanted[1:], True) if wanted.startswith("\\") else (wanted, False)
