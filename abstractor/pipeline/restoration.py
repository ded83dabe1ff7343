"""Puts right what machines did to a note (markup, lost letters, broken words) before it is read, and finds the way back.

Each fault is mended only where its traces are plain: a tag by its name, an invisible character, a ligature, a word broken at the end of a
line whose halves make a known word. It changes no statement, and a text without such traces goes through untouched.
"""

import html
import re
from collections.abc import Callable, Iterator

from abstractor.pipeline.edits import Edit, Edited, edited

_TAG = re.compile(
    r"<(?P<end>/)?(?P<name>html|head|body|p|div|span|br|b|i|u|em|strong|font|table|tbody|thead|tr|td|th|ul|ol|li|h[1-6]|hr|pre|sup|sub|a)"
    r"(?:\s[^<>\n]{0,300})?/?>[ \t]?",
    re.IGNORECASE,
)
_LINES = frozenset({"p", "div", "br", "table", "tr", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "pre"})
_CELLS = frozenset({"td", "th"})
_ENTITY = re.compile(r"&(?:#\d{1,6}|#[xX][0-9A-Fa-f]{1,5}|[A-Za-z]{2,8}\d{0,2});")
_RTF = re.compile(
    r"\\(?:par|line)\b[ ]?(?:\r?\n)?|\\tab\b[ ]?|\\'(?P<code>[0-9A-Fa-f]{2})|\\\*?\\?[a-z]{1,20}-?\d{0,6}[ ]?|[{}]"
)
_RTF_TRACE = re.compile(r"\{\\rtf\d|(?:\\par\b[^\\]{0,2000}){3}")
_ESCAPED = re.compile(r"\\r\\n|\\[nrt](?![a-z]{3,}\.)")
_LEAST_ESCAPED = 3
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]+")
_LIGATURES = {
    "\ufb00": "ff",
    "\ufb01": "fi",
    "\ufb02": "fl",
    "\ufb03": "ffi",
    "\ufb04": "ffl",
    "\ufb05": "st",
    "\ufb06": "st",
}
_LIGATURE = re.compile("[\ufb00-\ufb06]")
_LONE_RETURN = re.compile(r"\r(?!\r*\n)")
_SHOUTED = re.compile(r"(?<![A-Za-z0-9.])(?P<kind>[PC])\.(?=[(\[]?[A-Z*]{0,3}[-*]?\d)[A-Z0-9()\[\]_*+=?>-]{2,60}")
_CODE = re.compile(r"[A-Z]{2,}")
_EVENTS = ("DELINS", "DEL", "DUP", "INS", "INV")
_BROKEN = re.compile(r"(?<![\w-])(?P<head>[A-Za-z]{2,16})-[ \t]*\r?\n[ \t>]*(?P<tail>[a-z]{2,16})(?!\w)")
_LINE_END = re.compile(r"-[ \t]*\r?\n")
_DOUBLED = re.compile(r"(?<=[a-z,]) {2}(?=[a-z])")
_EVERY_DOUBLED = re.compile(r"(?<=\S) {2}(?=\S)")
_SINGLE = re.compile(r"(?<=\S) (?=\S)")


def restore(text: str, is_word: Callable[[str], bool]) -> list[Edited]:
    """The passes that were needed, in the order in which they were made; none for a sound text.

    Args:
        text: the note as it stands.
        is_word: whether letters in lower case are a known word; only such words are put together again.
    """
    passes: list[Edited] = []
    for find in (_escapes, _rich_text, _markup, _marks, _blanks, _capitals):
        one = edited(text, find(text))
        if one.starts:
            passes.append(one)
            text = one.text
    joined = edited(text, _joined(text, is_word))
    return [*passes, joined] if joined.starts else passes


def _escapes(text: str) -> Iterator[Edit]:
    """Line breaks that an export wrote out as a backslash and a letter instead of making them."""
    if "\n" in text or text.count("\\n") < _LEAST_ESCAPED:
        return
    for match in _ESCAPED.finditer(text):
        yield *match.span(), "\t" if match[0] == "\\t" else "\n"


