"""The diff of Today as cells of a table."""

from ...models.cells import Cell
from .presenter import TodayView


def diff_cells(view: TodayView) -> list[tuple[Cell, ...]]:
    """Title, before, after, change; teal only where the change is good."""
    rows = []
    for line in view.lines:
        pill = "teal" if line.tone == "good" else ""
        ink = {"bad": "garnet", "even": "muted"}.get(line.tone, "ink")
        tone = {"bad": ", not good", "good": ", good"}.get(line.tone, "")
        rows.append(
            (
                Cell(line.title),
                Cell(line.before, ink="muted"),
                Cell(line.after, bold=True),
                Cell(line.change, ink=ink, bold=True, pill=pill, spoken=f"{line.change}{tone}"),
            )
        )
    return rows
