"""A reader of tlog-tiles folders that knows nothing of the product: RFC 6962 in ten lines, paths as the specification
spells them. The oracle for what a vault holds."""

import base64
import hashlib
from pathlib import Path


def leaf(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def tree(leaves: list[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + tree(leaves[:k]) + tree(leaves[k:])).digest()


def named(index: int) -> str:
    text = f"{index:03d}"
    while len(text) % 3:
        text = "0" + text
    groups = [text[i : i + 3] for i in range(0, len(text), 3)]
    return "/".join(["x" + group for group in groups[:-1]] + groups[-1:])


def read_folder(folder: Path) -> tuple[str, list[bytes]]:
    """(origin, entries) of the log in this folder; AssertionError when tiles, bundles and checkpoint disagree."""
    origin, size_text, root = (folder / "checkpoint").read_text().split("\n")[:3]
    size = int(size_text)
    entries: list[bytes] = []
    for index in range(0, size, 256):
        width = min(256, size - index)
        suffix = "" if width == 256 else f".p/{width}"
        data, found = (folder / f"tile/entries/{named(index // 256)}{suffix}").read_bytes(), []
        while data:
            length = data[0] << 8 | data[1]
            found.append(data[2 : 2 + length])
            assert len(found[-1]) == length
            data = data[2 + length :]
        assert len(found) == width
        entries += found
    hashes, level = [leaf(entry) for entry in entries], 0
    assert tree(hashes) == base64.b64decode(root)
    while hashes:
        for index in range(0, len(hashes), 256):
            part = hashes[index : index + 256]
            suffix = "" if len(part) == 256 else f".p/{len(part)}"
            assert (folder / f"tile/{level}/{named(index // 256)}{suffix}").read_bytes() == b"".join(part)
        full = len(hashes) // 256
        hashes, level = [tree(hashes[i * 256 : i * 256 + 256]) for i in range(full)], level + 1
    return origin, entries
