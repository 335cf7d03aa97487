"""The tree against a ten-line oracle, exhaustively up to 130 leaves, and against the published proofs."""

import base64
import json

import pytest

from studio_brain.evidence.merkle import (
    EMPTY_ROOT,
    Frontier,
    ProofError,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root,
    verify_consistency,
    verify_inclusion,
)
from tests.shared_data import shared

LEAVES = [leaf_hash(index.to_bytes(2, "big")) for index in range(130)]


def oracle(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, as it is written there."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(oracle(leaves[:split]), oracle(leaves[split:]))


ROOTS = [oracle(LEAVES[:size]) for size in range(len(LEAVES) + 1)]


def node_at(level: int, index: int) -> bytes:
    return oracle(LEAVES[index << level : (index + 1) << level])


def test_frontier_gives_every_root_and_survives_its_bytes() -> None:
    frontier = Frontier()
    for size in range(len(LEAVES) + 1):
        assert frontier.root() == ROOTS[size] == root(size, node_at)
        assert Frontier.from_bytes(size, frontier.to_bytes()) == frontier
        if size < len(LEAVES):
            frontier.append(LEAVES[size])


@pytest.mark.parametrize("size", [*range(1, 40), 63, 64, 65, 127, 128, 129, 130])
def test_every_inclusion_proof_verifies_and_no_other(size: int) -> None:
    for index in range(size):
        path = inclusion_proof(index, size, node_at)
        verify_inclusion(LEAVES[index], index, size, path, ROOTS[size])
        with pytest.raises(ProofError):
            verify_inclusion(LEAVES[(index + 1) % 130], index, size, path, ROOTS[size])
        with pytest.raises(ProofError):
            verify_inclusion(LEAVES[index], index, size, [*path, LEAVES[0]], ROOTS[size])
        if path:
            with pytest.raises(ProofError):
                verify_inclusion(LEAVES[index], index, size, path[:-1], ROOTS[size])


@pytest.mark.parametrize("new", [*range(34), 64, 65, 128, 130])
def test_every_consistency_proof_verifies_and_no_other(new: int) -> None:
    for old in range(new + 1):
        path = consistency_proof(old, new, node_at)
        verify_consistency(old, new, path, ROOTS[old], ROOTS[new])
        if 0 < old < new:
            with pytest.raises(ProofError):
                verify_consistency(old, new, path, ROOTS[old - 1], ROOTS[new])
            with pytest.raises(ProofError):
                verify_consistency(old, new, [*path, LEAVES[0]], ROOTS[old], ROOTS[new])
            with pytest.raises(ProofError):
                verify_consistency(old, new, path[:-1], ROOTS[old], ROOTS[new])


@pytest.mark.parametrize(("size", "data"), [(3, b"\x00" * 32), (1, b"\x00" * 31), (0, b"\x00" * 32), (-1, b"")])
def test_a_frontier_of_the_wrong_length_is_refused(size: int, data: bytes) -> None:
    with pytest.raises(ValueError, match="roots"):
        Frontier.from_bytes(size, data)


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0)])
def test_an_index_outside_the_tree_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(ProofError):
        inclusion_proof(index, size, node_at)


def decode(text: str | None) -> bytes:
    return base64.b64decode(text) if text else b""


@pytest.mark.vectors
@pytest.mark.parametrize("kind", ["inclusion", "consistency"])
def test_published_proofs(kind: str) -> None:
    files = sorted(shared(f"vectors/merkle-proofs/{kind}").rglob("*.json"))
    assert len(files) > 40
    for path in files:
        vector = json.loads(path.read_text())
        proof = [decode(item) for item in vector["proof"] or []]
        try:
            if kind == "inclusion":
                leaf, top = decode(vector["leafHash"]), decode(vector["root"])
                verify_inclusion(leaf, vector["leafIdx"], vector["treeSize"], proof, top)
            else:
                old, new = decode(vector["root1"]), decode(vector["root2"])
                verify_consistency(vector["size1"], vector["size2"], proof, old, new)
            refused = False
        except ProofError:
            refused = True
        assert refused == vector["wantErr"], path.name
