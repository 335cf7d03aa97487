from tests.e2e.staff import either_home
from tests.practice_process import practice_studio
from tests.ui.conftest import cockpit, home, practice, practice_past

__all__ = ["cockpit", "either_home", "home", "practice", "practice_past", "practice_studio"]
