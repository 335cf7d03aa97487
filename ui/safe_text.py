"""Text that came from outside, made fit for the screen: it stays text, and it stays where it was put.

Control characters and direction marks are shown as escapes instead of being obeyed; a run that reads from right to left
is isolated, so that it cannot turn the words around it. Nothing here is ever treated as markup.
"""

import re
import unicodedata

_LONG_WORD = re.compile(r"\S{25,}")
PIECE = 12
FSI, PDI = "\u2068", "\u2069"
_JOINERS = "\u200c\u200d"  # letters of some scripts and emoji depend on them
_RTL = ("R", "AL", "AN")
FIRST_RTL = "\u0590"


def plain(value: object, limit: int = 0) -> str:
    """One line. `limit` is in characters, 0 for none; what is cut ends in an ellipsis."""
    return _isolated(_cut(_escaped(str(value), breaks=False), limit))


def block(value: object, limit: int = 0) -> str:
    """Several lines: line breaks and tabs stay."""
    text = _cut(_escaped(str(value), breaks=True), limit)
    return "\n".join(_isolated(line) for line in text.split("\n"))


def button_text(value: object) -> str:
    """For buttons and menus, where `&` would mark a key."""
    return plain(value).replace("&", "&&")


def tip(value: object) -> str:
    """For tooltips, which guess whether they are markup: escaped, so that the guess cannot matter."""
    escaped = block(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", "<br>")
    return f"<span>{escaped}</span>" if escaped else ""


def breakable(text: str) -> str:
    """Lets words of more than 24 characters be broken, so that one of them cannot push everything else aside."""
    return _LONG_WORD.sub(lambda found: "\u200b".join(_pieces(found.group())), text)


def _pieces(word: str) -> list[str]:
    return [word[i : i + PIECE] for i in range(0, len(word), PIECE)]


def short_id(value: object, head: int = 8, tail: int = 4) -> str:
    """An identifier shortened in its middle; it is copied whole."""
    text = plain(value)
    return text if len(text) <= head + tail + 1 else f"{text[:head]}…{text[-tail:]}"


def short_hash(value: object) -> str:
    """`sha256:3fa9…` without its name: eight characters, an ellipsis, six."""
    return short_id(str(value).removeprefix("sha256:"), 8, 6)


def _escaped(text: str, *, breaks: bool) -> str:
    if text.isprintable():
        return text
    return "".join(_shown(c, breaks) for c in text)


def _shown(c: str, breaks: bool) -> str:
    if c in "\n\t":
        return c if breaks else " "
    category = unicodedata.category(c)
    if category in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp") or (category == "Cf" and c not in _JOINERS):
        return f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\U{ord(c):08x}"
    return c


def _isolated(text: str) -> str:
    if not text or max(text) < FIRST_RTL or not any(unicodedata.bidirectional(c) in _RTL for c in text):
        return text
    return f"{FSI}{text}{PDI}"


def _cut(text: str, limit: int) -> str:
    return text if not limit or len(text) <= limit else text[: limit - 1].rstrip() + "…"
