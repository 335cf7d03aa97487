"""Witnessing and being witnessed between two homes: over HTTP on real sockets, by file, by two processes at once."""

import asyncio
import contextlib
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from studio_brain.brain import Brain
from studio_brain.domains.records.witnessing import Witness, WitnessKey, known_logs, open_witness_key
from studio_brain.doors.witness import listen, serve
from studio_brain.evidence import cosignature, note
from studio_brain.evidence.log import find_log
from studio_brain.evidence.note import VerifierKey
from studio_brain.evidence.witness import AddCheckpoint, Remembered, accept, recall, request_for
from studio_brain.gateway.perform import Performed
from studio_brain.home.settings import load_settings
from studio_brain.kernel.clock import DAY
from studio_brain.kernel.errors import ConfigError
from studio_brain.kernel.reasons import ReasonCode
from tests.domains.records.homes import VAULT, command, do, entries, make_home, seal, with_brain
from tests.evidence import test_witness as rule
from tests.practice_process import ROOT

KEY = WitnessKey("practice/77aa/witness", b"\x21" * 32)


def witnessed_by(url: str | None, key: VerifierKey = KEY.verifier, name: str = "neighbour") -> str:
    address = "" if url is None else f'url = "{url}"\n'
    return f'{VAULT}\n[[records.witness]]\nname = "{name}"\nkey = "{key.serialize()}"\n{address}'


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def own_key(brain: Brain) -> str:
    log = brain.databases.brain.reading(lambda conn: find_log(conn, "a"))
    assert log is not None
    return brain.verifier_key(log.origin).serialize()


@contextlib.asynccontextmanager
async def neighbour(home: Path, port: int, vkeys: list[str]) -> AsyncIterator[Brain]:
    """Another home that witnesses these logs on that port."""
    from studio_brain.brain import Opening

    async with await asyncio.to_thread(Brain.open, Opening(make_home(home, ""), environment={}, via="test")) as brain:
        witness = Witness(brain.home, brain.databases.brain, known_logs(vkeys), KEY, brain.clock)
        stop, ready = asyncio.Event(), asyncio.Event()
        serving = asyncio.create_task(serve(listen("127.0.0.1", port), witness.reply, ready.set, stop))
        await ready.wait()
        try:
            yield brain
        finally:
            stop.set()
            await serving


def remembered(brain: Brain, vkey: str) -> Remembered:
    origin = VerifierKey.parse(vkey).name
    return brain.databases.brain.reading(lambda conn: recall(conn, origin))


def answered(done: Performed) -> list[str | None]:
    return [answer["reasonCode"] for answer in done.data["answers"]]


def told(brain: Brain) -> list[str]:
    return [stored.entry.data["outcome"] for stored in entries(brain, kind="witness.answered")]


async def anchors(brain: Brain) -> dict[str, Any]:
    found = await brain.query("evidence.anchors", {}, brain.session(None, None, "test"))
    return next(log for log in found["logs"] if log["tenant"] == "a")


def on_home(tmp_path: Path, work: Callable[[Brain, int], Awaitable[None]]) -> None:
    port = free_port()
    home = make_home(tmp_path / "home", witnessed_by(f"http://127.0.0.1:{port}"))
    with_brain(home, lambda brain: work(brain, port))


# over HTTP


def test_a_checkpoint_is_cosigned_kept_and_told_once(tmp_path: Path) -> None:
    async def work(brain: Brain, port: int) -> None:
        await seal(brain, *range(300))
        async with neighbour(tmp_path / "other", port, [own_key(brain)]) as other:
            assert answered(await do(brain, "witness.ask")) == [None]
            assert remembered(other, own_key(brain)).size == 300
            found = await anchors(brain)
            assert (found["witnessedSize"], found["witnesses"][0]["size"]) == (300, 300)
            assert found["witnesses"][0]["cosignedAt"] is not None
            assert (await do(brain, "witness.ask")).outcome == "unchanged"  # only the receipt about it is new
            await seal(brain, *range(50))
            assert answered(await do(brain, "witness.ask")) == [None]
            assert (await anchors(brain))["witnessedSize"] == 351
            assert told(brain) == ["cosigned"]
            report = await brain.verify(brain.session(None, None, "test"))
            assert report.ok, report.fault

    on_home(tmp_path, work)


