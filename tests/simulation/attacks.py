"""What somebody with write access to the database can do to a log, each as a seeded edit that knows its first victim.

An attack gets the driver's connection (triggers dropped, foreign keys off) inside a transaction that is rolled back
afterwards. It answers with the first index that is no longer what was sealed, or None when the edit lies outside the
entries; `Nothing` when this draw would change nothing. `forger` holds the installation's key: those who have stolen it
can be caught by an anchor alone.
"""

import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from studio_brain.evidence import checkpoint as checkpoints
from studio_brain.evidence.checkpoint import Checkpoint
from studio_brain.evidence.entry import decode
from studio_brain.evidence.merkle import Frontier, complete_root, leaf_hash
from studio_brain.evidence.tables import place
from studio_brain.kernel.canonical import canonical_entry, intake
from studio_brain.kernel.hashing import to_text
from tests.simulation.sealed import KEY, Sealed


class Nothing(Exception):
    """This draw leaves everything as it was."""


@dataclass
class Target:
    """One log under attack."""

    sealed: Sealed
    db: sqlite3.Connection
    rng: random.Random

    @property
    def size(self) -> int:
        return len(self.sealed.bodies)

    def any(self) -> int:
        return self.rng.randrange(self.size)

    def at(self, index: int) -> int:
        return place(self.sealed.log.log_id, index)

    def run(self, sql: str, *parameters: Any) -> Any:
        return self.db.execute(sql, parameters)

    def one(self, sql: str, *parameters: Any) -> Any:
        row = self.run(sql, *parameters).fetchone()
        if row is None:
            raise Nothing
        return row[0] if len(row) == 1 else row

    def flipped(self, data: bytes) -> bytes:
        changed = bytearray(data)
        changed[self.rng.randrange(len(changed))] ^= 1 << self.rng.randrange(8)
        return bytes(changed)

    def with_payload(self) -> int:
        """An index whose payload is there."""
        places = [row[0] for row in self.run("SELECT place FROM payload ORDER BY place")]
        chosen = [p for p in places if self.at(0) <= p < self.at(self.size)]
        return self.rng.choice(chosen) - self.at(0)

    # what somebody who covers their tracks does next

    def reseal(self, index: int, body: bytes) -> None:
        self.run("UPDATE entry SET body = ?, seal = ? WHERE place = ?", body, leaf_hash(body), self.at(index))

    def seals(self) -> list[bytes]:
        rows = self.run(
            "SELECT seal FROM entry WHERE place >= ? AND place < ? ORDER BY place", self.at(0), self.at(1 << 30)
        )
        return [row[0] for row in rows]

    def recompute_tiles(self) -> None:
        seals, log_id = self.seals(), self.sealed.log.log_id
        self.run("DELETE FROM tile WHERE log_id = ?", log_id)
        for idx in range(len(seals) // 256):
            hashes = seals[idx * 256 : idx * 256 + 256]
            row = (log_id, 0, idx, complete_root(b"".join(hashes)), b"".join(hashes))
            self.run("INSERT INTO tile (log_id, level, idx, root, hashes) VALUES (?, ?, ?, ?, ?)", *row)

    def recompute_head(self) -> None:
        frontier = Frontier()
        for seal in self.seals():
            frontier.append(seal)
        size, roots, log_id = frontier.size, frontier.to_bytes(), self.sealed.log.log_id
        self.run("UPDATE head SET size = ?, roots = ? WHERE log_id = ?", size, roots, log_id)

    def recompute_chain(self, first: int) -> None:
        """Links every stream anew from `first` on, and seals what that changes."""
        tails: dict[str, bytes] = {}
        for index, body in enumerate(self.bodies()):
            entry = decode(body)
            document = intake(body)
            prev = tails.get(entry.stream)
            document["prev"] = None if prev is None else to_text(prev)
            if index >= first and canonical_entry(document) != body:
                body = canonical_entry(document)
                self.reseal(index, body)
            tails[entry.stream] = leaf_hash(body)

    def bodies(self) -> list[bytes]:
        rows = self.run(
            "SELECT body FROM entry WHERE place >= ? AND place < ? ORDER BY place", self.at(0), self.at(1 << 30)
        )
        return [row[0] for row in rows]

    def sign_again(self) -> None:
        """With the stolen key: every checkpoint over what is there now, and one for the end."""
        log = self.sealed.log
        sizes = {row[0] for row in self.run("SELECT size FROM checkpoint WHERE log_id = ?", log.log_id)}
        self.run("DELETE FROM checkpoint WHERE log_id = ?", log.log_id)
        frontier, seals = Frontier(), self.seals()
        for seal in seals:
            frontier.append(seal)
            if frontier.size in sizes or frontier.size == len(seals):
                note = checkpoints.sign(Checkpoint(log.origin, frontier.size, frontier.root()), KEY).serialize()
                self.run(
                    "INSERT INTO checkpoint (log_id, size, note) VALUES (?, ?, ?)", log.log_id, frontier.size, note
                )

    def reword(self, index: int) -> bytes:
        """The body with another text in it: canonical, plausible, not what was sealed."""
        document = intake(self.one("SELECT body FROM entry WHERE place = ?", self.at(index)))
        document["corr"] = f"c{self.rng.randrange(1 << 30)}"
        return canonical_entry(document)


Attack = Callable[[Target], int | None]


def body_bit(t: Target) -> int:
    index = t.any()
    body = t.one("SELECT body FROM entry WHERE place = ?", t.at(index))
    t.run("UPDATE entry SET body = ? WHERE place = ?", t.flipped(body), t.at(index))
    return index


def seal_bit(t: Target) -> int:
    index = t.any()
    seal = t.one("SELECT seal FROM entry WHERE place = ?", t.at(index))
    t.run("UPDATE entry SET seal = ? WHERE place = ?", t.flipped(seal), t.at(index))
    return index


def column(t: Target) -> int:
    index = t.any()
    change = t.rng.choice(
        ("id = randomblob(16)", "kind = kind || 'x'", "at_ms = at_ms + 1", "pos = pos + 100000", "log_id = log_id + 1",
         "stream_id = stream_id + 1000", "kind = 'other.kind'", "id = zeroblob(16)")
    )  # fmt: skip
    t.run(f"UPDATE entry SET {change} WHERE place = ?", t.at(index))
    return index


def tile_bit(t: Target) -> int:
    idx, hashes, root = t.rng.choice(
        t.run("SELECT idx, hashes, root FROM tile WHERE log_id = ? AND level = 0", t.sealed.log.log_id).fetchall()
    )
    if t.rng.random() < 0.2:
        t.run("UPDATE tile SET root = ? WHERE log_id = ? AND idx = ?", t.flipped(root), t.sealed.log.log_id, idx)
        return int(idx) * 256 + 255
    at = t.rng.randrange(len(hashes))
    changed = hashes[:at] + bytes([hashes[at] ^ 1 << t.rng.randrange(8)]) + hashes[at + 1 :]
    t.run("UPDATE tile SET hashes = ? WHERE log_id = ? AND idx = ?", changed, t.sealed.log.log_id, idx)
    return int(idx) * 256 + at // 32


def tile_row(t: Target) -> int | None:
    """A tile deleted, cut short, or one too many."""
    log_id, full = t.sealed.log.log_id, t.size // 256
    idx, kind = t.rng.randrange(full), t.rng.randrange(3)
    if kind == 0:
        t.run("DELETE FROM tile WHERE log_id = ? AND idx = ?", log_id, idx)
        return idx * 256 + 255
    if kind == 1:
        t.run("UPDATE tile SET hashes = substr(hashes, 1, 8160) WHERE log_id = ? AND idx = ?", log_id, idx)
        return idx * 256 + 255
    level, extra = t.rng.choice(((0, full), (0, full + 7), (1, 0), (3, 2)))
    sql = "INSERT INTO tile SELECT log_id, ?, ?, root, hashes FROM tile WHERE log_id = ? AND level = 0 AND idx = 0"
    t.run(sql, level, extra, log_id)
    return None


def checkpoint_bit(t: Target) -> int:
    size = t.rng.choice(t.sealed.sizes)
    note = t.one("SELECT note FROM checkpoint WHERE log_id = ? AND size = ?", t.sealed.log.log_id, size)
    changed = t.flipped(note.encode())
    sql = "UPDATE checkpoint SET note = CAST(? AS TEXT) WHERE log_id = ? AND size = ?"
    t.run(sql, changed, t.sealed.log.log_id, size)
    return size - 1


def checkpoint_row(t: Target) -> int | None:
    """The last checkpoint deleted, or one of another size, another log, or with a foreign line, put in its place."""
    log_id, sizes = t.sealed.log.log_id, t.sealed.sizes
    kind = t.rng.randrange(5)
    if kind == 0:
        t.run("DELETE FROM checkpoint WHERE log_id = ? AND size = ?", log_id, t.size)
        return t.size - 1
    size, other = t.rng.sample(sizes, 2)
    note = t.one("SELECT note FROM checkpoint WHERE log_id = ? AND size = ?", log_id, size)
    if kind == 1:
        sql = "UPDATE checkpoint SET note = ? WHERE log_id = ? AND size = ?"
        t.run(sql, note, log_id, other)
        return other - 1
    if kind == 2:
        free = t.rng.choice([s for s in range(-3, t.size + 40) if s not in sizes])
        t.run("INSERT INTO checkpoint (log_id, size, note) VALUES (?, ?, ?)", log_id, free, note)
        return min(free - 1, t.size) if free > 0 else None
    if kind == 3:
        elsewhere = t.one("SELECT max(note) FROM checkpoint WHERE log_id <> ?", log_id)
        t.run("UPDATE checkpoint SET note = ? WHERE log_id = ? AND size = ?", elsewhere, log_id, size)
        return size - 1
    foreign = "\N{EM DASH} somebody.else AAAAAAAAAAA=\n"
    t.run("UPDATE checkpoint SET note = note || ? WHERE log_id = ? AND size = ?", foreign, log_id, size)
    return size - 1


def payload(t: Target) -> int:
    index = t.with_payload()
    kind = t.rng.randrange(6)
    if kind < 3:
        name, table = (("salt", "payload"), ("sealed", "payload"), ("key", "payload_key"))[kind]
        value = t.one(f"SELECT {name} FROM {table} WHERE place = ?", t.at(index))
        t.run(f"UPDATE {table} SET {name} = ? WHERE place = ?", t.flipped(value), t.at(index))
        return index
    if kind == 3:
        for table in t.rng.choice((("payload",), ("payload_key",), ("payload", "payload_key"))):
            t.run(f"DELETE FROM {table} WHERE place = ?", t.at(index))
        return index
    if kind == 4:  # two change places
        other = t.with_payload()
        if other == index:
            raise Nothing
        for table in ("payload", "payload_key"):
            t.run(f"UPDATE {table} SET place = -1 WHERE place = ?", t.at(index))
            t.run(f"UPDATE {table} SET place = ? WHERE place = ?", t.at(index), t.at(other))
            t.run(f"UPDATE {table} SET place = ? WHERE place = -1", t.at(other))
        return min(index, other)
    target = t.any()  # laid beside an entry that has none, or whose own was erased
    if t.run("SELECT 1 FROM payload WHERE place = ?", t.at(target)).fetchone():
        raise Nothing
    t.run("INSERT INTO payload SELECT ?, salt, sealed FROM payload WHERE place = ?", t.at(target), t.at(index))
    t.run("INSERT INTO payload_key SELECT ?, key FROM payload_key WHERE place = ?", t.at(target), t.at(index))
    return target


def delete(t: Target) -> int:
    """Entries deleted: one, or some in a row; sometimes those behind move up."""
    index = t.any()
    count = t.rng.choice((1, 1, 2, 30))
    t.run("DELETE FROM entry WHERE place >= ? AND place < ?", t.at(index), t.at(min(index + count, t.size)))
    if t.rng.random() < 0.4 and index + count < t.size:
        sql = "UPDATE entry SET place = place - ? WHERE place >= ? AND place < ?"
        for at in range(index + count, t.size):
            t.run(sql, count, t.at(at), t.at(at + 1))
    return index


def cut_tail(t: Target) -> int:
    """The newest entries go with everything that names them: what is left is a log of its own right."""
    size = t.rng.choice(t.sealed.sizes[:-1])
    log_id = t.sealed.log.log_id
    for table in ("entry", "payload", "payload_key"):
        t.run(f"DELETE FROM {table} WHERE place >= ? AND place < ?", t.at(size), t.at(1 << 30))
    t.run("DELETE FROM checkpoint WHERE log_id = ? AND size > ?", log_id, size)
    t.recompute_tiles()
    t.recompute_head()
    return size


def reorder(t: Target) -> int:
    """Two entries change places, columns, payloads and all."""
    one, other = (
        sorted(t.rng.sample(range(t.size), 2)) if t.rng.random() < 0.5 else ((i := t.rng.randrange(t.size - 1)), i + 1)
    )
    for table in ("entry", "payload", "payload_key"):
        t.run(f"UPDATE {table} SET place = -1 WHERE place = ?", t.at(one))
        t.run(f"UPDATE {table} SET place = ? WHERE place = ?", t.at(one), t.at(other))
        t.run(f"UPDATE {table} SET place = ? WHERE place = -1", t.at(other))
    if t.rng.random() < 0.5:
        t.recompute_tiles()
        t.recompute_head()
    return one


def forge_append(t: Target) -> int:
    """One entry more, rightly formed and linked; the head moved on; there is no key to sign it with."""
    body = t.one("SELECT body FROM entry WHERE place = ?", t.at(t.any()))
    document = intake(body)
    stream = document["stream"]
    stream_id, pos, prev = t.one(
        "SELECT stream_id, pos, seal FROM entry WHERE place < ? AND stream_id = "
        "(SELECT stream_id FROM stream WHERE log_id = ? AND name = ?) ORDER BY pos DESC LIMIT 1",
        t.at(1 << 30), t.sealed.log.log_id, stream,
    )  # fmt: skip
    id = t.rng.randbytes(16)
    document |= {
        "prev": to_text(prev),
        "id": f"{id.hex()[:8]}-{id.hex()[8:12]}-{id.hex()[12:16]}-{id.hex()[16:20]}-{id.hex()[20:]}",
    }
    document.pop("payload", None)
    forged = canonical_entry(document)
    row = (
        t.at(t.size),
        t.sealed.log.log_id,
        id,
        document["kind"],
        stream_id,
        pos + 1,
        decode(forged).at_ms,
        leaf_hash(forged),
        forged,
    )
    t.run(
        "INSERT INTO entry (place, log_id, id, kind, stream_id, pos, at_ms, seal, body) VALUES (?,?,?,?,?,?,?,?,?)",
        *row,
    )
    if t.rng.random() < 0.7:
        t.recompute_head()
        t.recompute_tiles()
    return t.size


def reseal(t: Target) -> int:
    """An entry reworded with a seal that fits; tiles, links and head made to fit it more or less far."""
    index = t.any()
    t.reseal(index, t.reword(index))
    care = t.rng.randrange(4)
    if care >= 1:
        t.recompute_tiles()
    if care >= 2:
        t.recompute_chain(index + 1)
        t.recompute_tiles()
    if care >= 3:
        t.recompute_head()
    return index


def around(t: Target) -> int | None:
    """The rows around the log: its own, its head's, its streams'."""
    log_id = t.sealed.log.log_id
    kind = t.rng.randrange(6)
    if kind == 0:
        change = t.rng.choice(("size = size - 1", "size = size + 1", "roots = zeroblob(length(roots))", "roots = x''"))
        t.run(f"UPDATE head SET {change} WHERE log_id = ?", log_id)
        return None
    if kind == 1:
        t.run("DELETE FROM head WHERE log_id = ?", log_id)
        return None
    if kind == 2:
        change = t.rng.choice(
            ("epoch = 2", "tenant = 'studio2'", "origin = 'practice/x/studio2/1'", "origin = origin || '1'")
        )
        t.run(f"UPDATE log SET {change} WHERE log_id = ?", log_id)
        return None
    streams = t.run("SELECT stream_id FROM stream WHERE log_id = ? ORDER BY stream_id", log_id).fetchall()
    (stream_id,) = t.rng.choice(streams)
    first = t.one("SELECT min(place) FROM entry WHERE stream_id = ?", stream_id) - t.at(0)
    if kind == 3:
        t.run("UPDATE stream SET name = name || 'x' WHERE stream_id = ?", stream_id)
    elif kind == 4:
        t.run("UPDATE stream SET log_id = log_id + 1 WHERE stream_id = ?", stream_id)
    else:
        t.run("DELETE FROM stream WHERE stream_id = ?", stream_id)
    return int(first)


def rewrite_with_key(t: Target) -> int:
    """Everything made to fit, every checkpoint signed anew: only an anchor tells."""
    index = t.any()
    if t.rng.random() < 0.5:
        t.reseal(index, t.reword(index))
    else:
        index = min(index, t.sealed.sizes[-2])
        for table in ("entry", "payload", "payload_key"):
            t.run(f"DELETE FROM {table} WHERE place >= ? AND place < ?", t.at(index), t.at(1 << 30))
        t.run("DELETE FROM checkpoint WHERE log_id = ? AND size > ?", t.sealed.log.log_id, index)
    t.recompute_chain(index)
    t.recompute_tiles()
    t.recompute_head()
    t.sign_again()
    return index


ROWS: dict[str, Attack] = {
    "bit of a body": body_bit,
    "bit of a seal": seal_bit,
    "column": column,
    "bit of a tile": tile_bit,
    "tile deleted, cut or added": tile_row,
    "bit of a checkpoint": checkpoint_bit,
    "checkpoint deleted, moved or added": checkpoint_row,
    "payload": payload,
    "entries deleted": delete,
    "entries reordered": reorder,
    "forged append": forge_append,
    "resealed": reseal,
    "head, log or stream row": around,
    "tail cut off": cut_tail,
    "rewritten with the key": rewrite_with_key,
}
"""By what they are called in the report."""

NEEDS_ANCHOR = frozenset({"tail cut off", "rewritten with the key"})
"""Without an anchor these leave nothing to see."""
