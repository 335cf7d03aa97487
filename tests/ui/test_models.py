"""Models under Qt's own tester, and what each promises: exact rows, pages that are asked for once, rows that stay."""

import pytest
from PySide6.QtCore import QAbstractItemModel, Qt
from PySide6.QtTest import QAbstractItemModelTester

from ui.models.cells import CELL, Cell, CellModel
from ui.models.queue import KEY, VIEW, Queue
from ui.models.sparse import PAGE, PAGES, SparseTableModel


def watched(model: QAbstractItemModel) -> QAbstractItemModelTester:
    return QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)


def rows(count: int, first: int = 0) -> list[tuple[str, ...]]:
    return [(str(first + i), "b", "c") for i in range(count)]


class View:
    def __init__(self, row, gone):
        self.title, self.spoken, self.gone = row["title"], f"{row['title']} spoken", gone


def row(id: str, at: int, title: str = "") -> dict:
    return {"id": id, "createdAt": f"2026-01-{at:02}", "title": title or id}


def test_sparse_model_passes_the_tester_while_pages_come_and_rows_grow(qtbot):
    asked: list[int] = []
    model = SparseTableModel(("a", "b", "c"), asked.append)
    _tester = watched(model)
    model.reset(450)
    assert model.cells(0) is None
    model.put(0, rows(PAGE))
    model.put(2, rows(50, 2 * PAGE))
    model.grow(480)
    model.reset(3)
    model.put(0, rows(3))
    assert [model.data(model.index(i, 0)) for i in range(3)] == ["0", "1", "2"]


def test_a_million_rows_cost_nothing_and_the_count_is_exact():
    model = SparseTableModel(("a", "b", "c"), lambda page: None)
    model.reset(1_000_000)
    assert model.rowCount() == 1_000_000
    assert model.loaded() == 0


def test_a_page_is_asked_for_once_and_again_only_when_it_was_missed():
    asked: list[int] = []
    model = SparseTableModel(("a", "b", "c"), asked.append)
    model.reset(1_000)
    for place in range(5):
        assert model.cells(place) is None
    assert asked == [0]
    model.missed(0)
    assert model.cells(0) is None
    assert asked == [0, 0]


def test_scrolling_fetches_one_page_ahead():
    asked: list[int] = []
    model = SparseTableModel(("a", "b", "c"), asked.append)
    model.reset(5_000)
    for page in (3, 4):
        model.cells(page * PAGE)
        model.put(page, rows(PAGE, page * PAGE))
    model.cells(3 * PAGE)
    model.cells(4 * PAGE)
    assert asked[-1] == 5
    model.cells(3 * PAGE)
    assert asked[-1] == 2


def test_only_so_many_pages_stay():
    model = SparseTableModel(("a", "b", "c"), lambda page: None)
    model.reset(1_000_000)
    for page in range(PAGES + 10):
        model.put(page, rows(PAGE))
    assert model.loaded() == PAGES
    assert model.cells(0) is None
    assert model.cells((PAGES + 9) * PAGE) is not None


def test_reloading_keeps_what_is_here_until_the_answer():
    asked: list[int] = []
    model = SparseTableModel(("a", "b", "c"), asked.append)
    model.reset(10)
    model.put(0, rows(10))
    model.reload()
    assert asked == [0]
    assert model.cells(3) == ("3", "b", "c")
    model.put(0, rows(10, 100))
    assert model.cells(3) == ("103", "b", "c")


def test_queue_passes_the_tester(qtbot):
    queue = Queue(View)
    _tester = watched(queue)
    queue.replace([row("c", 3), row("b", 2), row("a", 1)])
    queue.merge([row("d", 4), row("c", 3, "C"), row("a", 1)])
    queue.append([row("z", 1)])
    queue.take_newer()
    queue.replace([])


def test_newer_rows_wait_and_rows_stay_where_they_are():
    queue = Queue(View)
    queue.replace([row("c", 3), row("b", 2), row("a", 1)])
    queue.merge([row("d", 4), row("c", 3, "changed"), row("a", 1)])
    assert [queue.index(i).data(KEY) for i in range(3)] == ["c", "b", "a"]
    assert queue.newer == 1
    assert queue.index(0).data(VIEW).title == "changed"
    assert queue.index(1).data(VIEW).gone
    queue.take_newer()
    assert [r["id"] for r in queue.rows] == ["d", "c", "a"]
    assert queue.newer == 0


def test_rows_older_than_the_page_are_not_taken_for_gone():
    queue = Queue(View)
    queue.replace([row("c", 3), row("b", 2)])
    queue.append([row("a", 1)])
    queue.merge([row("c", 3), row("b", 2)])
    assert not queue.index(2).data(VIEW).gone


def test_a_row_is_found_by_its_key_and_changed_in_place():
    queue = Queue(View)
    queue.replace([row("b", 2), row("a", 1)])
    queue.update_row({"id": "a", "title": "new", "more": 1})
    assert queue.place_of("a") == 1
    assert queue.index(1).data(Qt.ItemDataRole.DisplayRole) == "new"
    assert "more" not in queue.rows[1]
    assert queue.place_of("nowhere") == -1


def test_cells_pass_the_tester_and_speak(qtbot):
    model = CellModel(("a", "b"))
    _tester = watched(model)
    model.show_rows([(Cell("1", spoken="one"), Cell("2"))] * 5)
    index = model.index(0, 0)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "one"
    assert index.data(CELL).text == "1"
    assert model.headerData(1, Qt.Orientation.Horizontal) == "b"
    model.show_rows([], ("c", "d"))


@pytest.mark.parametrize("name", ["QSortFilterProxyModel", "fetchMore", "canFetchMore"])
def test_no_proxies_and_no_growing_by_scrolling(name):
    from pathlib import Path

    import ui

    for path in Path(ui.__file__).parent.rglob("*.py"):
        text = re_code(path.read_text(encoding="utf-8"))
        assert name not in text, path


def re_code(text: str) -> str:
    """Without docstrings, which may say what is not used."""
    import re

    return re.sub(r'""".*?"""', "", text, flags=re.S)
