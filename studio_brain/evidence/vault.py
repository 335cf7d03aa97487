"""A vault: a copy of a log outside its home, as a C2SP tlog-tiles folder. The rules of it; files are somebody else's.

    checkpoint                      the newest signed checkpoint that the copy holds, cosignatures included
    tile/<L>/<N>[.p/<W>]            tiles
    tile/entries/<N>[.p/<W>]        entry bundles
    checkpoints/<N>                 older checkpoints: those of each export and those that were cosigned
    payload/<N>                     ciphertext of the payload of entry N

Names are those of `tilepath`; <N> of the last two is a size or an index written the same way. A vault is append-only:
the only file that is replaced is `checkpoint`, and it comes last. No key of a payload ever goes into a vault. Its salt
does, encrypted under that key, so that erasing the key erases both.

`Read` fetches a file of one log's folder. What is found wrong is raised: `VaultRefused` where nothing may be written,
`Tampered` where a copy is not what was signed.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..kernel.errors import StudioBrainError
from ..kernel.reasons import ReasonCode
from . import bundle
from . import checkpoint as checkpoints
from .checkpoint import Checkpoint
from .entry import Commitment, EntryError, decode
from .merkle import HASH_SIZE, Frontier, NodeAt, complete_root, complete_spans, leaf_hash, root
from .note import NoteError, VerifierKey
from .payload import NONCE, SALT, open_payload
from .tilepath import WIDTH, bundle_path, index_path, tile_path, tiles_of
from .tiles import TILE_HEIGHT, TileReader
from .verify import Tampered

CHECKPOINT: Final = "checkpoint"
_TAG: Final = 16

Read = Callable[[str], bytes | None]
"""path in the log's folder → its bytes, or None when there is no such file."""


class VaultRefused(StudioBrainError):
    """Nothing was written; the code says why and what to do."""

    code = ReasonCode.VAULT_DAMAGED


def checkpoint_path(size: int) -> str:
    return f"checkpoints/{index_path(size)}"


def payload_path(index: int) -> str:
    return f"payload/{index_path(index)}"


# Payloads


def seal_for_vault(salt: bytes, sealed: bytes, key: bytes) -> bytes:
    """nonce ‖ encrypted salt ‖ `sealed`. The same payload gives the same bytes: the nonce follows from `sealed`, which
    has a random one of its own, and nothing but this salt is ever encrypted with it."""
    nonce = hashlib.sha256(b"studio-brain vault salt\n" + sealed).digest()[:NONCE]
    return nonce + AESGCM(key).encrypt(nonce, salt, sealed[:NONCE]) + sealed


def open_from_vault(data: bytes, key: bytes, commitment: Commitment) -> tuple[bytes, bytes, bytes]:
    """(salt, sealed, the payload itself). Raises PayloadError or ValueError when it cannot be had with this key."""
    head = NONCE + SALT + _TAG
    sealed = data[head:]
    try:
        salt = AESGCM(key).decrypt(data[:NONCE], data[NONCE:head], sealed[:NONCE])
    except InvalidTag as error:
        raise ValueError("the salt cannot be decrypted with this key") from error
    return salt, sealed, open_payload(commitment, salt, sealed, key)


# What a vault says of itself


@dataclass(frozen=True, slots=True)
class Held:
    """The checkpoint of a vault, its signature verified. `text` is the file."""

    checkpoint: Checkpoint
    text: str


def held(read: Read, key: VerifierKey) -> Held | None:
    """What the vault says that it holds of the log that `key` signs. None for an empty one; VaultRefused when its
    checkpoint is not by that key."""
    data = read(CHECKPOINT)
    if data is None:
        return None
    try:
        text = data.decode()
        return Held(checkpoints.open_signed(text, key), text)
    except (NoteError, UnicodeDecodeError) as error:
        raise VaultRefused(f"{key.name}: its checkpoint: {error}") from error


def check_extends(local: Frontier, node_at: NodeAt, found: Checkpoint) -> None:
    """Raises VaultRefused unless the local log (its right edge, its hashes at the vault's size) extends the vault's."""
    if found.size > local.size:
        raise VaultRefused(
            f"{found.origin}: {found.size} entries there, {local.size} here", code=ReasonCode.VAULT_AHEAD
        )
    if root(found.size, node_at) != found.root:
        raise VaultRefused(f"{found.origin}: another history of {found.size} entries", code=ReasonCode.VAULT_FORKS)


def frontier_at(size: int, node_at: NodeAt) -> Frontier:
    """The right edge of the tree of the first `size` leaves."""
    return Frontier(size, tuple(node_at(*span.node) for span in complete_spans(0, size)))