def test_a_told_size_is_taken_and_asked_from(tmp_path: Path) -> None:
    """What the witness remembers was forgotten here: its 409 says the size, and the next request begins there."""

    async def work(brain: Brain, port: int) -> None:
        await seal(brain, *range(20))
        async with neighbour(tmp_path / "other", port, [own_key(brain)]) as other:
            await do(brain, "witness.ask")
            brain.databases.brain.writing(lambda conn: conn.exec_driver_sql("DELETE FROM cosignature"))
            await seal(brain, *range(20))
            assert answered(await do(brain, "witness.ask")) == [None]
            assert remembered(other, own_key(brain)).size == 41
            assert (await anchors(brain))["witnessedSize"] == 41

    on_home(tmp_path, work)


def test_a_witness_that_does_not_know_the_log_is_told_once(tmp_path: Path) -> None:
    async def work(brain: Brain, port: int) -> None:
        await seal(brain, 1)
        async with neighbour(tmp_path / "other", port, []):
            for _ in range(3):
                assert answered(await do(brain, "witness.ask")) == ["WITNESS_REFUSED"]
        async with neighbour(tmp_path / "other", port, [own_key(brain)]):
            assert answered(await do(brain, "witness.ask")) == [None]
        assert told(brain) == ["WITNESS_REFUSED", "cosigned"]

    on_home(tmp_path, work)


def test_a_witness_that_is_away_stops_nothing_and_the_days_are_counted(tmp_path: Path) -> None:
    async def work(brain: Brain, port: int) -> None:
        await seal(brain, *range(3))
        async with neighbour(tmp_path / "other", port, [own_key(brain)]):
            await do(brain, "witness.ask")
        await seal(brain, *range(3))
        size = len(entries(brain))
        for _ in range(3):
            assert answered(await do(brain, "witness.ask")) == ["UNAVAILABLE"]
        assert len(entries(brain)) == size
        brain.clock.shift_ms += 5 * DAY  # type: ignore[attr-defined]
        found = await anchors(brain)
        assert (found["unwitnessedDays"], found["witnessedSize"]) == (5, 3)

    on_home(tmp_path, work)


def test_a_witness_that_knows_more_or_otherwise_says_so(tmp_path: Path) -> None:
    async def work(brain: Brain, port: int) -> None:
        await seal(brain, *range(5))
        shutil.copytree(brain.home, tmp_path / "copy")
        async with neighbour(tmp_path / "other", port, [own_key(brain)]):
            await seal(brain, *range(5))
            assert answered(await do(brain, "witness.ask")) == [None]

    port = free_port()
    home = make_home(tmp_path / "home", witnessed_by(f"http://127.0.0.1:{port}"))
    with_brain(home, lambda brain: work(brain, port))
    shutil.rmtree(tmp_path / "copy" / "pins", ignore_errors=True)

    async def set_back(brain: Brain) -> None:
        async with neighbour(tmp_path / "other", port, [own_key(brain)]) as other:
            assert answered(await do(brain, "witness.ask")) == ["WITNESS_AHEAD"]
            assert len(entries(brain)) == 5
            before = remembered(other, own_key(brain))
            await seal(brain, *range(100, 110))
            for _ in range(2):
                assert answered(await do(brain, "witness.ask")) == ["WITNESS_CONFLICT"]
            assert remembered(other, own_key(brain)) == before
            [kept] = (tmp_path / "other" / "conflicts").iterdir()
            text = kept.read_text()
            assert text.count(VerifierKey.parse(own_key(brain)).name) == 4  # two checkpoints, each signed by the log
        assert told(brain) == ["WITNESS_CONFLICT"]

    with_brain(tmp_path / "copy", set_back)


def test_cosignatures_get_into_the_vault_however_late(tmp_path: Path) -> None:
    async def work(brain: Brain, port: int) -> None:
        def checkpoint() -> note.Note:
            [file] = [path for path in (brain.home / "usb").rglob("checkpoint") if path.is_file()]
            return note.parse(file.read_text())

        await seal(brain, *range(5))
        await do(brain, "vault.export")
        assert len(checkpoint().signatures) == 1
        async with neighbour(tmp_path / "other", port, [own_key(brain)]):
            await do(brain, "witness.ask")
            await do(brain, "vault.export")
            kept = [note.parse(p.read_text()) for p in (brain.home / "usb").rglob("checkpoints/*") if p.is_file()]
            assert any(len(each.signatures) == 2 for each in kept)
            await seal(brain, *range(5))
            await do(brain, "witness.ask")
            await do(brain, "vault.export")
        cosigned = [n for n in kept if len(n.signatures) == 2]
        assert cosignature.verify(cosigned[0], KEY.verifier).time > 0

    on_home(tmp_path, work)


