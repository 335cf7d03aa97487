"""Range proofs: that entries [first, end) are all of what stands there in a tree of `size`, in this order.

The proof is the roots of the complete subtrees left of the range (those that a frontier of size `first` holds) and
right of it. How many there are, and where each one stands, follows from the three numbers alone; so every leaf of the
range is hashed at one place only, and a row that is missing, added, moved or changed leads to another root. Pure.
"""

from collections.abc import Iterable

from .merkle import HASH_SIZE, Frontier, NodeAt, ProofError, Span, complete_spans, fold, node_hash


def left_spans(first: int) -> list[Span]:
    return complete_spans(0, first)


def right_spans(end: int, size: int) -> list[Span]:
    """Complete subtrees over [end, size), each as large as its place allows."""
    return complete_spans(end, size)


def range_proof(first: int, end: int, size: int, node_at: NodeAt) -> tuple[list[bytes], list[bytes]]:
    """The hashes left and right of [first, end), from the left. Raises ProofError outside the tree."""
    _check(first, end, size)
    left = [node_at(*span.node) for span in left_spans(first)]
    return left, [node_at(*span.node) for span in right_spans(end, size)]


def range_root(first: int, leaves: Iterable[bytes], size: int, left: list[bytes], right: list[bytes]) -> bytes:
    """The root that these leaves lead to when they stand at `first`. Raises ProofError when the numbers do not fit."""
    if first < 0 or len(left) != len(left_spans(first)):
        raise ProofError("the range proof has another number of hashes on its left")
    if any(len(item) != HASH_SIZE for item in (*left, *right)):
        raise ProofError("a hash is not 32 bytes")
    edge = Frontier(first, tuple(left))
    for leaf in leaves:
        edge.append(leaf)
    _check(first, edge.size, size)
    spans = right_spans(edge.size, size)
    if len(right) != len(spans):
        raise ProofError("the range proof has another number of hashes on its right")
    stack = [(span.node[0], item) for span, item in zip(complete_spans(0, edge.size), edge.roots, strict=True)]
    for span, item in zip(spans, right, strict=True):
        level, result = span.node[0], item
        while stack and stack[-1][0] == level:
            result = node_hash(stack.pop()[1], result)
            level += 1
        stack.append((level, result))
    return fold(item for _, item in stack)


def _check(first: int, end: int, size: int) -> None:
    if not 0 <= first <= end <= size:
        raise ProofError(f"no range from {first} to {end} in a tree of {size}")
