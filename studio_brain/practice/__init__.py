"""The practice studio: a whole made-up studio cloud on loopback, for training people and for testing the cockpit.

It speaks what the real cloud speaks (Firestore REST v1 behind security rules, Auth, Cloud Functions) and adds a control
interface of its own. Nothing here is imported by the engine; `docs/practice.md` is its manual.
"""

from typing import TYPE_CHECKING

from .options import PracticeOptions

if TYPE_CHECKING:
    from .server import run

__all__ = ["PracticeOptions", "run"]


def __getattr__(name: str) -> object:
    if name == "run":  # the server and its libraries load when a studio is started, not when this package is named
        from .server import run

        return run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
