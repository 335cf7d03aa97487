"""How the cockpit is started: its options, the home it opens, and whether there is a display to open it on."""

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path

SIZES = ((1440, 900), (1920, 1080))

NO_DISPLAY = """studio-cockpit: there is no display (DISPLAY and WAYLAND_DISPLAY are not set).
To see the window:    start it from a desktop session, or on a virtual display: xvfb-run -a studio-cockpit …
                      (Debian: apt-get install xvfb xauth)
To get pictures only: studio-cockpit --practice --screenshot DIR
"""


@dataclass(frozen=True, slots=True)
class Options:
    home: Path
    config: Path | None
    practice: bool
    screenshot: Path | None
    sizes: tuple[tuple[int, int], ...]
    theme: str
    home_given: bool


def parse(argv: list[str] | None = None) -> Options:
    parser = argparse.ArgumentParser(
        prog="studio-cockpit", description="The window on your studio: what is the state, what changed, what needs you."
    )
    parser.add_argument("--home", type=Path, metavar="DIR", help="folder that holds everything")
    parser.add_argument("--config", type=Path, metavar="FILE", help="another settings file than HOME/studio.toml")
    parser.add_argument("--practice", action="store_true", help="a made-up studio on this machine")
    parser.add_argument("--screenshot", type=Path, metavar="DIR", help="write a picture of every pane and end")
    parser.add_argument("--size", action="append", type=_size, metavar="WxH", help="size of the pictures; repeatable")
    parser.add_argument("--theme", choices=("system", "light", "night"), default="system")
    given = parser.parse_args(argv)
    home = given.home or _home_from_environment()
    return Options(
        home=(home or default_home(practice=given.practice)).absolute(),
        config=None if given.config is None else given.config.absolute(),
        practice=given.practice,
        screenshot=None if given.screenshot is None else given.screenshot.absolute(),
        sizes=tuple(given.size or SIZES),
        theme=given.theme,
        home_given=home is not None,
    )


def has_display() -> bool:
    """On Linux a window needs X11, Wayland, or a platform that somebody chose on purpose."""
    if not sys.platform.startswith("linux"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def default_home(*, practice: bool) -> Path:
    """The folder that the command line uses too: the user's data folder, then `home` or `practice`."""
    import platformdirs

    return Path(platformdirs.user_data_path("studio-brain")) / ("practice" if practice else "home")


def _home_from_environment() -> Path | None:
    home = os.environ.get("STUDIO_BRAIN_HOME")
    return Path(home) if home else None


def _size(text: str) -> tuple[int, int]:
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 1440x900") from None
    if not (800 <= width <= 7680 and 600 <= height <= 4320):
        raise argparse.ArgumentTypeError(f"{text}: from 800x600 to 7680x4320")
    return width, height
