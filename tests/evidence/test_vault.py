"""Vaults by their rules: bundles, a foreign log read as a vault, what is missing for a size, damage named."""

import json
import random
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_brain.evidence import bundle
from studio_brain.evidence import checkpoint as checkpoints
from studio_brain.evidence.checkpoint import Checkpoint
from studio_brain.evidence.entry import Commitment
from studio_brain.evidence.merkle import Frontier, leaf_hash
from studio_brain.evidence.note import NoteError, VerifierKey
from studio_brain.evidence.payload import PayloadError, seal_payload
from studio_brain.evidence.tilepath import bundle_path, tile_path, tiles_of
from studio_brain.evidence.vault import (
    Read,
    VaultRefused,
    new_tiles,
    open_from_vault,
    read_tail,
    seal_for_vault,
    superseded,
    verify_vault,
)
from studio_brain.evidence.verify import Tampered
from studio_brain.kernel.reasons import ReasonCode
from tests.evidence.keys import TestKey
from tests.evidence.naive_vault import named, read_folder
from tests.shared_data import shared

KEY = TestKey()
ORIGIN = "practice/0b7c/studio/1"


def folder_of(path: Path) -> Read:
    def read(name: str) -> bytes | None:
        file = path / name
        return file.read_bytes() if file.is_file() else None

    return read