def test_the_door_answers_as_the_specification_has_it(tmp_path: Path) -> None:
    async def work(brain: Brain, port: int) -> None:
        await seal(brain, *range(5))
        log = brain.databases.brain.reading(lambda conn: find_log(conn, "a"))

        def request(old: int) -> bytes:
            return brain.databases.brain.reading(lambda conn: request_for(conn, log, old)).serialize()

        good, base = request(0), f"http://127.0.0.1:{port}"
        async with neighbour(tmp_path / "other", port, [own_key(brain)]), httpx.AsyncClient(trust_env=False) as http:

            async def ask(body: bytes) -> httpx.Response:
                return await http.post(f"{base}/add-checkpoint", content=body)

            ok = await ask(good)
            assert (ok.status_code, ok.text.startswith("— practice/77aa/witness ")) == (200, True)
            assert ok.text.endswith("\n")
            again = await ask(good)
            assert (again.status_code, again.headers["content-type"], again.text) == (409, "text/x.tlog.size", "5\n")
            assert (await ask(b"old 5\n\nx")).status_code == 400
            assert (await ask(good.replace(b"old 0", b"old 9"))).status_code == 400
            assert (await ask(good.replace(b"/a/1", b"/b/1"))).status_code == 404
            assert (await ask(good.replace(b"\n5\n", b"\n6\n"))).status_code == 403
            assert (await ask(b"x" * 70_000)).status_code == 413
            assert (await http.get(f"{base}/add-checkpoint")).status_code == 405
            assert (await http.post(f"{base}/other", content=good)).status_code == 404
            await seal(brain, *range(5))
            broken = AddCheckpoint.parse(request(5))
            assert (await ask(AddCheckpoint(5, broken.proof[1:], broken.checkpoint).serialize())).status_code == 422

    on_home(tmp_path, work)


@pytest.mark.parametrize("host", ["0.0.0.0", "8.8.8.8", "::", "example.org", "255.255.255.255"])
def test_a_witness_listens_at_home_only(host: str) -> None:
    with pytest.raises(ConfigError):
        listen(host, 0).close()


# two processes at once


