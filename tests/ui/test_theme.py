"""Tokens, contrast of every pair that can occur, and no colour anywhere else."""

import re
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QFontMetrics, QPalette
from PySide6.QtWidgets import QApplication

import ui
from tests.ui.opening import dress
from ui import resources
from ui.theme import icons, theme
from ui.theme.contrast import ratio
from ui.theme.sheet import sheet
from ui.theme.tokens import VARIANTS, read, tokens

PEARL_NACRE = {"pearl": "#E2DFD2", "nacre": "#F6D3C0", "teal": "#A0F4F6", "vellum": "#F4E3E3", "gold": "#EACC71"}
UI = Path(ui.__file__).parent


@pytest.fixture
def light():
    yield
    dress("light")


def test_the_five_tokens_are_pearl_nacre():
    assert read()["tokens"] == PEARL_NACRE
    light = tokens("light")
    assert light["surface"] == PEARL_NACRE["pearl"]
    assert light["soft"] == PEARL_NACRE["vellum"]
    assert light["selected"] == PEARL_NACRE["nacre"]
    assert {light["nacre"], light["teal"], light["gold"]} <= set(PEARL_NACRE.values())


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_ink_reads_on_every_surface(variant):
    found = tokens(variant)
    poor = {
        (ink, surface): round(ratio(found[ink], found[surface]), 2)
        for ink in found.inks
        for surface in found.surfaces
        if ratio(found[ink], found[surface]) < 4.5
    }
    assert not poor


@pytest.mark.parametrize("variant", VARIANTS)
def test_text_on_fills_reads(variant):
    found = tokens(variant)
    assert all(ratio(found["on_fill"], fill) >= 4.5 for fill in found.fills.values())


@pytest.mark.parametrize("variant", VARIANTS)
def test_lines_and_focus_are_seen_on_every_surface(variant):
    found = tokens(variant)
    for name in ("line", "focus", "garnet"):
        assert all(ratio(found[name], surface) >= 3 for surface in found.surfaces.values()), name


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_filled_control_has_an_edge_that_is_seen(variant):
    """Fill or edge: one of them stands out from what the control lies on."""
    found = tokens(variant)
    for surface in found.surfaces.values():
        for fill in found.fills.values():
            assert max(ratio(fill, surface), ratio(found["edge"], surface), ratio(found["line"], surface)) >= 3


def test_luminance_is_that_of_wcag():
    assert ratio("#FFFFFF", "#000000") == pytest.approx(21)
    assert ratio("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def test_no_colour_outside_the_token_file():
    literal = re.compile(
        r"#[0-9A-Fa-f]{3,8}\b|rgba?\(|hsla?\(|QColor\(\s*[\"'\d]|GlobalColor\.(?!transparent)|\b(?:white|black|red)\b[;\"']"
    )
    allowed = {("theme/contrast.py", "#RRGGBB")}
    found = []
    for path in UI.rglob("*.py"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for match in literal.findall(line):
                if (str(path.relative_to(UI)), match) not in allowed:
                    found.append((path.relative_to(UI), number, line.strip()))
    assert not found


def test_icons_have_no_colour_of_their_own():
    for path in resources.path("icons").glob("*.svg"):
        text = path.read_text(encoding="utf-8")
        assert 'stroke="currentColor"' in text, path.name
        assert "#" not in text, path.name


def test_every_icon_that_is_named_is_there():
    there = {path.stem for path in resources.path("icons").glob("*.svg")}
    named = set()
    for path in UI.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        named |= set(re.findall(r'icons\.draw\(painter, "([a-z-]+)"', text))
        named |= set(re.findall(r'icons\.icon\("([a-z-]+)"', text))
        named |= set(re.findall(r"icon=\"([a-z-]+)\"", text))
    assert named <= there, named - there


def test_sheet_and_palette_speak_tokens_only(light):
    for variant in VARIANTS:
        dress(variant)
        found = theme.current()
        colours = set(re.findall(r"#[0-9A-Fa-f]{6}", sheet(found)))
        assert colours <= set(found.tokens.colours.values())
        assert "$" not in sheet(found)
        assert QApplication.palette().color(QPalette.ColorRole.Window) == QColor(found.tokens["surface"])


def test_icons_follow_the_theme(light):
    day = icons.icon("power").pixmap(24, 24).toImage()
    dress("night")
    night = icons.icon("power").pixmap(24, 24).toImage()
    assert day != night


def test_the_mono_face_is_the_shipped_one_and_every_hex_digit_is_as_wide():
    font = theme.current().font("caption", mono=True)
    assert font.family() == "JetBrains Mono"
    metrics = QFontMetrics(font)
    assert len({metrics.horizontalAdvance(digit) for digit in "0123456789abcdef"}) == 1


def test_text_follows_the_systems_size():
    fonts = theme.current().fonts
    assert fonts.points("caption") < fonts.points("body") < fonts.points("title") < fonts.points("figure")
    assert fonts.base_pt >= read()["type"]["smallest_base_pt"]


def test_the_licence_of_the_font_lies_beside_it():
    assert "SIL Open Font License" in resources.path("fonts", "OFL.txt").read_text(encoding="utf-8")
    assert resources.path("fonts", "README.md").exists()
