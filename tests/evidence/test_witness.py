"""The witness's rule: every status of the specification, published proofs, a dictionary beside what it remembers."""

import base64
import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from studio_brain.evidence import checkpoint as checkpoints
from studio_brain.evidence import cosignature, note
from studio_brain.evidence.checkpoint import Checkpoint
from studio_brain.evidence.merkle import Frontier, NodeAt, consistency_proof, leaf_hash
from studio_brain.evidence.note import Note, NoteError, VerifierKey
from studio_brain.evidence.witness import (
    AddCheckpoint,
    Remembered,
    WitnessRefusal,
    accept,
    add_checkpoint,
    cosigner,
    judge,
    recall,
    remember,
)
from studio_brain.store.database import Databases
from tests.evidence.keys import TestKey
from tests.shared_data import shared

LOG, OTHER = TestKey(), TestKey(b"\x09" * 32)
ORIGIN = "practice/0b7c/studio/1"
LOG_KEY = VerifierKey(ORIGIN, LOG.public_key)
KEYS = {ORIGIN: [LOG_KEY]}
NAME = "practice/77aa/witness"
NOW = 1_795_000_000_123


class Cosigner(TestKey):
    type = cosignature.ED25519


WITNESS = Cosigner(b"\x21" * 32)
WITNESS_KEY = VerifierKey(NAME, WITNESS.public_key, cosignature.ED25519)

LEAVES = [leaf_hash(b"entry %d" % n) for n in range(40)]
FORKED = [*LEAVES[:10], *(leaf_hash(b"other %d" % n) for n in range(30))]


def root(leaves: list[bytes]) -> bytes:
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def node_at(leaves: list[bytes]) -> NodeAt:
    return lambda level, index: root(leaves[index << level : (index + 1) << level])


def signed(size: int, leaves: list[bytes] = LEAVES, key: TestKey = LOG, origin: str = ORIGIN) -> str:
    return checkpoints.sign(Checkpoint(origin, size, root(leaves[:size])), key).serialize()


def asked(old: int, size: int, leaves: list[bytes] = LEAVES) -> AddCheckpoint:
    return AddCheckpoint(old, tuple(consistency_proof(min(old, size), size, node_at(leaves))), signed(size, leaves))


def remembered(size: int) -> Remembered:
    return Remembered(size, root(LEAVES[:size]))


def refused(request: AddCheckpoint, before: Remembered) -> WitnessRefusal:
    with pytest.raises(WitnessRefusal) as caught:
        judge(request, KEYS, before)
    return caught.value


# the request


@given(st.integers(0, 2**63 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=63))
def test_a_request_that_is_read_is_written_the_same(old: int, proof: list[bytes]) -> None:
    request = AddCheckpoint(old, tuple(proof), signed(3))
    assert AddCheckpoint.parse(request.serialize()) == request


HASH = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "head",
    [
        "", "old", "old ", "old 07", "old +7", "old 1_000", "old -1", "Old 7", "old  7", "old 7 ", "old 7\r",
        "old 9223372036854775808", f"old 7\n{HASH}=", f"old 7\n{HASH[:-1]}", f"old 7\n {HASH}", f"old 7\n{HASH}\r",
        "old 7\n" + base64.b64encode(bytes(31)).decode(), "old 7\n" + "\n".join([HASH] * 64), f"{HASH}\nold 7",
    ],
)  # fmt: skip
def test_a_request_of_another_form_is_refused(head: str) -> None:
    with pytest.raises(NoteError):
        AddCheckpoint.parse(f"{head}\n\n{signed(9)}".encode())


@pytest.mark.parametrize("body", [b"", b"old 7\n", b"\xff\xfe\n\n", b"old 7\n\n" + b"x" * 65_536])
def test_a_body_that_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(NoteError):
        AddCheckpoint.parse(body)


# the rule, status by status


@pytest.mark.parametrize(("old", "size"), [(0, 0), (0, 1), (0, 40), (1, 1), (3, 9), (8, 16), (39, 40), (40, 40)])
def test_what_extends_what_is_remembered_may_be_cosigned(old: int, size: int) -> None:
    assert judge(asked(old, size), KEYS, remembered(old))[1].size == size


def test_an_unknown_origin_is_404() -> None:
    stranger = AddCheckpoint(0, (), signed(5, key=LOG, origin="somebody/else"))
    assert refused(stranger, Remembered()).status == 404


def test_no_signature_by_a_known_key_is_403() -> None:
    assert refused(AddCheckpoint(0, (), signed(5, key=OTHER)), Remembered()).status == 403