def _rich_text(text: str) -> Iterator[Edit]:
    if "\\par" not in text or not _RTF_TRACE.search(text):
        return
    for match in _RTF.finditer(text):
        if match["code"]:
            yield *match.span(), bytes.fromhex(match["code"]).decode("cp1252", "replace")
        elif match[0].startswith(("\\par", "\\line")) and not match[0].startswith("\\pard"):
            yield *match.span(), "\n"
        else:
            yield *match.span(), "\t" if match[0].startswith("\\tab") else ""


def _markup(text: str) -> Iterator[Edit]:
    if "<" not in text and "&" not in text:
        return
    found = [*_TAG.finditer(text), *_ENTITY.finditer(text)]
    if not any(match[0][0] == "<" and not match[0][1:2].isupper() for match in found):
        found = [match for match in found if match[0][0] == "&"]
    for match in sorted(found, key=lambda one: one.start()):
        if match[0][0] == "&":
            meant = html.unescape(match[0])
            if len(meant) == 1:
                yield *match.span(), meant
            continue
        yield *match.span(), _of_tag(text, match)


def _of_tag(text: str, tag: re.Match[str]) -> str:
    name = tag["name"].lower()
    if name in _CELLS:
        return "\t" if tag["end"] else ""
    if name not in _LINES or text[tag.end() : tag.end() + 1] in {"\n", "\r", ""}:
        return "" if name in _LINES or tag[0][-1] == ">" else " "
    begins_line = not tag["end"] and name != "br" and (tag.start() == 0 or text[tag.start() - 1] in "\n>")
    return "" if begins_line else "\n"


def _marks(text: str) -> Iterator[Edit]:
    """Single characters that stand for nothing, for several letters, or for a line break."""
    if text.isascii() and "\r" not in text:
        return
    found = [*_INVISIBLE.finditer(text), *_LIGATURE.finditer(text), *_LONE_RETURN.finditer(text)]
    for match in sorted(found, key=lambda one: one.start()):
        if match[0] == "\r":
            yield *match.span(), "\n"
        else:
            yield *match.span(), _LIGATURES.get(match[0], "")


def _blanks(text: str) -> Iterator[Edit]:
    """Doubled blanks between words; all of them where the note has more of these than of single ones."""
    if "  " not in text:
        return
    pattern = _EVERY_DOUBLED if _writes_doubled(text) else _DOUBLED
    for match in pattern.finditer(text):
        yield *match.span(), " "


def _writes_doubled(text: str) -> bool:
    """Whether more blanks between words are doubled than single."""
    pairs, all_blanks = text.count("  "), text.count(" ")
    at_borders = 2 * (text.count("\n") + text.count("\t") + 1)
    if text.isascii() and pairs < all_blanks - 3 * pairs - at_borders:  # counted roughly, and far from even
        return False
    return len(_EVERY_DOUBLED.findall(text)) > len(_SINGLE.findall(text))


def _capitals(text: str) -> Iterator[Edit]:
    """Changes of genes in a note all in capitals, where "P.ARG175HIS" is p.Arg175His."""
    if ("P." not in text and "C." not in text) or any(letter.islower() for letter in text):
        return
    for match in _SHOUTED.finditer(text):
        yield *match.span(), _CODE.sub(_lowered, match["kind"].lower() + match[0][1:])


def _lowered(code: re.Match[str]) -> str:
    """Amino acids of three letters and the words for what happened; bases stay as they are."""
    rest, done = code[0], ""
    while rest:
        event = next((one for one in _EVENTS if rest.startswith(one)), None)
        if event:
            done, rest = done + event.lower(), rest[len(event) :]
        elif rest.startswith("FS"):
            done, rest = done + "fs", rest[2:]
        elif len(rest) >= 3 and not set(rest) <= set("ACGT"):
            done, rest = done + rest[:3].capitalize(), rest[3:]
        else:
            done, rest = done + rest, ""
    return done


def _joined(text: str, is_word: Callable[[str], bool]) -> Iterator[Edit]:
    """Words and compounds broken at a hyphen; the hyphen goes where the halves make a known word."""
    if not _LINE_END.search(text):
        return
    for match in _BROKEN.finditer(text):
        whole = is_word((match["head"] + match["tail"]).lower()) and text[match.end() : match.end() + 1] != "-"
        yield match.end("head") + (0 if whole else 1), match.start("tail"), ""
