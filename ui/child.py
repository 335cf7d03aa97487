"""A child process over its standard streams: started, watched, started again, ended with us.

A child of ours ends when its standard input closes; that is how it is ended, and why none is left behind when this
process dies. One that ends by itself is started again after 0.2 s, 1 s and 5 s; then it is *down* until somebody
asks. A child that has worked for a while gets its three tries back.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from PySide6.QtCore import QObject, QProcess, QTimer, Signal

DELAYS_MS: Final = (200, 1_000, 5_000)
STEADY_MS: Final = 10_000
GRACE_MS: Final = 4_000
TAIL: Final = 4_000


class Life(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    DOWN = "down"
    ENDED = "ended"


class Child(QObject):
    """One child process. `output` carries its standard output as it comes; `life_changed` a Life."""

    output = Signal(bytes)
    life_changed = Signal(str)

    def __init__(self, command: Sequence[str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.command = list(command)
        self.life = Life.ENDED
        self.tries = 0
        self._process: QProcess | None = None
        self._errors = b""
        self._again = QTimer(self, singleShot=True)
        self._again.timeout.connect(self._start)
        self._steady = QTimer(self, singleShot=True, interval=STEADY_MS)
        self._steady.timeout.connect(self._is_steady)

    def start(self) -> None:
        """Starts it, with all tries before it."""
        self.tries = 0
        self._start()

    def write(self, data: bytes) -> bool:
        """False when there is nobody to write to."""
        if self._process is None or self._process.state() == QProcess.ProcessState.NotRunning:
            return False
        return self._process.write(data) == len(data)

    def is_steady(self) -> None:
        """Says that it works: from now on it counts the time until its tries are given back."""
        self._steady.start()

    def restart(self) -> None:
        """Ends it, if it runs, and starts it at once."""
        self._drop()
        self.start()

    def stop(self) -> None:
        """Closes its input and waits for its end; after a grace time it is killed. Nothing is left behind."""
        self._again.stop()
        self._drop()
        self._set(Life.ENDED)

    def pid(self) -> int:
        return 0 if self._process is None else int(self._process.processId())

    def errors(self) -> str:
        """The last of what it wrote to standard error."""
        return self._errors.decode("utf-8", "replace").strip()

    def _start(self) -> None:
        self._again.stop()
        self._errors = b""
        process = QProcess(self)
        process.readyReadStandardOutput.connect(self._read)
        process.readyReadStandardError.connect(self._read_errors)
        process.finished.connect(self._finished)
        process.errorOccurred.connect(self._failed)
        self._process = process
        self._set(Life.STARTING if self.tries == 0 else Life.RESTARTING)
        process.start(self.command[0], self.command[1:])

    def _read(self) -> None:
        process = self.sender()
        if isinstance(process, QProcess) and process is self._process:
            if self.life in (Life.STARTING, Life.RESTARTING):
                self._set(Life.RUNNING)
            self.output.emit(process.readAllStandardOutput().data())

    def _read_errors(self) -> None:
        process = self.sender()
        if isinstance(process, QProcess) and process is self._process:
            self._errors = (self._errors + process.readAllStandardError().data())[-TAIL:]

    def _failed(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._process is not None:
            self._errors = self._process.errorString().encode()
            self._ended()

    def _finished(self) -> None:
        if self.sender() is self._process:
            self._read_errors_of(self._process)
            self._ended()

    def _read_errors_of(self, process: QProcess | None) -> None:
        if process is not None:
            self._errors = (self._errors + process.readAllStandardError().data())[-TAIL:]

    def _ended(self) -> None:
        """It ended, and nobody here asked it to."""
        self._steady.stop()
        if self._process is not None:
            self._process.deleteLater()
            self._process = None
        if self.tries < len(DELAYS_MS):
            delay = DELAYS_MS[self.tries]
            self.tries += 1
            self._set(Life.RESTARTING)
            self._again.start(delay)
        else:
            self._set(Life.DOWN)

    def _is_steady(self) -> None:
        self.tries = 0

    def _drop(self) -> None:
        self._steady.stop()
        process, self._process = self._process, None
        if process is None:
            return
        process.blockSignals(True)
        if process.state() != QProcess.ProcessState.NotRunning:
            process.closeWriteChannel()
            if not process.waitForFinished(GRACE_MS):
                process.kill()
                process.waitForFinished(GRACE_MS)
        process.deleteLater()

    def _set(self, life: Life) -> None:
        if life is not self.life:
            self.life = life
            self.life_changed.emit(life.value)
