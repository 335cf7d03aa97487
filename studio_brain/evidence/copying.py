"""Copying a log into a vault: which files it lacks, and their bytes, from an open connection.

The order is that of `files`: payloads, bundles and tiles lowest level first, older checkpoints; the caller replaces
`checkpoint` when all of these are durable. Before the first file, every entry that is to be copied was read once and
leads from the vault's tree to the signed checkpoint: nothing that does not verify gets into a vault.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from ..kernel.errors import VerificationError
from . import bundle
from . import checkpoint as checkpoints
from .checkpoint import Checkpoint
from .entry import decode
from .erasure import ERASED, later_statements, read_statement
from .log import LogRow
from .merkle import HASH_SIZE, complete_root, leaf_hash
from .note import VerifierKey, with_lines
from .reader import LogReader
from .statements import Statements
from .tables import place, seq_of
from .tilepath import WIDTH, bundle_path, tile_path
from .tiles import TILE_HEIGHT
from .vault import (
    CHECKPOINT,
    Held,
    Read,
    check_extends,
    checkpoint_path,
    frontier_at,
    held,
    new_tiles,
    payload_path,
    seal_for_vault,
)

BATCH = 1_000
COSIGNED_KEPT = 32
"""So many of the newest cosigned checkpoints are looked at for cosignatures that the vault lacks."""

BODIES = "SELECT body FROM entry WHERE place >= ? AND place < ? ORDER BY place"
OTHER_KINDS = "SELECT 1 FROM entry WHERE place >= ? AND place < ? AND kind NOT IN ({}) LIMIT 1"
PAYLOADS = (
    "SELECT payload.place, salt, sealed, key FROM payload JOIN payload_key ON payload_key.place = payload.place "
    "WHERE payload.place >= ? AND payload.place < ? ORDER BY payload.place"
)
ERASURES = "SELECT place, body FROM entry WHERE place >= ? AND place < ? AND kind = ? ORDER BY place"
COSIGNATURES = (
    "SELECT size, line FROM cosignature WHERE log_id = ? AND size IN (SELECT DISTINCT size FROM cosignature "
    "WHERE log_id = ? AND size <= ? ORDER BY size DESC LIMIT ?) ORDER BY size, key_id"
)
NOTE = "SELECT note FROM checkpoint WHERE log_id = ? AND size = ?"


class Copying:
    """One log and one vault that holds the first `old` entries of it."""

    def __init__(self, conn: Connection, log: LogRow, key: VerifierKey, read: Read) -> None:
        """Raises VaultRefused when the vault is ahead, holds another history or is not signed by `key`, and
        VerificationError when the log itself does not fit its newest checkpoint."""
        self._conn, self._log, self._read = conn, log, read
        self._sql = Statements(conn, log.log_id)
        self._roots: dict[tuple[int, int], bytes] = {}  # of tiles that became full in this copy
        reader = self._reader = LogReader(conn, log)
        self.found: Held | None = held(read, key)
        self.old = 0 if self.found is None else self.found.checkpoint.size
        note = reader.checkpoint_note()
        local = reader.frontier()
        if self.found is not None:
            check_extends(local, reader.tiles(self.old), self.found.checkpoint)
        if note is None:
            self.signed = Checkpoint(log.origin, 0, local.root())
            self.note = ""
            return
        try:
            self.signed, self.note = checkpoints.open_signed(note, key), note
        except ValueError as error:
            raise VerificationError(f"{log.origin}: its newest checkpoint: {error}") from error
        if (self.signed.size, self.signed.root) != (local.size, local.root()):
            raise VerificationError(f"{log.origin}: its newest checkpoint is not its head")

    @property
    def size(self) -> int:
        return self.signed.size

    def has_news(self, since: int, bookkeeping: frozenset[str]) -> bool:
        """Whether an entry of any kind other than these stands at the index `since` or later."""
        sql = OTHER_KINDS.format(", ".join("?" * len(bookkeeping)))
        return bool(self._run(sql, *self._range(min(since, self.size)), *sorted(bookkeeping)))

    def check(self) -> None:
        """Reads what is to be copied once: it has to lead from the vault's tree to the signed checkpoint."""
        frontier = frontier_at(self.old, self._reader.tiles(self.old))
        for at in range(self.old, self.size, BATCH):
            for body in self._bodies(at, min(at + BATCH, self.size)):
                frontier.append(leaf_hash(body))
        if (frontier.size, frontier.root()) != (self.size, self.signed.root):
            raise VerificationError(f"{self._log.origin}: entries {self.old} to {self.size} do not fit the checkpoint")

    def files(self) -> Iterator[tuple[str, bytes]]:
        """(path, bytes) of what the vault lacks but for `checkpoint`. Paths of tiles may be there with these bytes."""
        for at, salt, sealed, key in self._run(PAYLOADS, *self._range(self.old)):
            yield payload_path(seq_of(at)), seal_for_vault(bytes(salt), bytes(sealed), bytes(key))
        for level, index, width in new_tiles(self.old, self.size):
            if level == 0:
                bodies = self._bodies(index * WIDTH, index * WIDTH + width)
                yield bundle_path(index, width), bundle.encode(bodies)
                hashes = [leaf_hash(body) for body in bodies]
            else:
                hashes = self._sql.tile_roots(level - 1, index * WIDTH, index * WIDTH + width)
                self._compare(level, index, hashes)
            if width == WIDTH:
                self._roots[level, index] = complete_root(b"".join(hashes))
            yield tile_path(level, index, width), b"".join(hashes)

    def erased(self) -> Iterator[str]:
        """Paths of ciphertexts whose key was destroyed: since the last copy, or as later logs say."""
        for at, body in self._run(ERASURES, *self._range(self.old), ERASED):
            said = read_statement(decode(bytes(body)).data, self._log.origin, self._log.epoch, seq_of(at))
            if said is not None and not said.is_later:
                yield payload_path(said.index)
        for said in later_statements(self._conn, self._log):
            yield payload_path(said.index)

    def checkpoints(self) -> Iterator[tuple[str, bytes]]:
        """(path, bytes) of checkpoints to keep beside the newest: cosigned ones that the vault has without these
        cosignatures, and the newest itself."""
        yield from self._cosigned(self.size)
        yield checkpoint_path(self.size), self.newest()

    def late_cosignatures(self) -> Iterator[tuple[str, bytes]]:
        """(path, bytes) of checkpoints that the vault holds and that were cosigned since, its newest included."""
        if self.found is None:
            return
        yield from self._cosigned(self.old)
        data = with_lines(self.found.text, self._cosignatures().get(self.old, [])).encode()
        if data != self.found.text.encode():
            yield checkpoint_path(self.old), data
            yield CHECKPOINT, data

    def _cosigned(self, below: int) -> Iterator[tuple[str, bytes]]:
        for size, lines in self._cosignatures().items():
            note = self._run(NOTE, self._log.log_id, size)
            if note and size < below:
                data = with_lines(note[0][0], lines).encode()
                if self._read(checkpoint_path(size)) != data:
                    yield checkpoint_path(size), data

    def newest(self) -> bytes:
        """The bytes of `checkpoint`, with the cosignatures that are known."""
        return with_lines(self.note, self._cosignatures().get(self.size, [])).encode()

    def _cosignatures(self) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        log_id = self._log.log_id
        for size, line in self._run(COSIGNATURES, log_id, log_id, self.size, COSIGNED_KEPT):
            found.setdefault(size, []).append(line)
        return found

    def _compare(self, level: int, index: int, hashes: list[bytes]) -> None:
        """What this copy hashed itself has to be what the stored tiles say."""
        for offset, item in enumerate(hashes):
            known = self._roots.get((level - 1, index * WIDTH + offset), item)
            if known != item or len(item) != HASH_SIZE:
                first = (index * WIDTH + offset) << TILE_HEIGHT * level
                raise VerificationError(f"{self._log.origin}: the stored tile over entry {first} is not its tile")

    def _bodies(self, first: int, end: int) -> list[bytes]:
        log_id = self._log.log_id
        bodies = [bytes(row[0]) for row in self._run(BODIES, place(log_id, first), place(log_id, end))]
        if len(bodies) != end - first:
            raise VerificationError(f"{self._log.origin}: an entry between {first} and {end} is missing")
        return bodies

    def _range(self, first: int) -> tuple[int, int]:
        return place(self._log.log_id, first), place(self._log.log_id, self.size)

    def _run(self, sql: str, *parameters: object) -> list[tuple]:  # type: ignore[type-arg]
        sql = sql.replace("?", "%s") if self._conn.dialect.name == "postgresql" else sql
        return [tuple(row) for row in self._conn.exec_driver_sql(sql, parameters)]


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy ended with: `added` entries, `size` in all. `news`: not all of those are bookkeeping."""

    origin: str
    size: int
    root: bytes
    added: int
    news: bool
