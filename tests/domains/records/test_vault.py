"""Vaults on real files: grown only after a consistency check, whole after any crash, and the way back."""

import asyncio
import base64
import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from studio_brain import engine
from studio_brain.brain import Brain, Opening, read_settings
from studio_brain.domains.records import vault
from studio_brain.domains.records.anchors import reached
from studio_brain.domains.records.vault_folder import LogFolder, origins_in
from studio_brain.evidence.entry import ActorRef, Event
from studio_brain.evidence.erasure import ERASED, STREAM, destroy_payload
from studio_brain.evidence.tables import place
from studio_brain.evidence.vault import VaultRefused, VaultVerified, checkpoint_path, payload_path, verify_vault
from studio_brain.gateway.perform import Performed
from studio_brain.home.practice import Practice, PracticeAccount
from studio_brain.kernel.errors import StudioBrainError
from studio_brain.kernel.reasons import ReasonCode
from tests.domains.records.homes import VAULT, WHY, command, do, entries, make_home, seal, with_brain
from tests.evidence.naive_vault import read_folder

TWO = """
[records]
vaults_required = 2

[[records.vault]]
name = "usb"
path = "usb"

[[records.vault]]
name = "nas"
path = "nas"
"""


def files(folder: Path) -> dict[str, str]:
    """Path → hash of every file below."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def verified(home: Path, key: bytes, name: str = "usb") -> VaultVerified:
    [origin] = [each for each in origins_in(home / name) if "/a/" in each]
    folder = LogFolder(home / name, origin)
    return verify_vault(folder.read, origin, key, folder.checkpoint_sizes())


def log_folder(home: Path, name: str = "usb") -> Path:
    [origin] = [each for each in origins_in(home / name) if "/a/" in each]
    return home / name / origin


def codes(done: Performed) -> list[str | None]:
    return [copy["reasonCode"] for copy in done.data["copies"]]


async def anchors(brain: Brain, tenant: str = "a") -> dict[str, Any]:
    found = await brain.query("evidence.anchors", {}, brain.session(None, None, "test"))
    return next(log for log in found["logs"] if log["tenant"] == tenant)


def exported(brain: Brain) -> list[dict[str, Any]]:
    return [stored.entry.data for stored in entries(brain, kind="vault.exported")]


def test_a_copy_is_what_a_stranger_reads_as_this_log(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")

    async def work(brain: Brain) -> None:
        await seal(brain, *range(300), payload=b"personal")
        done = await do(brain, "vault.export")
        assert (done.outcome, codes(done)) == ("exported", [None])
        await seal(brain, *range(900))
        assert (await do(brain, "vault.export")).data["copies"][0]["added"] == 900
        origin, bodies = read_folder(log_folder(home))
        stored = entries(brain)
        assert bodies == [each.entry.body for each in stored[:1202]]
        found = verified(home, brain.installation.public_key)
        assert (found.origin, found.size, found.payloads, found.checkpoints) == (origin, 1202, 300, 5)
        receipt = exported(brain)[-1]
        assert (receipt["vault"], receipt["size"], receipt["added"], receipt["outcome"]) == ("usb", 1201, 900, "copied")
        signed = (log_folder(home) / checkpoint_path(1201)).read_text().split("\n")[2]
        assert receipt["root"] == "sha256:" + base64.b64decode(signed).hex()
        assert not any(
            "payload_key" in path or b"personal" in (home / "usb" / path).read_bytes() for path in files(home / "usb")
        )

    with_brain(home, work)


def test_copies_alone_are_no_reason_for_another_copy(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")

    async def work(brain: Brain) -> None:
        await seal(brain, 1, 2, 3)
        assert (await do(brain, "vault.export")).outcome == "exported"
        for _ in range(3):
            assert (await do(brain, "vault.export")).outcome == "unchanged"
        assert len(entries(brain)) == 4
        assert verified(home, brain.installation.public_key).size == 4  # the receipt about the copy included

    with_brain(home, work)


def test_a_vault_that_is_away_is_told_once_and_grows_when_it_is_back(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")

    async def work(brain: Brain) -> None:
        await seal(brain, *range(5))
        await do(brain, "vault.export")
        (home / "usb").rename(home / "unplugged")
        await seal(brain, *range(5))
        for _ in range(3):
            assert codes(await do(brain, "vault.export")) == ["VAULT_AWAY"]
        state = (await anchors(brain))["vaults"][0]
        assert (state["state"], state["size"], state["reasonCode"]) == ("away", 5, "VAULT_AWAY")
        (home / "usb").mkdir()  # the mount point of a disk that is not there
        assert codes(await do(brain, "vault.export")) == ["VAULT_AWAY"]
        (home / "usb").rmdir()
        (home / "unplugged").rename(home / "usb")
        assert codes(await do(brain, "vault.export")) == [None]
        assert (await anchors(brain))["vaults"][0]["state"] == "ok"
        assert [receipt["reasonCode"] for receipt in exported(brain)] == [None, "VAULT_AWAY", None]
        assert verified(home, brain.installation.public_key).size == 13

    with_brain(home, work)


def test_an_empty_folder_in_place_of_a_copy_is_begun_only_when_asked(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")

    async def work(brain: Brain) -> None:
        await seal(brain, *range(5))
        await do(brain, "vault.export")
        shutil.rmtree(home / "usb")
        assert codes(await do(brain, "vault.export")) == ["VAULT_AWAY"]
        assert codes(await do(brain, "vault.export", {"begin": True})) == [None]
        assert verified(home, brain.installation.public_key).size == 8

    with_brain(home, work)


def test_a_vault_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    (home / "usb").write_text("a file where the folder should be")

    async def work(brain: Brain) -> None:
        await seal(brain, 1)
        assert codes(await do(brain, "vault.export")) == ["VAULT_NOT_WRITTEN"]
        assert (await anchors(brain))["vaultedSize"] == 0

    with_brain(home, work)


def lose_tail(home: Path, tmp_path: Path, before: Any, after: Any, *, pins: bool = False) -> None:
    """Does `before`, keeps the home, does `after`, copies to the vault, and puts the kept home back around the vault.
    With `pins` only the database is put back, so that the log is known to be behind."""
    with_brain(home, before)
    shutil.copytree(home, tmp_path / "kept")

    async def more(brain: Brain) -> None:
        await after(brain)
        assert codes(await do(brain, "vault.export")) == [None]

    with_brain(home, more)
    for path in home.iterdir():
        if path.is_file() and (not pins or path.name.startswith(("brain.db", "views.db"))):
            path.unlink()
            if (tmp_path / "kept" / path.name).exists():
                shutil.copy(tmp_path / "kept" / path.name, path)
        elif path.name == "pins" and not pins:
            shutil.rmtree(path)


def test_a_vault_that_is_ahead_is_left_alone_and_nothing_is_sealed(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    lose_tail(home, tmp_path, lambda brain: seal(brain, *range(5)), lambda brain: seal(brain, *range(5)))
    there = files(home / "usb")

    async def work(brain: Brain) -> None:
        assert codes(await do(brain, "vault.export")) == ["VAULT_AHEAD"]
        assert len(entries(brain)) == 5
        assert files(home / "usb") == there

    with_brain(home, work)


def test_a_vault_with_another_history_is_left_alone_and_counts_for_nothing(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    lose_tail(home, tmp_path, lambda brain: seal(brain, *range(5)), lambda brain: seal(brain, 5))
    there = files(home / "usb")

    async def work(brain: Brain) -> None:
        await seal(brain, *range(10))
        for _ in range(2):
            assert codes(await do(brain, "vault.export")) == ["VAULT_FORKS"]
        assert len(exported(brain)) == 1
        found = await anchors(brain)
        assert (found["vaultedSize"], found["vaults"][0]["state"]) == (0, "refused")
        restored = await do(brain, "vault.restore", {"path": str(home / "usb")})
        assert restored.code is not None
        assert files(home / "usb") == there

    with_brain(home, work)


def test_a_vault_of_another_key_or_with_other_bytes_is_left_alone(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")

    async def work(brain: Brain) -> None:
        await seal(brain, *range(5))
        await do(brain, "vault.export")
        checkpoint = log_folder(home) / "checkpoint"
        text = checkpoint.read_text()
        checkpoint.write_text(text.replace("\n6\n", "\n4\n"))
        assert codes(await do(brain, "vault.export")) == ["VAULT_DAMAGED"]
        checkpoint.write_text(text)
        await seal(brain, *range(3))
        (log_folder(home) / "tile/entries/000.p").joinpath("10").write_bytes(b"what somebody else put there")
        there = files(home / "usb")
        assert codes(await do(brain, "vault.export")) == ["VAULT_FORKS"]
        assert {path: there[path] for path in there if "payload" not in path} == files(home / "usb")

    with_brain(home, work)


class Crash(BaseException):
    """The power goes."""


def test_a_crash_at_any_write_leaves_a_whole_vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stops before each rename, flush and removal in turn: what is there verifies, at the old size or the new one, and
    the next copy completes it."""
    home = make_home(tmp_path / "home")
    steps = {"left": -1}

    def step() -> None:
        steps["left"] -= 1
        if steps["left"] == 0:
            raise Crash

    replace, fsync, unlink = Path.replace, os.fsync, Path.unlink

    def guarded(real: Any) -> Any:
        def call(*given: Any, **named: Any) -> Any:
            if "usb" in str(given[0]) or isinstance(given[0], int):
                step()
            return real(*given, **named)

        return call

    async def work(brain: Brain) -> None:
        await seal(brain, *range(250))
        await do(brain, "vault.export")
        await seal(brain, *range(6), payload=b"q")
        shutil.copytree(home / "usb", tmp_path / "before")
        key, logs = brain.installation.public_key, brain.databases.brain
        log = logs.reading(lambda conn: vault.logs_of(conn, "a"))[0]

        def copy() -> None:
            root = home / "usb"
            logs.reading(lambda conn: vault.copy(conn, log, brain.office, root, held=250))

        sizes, stop = [], 0
        while True:
            stop += 1
            shutil.rmtree(home / "usb")
            shutil.copytree(tmp_path / "before", home / "usb")
            with monkeypatch.context() as patched:
                patched.setattr(Path, "replace", guarded(replace))
                patched.setattr(Path, "unlink", guarded(unlink))
                patched.setattr(os, "fsync", guarded(fsync))
                steps["left"] = stop
                try:
                    copy()
                    break
                except Crash:
                    pass
            sizes.append(verified(home, key).size)
            copy()
            found = verified(home, key)
            assert (found.size, found.payloads, found.absent) == (257, 6, 0)
        assert sizes == sorted(sizes)
        assert set(sizes) == {251, 257}
        assert stop > 30

    with_brain(home, work)


