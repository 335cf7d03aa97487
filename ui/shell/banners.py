"""The banners below the header: as many as there is to say, each with one button; the locked one with a field."""

from PySide6.QtCore import QRectF, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QWidget

from ..theme import icons, theme
from ..widgets.buttons import Button
from ..widgets.layout import column, grow, row
from ..widgets.text import Text
from .banner_rules import Banner

LEAST = 8
"""Characters of a first passphrase."""


class _Strip(QWidget):
    """One banner: an icon, a sentence, what it means, a button."""

    acted = Signal(str, str)

    def __init__(self, banner: Banner) -> None:
        super().__init__()
        self.banner = banner
        self.setObjectName(f"banner-{banner.id}")
        self.setAccessibleName(f"{banner.head} {banner.body}")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.head = Text(banner.head, "strong", wrap=True)
        self.body = Text(banner.body, "body", wrap=True)
        words = QWidget()
        words.setLayout(column(self.head, self.body, gap=0))
        items: list[object] = [grow(words)]
        self.fields: list[QLineEdit] = []
        if banner.act in ("unlock", "choose"):
            self.fields.append(self._field("passphrase", "Passphrase", "Passphrase of this home"))
        if banner.act == "choose":
            self.fields.append(self._field("passphrase-again", "Once more", "The same passphrase once more"))
        items += self.fields
        self.button: Button | None = None
        if banner.button:
            self.button = Button(banner.button, "primary" if self.fields else "plain", name=f"act-{banner.id}")
            self.button.clicked.connect(self._act)
            items.append(self.button)
        self.setLayout(row(*items, gap=3, margins=(14, 2, 8, 2)))
        self._may()

    def _field(self, name: str, placeholder: str, accessible: str) -> QLineEdit:
        field = QLineEdit()
        field.setObjectName(name)
        field.setEchoMode(QLineEdit.EchoMode.Password)
        field.setPlaceholderText(placeholder)
        field.setAccessibleName(accessible)
        field.setMinimumWidth(theme.current().unit * 44)
        field.returnPressed.connect(self._act)
        field.textChanged.connect(self._may)
        return field

    def _may(self) -> None:
        if self.button is None or not self.fields:
            return
        typed = [field.text() for field in self.fields]
        missing = "" if typed[0] else "Type the passphrase first."
        if self.banner.act == "choose" and len(typed[0]) < LEAST:
            missing = f"At least {LEAST} characters."
        elif len(set(typed)) > 1:
            missing = "The two are not the same."
        self.button.block(missing)

    def _act(self) -> None:
        if self.button is not None and self.button.why_not:
            return
        self.acted.emit(self.banner.act, self.fields[0].text() if self.fields else "")
        for field in self.fields:
            field.clear()

    def paintEvent(self, event: QPaintEvent) -> None:
        current, unit = theme.current(), theme.current().unit
        painter = QPainter(self)
        painter.fillRect(self.rect(), current.colour("soft"))
        danger = self.banner.tone == "danger"
        bar = current.colour("garnet" if danger else "line")
        painter.fillRect(0, 0, current.tokens.shape["bar"], self.height(), bar)
        painter.setPen(QPen(current.colour("line"), 1))
        painter.drawLine(0, self.height() - 1, self.width(), self.height() - 1)
        side = unit * 5 + 2
        icons.draw(
            painter,
            self.banner.icon,
            QRectF(unit * 6, (self.height() - side) / 2, side, side),
            "garnet" if danger else "ink",
        )
        painter.end()


class Banners(QWidget):
    """`acted` carries what a banner's button does, and what was typed into its field."""

    acted = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("banners")
        self._column = column(gap=0)
        self.setLayout(self._column)
        self._shown: tuple[Banner, ...] = ()
        self.strips: list[_Strip] = []
        self.hide()

    def show_banners(self, banners: tuple[Banner, ...]) -> None:
        if banners == self._shown:
            return
        if [(b.id, b.act) for b in banners] == [(b.id, b.act) for b in self._shown]:
            for strip, banner in zip(self.strips, banners, strict=True):
                strip.head.setText(banner.head)
                strip.body.setText(banner.body)
                strip.setAccessibleName(f"{banner.head} {banner.body}")
            self._shown = banners
            return
        self._shown = banners
        for strip in self.strips:
            strip.hide()
            strip.deleteLater()
        self.strips = []
        while self._column.takeAt(0) is not None:
            pass
        for banner in banners:
            strip = _Strip(banner)
            strip.acted.connect(self.acted)
            self._column.addWidget(strip)
            self.strips.append(strip)
        self.setVisible(bool(banners))

    def ids(self) -> list[str]:
        return [banner.id for banner in self._shown]
