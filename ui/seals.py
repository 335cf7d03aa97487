"""What this window has checked by itself, in this session: the only reason for gold.

A seal is SHA-256(0x00 ‖ body), the leaf hash of RFC 6962. A receipt counts as checked when its bytes were hashed here
and gave its seal, or when a Verify that covered its index has passed since the window opened. Anything else is
unchecked, which is not the same as wrong.
"""

from enum import StrEnum
from typing import Any, Final

PREFIX: Final = "sha256:"


class Check(StrEnum):
    UNCHECKED = "unchecked"
    CHECKED = "checked"
    WRONG = "wrong"


WORDS: Final = {Check.UNCHECKED: "unchecked", Check.CHECKED: "checked", Check.WRONG: "does not match"}
GLYPHS: Final = {Check.UNCHECKED: "○", Check.CHECKED: "✓", Check.WRONG: "✗"}


def seal_of(body: str) -> str:
    """`sha256:<hex>` over the sealed bytes."""
    import hashlib  # with the first receipt, not with the window

    return PREFIX + hashlib.sha256(b"\x00" + body.encode("utf-8", "surrogatepass")).hexdigest()


def node_of(left: str, right: str) -> str:
    """The hash above two others in the tree: SHA-256(0x01 ‖ left ‖ right). Raises ValueError for what is no hash."""
    import hashlib

    both = [bytes.fromhex(each.removeprefix(PREFIX)) for each in (left, right)]
    if any(len(each) != 32 for each in both):
        raise ValueError("a hash of the tree is 32 bytes")
    return PREFIX + hashlib.sha256(b"\x01" + b"".join(both)).hexdigest()


class Seals:
    """What is known of each receipt of each log. Logs are named by their origin."""

    def __init__(self) -> None:
        self._covered: dict[str, int] = {}
        self._single: dict[tuple[str, int], Check] = {}

    def check(self, origin: str, receipt: dict[str, Any]) -> Check:
        """Hashes a whole receipt (with its `body`) and remembers the answer."""
        fits = seal_of(str(receipt.get("body", ""))) == receipt.get("seal")
        found = Check.CHECKED if fits else Check.WRONG
        self._single[origin, int(receipt["index"])] = found
        return found

    def of(self, origin: str, index: int) -> Check:
        found = self._single.get((origin, index))
        if found is Check.WRONG:
            return found
        if index < self._covered.get(origin, 0):
            return Check.CHECKED
        return found or Check.UNCHECKED

    def verified(self, report: dict[str, Any]) -> None:
        """Takes over what a Verify says: no more than the logs it names, no further than their size."""
        for log in report.get("logs", ()):
            self._covered[str(log["origin"])] = int(log["size"])
        fault = report.get("fault")
        if fault:
            origin = str(fault.get("origin", ""))
            self._covered.pop(origin, None)
            if fault.get("index") is not None:
                self._single[origin, int(fault["index"])] = Check.WRONG

    def covered(self, origin: str) -> int:
        """How many entries of a log a Verify of this session has covered."""
        return self._covered.get(origin, 0)
