"""The one exception tree. Expected refusals are values with a reason code; these are for bugs and for the outside
world."""

from .reasons import REASONS, ReasonCode


class StudioBrainError(Exception):
    """Something that stops the work, with its reason code, where it happened, and what to do.

    `detail` names the field, file or record; it never holds a secret.
    """

    code: ReasonCode = ReasonCode.INTERNAL

    def __init__(self, detail: str = "", *, code: ReasonCode | None = None, remedy: str | None = None) -> None:
        if code is not None:
            self.code = code
        self.detail = detail
        self.remedy = remedy or REASONS[self.code].remedy
        super().__init__(detail or REASONS[self.code].sentence)

    @property
    def sentence(self) -> str:
        return REASONS[self.code].sentence

    def to_json(self) -> dict[str, str]:
        """The shape every door shows: code, sentence, detail, remedy."""
        return {"code": self.code.value, "sentence": self.sentence, "detail": self.detail, "remedy": self.remedy}


class ConfigError(StudioBrainError):
    code = ReasonCode.CONFIG_INVALID


class StorageError(StudioBrainError):
    code = ReasonCode.STORAGE_DAMAGED


class VerificationError(StudioBrainError):
    code = ReasonCode.NOT_VERIFIED
