"""Audit bundles: a range whole, and every way to make it less than whole is refused, by the product and by a stranger,
even when the manifest is signed anew with the right key."""

import hashlib
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from studio_brain.domains.records.audit_files import NewBundle, open_bundle
from studio_brain.domains.records.auditing import verifier
from studio_brain.evidence import audit, note
from studio_brain.evidence import checkpoint as checkpoints
from studio_brain.evidence.audit import Gone, Manifest, Range, Surviving
from studio_brain.evidence.checkpoint import Checkpoint
from studio_brain.evidence.entry import ActorRef, Commitment, Event, encode
from studio_brain.evidence.merkle import Frontier, leaf_hash
from studio_brain.evidence.note import NoteError, VerifierKey
from studio_brain.evidence.rangeproof import range_proof
from studio_brain.evidence.receipt import ProofRefused
from studio_brain.kernel.clock import SystemClock
from studio_brain.kernel.errors import StudioBrainError
from studio_brain.kernel.ids import Uuid7Source
from tests.evidence import stranger
from tests.evidence.keys import TestKey
from tests.evidence.stranger import REFUSED, UNANCHORED, VERIFIED
from tests.evidence.test_merkle import oracle

ORIGIN = "practice/x/studio/1"
EARLIER, LATER = ORIGIN.removesuffix("1") + "0", ORIGIN.removesuffix("1") + "2"
KEY = TestKey()
VKEY = VerifierKey(ORIGIN, KEY.public_key)
SIZE, FIRST, END = 61, 7, 28
IDS = Uuid7Source(SystemClock())
SALT = b"s" * 32


def content(index: int) -> bytes:
    return f"personal {index}".encode()


def bodies() -> list[bytes]:
    """61 entries; every fourth has a payload; entry 21 erases that of 8, entry 50 that of 12, and entry
    22 that of entry 16 of an earlier log."""
    made = []
    for n in range(SIZE):
        payload = None
        kind, data = "test.happened", {"n": n}
        if n % 4 == 0:
            payload = Commitment(hashlib.sha256(SALT + content(n)).digest(), len(content(n)))
        if n in (21, 50):
            kind, data = "payload.erased", {"index": 8 if n == 21 else 12}
        if n == 22:
            kind, data = "payload.erased", {"index": 16, "origin": EARLIER}
        event = Event(kind, f"s:{n}", ActorRef("staff", "u", "test"), "c", data)
        made.append(
            encode(event, id=IDS.uuid7(), at_ms=1_700_000_000_000 + n, tenant="studio", prev=None, payload=payload)
        )
    return made


BODIES = bodies()
LEAVES = [leaf_hash(body) for body in BODIES]


def node_at(level: int, index: int) -> bytes:
    return oracle(LEAVES[index << level : (index + 1) << level])


def signed(leaves: list[bytes] = LEAVES) -> str:
    return checkpoints.sign(Checkpoint(ORIGIN, len(leaves), oracle(leaves)), KEY).serialize()


def payload_lines() -> Iterator[Surviving | Gone]:
    for n in range(FIRST, END):
        if n % 4 == 0:
            yield Gone(8, 21) if n == 8 else Gone(12, 50) if n == 12 else Surviving(n, SALT, content(n))


def write(target: Path, rows: list[bytes], about: Range) -> Path:
    with NewBundle(target) as bundle:
        audit.write(bundle.create, about, rows, payload_lines(), {"verify.py": verifier()}, KEY)
        bundle.place()
    return target


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    left, right = range_proof(FIRST, END, SIZE, node_at)
    folder = tmp_path_factory.mktemp("audit")
    return write(folder / "bundle", BODIES[FIRST:END], Range(signed(), FIRST, left, right))


@pytest.fixture
def bundle(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "bundle"))


def product(path: Path, *keys: VerifierKey) -> audit.Checked:
    with open_bundle(path) as files:
        return audit.verify(files, keys)[1]