class VaultTiles:
    """`tiles.TileStore` over the tiles of a vault that holds `size` entries."""

    def __init__(self, read: Read, origin: str, size: int) -> None:
        self._read, self._origin, self._size = read, origin, size

    def tile(self, level: int, index: int) -> bytes | None:
        width = min(WIDTH, (self._size >> TILE_HEIGHT * level) - index * WIDTH)
        return None if width < WIDTH else _file(self._read, self._origin, tile_path(level, index), HASH_SIZE * WIDTH)

    def seals(self, first: int, end: int) -> list[bytes]:
        return self._hashes(0, first, end)

    def tile_roots(self, level: int, first: int, end: int) -> list[bytes]:
        return self._hashes(level + 1, first, end)

    def _hashes(self, level: int, first: int, end: int) -> list[bytes]:
        """Hashes [first, end) of a level; TileReader never asks across tiles."""
        index, offset = divmod(first, WIDTH)
        width = min(WIDTH, (self._size >> TILE_HEIGHT * level) - index * WIDTH)
        data = _file(self._read, self._origin, tile_path(level, index, width), HASH_SIZE * width)
        return [data[HASH_SIZE * i : HASH_SIZE * (i + 1)] for i in range(offset, offset + end - first)]


# A vault alone


@dataclass(frozen=True, slots=True)
class VaultVerified:
    """What was checked of one log in a vault. `payloads` were found beside their entries; what is in them cannot be
    checked without their keys. `absent` entries have a payload that is not there: erased, or never copied."""

    origin: str
    size: int
    root: bytes
    key: str
    tiles: int
    checkpoints: int
    payloads: int
    absent: int


@dataclass(slots=True)
class _Levels:
    """The hashes of each level that are not in a full tile yet."""

    read: Read
    origin: str
    unfinished: list[list[bytes]] = field(default_factory=lambda: [[]])
    done: list[int] = field(default_factory=lambda: [0])
    tiles: int = 0

    def add(self, level: int, hashes: list[bytes]) -> None:
        """At most what fills the tile; a full one is compared and its root goes one level up."""
        known = self.unfinished[level]
        known += hashes
        if len(known) < WIDTH:
            return
        self._compare(level, known)
        self.unfinished[level] = []
        self.done[level] += 1
        if level + 1 == len(self.unfinished):
            self.unfinished.append([])
            self.done.append(0)
        self.add(level + 1, [complete_root(b"".join(known))])

    def end(self) -> None:
        for level, hashes in enumerate(self.unfinished):
            if hashes:
                self._compare(level, hashes)

    def _compare(self, level: int, hashes: list[bytes]) -> None:
        index, below = self.done[level], WIDTH**level
        path = tile_path(level, index, len(hashes))
        data = self.read(path)
        first = index * WIDTH * below
        if data is None:
            raise Tampered(self.origin, first, f"{path} is missing")
        if data != b"".join(hashes):
            wrong = (i for i, item in enumerate(hashes) if data[HASH_SIZE * i : HASH_SIZE * (i + 1)] != item)
            raise Tampered(self.origin, first + next(wrong, 0) * below, f"{path} holds another hash")
        self.tiles += 1


