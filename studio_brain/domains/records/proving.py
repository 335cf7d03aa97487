"""Proofs to look at and to hand out: inclusion, consistency, checkpoints, receipt files.

All of it is read from stored tiles and checked before it is shown; looking writes nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ...evidence import receipt as receipts
from ...evidence.checkpoint import Checkpoint
from ...evidence.merkle import (
    Frontier,
    ProofError,
    Span,
    consistency_proof,
    consistency_spans,
    inclusion_proof,
    inclusion_spans,
    root,
    verify_consistency,
    verify_inclusion,
)
from ...evidence.note import parse, with_lines
from ...evidence.receipt import ReceiptFile
from ...evidence.tables import place
from ...evidence.tiles import TileReader
from ...gateway.registry import Query
from ...kernel.errors import StudioBrainError, VerificationError
from ...kernel.hashing import to_text
from ...kernel.reasons import ReasonCode
from ...store.reading import Row, Select, Sources
from .office import Topic

LOG: Final = """
SELECT log.log_id, log.origin, head.size, head.roots FROM log JOIN head ON head.log_id = log.log_id
 WHERE tenant = :tenant AND (:epoch = 0 OR epoch = :epoch) ORDER BY epoch DESC LIMIT 1
"""
ENTRY: Final = "SELECT body, seal FROM entry WHERE place = :place"
TILE: Final = "SELECT hashes FROM tile WHERE log_id = :log_id AND level = :level AND idx = :idx"
SEALS: Final = "SELECT seal FROM entry WHERE place >= :first AND place < :end ORDER BY place"
TILE_ROOTS: Final = """
SELECT root FROM tile WHERE log_id = :log_id AND level = :level AND idx >= :first AND idx < :end ORDER BY idx
"""
AT_SIZE: Final = "SELECT size, note FROM checkpoint WHERE log_id = :log_id AND size = :size"
NEWEST: Final = "SELECT size, note FROM checkpoint WHERE log_id = :log_id ORDER BY size DESC LIMIT 1"
# Of the checkpoints that cover an index, the one that most witnesses cosigned, and of those the oldest.
MOST_COSIGNED: Final = """
SELECT size, count(*) AS n FROM cosignature WHERE log_id = :log_id AND size >= :least
 GROUP BY size ORDER BY n DESC, size LIMIT 1