@pytest.mark.parametrize("python", stranger.PYTHONS)
def test_a_whole_bundle_is_verified_by_both(whole: Path, python: str) -> None:
    found = product(whole, VKEY)
    assert found.anchored
    code, said = stranger.look(whole, VKEY.serialize(), python=python)
    assert code == VERIFIED, said
    for lines in ("\n".join((*found.checked, *found.unchecked)), said):
        assert f"entries {FIRST} to {END - 1} of {ORIGIN}: all of them, in order, unchanged" in lines
        assert "3 payloads, each the one" in lines
    assert "NOT checked: entry 50 erased the payload of entry 12" in said
    assert "checked: entry 21 erased the payload of entry 8" in said


def test_what_a_later_log_erased_is_named_and_not_called_checked(bundle: Path) -> None:
    line = b'{"erased":22,"index":16,"origin":"%s"}\n' % LATER.encode()
    payload_rows(lambda r: [r[0], r[1], line, *r[3:]])(bundle)
    sign_anew(bundle)
    what = f"the payload of entry 16 was erased by entry 22 of {LATER}, which is another log"
    assert what in product(bundle, VKEY).unchecked
    code, said = stranger.look(bundle, VKEY.serialize())
    assert code == VERIFIED, said
    assert f"NOT checked: entry 22 of {LATER} erased the payload of entry 16" in said


def test_without_a_key_both_say_that_nobody_known_vouches_for_it(whole: Path) -> None:
    found = product(whole)
    assert not found.anchored
    assert any("the bundle's own word" in line for line in found.unchecked)
    assert stranger.look(whole)[0] == UNANCHORED


def test_a_tar_file_holds_the_same_and_is_the_same_every_time(whole: Path, tmp_path: Path) -> None:
    left, right = range_proof(FIRST, END, SIZE, node_at)
    about = Range(signed(), FIRST, left, right)
    one = write(tmp_path / "one.tar", BODIES[FIRST:END], about)
    two = write(tmp_path / "two.tar", BODIES[FIRST:END], about)
    assert one.read_bytes() == two.read_bytes()
    assert product(one, VKEY) == product(whole, VKEY)
    assert stranger.look(one, VKEY.serialize())[0] == VERIFIED
    with tarfile.open(one) as tar:
        assert {(m.mode, m.uid, m.gid, m.mtime) for m in tar} == {(0o444, 0, 0, 0)}
        assert tar.getnames() == sorted(tar.getnames())
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


@pytest.mark.parametrize(("first", "end"), [(0, SIZE), (0, 1), (60, 61), (32, 33), (5, 5), (31, 64 - 3)])
def test_any_range_can_be_handed_out(tmp_path: Path, first: int, end: int) -> None:
    left, right = range_proof(first, end, SIZE, node_at)
    with NewBundle(tmp_path / "b") as made:
        manifest, digest = audit.write(
            made.create, Range(signed(), first, left, right), BODIES[first:end], None, {}, KEY
        )
        made.place()
    assert (manifest.first, manifest.end) == (first, end)
    assert digest == hashlib.sha256((tmp_path / "b" / "manifest").read_bytes()).digest()
    assert product(tmp_path / "b", VKEY).anchored
    assert stranger.look(tmp_path / "b", VKEY.serialize())[0] == VERIFIED


# Somebody without the key: any file changed, added, removed, swapped.


def edit(folder: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    path = folder / name
    path.write_bytes(change(path.read_bytes()))


def rows(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Path], None]:
    def run(folder: Path) -> None:
        edit(folder, "entries.jsonl", lambda data: b"".join(change(data.splitlines(keepends=True))))

    return run


def payload_rows(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Path], None]:
    def run(folder: Path) -> None:
        edit(folder, "payloads.jsonl", lambda data: b"".join(change(data.splitlines(keepends=True))))

    return run


def strip(folder: Path, name: str) -> None:
    edit(folder, name, lambda data: data.partition(b"\n\n")[0] + b"\n\n")


def swap(folder: Path) -> None:
    a, b = folder / "checkpoint", folder / "range-proof"
    a_data, b_data = a.read_bytes(), b.read_bytes()
    a.write_bytes(b_data)
    b.write_bytes(a_data)


def in_a_folder(folder: Path) -> None:
    (folder / "more").mkdir()
    (folder / "more" / "x").write_text("x")


