"""The Merkle tree of RFC 6962 §2.1 and RFC 9162 §2.1: hashes, roots, inclusion and consistency proofs. Pure.

A *leaf* is the hash of an entry's bytes. A *node* is addressed as (level, index): the root of the complete subtree over
the leaves `index·2^level … (index+1)·2^level − 1`. `NodeAt` fetches such a hash from wherever it is kept.
A *frontier* is what is needed to go on appending: the roots of the complete subtrees that a size decomposes into,
largest first, at most 63 of them.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

NodeAt = Callable[[int, int], bytes]


class ProofError(ValueError):
    """A proof that does not prove what it claims."""


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(slots=True)
class Frontier:
    """The right edge of a tree of `size` leaves."""

    size: int = 0
    roots: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> None:
        """Adds one leaf; amortised one node hash."""
        roots = self.roots
        size = self.size
        while size & 1:
            leaf = node_hash(roots[-1], leaf)
            roots = roots[:-1]
            size >>= 1
        self.roots = (*roots, leaf)
        self.size += 1

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Adds many leaves, as `append` would one by one."""
        sha256, size, roots = hashlib.sha256, self.size, list(self.roots)
        for leaf in leaves:
            node, bits = leaf, size
            while bits & 1:
                node = sha256(b"\x01" + roots.pop() + node).digest()
                bits >>= 1
            roots.append(node)
            size += 1
        self.size, self.roots = size, tuple(roots)

    def root(self) -> bytes:
        return fold(self.roots)

    def copy(self) -> "Frontier":
        return Frontier(self.size, self.roots)

    def to_bytes(self) -> bytes:
        return b"".join(self.roots)

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> "Frontier":
        """Raises ValueError when `data` is not one hash for each set bit of `size`."""
        if size < 0 or len(data) != size.bit_count() * HASH_SIZE:
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} roots, not {len(data) / HASH_SIZE:g}")
        return cls(size, tuple(data[i : i + HASH_SIZE] for i in range(0, len(data), HASH_SIZE)))


def fold(roots: Iterable[bytes]) -> bytes:
    """The root over complete subtrees given largest first."""
    result: bytes | None = None
    for root in reversed(tuple(roots)):
        result = root if result is None else node_hash(root, result)
    return EMPTY_ROOT if result is None else result


def complete_root(hashes: bytes) -> bytes:
    """The root of a complete subtree over `hashes`, 32 bytes each, whose number is a power of two."""
    sha256 = hashlib.sha256
    while len(hashes) > HASH_SIZE:
        hashes = b"".join(
            [sha256(b"\x01" + hashes[i : i + 2 * HASH_SIZE]).digest() for i in range(0, len(hashes), 2 * HASH_SIZE)]
        )
    return hashes


@dataclass(frozen=True, slots=True)
class Span:
    """The leaves [begin, end) below one hash of a proof."""

    begin: int
    end: int

    @property
    def node(self) -> tuple[int, int]:
        """(level, index) of the smallest complete subtree that has room for it, its own address when it is complete."""
        level = (self.end - self.begin - 1).bit_length()
        return level, self.begin >> level


def complete_spans(begin: int, end: int) -> list[Span]:
    """The complete subtrees that [begin, end) is made of, from the left, each as large as its place allows. For
    begin = 0 these are the subtrees of a frontier."""
    spans = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        if begin:
            level = min(level, (begin & -begin).bit_length() - 1)
        spans.append(Span(begin, begin + (1 << level)))
        begin += 1 << level
    return spans


def _range_root(begin: int, end: int, node_at: NodeAt) -> bytes:
    """MTH over leaves [begin, end) where begin is a multiple of the largest power of two below the length."""
    length = end - begin
    if length & (length - 1) == 0 < length:
        level = length.bit_length() - 1
        return node_at(level, begin >> level)
    return fold([node_at(*span.node) for span in complete_spans(begin, end)])


def root(size: int, node_at: NodeAt) -> bytes:
    return _range_root(0, size, node_at)


