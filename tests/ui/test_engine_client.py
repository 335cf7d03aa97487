"""The engine seen from the window: frames in any pieces, replies once, restarts, keys that make a re-send safe."""

import json
import struct
import sys
from pathlib import Path

import pytest

from tests.ui.recorded import Recorded
from ui.child import DELAYS_MS, Child, Life
from ui.engine_client import DOWN, LOST, InlineEngine, ProcessEngine, engine_command
from ui.folding import Folder, fold
from ui.frames import MAX_FRAME, FrameBuffer, FrameError, encode

# A child that speaks frames: greets, then answers what its script says. `%s` is its script.
CHILD = """
import json, os, struct, sys
def send(d):
    b = json.dumps(d).encode(); sys.stdout.buffer.write(struct.pack(">I", len(b)) + b); sys.stdout.buffer.flush()
def read():
    h = sys.stdin.buffer.read(4)
    if len(h) < 4: sys.exit(0)
    return json.loads(sys.stdin.buffer.read(struct.unpack(">I", h)[0]))
log = open(sys.argv[1], "a")
def note(d): log.write(json.dumps(d) + "\\n"); log.flush()
send({"hello": {"protocol": 1, "pid": os.getpid()}})
%s
"""
ECHO = """
while True:
    f = read(); note(f)
    if f["op"] in ("open", "cancel"): continue
    if f["op"] == "die": os._exit(9)
    if f["op"] == "garbage": sys.stdout.buffer.write(b"\\xff" * 8); sys.stdout.buffer.flush(); continue
    if f["op"] == "perform" and open(sys.argv[1]).read().count('"perform"') == 1: os._exit(9)
    send({"id": f["id"], "ok": {"op": f["op"], "args": f["args"]}})
"""


@pytest.fixture
def child(tmp_path, qtbot):
    """`child(script)` gives a started ProcessEngine over a child with that script."""
    made = []

    def start(script: str = ECHO, **more) -> ProcessEngine:
        path = tmp_path / "child.py"
        path.write_text(CHILD % script, encoding="utf-8")
        engine = ProcessEngine([sys.executable, str(path), str(tmp_path / "log")], **more)
        engine.listen()
        made.append(engine)
        engine.start()
        return engine

    yield start
    for engine in made:
        engine.stop()
        engine.deleteLater()


def heard(tmp_path: Path) -> list[dict]:
    return [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]


def dies(qtbot, engine):
    """The engine dies, and the window has noticed."""
    reply = engine.ask("die")
    with qtbot.waitSignal(reply.failed, timeout=5_000) as caught:
        pass
    return caught.args[0]


def answer(qtbot, reply):
    with qtbot.waitSignal(reply.done, timeout=10_000) as caught:
        pass
    return caught.args[0]


# frames


def test_frames_come_together_from_single_bytes():
    stream = encode({"a": 1}) + encode({"b": "é\u202e"})
    buffer, found = FrameBuffer(), []
    for byte in stream:
        found += buffer.feed(bytes([byte]))
    assert found == [{"a": 1}, {"b": "é\u202e"}]


def test_several_frames_come_out_of_one_piece():
    assert FrameBuffer().feed(encode({"a": 1}) * 3) == [{"a": 1}] * 3


def test_a_torn_frame_waits_for_its_rest():
    stream = encode({"a": "x" * 1000})
    buffer = FrameBuffer()
    assert buffer.feed(stream[:-1]) == []
    assert buffer.feed(stream[-1:]) == [{"a": "x" * 1000}]


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">I", MAX_FRAME + 1),
        struct.pack(">I", 4) + b"nope",
        struct.pack(">I", 2) + b"[]",
        struct.pack(">I", 3) + b"\xff\xfe\xfd",
    ],
)
def test_bytes_that_are_no_frame_are_refused(data):
    with pytest.raises(FrameError):
        FrameBuffer().feed(data)


def test_a_frame_that_is_too_long_is_not_sent():
    with pytest.raises(FrameError):
        encode({"a": "x" * (MAX_FRAME + 1)})


# events


def test_events_are_folded_to_thirty_a_second_and_nothing_is_lost(qtbot):
    told = []
    folder = Folder(lambda topic, data: told.append((topic, data)))
    for index in range(200):
        folder.take("receipts", {"rows": [{"index": index}], "count": 1})
    assert len(told) == 1
    qtbot.waitUntil(lambda: sum(data["count"] for _, data in told) == 200)
    assert len(told) == 2
    assert told[-1][1]["rows"][-1] == {"index": 199}


def test_topics_are_folded_apart_and_the_latest_counts(qtbot):
    told = []
    folder = Folder(lambda topic, data: told.append((topic, data)))
    for done in range(10):
        folder.take("progress", {"what": "verify", "done": done})
        folder.take("progress", {"what": "prepare", "done": done})
    folder.flush()
    assert [data for _, data in told] == [
        {"what": "verify", "done": 0},
        {"what": "prepare", "done": 0},
        {"what": "verify", "done": 9},
        {"what": "prepare", "done": 9},
    ]


