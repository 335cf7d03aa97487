"""The queries for proofs on both databases: what they give is what the log's own reader gives."""

from typing import Any

from studio_brain.domains.records import proving
from studio_brain.domains.records.auditing import Rows
from studio_brain.domains.records.proving import selected_log
from studio_brain.evidence.log import find_log
from studio_brain.evidence.reader import LogReader
from studio_brain.kernel.hashing import from_text
from studio_brain.store.database import Databases, selecting
from studio_brain.store.reading import Sources
from tests.evidence.test_log import append, event, sequencer


def test_they_prove_what_the_reader_proves(databases: Databases) -> None:
    sealed = sequencer(databases)
    sealed.run([append(*(event(n, f"s:{n % 7}", payload=b"p" if n % 50 == 0 else None) for n in range(200)))])
    sealed.run([append(*(event(n, f"s:{n % 7}") for n in range(200, 300)))])
    select = selecting(databases.brain)
    sources = Sources(select, select, 0)

    def ask(query: Any, **params: Any) -> Any:
        return query(sources, "studio", params)

    def from_the_reader(conn: Any) -> Any:
        reader = LogReader(conn, find_log(conn, "studio"))
        bodies = [stored.entry.body for stored in reader.entries()]
        return (
            reader.inclusion(7, 300),
            reader.inclusion(7, 200),
            reader.consistency(200, 300),
            reader.root(200),
            bodies,
        )

    inclusion, earlier, consistency, root, bodies = databases.brain.reading(from_the_reader)
    assert [from_text(node["hash"]) for node in ask(proving.one_proof, index=7)["path"]] == inclusion
    assert [from_text(node["hash"]) for node in ask(proving.one_proof, index=7, size=200)["path"]] == earlier
    both = ask(proving.one_consistency, old=200)
    assert ([from_text(node["hash"]) for node in both["path"]], both["oldRoot"]) == (
        consistency,
        "sha256:" + root.hex(),
    )
    assert ask(proving.one_receipt, index=7)["size"] == 300
    assert ask(proving.one_receipt, index=7, size=200, epoch=1)["size"] == 200
    assert ask(proving.one_checkpoint, size=200)["root"] == "sha256:" + root.hex()
    assert ask(proving.one_checkpoint, size=250) is None
    rows = Rows(select, selected_log(select, "studio"), 20, 120)
    assert list(rows.bodies()) == bodies[20:120]
    assert [(item.index, item.content) for item in rows.payloads()] == [(50, b"p"), (100, b"p")]