@contextlib.contextmanager
def serving_process(home: Path, vkey: str) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "studio_brain.doors.cli", "witness", "serve", "--home", str(home), "--log", vkey]
    process = subprocess.Popen(
        [*command, "--exit-with-stdin"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        assert process.wait(30) == 0
        process.stdout.close()


def test_of_two_processes_that_cosign_at_once_one_loses(tmp_path: Path) -> None:
    """Two processes of one witness get two larger checkpoints at the same moment, again and again: exactly one of them
    is cosigned, and what is remembered is the one that was."""
    other = make_home(tmp_path / "other", "")
    with_brain(other, make_key)
    size = 0
    with (
        serving_process(other, rule.LOG_KEY.serialize()) as one,
        serving_process(other, rule.LOG_KEY.serialize()) as two,
        ThreadPoolExecutor(2) as pool,
        httpx.Client(trust_env=False) as http,
        httpx.Client(trust_env=False) as http_too,
    ):
        assert one["key"] == two["key"]
        for turn in range(20):
            doors = [(http, one, size + 1), (http_too, two, size + 2)]
            asked = [
                pool.submit(client.post, f"{door['url']}/add-checkpoint", content=rule.asked(size, larger).serialize())
                for client, door, larger in (doors if turn % 2 else reversed(doors))
            ]
            answers = {answer.status_code: answer for answer in (each.result() for each in asked)}
            assert set(answers) == {200, 409}
            told = int(answers[409].text)
            assert told in (size + 1, size + 2)
            accept(rule.signed(told), answers[200].text, VerifierKey.parse(one["key"]))
            size = told


async def make_key(brain: Brain) -> None:
    open_witness_key(brain.secrets, brain.installation)


# by file


def test_by_file_from_one_home_to_the_other_and_back(tmp_path: Path) -> None:
    other = make_home(tmp_path / "other", "")
    code, printed = command(other, "witness", "key")
    assert code == 0
    key = VerifierKey.parse(printed["key"])
    home = make_home(tmp_path / "home", witnessed_by(None, key))
    with_brain(home, lambda brain: seal(brain, *range(30)))
    code, asked = command(home, "witness", "request", "--out", str(tmp_path / "request"))
    assert code == 0
    assert command(other, "witness", "cosign", str(tmp_path / "request"), "--log", key.serialize())[0] == 2
    code, _ = command(other, "witness", "cosign", str(tmp_path / "request"), "--log", asked["log"])
    assert code == 0
    code, imported = command(home, "witness", "import", str(tmp_path / "request.cosigned"))
    assert (code, imported["size"], imported["witnesses"]) == (0, 30, ["neighbour"])
    code, refused = command(other, "witness", "cosign", str(tmp_path / "request"), "--log", asked["log"])
    assert (code, refused["status"], refused["size"]) == (1, 409, 30)

    async def work(brain: Brain) -> None:
        found = await anchors(brain)
        assert (found["witnessedSize"], found["witnesses"][0]["byFile"]) == (30, True)

    with_brain(home, work)


def test_what_is_no_cosignature_of_ours_is_not_taken_in(tmp_path: Path) -> None:
    async def work(brain: Brain, port: int) -> None:
        await seal(brain, *range(5))
        log = brain.databases.brain.reading(lambda conn: find_log(conn, "a"))
        request = brain.databases.brain.reading(lambda conn: request_for(conn, log, 0))
        ours = note.parse(request.checkpoint)
        right = cosignature.cosign(ours, KEY.name, KEY, 1_700_000_000)
        stranger = WitnessKey("practice/55/witness", b"\x22" * 32)
        foreign = cosignature.cosign(ours, stranger.name, stranger, 1_700_000_000)
        wrong = note.Signature(KEY.name, KEY.verifier.key_id, bytes(72))
        other = note.Note(ours.text.replace("\n5\n", "\n4\n"), (right,))
        elsewhere = note.Note(ours.text.replace("/a/1", "/b/1"), (right,))

        async def code(text: str) -> ReasonCode | None:
            return (await do(brain, "witness.import", {"note": text})).code

        assert await code("no note") is ReasonCode.INVALID_PAYLOAD
        assert await code(request.checkpoint) is ReasonCode.NOT_VERIFIED
        assert await code(note.Note(ours.text, (*ours.signatures, foreign)).serialize()) is ReasonCode.NOT_VERIFIED
        assert await code(note.Note(ours.text, (*ours.signatures, wrong)).serialize()) is ReasonCode.NOT_VERIFIED
        assert await code(other.serialize()) is ReasonCode.WITNESS_CONFLICT
        assert await code(elsewhere.serialize()) is ReasonCode.NOT_FOUND
        assert (await anchors(brain))["witnessedSize"] == 0
        assert await code(note.Note(ours.text, (*ours.signatures, right)).serialize()) is None
        assert (await anchors(brain))["witnessedSize"] == 5

    on_home(tmp_path, work)


# settings


@pytest.mark.parametrize(
    ("practice", "url", "right"),
    [
        (True, "http://127.0.0.1:8000", True),
        (True, "http://192.168.1.20:8000", False),
        (False, "http://192.168.1.20:8000", True),
        (False, "http://[fd00::1]:8000/w/", True),
        (False, "http://witness.example:8000", False),
        (False, "http://8.8.8.8", False),
        (False, "https://witness.example", True),
        (False, "https://u:p@witness.example", False),
        (False, "http://0.0.0.0:1", False),
    ],
)
def test_which_addresses_a_witness_may_have(tmp_path: Path, practice: bool, url: str, right: bool) -> None:
    file = tmp_path / "studio.toml"
    file.write_text(f"practice = {str(practice).lower()}\n{witnessed_by(url)}")
    if right:
        assert load_settings(file, {}).records.witness[0].url == url.rstrip("/")
    else:
        with pytest.raises(ConfigError):
            load_settings(file, {})
