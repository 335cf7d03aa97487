"""For the benchmarks only: a stamp once something has been painted."""

from PySide6.QtCore import QEvent, QObject, QTimer

from .trace import stamp


class AfterPaint(QObject):
    """Stamps once its object has been painted."""

    def __init__(self, watched: QObject, name: str) -> None:
        super().__init__(watched)
        self._name = name
        watched.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            QTimer.singleShot(0, self, lambda: stamp(self._name))
        return False
