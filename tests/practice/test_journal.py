"""The journal: what was committed is there again, and a torn end costs the last entry only."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio_brain.practice import journal
from studio_brain.practice.options import PracticeOptions
from studio_brain.practice.studio import OtherWorld, Studio, open_studio
from tests.practice.bench import KEYS, START_NS, Bench, wire


def document(studio: Studio) -> dict[str, Any]:
    return {
        f"{path}/{key}": (version.fields, version.created, version.updated)
        for path in studio.store.collections
        for key, version in studio.store.scan(path)
    }


def everything(studio: Studio) -> dict[str, Any]:
    return {
        "documents": document(studio),
        "accounts": {account.uid: account.to_json() for account in studio.accounts.all()},
        "day": studio.day,
        "shift": studio.clock.shift_ms,
    }


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(batches=5, state=tmp_path)
    yield bench
    bench.close()


def again(folder: Path, wall_ns: int = START_NS, **options: Any) -> Studio:
    return open_studio(PracticeOptions(state=folder, batches=5, **options), wall=lambda: wall_ns)


def test_everything_survives_a_restart(kept: Bench, tmp_path: Path) -> None:
    kept.iam("PATCH", "/notes/one", {"fields": {"n": wire(1)}})
    kept.later(10)
    kept.iam("DELETE", f"/{kept.paths('batches')[0]}")
    kept.control("POST", "accounts", {"email": "new@example.org", "password": "practice-new"})
    kept.control("DELETE", f"accounts/{kept.uid('oddny')}")
    kept.control("POST", f"accounts/{kept.uid('teo')}", {"disabled": True})
    kept.control("POST", "advance", {"days": 3})
    kept.later(7200)
    kept.iam("PATCH", "/notes/two", {"fields": {"n": wire(2)}})
    before = everything(kept.studio)
    kept.close()
    for _ in range(2):  # the second time from the compacted file
        studio = again(tmp_path, kept.wall_ns)
        assert everything(studio) == before
        assert studio.notes == []
        studio.close()


def test_the_last_hour_can_be_read_after_a_restart(kept: Bench, tmp_path: Path) -> None:
    first = kept.iam("PATCH", "/notes/one", {"fields": {"n": wire(1)}}).json["updateTime"]
    kept.later(600)
    kept.iam("PATCH", "/notes/one", {"fields": {"n": wire(2)}})
    kept.close()
    bench = Bench(batches=5, state=tmp_path)
    try:
        bench.later(600)
        assert bench.iam("GET", "/notes/one", readTime=first).json["fields"] == {"n": wire(1)}
    finally:
        bench.close()


def test_a_session_goes_on_after_a_restart(kept: Bench, tmp_path: Path) -> None:
    session = kept.sign_in("imke")
    kept.close()
    bench = Bench(batches=5, state=tmp_path)
    try:
        headers = {"authorization": f"Bearer {session['idToken']}"}
        assert (
            bench.ask("GET", "/v1/projects/demo-studio/databases/(default)/documents/batches", headers=headers).status
            == 200
        )
        form = f"grant_type=refresh_token&refresh_token={session['refreshToken']}".encode()
        assert bench.ask("POST", "/securetoken.googleapis.com/v1/token", form, key="practice").status == 200
    finally:
        bench.close()


def test_a_torn_last_entry_is_dropped_wherever_it_is_torn(tmp_path: Path) -> None:
    bench = Bench(batches=1, state=tmp_path)
    bench.put("notes/one", n=1)
    before = everything(bench.studio)
    length = (tmp_path / "journal.jsonl").stat().st_size
    bench.put("notes/one", n=2)
    after = everything(bench.studio)
    bench.close()
    whole = (tmp_path / "journal.jsonl").read_bytes()
    assert len(whole) - length > 100
    for cut in range(length, len(whole) + 1):
        (tmp_path / "journal.jsonl").write_bytes(whole[:cut])
        studio = open_studio(PracticeOptions(state=tmp_path, batches=1), lambda: START_NS, KEYS)
        complete = cut in (length, len(whole))
        assert everything(studio) == (after if cut == len(whole) else before), cut
        assert bool(studio.notes) is not complete, cut
        studio.close()


def test_damage_before_the_end_is_refused(kept: Bench, tmp_path: Path) -> None:
    kept.put("notes/one", n=1)
    kept.put("notes/one", n=2)
    kept.close()
    path = tmp_path / "journal.jsonl"
    lines = path.read_bytes().split(b"\n")
    lines[1] = lines[1].replace(b'"1"', b'"7"')
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(journal.Damaged, match="line 2"):
        again(tmp_path)


def test_a_folder_belongs_to_one_studio_at_a_time(kept: Bench, tmp_path: Path) -> None:
    with pytest.raises(journal.InUse):
        again(tmp_path)


def test_a_kept_studio_goes_on_as_it_was_begun(kept: Bench, tmp_path: Path) -> None:
    before = everything(kept.studio)
    kept.close()
    studio = again(tmp_path, seed=9)
    assert everything(studio) == before
    assert studio.seed == 1
    assert "seed" in studio.notes[0]
    studio.close()


def test_a_world_of_another_version_is_refused(kept: Bench, tmp_path: Path) -> None:
    kept.close()
    path = tmp_path / "journal.jsonl"
    entries, _ = journal.read(path)
    entries[0]["world"] = -1
    path.write_bytes(b"".join(journal.encode(entry) for entry in entries))
    with pytest.raises(OtherWorld):
        again(tmp_path)


def test_reset_is_kept_too(kept: Bench, tmp_path: Path) -> None:
    kept.put("notes/one", n=1)
    kept.control("POST", "advance", {"days": 2})
    kept.control("POST", "reset")
    kept.put("notes/two", n=1)
    before = everything(kept.studio)
    assert before["day"] == 0
    assert "notes/one" not in before["documents"]
    kept.close()
    studio = again(tmp_path, kept.wall_ns)
    assert everything(studio) == before
    studio.close()


entries = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.dictionaries(st.text(max_size=5), entries, max_size=3), max_size=4), st.data())
def test_any_entries_read_back_and_any_flipped_byte_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, written: list[dict[str, Any]], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    whole = b"".join(journal.encode(entry) for entry in written)
    path.write_bytes(whole)
    assert journal.read(path) == (written, None)
    if whole:
        place = data.draw(st.integers(0, len(whole) - 1))
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            found, _ = journal.read(path)
        except journal.Damaged:
            return
        assert found == written[: len(found)]
        assert len(found) < len(written)