"""
COSIGNATURES: Final = "SELECT line FROM cosignature WHERE log_id = :log_id AND size = :size ORDER BY key_id"


class SelectedLog:
    """One log of a studio as queries read it; `tiles.TileStore` over its stored tiles."""

    def __init__(self, select: Select, row: Row) -> None:
        self._select = select
        self.log_id: int = row["log_id"]
        self.origin: str = row["origin"]
        self.frontier = Frontier.from_bytes(row["size"], bytes(row["roots"]))

    @property
    def size(self) -> int:
        return self.frontier.size

    def tiles(self, size: int) -> TileReader:
        return TileReader(self, size, self.frontier)

    def entry(self, index: int) -> tuple[bytes, bytes]:
        """(body, seal). Raises StudioBrainError NOT_FOUND."""
        found = self._select(ENTRY, {"place": place(self.log_id, index)}) if 0 <= index < self.size else []
        if not found:
            raise StudioBrainError(f"receipt {index}; the log holds {self.size}", code=ReasonCode.NOT_FOUND)
        return bytes(found[0]["body"]), bytes(found[0]["seal"])

    def checkpoint(self, size: int) -> str | None:
        """The signed checkpoint of exactly this size, with the cosignatures that are known."""
        return self._with_cosignatures(self._select(AT_SIZE, {"log_id": self.log_id, "size": size}))

    def newest_checkpoint(self) -> str | None:
        return self._with_cosignatures(self._select(NEWEST, {"log_id": self.log_id}))

    def best_checkpoint(self, least: int) -> str:
        """The checkpoint of at least this size that most witnesses cosigned; when none did, the newest. Raises
        StudioBrainError NOT_FOUND when none is as large."""
        cosigned = self._select(MOST_COSIGNED, {"log_id": self.log_id, "least": least})
        found = self.checkpoint(cosigned[0]["size"]) if cosigned else self.newest_checkpoint()
        if found is None or _parsed(found).size < least:
            raise StudioBrainError(f"a signed checkpoint of {least} entries or more", code=ReasonCode.NOT_FOUND)
        return found

    def _with_cosignatures(self, rows: list[Row]) -> str | None:
        if not rows:
            return None
        lines = self._select(COSIGNATURES, {"log_id": self.log_id, "size": rows[0]["size"]})
        return with_lines(rows[0]["note"], [row["line"] for row in lines])

    # tiles.TileStore

    def tile(self, level: int, index: int) -> bytes | None:
        rows = self._select(TILE, {"log_id": self.log_id, "level": level, "idx": index})
        return bytes(rows[0]["hashes"]) if rows else None

    def seals(self, first: int, end: int) -> list[bytes]:
        rows = self._select(SEALS, {"first": place(self.log_id, first), "end": place(self.log_id, end)})
        return [bytes(row["seal"]) for row in rows]

    def tile_roots(self, level: int, first: int, end: int) -> list[bytes]:
        rows = self._select(TILE_ROOTS, {"log_id": self.log_id, "level": level, "first": first, "end": end})
        return [bytes(row["root"]) for row in rows]


def selected_log(select: Select, tenant: str, epoch: int = 0) -> SelectedLog:
    """The studio's log of that epoch, 0 for the latest. Raises StudioBrainError NOT_FOUND."""
    rows = select(LOG, {"tenant": tenant, "epoch": epoch})
    if not rows:
        raise StudioBrainError("this studio has no log yet", code=ReasonCode.NOT_FOUND)
    return SelectedLog(select, rows[0])


def receipt_file(log: SelectedLog, index: int, size: int | None = None) -> ReceiptFile:
    """The receipt file of an entry, against the checkpoint of `size` or the best one. Raises StudioBrainError
    NOT_FOUND, or ProofRefused when what is stored does not prove it."""
    body, _ = log.entry(index)
    signed = log.best_checkpoint(index + 1) if size is None else log.checkpoint(size)
    if signed is None or _parsed(signed).size <= index:
        raise StudioBrainError(f"a signed checkpoint of {size} entries that covers it", code=ReasonCode.NOT_FOUND)
    covered = _parsed(signed).size
    return receipts.build(body, index, _guarded(inclusion_proof, index, covered, log.tiles(covered)), signed)