def verify_vault(read: Read, origin: str, key: bytes, older: Iterable[int] = ()) -> VaultVerified:
    """Checks one log's copy from its bytes: bundles → leaves → tiles → root → signature by the public key `key`, and at
    each `older` size (those under `checkpoints/`) root and signature too. Raises Tampered at the first fault."""
    named = VerifierKey(origin, key)
    try:
        found = held(read, named)
    except VaultRefused as refused:
        raise Tampered(origin, None, refused.detail) from refused
    if found is None:
        raise Tampered(origin, None, "there is no checkpoint")
    size = found.checkpoint.size
    waiting = dict(_older(read, named, older, size))
    older_checked = len(waiting)
    frontier, levels = Frontier(), _Levels(read, origin)
    payloads = absent = 0
    for index in range(-(-size // WIDTH)):
        leaves = []
        for body in _bundle(read, origin, index, min(WIDTH, size - index * WIDTH)):
            has = _payload_there(read, body, frontier.size)
            payloads, absent = payloads + (has is True), absent + (has is False)
            leaves.append(leaf_hash(body))
            frontier.append(leaves[-1])
            signed = waiting.pop(frontier.size, None)
            if signed is not None and signed != frontier.root():
                raise Tampered(origin, frontier.size - 1, f"{checkpoint_path(frontier.size)} has another root")
        levels.add(0, leaves)
    levels.end()
    if frontier.root() != found.checkpoint.root:
        raise Tampered(origin, None, f"the signed checkpoint of {size} entries does not cover these entries")
    return VaultVerified(
        origin, size, frontier.root(), named.serialize(), levels.tiles, 1 + older_checked, payloads, absent
    )


def _older(read: Read, key: VerifierKey, sizes: Iterable[int], size: int) -> Iterator[tuple[int, bytes]]:
    for each in sizes:
        path = checkpoint_path(each)
        try:
            found = checkpoints.open_signed((read(path) or b"").decode(), key)
        except (NoteError, UnicodeDecodeError) as error:
            raise Tampered(key.name, None, f"{path}: {error}") from error
        if found.size != each:
            raise Tampered(key.name, None, f"{path} is of {found.size} entries")
        if 0 < each <= size:
            yield each, found.root


def _payload_there(read: Read, body: bytes, index: int) -> bool | None:
    """None when the entry has no payload (or is no entry of ours)."""
    try:
        commitment = decode(body, b"").payload
    except EntryError:
        return None
    return None if commitment is None else read(payload_path(index)) is not None


def _bundle(read: Read, origin: str, index: int, width: int) -> list[bytes]:
    path = bundle_path(index, width)
    data = read(path)
    if data is None:
        raise Tampered(origin, index * WIDTH, f"{path} is missing")
    try:
        return bundle.decode(data, width)
    except NoteError as error:
        raise Tampered(origin, index * WIDTH, f"{path}: {error}") from error


def _file(read: Read, origin: str, path: str, size: int) -> bytes:
    data = read(path)
    if data is None or len(data) != size:
        raise VaultRefused(f"{origin}: {path} is missing or cut short")
    return data


# The way back


@dataclass(frozen=True, slots=True)
class Tail:
    """What a vault holds beyond a log: the entries from index `start` on as their bytes, proved to lead from the log's
    own tree to the signed checkpoint. `notes` are the checkpoints in that range by size, cosignatures included;
    `sealed` the payloads' ciphertexts by index."""

    origin: str
    start: int
    bodies: tuple[bytes, ...]
    checkpoint: Checkpoint
    notes: dict[int, str]
    sealed: dict[int, bytes]


def read_tail(read: Read, local: Frontier, key: VerifierKey, older: Iterable[int] = ()) -> Tail:
    """The tail that the log with the right edge `local` has lost. Raises VaultRefused: VAULT_HAS_NO_MORE when the vault
    holds no more, VAULT_FORKS when it holds another history, VAULT_DAMAGED when its files are not what was signed."""
    origin = key.name
    found = held(read, key)
    if found is None or found.checkpoint.size <= local.size:
        size = 0 if found is None else found.checkpoint.size
        raise VaultRefused(f"{origin}: {size} entries there, {local.size} here", code=ReasonCode.VAULT_HAS_NO_MORE)
    size = found.checkpoint.size
    if root(local.size, TileReader(VaultTiles(read, origin, size), local.size)) != local.root():
        raise VaultRefused(f"{origin}: another history of {local.size} entries", code=ReasonCode.VAULT_FORKS)
    signed = {size: found.text}
    try:
        roots = dict(_older(read, key, (each for each in older if local.size < each < size), size))
        frontier, bodies, sealed = local.copy(), [], {}
        for index in range(local.size // WIDTH, -(-size // WIDTH)):
            first = index * WIDTH
            for body in _bundle(read, origin, index, min(WIDTH, size - first))[max(local.size - first, 0) :]:
                if _payload_there(read, body, frontier.size):
                    sealed[frontier.size] = read(payload_path(frontier.size)) or b""
                bodies.append(body)
                frontier.append(leaf_hash(body))
                if frontier.size in roots:
                    if roots[frontier.size] != frontier.root():
                        raise Tampered(origin, frontier.size - 1, "a checkpoint that covers it has another root")
                    signed[frontier.size] = (read(checkpoint_path(frontier.size)) or b"").decode()
        if frontier.root() != found.checkpoint.root:
            raise Tampered(origin, None, "its entries do not lead to its signed checkpoint")
    except Tampered as fault:
        raise VaultRefused(str(fault)) from fault
    return Tail(origin, local.size, tuple(bodies), found.checkpoint, signed, sealed)


def new_tiles(old: int, size: int) -> Iterator[tuple[int, int, int]]:
    """(level, index, width) of the tiles that a vault of `old` entries lacks to hold `size`."""
    for level, index, width in tiles_of(size):
        if min(WIDTH, (old >> TILE_HEIGHT * level) - index * WIDTH) < width:
            yield level, index, width


def superseded(size: int, keep: int) -> Iterator[str]:
    """Paths of the partial tiles and bundles of a tree of `size` that a tree of `keep` entries holds wider."""
    for level, index, width in tiles_of(size):
        if width < WIDTH and min(WIDTH, (keep >> TILE_HEIGHT * level) - index * WIDTH) > width:
            yield tile_path(level, index, width)
            if level == 0:
                yield bundle_path(index, width)
