from tests.practice_process import practice_studio

__all__ = ["practice_studio"]