def one_receipt(sources: Sources, tenant: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The receipt file of the entry `index`, as text to be saved under `name`."""
    log = _log(sources, tenant, params)
    found = receipt_file(log, _number(params, "index"), _maybe(params, "size"))
    return {
        "index": found.index,
        "size": found.checkpoint.size,
        "origin": log.origin,
        "cosignatures": [s.name for s in found.note.signatures if s.name != log.origin],
        "name": f"{tenant}-{found.index}{receipts.SUFFIX}",
        "text": found.serialize(),
    }


def one_proof(sources: Sources, tenant: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The inclusion proof of `index` in the tree of `size` (the whole log without it): each hash of the path with the
    node of the tree it stands for, the entries [begin, end) below it, and the side it is hashed from."""
    log, index = _log(sources, tenant, params), _number(params, "index")
    size = _size(log, params)
    tiles = log.tiles(size)
    _, seal = log.entry(index)
    path, top = _guarded(inclusion_proof, index, size, tiles), _guarded(root, size, tiles)
    verify_inclusion(seal, index, size, path, top)
    return {
        "index": index,
        "size": size,
        "origin": log.origin,
        "leaf": to_text(seal),
        "root": to_text(top),
        "path": [
            _node(span, item) | {"side": "left" if span.begin < index else "right"}
            for span, item in zip(inclusion_spans(index, size), path, strict=True)
        ],
        "tilesRead": tiles.tiles_read,
        "checkpoint": _signed_at(log, size, top),
    }


def one_consistency(sources: Sources, tenant: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The proof that the log of `new` entries (the whole log without it) extends that of `old`."""
    log, old = _log(sources, tenant, params), _number(params, "old")
    new = _size(log, params, "new")
    tiles = log.tiles(new)
    path, before, after = (
        _guarded(consistency_proof, old, new, tiles),
        _guarded(root, old, log.tiles(old)),
        _guarded(root, new, tiles),
    )
    verify_consistency(old, new, path, before, after)
    return {
        "old": old,
        "new": new,
        "origin": log.origin,
        "oldRoot": to_text(before),
        "newRoot": to_text(after),
        "path": [_node(span, item) for span, item in zip(consistency_spans(old, new), path, strict=True)],
        "oldCheckpoint": _signed_at(log, old, before),
        "newCheckpoint": _signed_at(log, new, after),
    }


def one_checkpoint(sources: Sources, tenant: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
    """The signed checkpoint of `size`, the newest without it, with the cosignatures that are known."""
    log, size = _log(sources, tenant, params), _maybe(params, "size")
    signed = log.newest_checkpoint() if size is None else log.checkpoint(size)
    if signed is None:
        return None
    found = _parsed(signed)
    return {
        "origin": found.origin,
        "size": found.size,
        "root": to_text(found.root),
        "entries": log.size,
        "cosignatures": [s.name for s in parse(signed).signatures if s.name != found.origin],
        "note": signed,
    }


def _log(sources: Sources, tenant: str, params: Mapping[str, Any]) -> SelectedLog:
    return selected_log(sources.brain, tenant, int(params.get("epoch") or 0))


def _node(span: Span, item: bytes) -> dict[str, Any]:
    level, index = span.node
    return {"level": level, "index": index, "begin": span.begin, "end": span.end, "hash": to_text(item)}


def _signed_at(log: SelectedLog, size: int, top: bytes) -> str | None:
    """The signed checkpoint of a size, if one was signed then. Raises VerificationError when it has another root."""
    signed = log.checkpoint(size)
    if signed is not None and _parsed(signed).root != top:
        raise VerificationError(f"{log.origin}: the checkpoint of {size} entries is not what the stored tiles give")
    return signed


def _parsed(signed: str) -> Checkpoint:
    return Checkpoint.parse(parse(signed).text)


def _guarded(prove: Any, *arguments: Any) -> Any:
    """A hole in the stored tree is damage; numbers outside the tree are the caller's."""
    try:
        return prove(*arguments)
    except ProofError as error:
        outside = str(error).startswith(("no entry", "a tree of"))
        raise StudioBrainError(str(error), code=ReasonCode.NOT_FOUND if outside else ReasonCode.NOT_VERIFIED) from error


def _number(params: Mapping[str, Any], name: str) -> int:
    value = _maybe(params, name)
    if value is None:
        raise StudioBrainError(f"{name}: an index or size", code=ReasonCode.INVALID_PAYLOAD)
    return value


def _maybe(params: Mapping[str, Any], name: str) -> int | None:
    value = params.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise StudioBrainError(f"{name}: a whole number, 0 or more", code=ReasonCode.INVALID_PAYLOAD)
    return value


def _size(log: SelectedLog, params: Mapping[str, Any], name: str = "size") -> int:
    size = _maybe(params, name)
    if size is None:
        return log.size
    if size > log.size:
        raise StudioBrainError(f"{name} {size}; the log holds {log.size}", code=ReasonCode.NOT_FOUND)
    return size


QUERIES: Final[Sequence[Query]] = (
    Query("evidence.receipt", "evidence.read", one_receipt),
    Query("evidence.proof", "evidence.read", one_proof),
    Query("evidence.consistency", "evidence.read", one_consistency),
    Query("evidence.checkpoint", "evidence.read", one_checkpoint),
)

TOPIC: Final = Topic(queries=QUERIES)