def write_vault(path: Path, entries: list[bytes], key: TestKey = KEY) -> Path:
    """A vault written by the naive rules."""
    frontier = Frontier()
    for entry in entries:
        frontier.append(leaf_hash(entry))
    files = {
        "checkpoint": checkpoints.sign(Checkpoint(ORIGIN, len(entries), frontier.root()), key).serialize().encode()
    }
    hashes, level = [leaf_hash(entry) for entry in entries], 0
    while hashes:
        above = []
        for index in range(0, len(hashes), 256):
            part = hashes[index : index + 256]
            files[tile_path(level, index // 256, len(part))] = b"".join(part)
            if level == 0:
                files[bundle_path(index // 256, len(part))] = bundle.encode(entries[index : index + 256])
            if len(part) == 256:
                inner = Frontier()
                for item in part:
                    inner.append(item)
                above.append(inner.root())
        hashes, level = above, level + 1
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def local(entries: list[bytes]) -> Frontier:
    frontier = Frontier()
    for entry in entries:
        frontier.append(leaf_hash(entry))
    return frontier


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_a_bundle_gives_its_entries_back(entries: list[bytes]) -> None:
    assert bundle.decode(bundle.encode(entries), len(entries)) == entries


@pytest.mark.parametrize(
    ("data", "count"),
    [(b"\x00", 1), (b"\x00\x02a", 1), (b"\x00\x01a", 2), (b"\x00\x01ab", 1), (b"", 1), (b"\x00\x00", 0)],
)
def test_a_bundle_that_is_cut_or_holds_another_number_is_refused(data: bytes, count: int) -> None:
    with pytest.raises(NoteError):
        bundle.decode(data, count)


def test_an_entry_too_long_for_a_bundle_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        bundle.encode([b"x" * 65_536])
    assert len(bundle.encode([b"x" * 65_535])) == 65_537


@pytest.mark.vectors
def test_a_log_of_another_implementation_is_a_vault_that_verifies(tmp_path: Path) -> None:
    published = json.loads(shared("vectors/tlog-log-keys.json").read_text())
    copy = shutil.copytree(shared("vectors/tlog-log"), tmp_path / "log")
    key = VerifierKey.parse(published["vkey"])
    read = folder_of(copy)
    for size in range(16):
        shutil.copyfile(copy / f"checkpoint.{size}", copy / "checkpoint")
        found = verify_vault(read, published["origin"], key.public_key)
        assert (found.size, found.tiles) == (size, min(size, 1))
    assert [entry.decode() for entry in read_folder(copy)[1]] == published["entries"]


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 700, 65_536 + 3])
def test_what_the_naive_writer_writes_verifies(tmp_path: Path, size: int) -> None:
    write_vault(tmp_path, [b"%d" % n for n in range(size)])
    found = verify_vault(folder_of(tmp_path), ORIGIN, KEY.public_key)
    assert (found.size, found.tiles) == (size, len(list(tiles_of(size))))


def test_any_change_of_any_file_is_found(tmp_path: Path) -> None:
    """Every file of a vault is cut, emptied, removed or has one bit flipped; none goes unnoticed."""
    size = 600
    entries = [b"entry %d" % n for n in range(size)]
    whole = write_vault(tmp_path / "whole", entries)
    dice = random.Random(20261121)
    for file in sorted(path for path in whole.rglob("*") if path.is_file()):
        data = file.read_bytes()
        at = dice.randrange(len(data))
        for harm in (data[:at], b"", None, data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1 :]):
            if harm is None:
                file.unlink()
            else:
                file.write_bytes(harm)
            with pytest.raises(Tampered):
                verify_vault(folder_of(whole), ORIGIN, KEY.public_key)
            file.write_bytes(data)
    assert verify_vault(folder_of(whole), ORIGIN, KEY.public_key).size == size


def test_the_first_bad_entry_is_named(tmp_path: Path) -> None:
    write_vault(tmp_path, [b"entry %d" % n for n in range(600)])
    path = tmp_path / bundle_path(1)
    bodies = bundle.decode(path.read_bytes(), 256)
    bodies[300 - 256] = b"another"
    path.write_bytes(bundle.encode(bodies))
    with pytest.raises(Tampered) as caught:
        verify_vault(folder_of(tmp_path), ORIGIN, KEY.public_key)
    assert caught.value.index == 300


def test_a_vault_signed_by_another_key_does_not_verify(tmp_path: Path) -> None:
    write_vault(tmp_path, [b"a"], TestKey(b"\x08" * 32))
    with pytest.raises(Tampered, match="no signature"):
        verify_vault(folder_of(tmp_path), ORIGIN, KEY.public_key)


@given(st.integers(0, 70_000), st.integers(0, 70_000))
def test_the_tiles_that_a_larger_size_needs(a: int, b: int) -> None:
    old, size = sorted((a, b))
    assert set(tiles_of(size)) == (set(tiles_of(old)) & set(tiles_of(size))) | set(new_tiles(old, size))
    needed = {tile_path(*tile) for tile in tiles_of(size)} | {
        bundle_path(index, width) for level, index, width in tiles_of(size) if level == 0
    }
    gone = set(superseded(old, size))
    assert not gone & needed
    assert all(".p/" in path for path in gone)


def test_index_paths_are_those_of_the_naive_reader() -> None:
    for index in (0, 7, 999, 1000, 1_234_067, 999_999_999):
        assert tile_path(3, index) == f"tile/3/{named(index)}"


@pytest.mark.parametrize(("have", "size"), [(0, 1), (0, 300), (255, 256), (256, 257), (300, 700), (511, 512), (5, 600)])
def test_a_tail_leads_from_what_is_here_to_what_was_signed(tmp_path: Path, have: int, size: int) -> None:
    entries = [b"entry %d" % n for n in range(size)]
    write_vault(tmp_path, entries)
    tail = read_tail(folder_of(tmp_path), local(entries[:have]), VerifierKey(ORIGIN, KEY.public_key))
    assert (tail.start, list(tail.bodies), tail.checkpoint.size) == (have, entries[have:], size)


def test_a_tail_is_refused_where_it_is_none(tmp_path: Path) -> None:
    entries = [b"entry %d" % n for n in range(300)]
    write_vault(tmp_path, entries)
    read, key = folder_of(tmp_path), VerifierKey(ORIGIN, KEY.public_key)

    def code(frontier: Frontier) -> ReasonCode:
        with pytest.raises(VaultRefused) as caught:
            read_tail(read, frontier, key)
        return caught.value.code

    assert code(local(entries)) is ReasonCode.VAULT_HAS_NO_MORE
    assert code(local([*entries[:99], b"other"])) is ReasonCode.VAULT_FORKS
    path = tmp_path / bundle_path(1, 44)
    path.write_bytes(bundle.encode([b"forged", *bundle.decode(path.read_bytes(), 44)[1:]]))
    assert code(local(entries[:200])) is ReasonCode.VAULT_DAMAGED


def test_a_payload_opens_with_its_key_and_with_no_other() -> None:
    sealed = seal_payload(b"Ada Lovelace", lambda n: bytes(range(n)))
    stored = seal_for_vault(sealed.salt, sealed.sealed, sealed.key)
    assert stored == seal_for_vault(sealed.salt, sealed.sealed, sealed.key)
    assert open_from_vault(stored, sealed.key, sealed.commitment) == (sealed.salt, sealed.sealed, b"Ada Lovelace")
    assert sealed.salt not in stored
    for data, key, commitment in (
        (stored, bytes(32), sealed.commitment),
        (stored[:-1] + bytes([stored[-1] ^ 1]), sealed.key, sealed.commitment),
        (bytes([stored[0] ^ 1]) + stored[1:], sealed.key, sealed.commitment),
        (stored, sealed.key, Commitment(bytes(32), 12)),
        (b"", sealed.key, sealed.commitment),
    ):
        with pytest.raises((PayloadError, ValueError)):
            open_from_vault(data, key, commitment)