def test_a_signature_that_claims_a_known_key_and_is_wrong_is_403() -> None:
    parsed = note.parse(signed(5))
    wrong = note.Signature(ORIGIN, LOG_KEY.key_id, OTHER.sign(parsed.text.encode()))
    for signatures in ((wrong,), (*parsed.signatures, wrong)):
        assert refused(AddCheckpoint(0, (), Note(parsed.text, signatures).serialize()), Remembered()).status == 403


def test_signatures_by_unknown_keys_are_ignored() -> None:
    parsed = note.parse(signed(5))
    more = note.sign(parsed.text, "somebody", OTHER).signatures
    request = AddCheckpoint(0, (), Note(parsed.text, (*more, *parsed.signatures)).serialize())
    assert judge(request, KEYS, Remembered())[1].size == 5


def test_an_old_size_above_the_checkpoint_is_400() -> None:
    assert refused(AddCheckpoint(9, (), signed(5)), remembered(9)).status == 400


def test_another_size_than_is_remembered_is_409_and_tells_it() -> None:
    for old in (0, 4, 9):
        refusal = refused(asked(old, 20), remembered(7))
        assert (refusal.status, refusal.media_type, refusal.body) == (409, "text/x.tlog.size", "7\n")


def test_another_root_of_the_same_size_is_409_without_a_size() -> None:
    refusal = refused(AddCheckpoint(20, (), signed(20, FORKED)), remembered(20))
    assert (refusal.status, refusal.size) == (409, None)
    empty = checkpoints.sign(Checkpoint(ORIGIN, 0, bytes(32)), LOG).serialize()
    assert refused(AddCheckpoint(0, (), empty), Remembered()).status == 409


def test_a_proof_that_does_not_verify_is_422() -> None:
    good = asked(7, 20)
    for request in (
        AddCheckpoint(7, good.proof[:-1], good.checkpoint),
        AddCheckpoint(7, (*good.proof, bytes(32)), good.checkpoint),
        AddCheckpoint(7, tuple(reversed(good.proof)), good.checkpoint),
        AddCheckpoint(7, (), good.checkpoint),
    ):
        assert refused(request, remembered(7)).status == 422
    assert refused(asked(20, 30, FORKED), remembered(20)).status == 422
    assert refused(AddCheckpoint(0, (bytes(32),), signed(5)), Remembered()).status == 422
    assert refused(AddCheckpoint(5, (bytes(32),), signed(5)), remembered(5)).status == 422


def test_a_malformed_checkpoint_is_400() -> None:
    text = f"{ORIGIN}\n07\n{base64.b64encode(bytes(32)).decode()}\n"
    for checkpoint in ("", "x", note.sign(text, ORIGIN, LOG).serialize(), signed(5) + "\n"):
        assert refused(AddCheckpoint(0, (), checkpoint), Remembered()).status == 400


def test_extension_lines_of_others_are_cosigned_with_the_rest() -> None:
    text = note.parse(signed(5)).text + "an extension line\n"
    request = AddCheckpoint(0, (), note.sign(text, ORIGIN, LOG).serialize())
    assert judge(request, KEYS, Remembered())[0].text == text


@pytest.mark.vectors
def test_the_published_consistency_proofs_decide_alike() -> None:
    tried = {True: 0, False: 0}
    for path in _published():
        case = json.loads(path.read_text())
        old, size = int(case["size1"]), int(case["size2"])
        roots = [base64.b64decode(case[name] or "") for name in ("root1", "root2")]
        if len(roots[1]) != 32 or size < 0 or old < 0:
            continue  # no checkpoint can say this
        proof = tuple(base64.b64decode(item) for item in case["proof"] or ())
        text = checkpoints.sign(Checkpoint(ORIGIN, size, roots[1]), LOG).serialize()
        try:
            judge(AddCheckpoint(old, proof, text), KEYS, Remembered(old, roots[0]))
            agreed = True
        except WitnessRefusal:
            agreed = False
        assert agreed is not case["wantErr"], path.name
        tried[agreed] += 1
    assert min(tried.values()) >= 3, tried


def _published() -> Iterator:  # type: ignore[type-arg]
    return shared("vectors/merkle-proofs/consistency").rglob("*.json")


# what it remembers