def test_the_engines_state_is_never_held_back_nor_overtaken():
    told = []
    folder = Folder(lambda topic, data: told.append(topic))
    for topic in ("state", "state", "engine", "state"):
        folder.take(topic, {})
    assert told == ["state", "state", "engine"]
    folder.flush()
    assert told == ["state", "state", "engine", "state"]


def test_of_many_receipts_the_last_fifty_are_named():
    many = {"rows": [{"index": i} for i in range(40)], "count": 40}
    folded = fold("receipts", many, many)
    assert (len(folded["rows"]), folded["count"]) == (50, 80)


def test_events_before_anybody_listens_are_told_later(child, qtbot, tmp_path):
    engine = child('send({"event": "first", "seq": 1, "data": {"x": 1}})\n' + ECHO)
    engine._unheard = []
    told = []
    engine.event.connect(lambda topic, data: told.append((topic, data)))
    answer(qtbot, engine.ask("ping"))
    assert told == []
    engine.listen()
    assert told == [("first", {"x": 1})]


# the process


def test_a_request_is_answered_once(child, qtbot):
    engine = child()
    reply = engine.ask("hello", {"a": 1})
    assert answer(qtbot, reply) == {"op": "hello", "args": {"a": 1}}


def test_what_is_asked_before_the_greeting_waits_for_it(child, qtbot):
    engine = child("import time\n" + ECHO)
    assert answer(qtbot, engine.ask("early"))["op"] == "early"


def test_a_cancelled_request_is_taken_back_and_never_answers(child, qtbot, tmp_path):
    engine = child()
    answer(qtbot, engine.ask("first"))
    reply, told = engine.ask("second"), []
    reply.done.connect(told.append)
    id = reply.id
    reply.cancel()
    answer(qtbot, engine.ask("third"))
    assert told == []
    assert {"op": "cancel", "args": {"id": id}} in heard(tmp_path)


def test_when_the_engine_dies_reads_fail_and_it_is_started_again(child, qtbot):
    engine = child()
    answer(qtbot, engine.ask("ping"))
    pid = engine.child.pid()
    with qtbot.waitSignal(engine.ask("query", {"name": "x"}).done):
        pass
    assert dies(qtbot, engine) == LOST
    assert answer(qtbot, engine.ask("ping"))["op"] == "ping"
    assert engine.child.pid() != pid


def test_a_write_under_way_is_sent_again_with_the_same_key(child, qtbot, tmp_path):
    engine = child()
    reply = engine.ask("perform", {"capability": "proposal.approve", "payload": {}, "rationale": "x" * 300})
    assert answer(qtbot, reply)["op"] == "perform"
    sent = [f["args"]["key"] for f in heard(tmp_path) if f["op"] == "perform"]
    assert len(sent) == 2
    assert sent[0] == sent[1] != ""


def test_the_account_in_use_is_told_to_the_next_engine_before_anything_else(child, qtbot, tmp_path):
    engine = child()
    told = []
    engine.event.connect(lambda topic, data: told.append((topic, data)))
    answer(qtbot, engine.ask("session.use", {"actor": "teo"}))
    dies(qtbot, engine)
    assert answer(qtbot, engine.ask("ping"))["op"] == "ping"
    frames = heard(tmp_path)
    last = max(i for i, frame in enumerate(frames) if frame["op"] == "die")
    assert [f["op"] for f in frames[last + 1 :]] == ["open", "session.use", "ping"]
    assert frames[last + 2]["args"] == {"actor": "teo"}
    assert ("session", {"id": 0, "ok": {"op": "session.use", "args": {"actor": "teo"}}}) in told


def test_an_account_that_was_refused_is_not_told_again(child, qtbot, tmp_path):
    refusing = ECHO.replace('"ok":', '"error" if f["op"] == "session.use" else "ok":')
    engine = child(refusing)
    reply = engine.ask("session.use", {"actor": "nobody"})
    with qtbot.waitSignal(reply.failed):
        pass
    dies(qtbot, engine)
    answer(qtbot, engine.ask("ping"))
    assert [f["op"] for f in heard(tmp_path)].count("session.use") == 1


def test_garbage_on_the_pipe_ends_that_engine_and_starts_another(child, qtbot):
    engine = child()
    answer(qtbot, engine.ask("ping"))
    pid = engine.child.pid()
    engine.ask("garbage")
    qtbot.waitUntil(lambda: engine.child.pid() not in (0, pid), timeout=8_000)
    assert answer(qtbot, engine.ask("ping"))["op"] == "ping"


