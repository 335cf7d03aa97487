"""Sealed before act: whatever leaves, a signed checkpoint covers the receipt that says it was about to."""

import asyncio
from concurrent.futures import Future
from typing import Any

import pytest

from studio_brain.evidence import checkpoint as checkpoints
from studio_brain.evidence.log import find_log
from studio_brain.evidence.merkle import verify_inclusion
from studio_brain.evidence.note import VerifierKey
from studio_brain.evidence.reader import LogReader
from studio_brain.kernel.ports import Outcome, OutcomeKind, WriteCall
from studio_brain.kernel.reasons import ReasonCode
from studio_brain.store.sequencer import Committed, Work
from tests.gateway.harness import KEY, Bench

UNKNOWN = Outcome(OutcomeKind.UNKNOWN, "r", ReasonCode.UNKNOWN_OUTCOME, "the answer was lost")


def prove_the_start(bench: Bench, call: WriteCall) -> int:
    """Raises unless another connection, now, can prove the last start of this execution to a stranger. Its attempt."""

    def look(conn: Any) -> int:
        log = find_log(conn, "a")
        assert log is not None
        reader = LogReader(conn, log)
        starts = [
            s for s in reader.entries(kinds=["execution.started"]) if s.entry.data["executionId"] == call.execution
        ]
        note = reader.checkpoint_note(covering=starts[-1].seq)
        assert note is not None, "nothing signed covers the start"
        signed = checkpoints.open_signed(note, VerifierKey(log.origin, KEY.public_key))
        path = reader.inclusion(starts[-1].seq, signed.size)
        verify_inclusion(starts[-1].entry.seal, starts[-1].seq, signed.size, path, signed.root)
        return int(starts[-1].entry.data["attempt"])

    return bench.databases.brain.reading(look)


def test_each_call_and_each_repeated_call_finds_its_start_proved(bench: Bench) -> None:
    attempts: list[int] = []
    bench.outside.during = lambda call: attempts.append(prove_the_start(bench, call))
    for answers in ([], [UNKNOWN], [UNKNOWN, UNKNOWN]):
        bench.outside.answers = list(answers)
        drafted = bench.approved()
        bench.execute(drafted)
        for _ in answers:
            bench.pass_time()
            asyncio.run(bench.recovery.settle_all())
        assert bench.state(drafted) == "executed"
    assert attempts == [1, 1, 2, 1, 2, 3]
    assert len(bench.outside.calls) == len(attempts)


class Unsigned:
    """A writer whose groups commit and are never covered by a checkpoint."""

    def __init__(self, bench: Bench) -> None:
        self._writer = bench.writer

    def submit(self, tenant: str, work: Work[Any]) -> "Future[Committed[Any]]":
        done: Future[Committed[Any]] = Future()
        real = self._writer.submit(tenant, work).result(10)
        done.set_result(Committed(real.value, real.receipts, 0))
        return done


@pytest.mark.parametrize("again", [False, True])
def test_without_a_covering_checkpoint_nothing_leaves(bench: Bench, again: bool) -> None:
    drafted = bench.approved()
    if again:  # the first call went out and its answer was lost
        bench.outside.answers = [UNKNOWN]
        bench.execute(drafted)
        bench.pass_time()
    sent = len(bench.outside.calls)
    bench.gateway.writer = Unsigned(bench)
    if again:
        with pytest.raises(Exception, match="no checkpoint covers the start"):
            asyncio.run(bench.recovery.settle_all())
    else:
        assert bench.execute(drafted).code is ReasonCode.AUDIT_UNAVAILABLE
    assert len(bench.outside.calls) == sent