def test_the_answer_is_a_cosignature_that_the_log_accepts(databases: Databases) -> None:
    lines = databases.brain.writing(
        lambda conn: add_checkpoint(conn, asked(0, 9).serialize(), KEYS, NAME, WITNESS, NOW)
    )
    signature, cosigned = accept(signed(9), lines, WITNESS_KEY)
    assert (signature.name, cosigned.time) == (NAME, NOW // 1000)
    assert databases.brain.reading(lambda conn: recall(conn, ORIGIN)) == remembered(9)


def test_a_refusal_changes_nothing_that_is_remembered(databases: Databases) -> None:
    def ask(request: AddCheckpoint) -> str:
        return databases.brain.writing(lambda conn: add_checkpoint(conn, request.serialize(), KEYS, NAME, WITNESS, NOW))

    ask(asked(0, 20))
    for request in (asked(0, 30), asked(20, 30, FORKED), AddCheckpoint(20, (), signed(20, FORKED)), asked(9, 9)):
        with pytest.raises(WitnessRefusal):
            ask(request)
    assert databases.brain.reading(lambda conn: recall(conn, ORIGIN)) == remembered(20)


def test_comparing_and_setting_is_one_step(databases: Databases) -> None:
    """Whoever compared with what is no longer remembered changes nothing: neither a first nor a later checkpoint."""

    def later(conn: Connection, before: int, size: int) -> bool:
        found = Checkpoint(ORIGIN, size, root(LEAVES[:size]))
        return remember(conn, remembered(before), found, signed(size), NOW)

    def both(conn: Connection) -> list[bool]:
        return [later(conn, 0, 5), later(conn, 0, 3), later(conn, 5, 9), later(conn, 5, 7), later(conn, 9, 9)]

    assert databases.brain.writing(both) == [True, False, True, False, True]
    assert databases.brain.reading(lambda conn: recall(conn, ORIGIN)) == remembered(9)


def test_of_two_at_once_one_loses(databases: Databases) -> None:
    size = 0
    with ThreadPoolExecutor(2) as pool:
        for _ in range(18):
            answers = list(pool.map(lambda n, old=size: _ask(databases, asked(old, old + n)), (1, 2)))
            assert sorted(answers) == [200, 409]
            size += answers.index(200) + 1
    assert databases.brain.reading(lambda conn: recall(conn, ORIGIN)) == remembered(size)


def _ask(databases: Databases, request: AddCheckpoint) -> int:
    body = request.serialize()
    try:
        databases.brain.writing(lambda conn: add_checkpoint(conn, body, KEYS, NAME, WITNESS, NOW))
    except WitnessRefusal as refusal:
        return refusal.status
    return 200


def test_a_witness_beside_a_dictionary(databases: Databases) -> None:
    """300 requests of a seed, honest, stale, forked and broken: the same answers as a dictionary gives."""
    dice = random.Random(7)
    model: dict[str, int] = {}
    for _ in range(300):
        leaves = FORKED if dice.random() < 0.2 else LEAVES
        known = model.get(ORIGIN, 0)
        old, size = (known if dice.random() < 0.7 else dice.randrange(40)), dice.randrange(41)
        request = asked(old, size, leaves)
        fits = known <= 10 or leaves is LEAVES  # the two histories share their first ten entries
        expected = 400 if old > size else 409 if old != known else 200 if fits else 409 if old == size else 422
        status = _ask(databases, request)
        assert status == expected, (old, size, known, leaves is LEAVES)
        if status == 200:
            model[ORIGIN] = size
            if leaves is FORKED and size > 10:  # it follows the other history from here on; begin anew
                databases.brain.writing(lambda conn: conn.exec_driver_sql("DELETE FROM peer"))
                model.clear()


# what a log makes of an answer


def test_lines_by_others_are_ignored_and_wrong_ones_refused() -> None:
    checkpoint = note.parse(signed(9))
    mine = cosignature.cosign(checkpoint, NAME, WITNESS, 1_700_000_000)
    newer = cosignature.cosign(checkpoint, NAME, WITNESS, 1_700_000_060)
    foreign = cosignature.cosign(checkpoint, "somebody/else", Cosigner(b"\x31" * 32), 1)
    signature, found = accept(signed(9), foreign.line() + mine.line() + newer.line(), WITNESS_KEY)
    assert (signature, found.time) == (newer, 1_700_000_060)
    for lines in (foreign.line(), "", "x", mine.line()[:-1], note.Signature(NAME, mine.key_id, bytes(72)).line()):
        with pytest.raises(NoteError):
            accept(signed(9), lines, WITNESS_KEY)
    with pytest.raises(NoteError):
        accept(signed(8), mine.line(), WITNESS_KEY)


def test_a_witness_may_be_named_by_its_plain_key() -> None:
    assert cosigner(VerifierKey(NAME, WITNESS.public_key)) == WITNESS_KEY
    assert cosigner(WITNESS_KEY) == WITNESS_KEY