CHANGES: dict[str, Callable[[Path], None]] = {
    "a row is missing": rows(lambda r: r[:5] + r[6:]),
    "the first row is missing": rows(lambda r: r[1:]),
    "the last row is missing": rows(lambda r: r[:-1]),
    "all rows are missing": rows(lambda r: []),
    "two rows are swapped": rows(lambda r: [r[1], r[0], *r[2:]]),
    "a row stands twice": rows(lambda r: [r[0], *r]),
    "a row is altered": rows(lambda r: [r[0].replace(b'"n":7', b'"n":8'), *r[1:]]),
    "a row is another's": rows(lambda r: [BODIES[3] + b"\n", *r[1:]]),
    "the last newline is missing": rows(lambda r: [*r[:-1], r[-1][:-1]]),
    "a hash of the range proof is missing": lambda f: edit(f, "range-proof", lambda d: d[: d[:-1].rindex(b"\n") + 1]),
    "the checkpoint is of another size": lambda f: (f / "checkpoint").write_text(signed(LEAVES[:60])) and None,
    "a payload is missing": payload_rows(lambda r: r[1:]),
    "a payload is another's": payload_rows(lambda r: [r[0], r[1], r[2].replace(b'"index":16', b'"index":20'), *r[3:]]),
    "a payload is altered": payload_rows(
        lambda r: [r[0], r[1], json.dumps(Surviving(16, SALT, b"other").line()).encode() + b"\n", *r[3:]]
    ),
    "a payload is called erased by an entry that did not": payload_rows(
        lambda r: [r[0], r[1], b'{"erased":9,"index":16}\n', *r[3:]]
    ),
    "a payload is called erased by an entry about another log": payload_rows(
        lambda r: [r[0], r[1], b'{"erased":22,"index":16}\n', *r[3:]]
    ),
    "a payload too many": payload_rows(lambda r: [*r, b'{"erased":21,"index":9}\n']),
    "the signature of the checkpoint is stripped": lambda f: strip(f, "checkpoint"),
    "two files are swapped": swap,
    "the entries are not there": lambda f: (f / "entries.jsonl").unlink(),
    "the payloads are not there": lambda f: (f / "payloads.jsonl").unlink(),
}
ONLY_WITHOUT_THE_KEY: dict[str, Callable[[Path], None]] = {
    "a file too many": lambda f: (f / "note.txt").write_text("x") and None,
    "a file in a folder": in_a_folder,
    "the manifest is not there": lambda f: (f / "manifest").unlink(),
    "the signature of the manifest is stripped": lambda f: strip(f, "manifest"),
    "the manifest names another range": lambda f: edit(f, "manifest", lambda d: d.replace(b"first 7", b"first 8")),
    "verify.py is another": lambda f: edit(f, "verify.py", lambda d: d + b"# harmless\n"),
}


def both_refuse(folder: Path) -> None:
    with pytest.raises(ProofRefused):
        product(folder, VKEY)
    code, said = stranger.look(folder, VKEY.serialize())
    assert code == REFUSED, said
    with pytest.raises(ProofRefused):
        product(folder)


@pytest.mark.parametrize("name", [*CHANGES, *ONLY_WITHOUT_THE_KEY])
def test_a_bundle_that_was_changed_is_refused(bundle: Path, name: str) -> None:
    (CHANGES | ONLY_WITHOUT_THE_KEY)[name](bundle)
    both_refuse(bundle)


# Somebody with the key: the manifest is written anew over what was changed, and signed.


def sign_anew(folder: Path, **changes: object) -> None:
    old = Manifest.parse(note.parse((folder / "manifest").read_text()).text)
    files = tuple(
        audit.Listed(p.name, hashlib.sha256(p.read_bytes()).digest(), p.stat().st_size)
        for p in sorted(folder.iterdir())
        if p.name != "manifest"
    )
    made = replace(old, files=files, **changes)
    (folder / "manifest").write_text(note.sign(made.body(), ORIGIN, KEY).serialize())


@pytest.mark.parametrize("name", [name for name in CHANGES if name != "the payloads are not there"])
def test_what_the_owner_of_the_key_leaves_out_is_noticed_too(bundle: Path, name: str) -> None:
    CHANGES[name](bundle)
    sign_anew(bundle)
    both_refuse(bundle)


