"""Entry bundles: C2SP tlog-tiles §Log entries. The bytes of up to 256 entries in a row, each after its length as a
16-bit big-endian number."""

from collections.abc import Iterable

from .note import NoteError

MAX_ENTRY = 0xFFFF


def encode(entries: Iterable[bytes]) -> bytes:
    """Raises ValueError for an entry of more than 65 535 bytes."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MAX_ENTRY:
            raise ValueError(f"an entry of {len(entry)} bytes does not fit into a bundle")
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def decode(data: bytes, count: int) -> list[bytes]:
    """The `count` entries of a bundle. Raises NoteError when there are fewer, more, or a rest."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if len(data) - at < 2 or end > len(data):
            raise NoteError(f"the bundle ends within entry {len(entries)}")
        entries.append(data[at + 2 : end])
        at = end
    if len(entries) != count:
        raise NoteError(f"the bundle holds {len(entries)} entries, not {count}")
    return entries