def _split(length: int) -> int:
    """The largest power of two strictly below `length` (RFC 6962 §2.1)."""
    return 1 << (length - 1).bit_length() - 1


def inclusion_spans(index: int, size: int) -> list[Span]:
    """What each hash of PATH(index, D[size]) covers, leaf side first (RFC 6962 §2.1.1). Raises ProofError outside the
    tree."""
    if not 0 <= index < size:
        raise ProofError(f"no entry {index} in a tree of {size}")
    spans: list[Span] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(begin, middle))
            begin = middle
    spans.reverse()
    return spans


def consistency_spans(old: int, new: int) -> list[Span]:
    """What each hash of PROOF(old, D[new]) covers (RFC 6962 §2.1.2). None for old = 0 and old = new."""
    if not 0 <= old <= new:
        raise ProofError(f"a tree of {new} does not extend one of {old}")
    if old in (0, new):
        return []
    spans: list[Span] = []
    begin, end, known = 0, new, True
    while old != end:
        middle = begin + _split(end - begin)
        if old <= middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(begin, middle))
            begin, known = middle, False
    if not known:
        spans.append(Span(begin, end))
    spans.reverse()
    return spans


def inclusion_proof(index: int, size: int, node_at: NodeAt) -> list[bytes]:
    """PATH(index, D[size]) of RFC 6962 §2.1.1, leaf side first. Raises ProofError outside the tree."""
    return [_range_root(span.begin, span.end, node_at) for span in inclusion_spans(index, size)]


def consistency_proof(old: int, new: int, node_at: NodeAt) -> list[bytes]:
    """PROOF(old, D[new]) of RFC 6962 §2.1.2. Empty for old = 0 and old = new."""
    return [_range_root(span.begin, span.end, node_at) for span in consistency_spans(old, new)]


def verify_inclusion(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> None:
    """RFC 9162 §2.1.3.2. Raises ProofError unless `leaf` stands at `index` in the tree of `size` with this root."""
    _check_hashes([leaf, root, *path])
    if not 0 <= index < size:
        raise ProofError(f"no entry {index} in a tree of {size}")
    node, last, result = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise ProofError("the path is too long")
        if node & 1 or node == last:
            result = node_hash(sibling, result)
            if not node & 1:
                while node and not node & 1:
                    node >>= 1
                    last >>= 1
        else:
            result = node_hash(result, sibling)
        node >>= 1
        last >>= 1
    if last != 0:
        raise ProofError("the path is too short")
    if result != root:
        raise ProofError("the path does not lead to the root")


def verify_consistency(old: int, new: int, path: list[bytes], old_root: bytes, new_root: bytes) -> None:
    """RFC 9162 §2.1.4.2. Raises ProofError unless the tree of `new` leaves extends that of `old`."""
    _check_hashes([old_root, new_root, *path])
    if not 0 <= old <= new:
        raise ProofError(f"a tree of {new} does not extend one of {old}")
    if old == new:
        if path or old_root != new_root:
            raise ProofError("two trees of one size must be the same, with an empty path")
        return
    if old == 0:
        if path or old_root != EMPTY_ROOT:
            raise ProofError("the empty tree has the empty root and an empty path")
        return
    if old & (old - 1) == 0:
        path = [old_root, *path]
    if not path:
        raise ProofError("the path is too short")
    node, last = old - 1, new - 1
    while node & 1:
        node >>= 1
        last >>= 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofError("the path is too long")
        if node & 1 or node == last:
            first = node_hash(sibling, first)
            second = node_hash(sibling, second)
            if not node & 1:
                while node and not node & 1:
                    node >>= 1
                    last >>= 1
        else:
            second = node_hash(second, sibling)
        node >>= 1
        last >>= 1
    if last != 0:
        raise ProofError("the path is too short")
    if first != old_root or second != new_root:
        raise ProofError("the path does not lead from one root to the other")


def _check_hashes(hashes: list[bytes]) -> None:
    if any(len(item) != HASH_SIZE for item in hashes):
        raise ProofError("a hash is not 32 bytes")