def test_a_shorter_range_with_fewer_rows_needs_a_proof_of_its_own(bundle: Path) -> None:
    rows(lambda r: r[:-1])(bundle)
    (bundle / "payloads.jsonl").unlink()
    sign_anew(bundle, end=END - 1)
    both_refuse(bundle)


def test_rows_renumbered_are_noticed(bundle: Path) -> None:
    """The same rows, said to stand one place earlier: the shape of the proof does not fit any more."""
    (bundle / "payloads.jsonl").unlink()
    sign_anew(bundle, first=FIRST - 1, end=END - 1)
    both_refuse(bundle)


def test_another_key_in_the_manifest_is_its_own_word_only(bundle: Path) -> None:
    other = TestKey(b"\x33" * 32)
    frontier = Frontier()
    for leaf in LEAVES:
        frontier.append(leaf)
    made = checkpoints.sign(Checkpoint(ORIGIN, SIZE, frontier.root()), other)
    (bundle / "checkpoint").write_text(made.serialize())
    sign_anew(bundle, key=VerifierKey(ORIGIN, other.public_key))
    old = note.parse((bundle / "manifest").read_text())
    (bundle / "manifest").write_text(note.sign(old.text, ORIGIN, other).serialize())
    assert not product(bundle).anchored
    assert stranger.look(bundle)[0] == UNANCHORED
    with pytest.raises(ProofRefused):
        product(bundle, VKEY)
    assert stranger.look(bundle, VKEY.serialize())[0] == REFUSED


def test_a_bundle_without_payloads_says_that_it_has_none(bundle: Path) -> None:
    (bundle / "payloads.jsonl").unlink()
    sign_anew(bundle)
    assert any("5 payloads, which are not in the bundle" in line for line in product(bundle, VKEY).unchecked)
    code, said = stranger.look(bundle, VKEY.serialize())
    assert code == VERIFIED
    assert "NOT checked: 5 payloads, which are not in the bundle" in said


def test_nothing_wrong_is_ever_written(tmp_path: Path) -> None:
    left, right = range_proof(FIRST, END, SIZE, node_at)
    about = Range(signed(), FIRST, left, right)
    wrong = [*BODIES[FIRST : END - 2], BODIES[END - 1], BODIES[END - 2]]
    with pytest.raises(ProofRefused):
        write(tmp_path / "b", wrong, about)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with pytest.raises(StudioBrainError, match="there already"):
        NewBundle(tmp_path / "b")


def test_a_tar_with_links_or_names_twice_is_refused(whole: Path, tmp_path: Path) -> None:
    for number, odd in enumerate(("link", "twice")):
        path = tmp_path / f"{number}.tar"
        with tarfile.open(path, "w") as tar:
            for file in sorted(whole.iterdir()):
                tar.add(file, file.name)
            if odd == "twice":
                tar.add(whole / "manifest", "manifest")
            else:
                info = tarfile.TarInfo("elsewhere")
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/hostname"
                tar.addfile(info)
        with pytest.raises(ProofRefused):
            product(path, VKEY)
        assert stranger.look(path, VKEY.serialize())[0] == REFUSED


MANIFEST_TEXT = Manifest(
    ORIGIN, 9, 2, 5, VKEY, (audit.Listed("a", b"\x01" * 32, 3), audit.Listed("b", bytes(32), 0))
).body()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("v1", "v2"), ("size 9", "size 09"), ("size 9", "size 4"), ("first 2", "first 6"), ("first 2", "first +2"),
        ("end 5", "end  5"), (ORIGIN, "other/x/1", ), ("file 01", "file 0g"), (" 3 a", " 3  a"), (" 3 a", " 3 ../a"),
        (" 3 a", " 3 /a"), (" 3 a", " 3 c"), (" 3 a", " 3 b"), ("\nfile", "\n\nfile"), ("key ", "key +"),
    ],
)  # fmt: skip
def test_a_manifest_that_is_not_exact_is_refused(old: str, new: str) -> None:
    assert Manifest.parse(MANIFEST_TEXT).body() == MANIFEST_TEXT
    with pytest.raises(NoteError):
        Manifest.parse(MANIFEST_TEXT.replace(old, new, 1))
    with pytest.raises(NoteError):
        Manifest.parse(MANIFEST_TEXT[:-1])