async def erase(brain: Brain, index: int) -> None:
    """Destroys a payload with the entry that says so, as the capability for it does."""
    stored = entries(brain)[index]

    def work(unit: Any) -> None:
        about = {
            "index": index, "seal": "sha256:" + stored.entry.seal.hex(), "erasedKind": stored.entry.kind,
            "payloadSha256": "sha256:" + stored.entry.payload.sha256.hex(), "recordId": "",
            "requestId": f"r{index}", "capabilityId": "test", "target": "t", "proposalId": None, "reasonCode": None,
            "inputHash": "sha256:" + "00" * 32,
        }  # fmt: skip
        unit.append(Event(ERASED, STREAM, ActorRef("staff", "imke", "test"), "c", about))
        destroy_payload(unit.conn, place(unit.log.log_id, index))

    await asyncio.wrap_future(brain.writer.submit("a", work))


def test_what_was_erased_leaves_the_vault_too(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")

    async def work(brain: Brain) -> None:
        await seal(brain, *range(5), payload=b"p")
        await do(brain, "vault.export")
        assert (log_folder(home) / payload_path(3)).exists()
        await erase(brain, 3)
        await do(brain, "vault.export")
        assert not (log_folder(home) / payload_path(3)).exists()
        found = verified(home, brain.installation.public_key)
        assert (found.payloads, found.absent) == (4, 1)

    with_brain(home, work)


def test_vaulted_takes_as_many_vaults_as_are_required(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", TWO)

    async def work(brain: Brain) -> None:
        await seal(brain, *range(5))
        await do(brain, "vault.export", {"vault": "usb"})
        assert (await anchors(brain))["vaultedSize"] == 0
        await do(brain, "vault.export", {"vault": "nas"})
        assert (await anchors(brain))["vaultedSize"] == 5
        (home / "nas").rename(home / "drawer")  # what lies in a drawer still holds what it held
        await seal(brain, *range(5))
        await do(brain, "vault.export")
        found = await anchors(brain)
        assert found["vaultedSize"] == 6
        assert [each["size"] for each in found["vaults"]] == [12, 6]

    with_brain(home, work)


@pytest.mark.parametrize(
    ("sizes", "required", "result"),
    [([], 1, 0), ([5], 1, 5), ([5], 2, 0), ([5, 9, 7], 1, 9), ([5, 9, 7], 2, 7), ([5, 9, 7], 3, 5)],
)
def test_the_size_that_enough_reach(sizes: list[int], required: int, result: int) -> None:
    assert reached(sizes, required) == result


# by itself


def test_the_engine_copies_what_is_new_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = make_home(tmp_path / "home")
    monkeypatch.setattr(engine, "ANCHORS_FIRST_S", 0.0)
    monkeypatch.setattr(engine, "ANCHORS_EVERY_S", 0.05)

    async def work(brain: Brain) -> None:
        await seal(brain, *range(5))
        turns: asyncio.Queue[str] = asyncio.Queue()
        running = engine.Engine(brain, lambda topic, data: turns.put_nowait(topic) if topic == "anchors" else None)
        running.start()
        try:
            for _ in range(4):
                await asyncio.wait_for(turns.get(), 30)
        finally:
            await running.stop()
        assert [receipt["outcome"] for receipt in exported(brain)] == ["copied"]
        assert verified(home, brain.installation.public_key).size == len(entries(brain))

    with_brain(home, work)


@pytest.mark.parametrize(("more", "name"), [("", "practice-vault"), (VAULT, "usb")])
def test_a_practice_home_has_a_vault_without_settings(tmp_path: Path, more: str, name: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "studio.toml").write_text(f"practice = true\n{more}")
    account = PracticeAccount("imke", "imke@example.org", "p", "Imke", "owner")
    here = "http://127.0.0.1:1"
    practice = Practice(
        "Kiln House", "UTC", "practice-1", here, here, here, here, here, "t", "k", shift_ms=0, accounts=(account,)
    )
    [found] = read_settings(Opening(home, environment={}), practice).records.vault
    assert found.name == name


# the way back


async def switch(brain: Brain, target: str) -> None:
    done = await do(brain, "killswitch.engage", {"scope": "capability", "target": target})
    assert done.code is None, done


def test_a_lost_tail_comes_back_byte_for_byte_and_the_rows_with_it(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    kept: dict[str, Any] = {}

    async def before(brain: Brain) -> None:
        await seal(brain, *range(300), payload=b"p")

    async def after(brain: Brain) -> None:
        await switch(brain, "firestore.batch.close")
        await seal(brain, *range(300), payload=b"q")
        await erase(brain, 7)
        kept["entries"] = [stored.entry.body for stored in entries(brain)]

    lose_tail(home, tmp_path, before, after, pins=True)

    async def work(brain: Brain) -> None:
        assert len(entries(brain)) == 300
        with pytest.raises(StudioBrainError) as held:
            await seal(brain, 1)
        assert held.value.code is ReasonCode.LOG_SET_BACK
        done = await do(brain, "vault.restore", {"path": str(home / "usb")})
        assert done.outcome == "restored", done
        assert (done.data["start"], done.data["entries"], done.data["payloadsLost"]) == (300, 303, 300)
        stored = entries(brain)
        assert [each.entry.body for each in stored[:602]] == kept["entries"]
        assert [stored[602].entry.kind, stored[603].entry.kind] == ["vault.exported", "vault.restored"]
        assert {each.entry.kind for each in stored[604:]} == {ERASED}
        assert len(stored) == 603 + 1 + 300
        [engaged] = await brain.query("switches.list", {}, brain.session(None, None, "test"))
        assert engaged["target"] == "firestore.batch.close"
        report = await brain.verify(brain.session(None, None, "test"))
        assert report.ok, report.fault
        await seal(brain, 1)  # it goes on
        again = await do(brain, "vault.restore", {"path": str(home / "usb")})
        assert again.code is ReasonCode.VAULT_HAS_NO_MORE
        assert codes(await do(brain, "vault.export")) == [None]
        assert verified(home, brain.installation.public_key).size == len(entries(brain))

    with_brain(home, work)


def test_a_vault_that_holds_less_than_is_known_of_is_taken_only_when_said(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", VAULT + VAULT.replace("usb", "nas"))

    async def after(brain: Brain) -> None:
        await seal(brain, *range(5))
        await do(brain, "vault.export")
        (home / "usb").rename(home / "drawer")
        await seal(brain, *range(5))
        await do(brain, "vault.export")
        (home / "drawer").rename(home / "usb")

    with_brain(home, lambda brain: seal(brain, *range(3)))
    shutil.copy(home / "brain.db", tmp_path / "kept.db")
    with_brain(home, after)
    for name in ("brain.db", "views.db"):
        (home / name).unlink()
    shutil.copy(tmp_path / "kept.db", home / "brain.db")

    async def work(brain: Brain) -> None:
        short = await do(brain, "vault.restore", {"path": str(home / "usb")})
        assert short.code is ReasonCode.VAULT_FALLS_SHORT
        assert len(entries(brain)) == 3
        done = await do(brain, "vault.restore", {"path": str(home / "nas")})
        assert done.outcome == "restored", done
        report = await brain.verify(brain.session(None, None, "test"))
        assert report.ok, report.fault
        await seal(brain, 1)

    shutil.copytree(home, tmp_path / "other")
    with_brain(home, work)

    async def partly(brain: Brain) -> None:
        done = await do(brain, "vault.restore", {"path": str(tmp_path / "other" / "usb"), "partly": True})
        assert done.outcome == "restored", done
        with pytest.raises(StudioBrainError) as held:
            await seal(brain, 1)
        assert held.value.code is ReasonCode.LOG_SET_BACK
        assert (await do(brain, "evidence.start_epoch")).outcome == "started"
        await seal(brain, 1)

    with_brain(tmp_path / "other", partly)


def test_payloads_whose_keys_are_still_here_can_be_read_again(tmp_path: Path) -> None:
    """Rows of the log are lost, keys are not: the ciphertexts come from the vault."""
    home = make_home(tmp_path / "home")

    async def before(brain: Brain) -> None:
        await seal(brain, *range(3))

    async def after(brain: Brain) -> None:
        await seal(brain, *range(4), payload=b"who and what")
        kept.extend(brain.databases.brain.reading(lambda conn: conn.exec_driver_sql("SELECT * FROM payload_key").all()))

    kept: list[Any] = []
    lose_tail(home, tmp_path, before, after)

    async def work(brain: Brain) -> None:
        def put_back(conn: Any) -> None:
            for row in kept[1:]:
                conn.exec_driver_sql("INSERT INTO payload_key VALUES (?, ?)", tuple(row))

        brain.databases.brain.writing(put_back)
        done = await do(brain, "vault.restore", {"path": str(home / "usb")})
        assert (done.data["payloads"], done.data["payloadsLost"]) == (3, 1)
        report = await brain.verify(brain.session(None, None, "test"))
        assert report.ok, report.fault

    with_brain(home, work)


def test_a_damaged_vault_restores_nothing_and_seals_nothing(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    lose_tail(home, tmp_path, lambda brain: seal(brain, *range(5)), lambda brain: seal(brain, *range(5)))
    bundle = next((log_folder(home) / "tile/entries/000.p").iterdir())
    bundle.write_bytes(bundle.read_bytes()[:-1] + b"x")

    async def work(brain: Brain) -> None:
        done = await do(brain, "vault.restore", {"path": str(home / "usb")})
        assert done.code is ReasonCode.VAULT_DAMAGED
        nothing = await do(brain, "vault.restore", {"path": str(tmp_path / "nowhere")})
        assert nothing.code is ReasonCode.VAULT_HAS_NO_MORE
        assert len(entries(brain)) == 5

    with_brain(home, work)


def test_on_the_command_line_copied_checked_set_back_and_restored(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    with_brain(home, lambda brain: seal(brain, *range(20)))
    shutil.copy(home / "brain.db", tmp_path / "kept.db")
    with_brain(home, lambda brain: seal(brain, *range(20)))
    code, done = command(home, "vault", "export")
    assert (code, done["copies"][0]["size"]) == (0, 40)
    key = with_brain(home, key_of_a)
    code, found = command(tmp_path / "none", "vault", "verify", str(home / "usb"), "--key", key)
    assert (code, found["logs"][0]["ok"], found["logs"][0]["size"], found["logs"][0]["key"]) == (0, True, 41, key)
    assert not (tmp_path / "none").exists()
    for name in ("brain.db", "views.db"):
        (home / name).unlink()
    shutil.copy(tmp_path / "kept.db", home / "brain.db")
    assert command(home, "vault", "export")[0] == 1
    code, done = command(home, "vault", "restore", str(home / "usb"), "--rationale", WHY)
    assert (code, done["entries"]) == (0, 21)
    tile = next(path for path in (home / "usb").rglob("tile/0/000.p/*") if path.is_file())
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    code, found = command(home, "vault", "verify", str(home / "usb"), "--key", key)
    assert (code, found["logs"][0]["ok"], found["logs"][0]["index"]) == (1, False, 0)
    (home / "usb").rename(tmp_path / "drawer")
    assert command(home, "vault", "export")[0] == 3
    assert command(home, "vault", "verify", str(tmp_path / "drawer"), "--key", "nonsense")[0] == 2


async def key_of_a(brain: Brain) -> str:
    log = brain.databases.brain.reading(lambda conn: vault.logs_of(conn, "a"))[0]
    return brain.verifier_key(log.origin).serialize()


def test_an_origin_that_leaves_the_vault_is_refused(tmp_path: Path) -> None:
    for origin in ("../x", "a//b", "a/./b", "", "a/tile/b", "a\\b/c", "a/b c"):
        with pytest.raises(VaultRefused):
            LogFolder(tmp_path, origin)


def test_two_vaults_of_one_name_are_a_fault_of_the_settings(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", VAULT + VAULT)

    async def work(brain: Brain) -> None:
        raise AssertionError("it opened")

    with pytest.raises(Exception, match="name of its own"):
        with_brain(home, work)
