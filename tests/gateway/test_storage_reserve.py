"""Below the reserve nothing is carried out, and everything else goes on: what was sent has to be sealed afterwards."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from studio_brain.brain import Brain, Opening
from studio_brain.gateway.execution import Storage
from studio_brain.home.files import free_bytes
from studio_brain.kernel.errors import StorageError
from studio_brain.kernel.ports import Outcome, OutcomeKind
from studio_brain.kernel.reasons import ReasonCode
from tests.gateway.harness import Bench


def test_a_claim_below_the_reserve_is_refused_and_the_rest_goes_on(bench: Bench, tmp_path: Path) -> None:
    free = partial(free_bytes, tmp_path)
    bench.executor.storage = Storage(free, free() * 2)
    drafted = bench.approved()
    done = bench.execute(drafted)
    assert (done.code, bench.state(drafted)) == (ReasonCode.STORAGE_LOW, "approved")
    assert "MB are left" in done.detail
    assert bench.outside.calls == []
    assert bench.entries()[-1].entry.data["reasonCode"] == "STORAGE_LOW"
    bench.executor.storage = Storage(free, free() // 2)
    assert bench.execute(drafted).outcome == "executed"


def test_a_lost_answer_is_not_asked_again_below_the_reserve(bench: Bench) -> None:
    drafted = bench.approved()
    bench.outside.answers = [Outcome(OutcomeKind.UNKNOWN, "r", ReasonCode.UNKNOWN_OUTCOME)]
    bench.execute(drafted)
    bench.executor.storage = Storage(lambda: 99, 100)
    bench.pass_time()
    assert asyncio.run(bench.recovery.settle_all()) == 1
    assert bench.kinds(drafted).count("execution.started") == 1
    bench.executor.storage = Storage(lambda: 100, 100)
    bench.pass_time()
    assert asyncio.run(bench.recovery.settle_all()) == 0
    assert bench.state(drafted) == "executed"


@pytest.mark.parametrize(("setting", "is_low"), [("0", False), ("100000000", True)])
def test_the_setting_counts_on_the_disk_of_the_home(tmp_path: Path, setting: str, is_low: bool) -> None:
    (tmp_path / "studio.toml").write_text("practice = true\n")
    opening = Opening(tmp_path, environment={"STUDIO_BRAIN_ENGINE__RESERVE_MB": setting})

    async def look() -> bool:
        async with Brain.open(opening) as brain:
            assert brain.executor.storage.free() > 0
            return brain.executor.storage.is_low()

    assert free_bytes(tmp_path) < 1_000_000_000_000
    assert asyncio.run(look()) is is_low


def test_a_disk_that_cannot_be_asked_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        free_bytes(tmp_path / "nonesuch")
    assert caught.value.code is ReasonCode.STORAGE_READ_ONLY