def test_another_protocol_is_said_plainly_and_not_spoken(tmp_path, qtbot):
    script = tmp_path / "other.py"
    script.write_text((CHILD % "read()").replace('"protocol": 1', '"protocol": 2'), encoding="utf-8")
    engine = ProcessEngine([sys.executable, str(script), str(tmp_path / "log")])
    engine.listen()
    with qtbot.waitSignal(engine.event) as caught:
        engine.start()
    assert caught.args[0] == "engine"
    assert caught.args[1]["error"]["code"] == "ENGINE_VERSION"
    assert engine.life is Life.ENDED
    engine.deleteLater()


def test_a_held_engine_opens_when_it_is_told_and_later_ones_at_once(child, qtbot, tmp_path):
    engine = child(held=True)
    answer(qtbot, engine.ask("ping"))
    assert "open" not in [f["op"] for f in heard(tmp_path)]
    engine.release()
    dies(qtbot, engine)
    answer(qtbot, engine.ask("ping"))
    assert [f["op"] for f in heard(tmp_path)].count("open") == 2


def test_three_restarts_then_down_then_a_person_may_try(tmp_path, qtbot, monkeypatch):
    monkeypatch.setattr("ui.child.DELAYS_MS", (1, 1, 1))
    marker = tmp_path / "works"
    script = tmp_path / "sick.py"
    sick = f"import pathlib\nif not pathlib.Path({str(marker)!r}).exists(): raise SystemExit('sick')\n"
    script.write_text(sick + CHILD % ECHO, encoding="utf-8")
    engine = ProcessEngine([sys.executable, str(script), str(tmp_path / "log")])
    lives = []
    engine.life_changed.connect(lives.append)
    engine.start()
    waiting = engine.ask("perform", {"capability": "x"})
    with qtbot.waitSignal(waiting.failed, timeout=10_000) as caught:
        pass
    assert caught.args[0] == DOWN
    assert lives[-1] == "down"
    assert "sick" in engine.child.errors()
    late = engine.ask("query", {})
    with qtbot.waitSignal(late.failed) as caught:
        pass
    assert caught.args[0] == DOWN
    marker.touch()
    engine.retry()
    assert answer(qtbot, engine.ask("ping"))["op"] == "ping"
    engine.stop()
    engine.deleteLater()


def test_a_program_that_is_not_there_is_down_too(qtbot, monkeypatch):
    monkeypatch.setattr("ui.child.DELAYS_MS", (1, 1, 1))
    child = Child(["/no/such/program"])
    with qtbot.waitSignal(child.life_changed, check_params_cb=lambda life: life == "down", timeout=5_000):
        child.start()
    assert child.errors()
    child.stop()
    child.deleteLater()


def test_the_waits_between_tries_are_those_that_were_agreed():
    assert DELAYS_MS == (200, 1_000, 5_000)


def test_stopping_closes_the_childs_input_and_leaves_nothing(child, qtbot):
    import psutil

    engine = child()
    answer(qtbot, engine.ask("ping"))
    pid = engine.child.pid()
    engine.stop()
    assert not psutil.pid_exists(pid)
    assert engine.life is Life.ENDED


def test_a_child_that_does_not_listen_is_killed_after_a_grace(tmp_path, qtbot, monkeypatch):
    import psutil

    monkeypatch.setattr("ui.child.GRACE_MS", 100)
    child = Child([sys.executable, "-c", "import time\nprint('up', flush=True)\ntime.sleep(60)"])
    with qtbot.waitSignal(child.output, timeout=5_000):
        child.start()
    pid = child.pid()
    child.stop()
    assert not psutil.pid_exists(pid)
    child.deleteLater()


def test_the_engine_is_started_with_this_python():
    command = engine_command(Path("/h"), Path("/c.toml"), held=True)
    assert command == [
        sys.executable, "-m", "studio_brain.doors.pipe", "--home", "/h", "--config", "/c.toml", "--held",
    ]  # fmt: skip


# in process


def test_the_inline_form_answers_the_same_way(qtbot):
    answers = Recorded()
    engine = InlineEngine(answers.start)
    told = []
    engine.event.connect(lambda topic, data: told.append(topic))
    engine.listen()
    engine.start()
    assert answer(qtbot, engine.ask("query", {"name": "switches.list"})) == []
    reply = engine.ask("nonsense")
    with qtbot.waitSignal(reply.failed) as caught:
        pass
    assert caught.args[0]["code"] == "UNKNOWN_QUERY"
    assert told == ["engine"]
    assert engine.clock.now_ms() is not None
    engine.stop()
    engine.deleteLater()


def test_the_inline_form_takes_any_object_that_answers(qtbot):
    class Plain:
        async def call(self, op, args):
            return {"ok": op}

    engine = InlineEngine(Plain())
    engine.start()
    assert answer(qtbot, engine.ask("ping")) == "ping"
    engine.stop()
    engine.deleteLater()
