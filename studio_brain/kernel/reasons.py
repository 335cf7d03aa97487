"""Why something was refused or went wrong: one enum, and for each code a sentence for people and what they can do.

A code is stable: it stands in receipts, in the JSON of the CLI and on the screen. Its sentence and its remedy may be
reworded.
"""

from dataclasses import dataclass
from enum import StrEnum


class ReasonCode(StrEnum):
    # the request
    INVALID_PAYLOAD = "INVALID_PAYLOAD"
    UNKNOWN_CAPABILITY = "UNKNOWN_CAPABILITY"
    UNKNOWN_QUERY = "UNKNOWN_QUERY"
    NOT_OFFERED = "NOT_OFFERED"
    NOT_FOUND = "NOT_FOUND"
    KEY_REUSED = "KEY_REUSED"
    RATIONALE_REQUIRED = "RATIONALE_REQUIRED"
    SECRET_IN_PAYLOAD = "SECRET_IN_PAYLOAD"  # noqa: S105  a reason code
    # who and where
    NOT_SIGNED_IN = "NOT_SIGNED_IN"
    TENANT_MISMATCH = "TENANT_MISMATCH"
    TENANT_REQUIRED = "TENANT_REQUIRED"
    ROLE_REQUIRED = "ROLE_REQUIRED"
    ACTOR_TYPE_REFUSED = "ACTOR_TYPE_REFUSED"
    SELF_APPROVAL = "SELF_APPROVAL"
    # the state of things
    KILL_SWITCH = "KILL_SWITCH"
    EXPIRED = "EXPIRED"
    WRONG_STATE = "WRONG_STATE"
    CONFLICT = "CONFLICT"
    STALE = "STALE"
    SHOWN_DIFFERS = "SHOWN_DIFFERS"
    REVIEW_REQUIRED = "REVIEW_REQUIRED"
    REVIEW_DENIED = "REVIEW_DENIED"
    NOTHING_TO_DO = "NOTHING_TO_DO"
    NO_ROLLBACK = "NO_ROLLBACK"
    ALREADY_ROLLED_BACK = "ALREADY_ROLLED_BACK"
    POLICY_CHANGED = "POLICY_CHANGED"
    POLICY_ERROR = "POLICY_ERROR"
    NO_ADAPTER = "NO_ADAPTER"
    # evidence and storage
    AUDIT_UNAVAILABLE = "AUDIT_UNAVAILABLE"
    STORAGE_FULL = "STORAGE_FULL"
    STORAGE_LOW = "STORAGE_LOW"
    STORAGE_LOCKED = "STORAGE_LOCKED"
    STORAGE_READ_ONLY = "STORAGE_READ_ONLY"
    STORAGE_DAMAGED = "STORAGE_DAMAGED"
    NOT_VERIFIED = "NOT_VERIFIED"
    LOG_SET_BACK = "LOG_SET_BACK"
    PROOF_REFUSED = "PROOF_REFUSED"
    KEY_NOT_GIVEN = "KEY_NOT_GIVEN"
    ENGINE_ELSEWHERE = "ENGINE_ELSEWHERE"
    LEGAL_HOLD = "LEGAL_HOLD"
    NOT_VAULTED = "NOT_VAULTED"
    VAULT_AWAY = "VAULT_AWAY"
    VAULT_NOT_WRITTEN = "VAULT_NOT_WRITTEN"
    VAULT_AHEAD = "VAULT_AHEAD"
    VAULT_FORKS = "VAULT_FORKS"
    VAULT_DAMAGED = "VAULT_DAMAGED"
    VAULT_HAS_NO_MORE = "VAULT_HAS_NO_MORE"
    VAULT_FALLS_SHORT = "VAULT_FALLS_SHORT"
    WITNESS_REFUSED = "WITNESS_REFUSED"
    WITNESS_AHEAD = "WITNESS_AHEAD"
    WITNESS_CONFLICT = "WITNESS_CONFLICT"
    # connectors
    AUTH = "AUTH"
    FORBIDDEN = "FORBIDDEN"
    TIMEOUT = "TIMEOUT"
    UNAVAILABLE = "UNAVAILABLE"
    RATE_LIMITED = "RATE_LIMITED"
    BAD_RESPONSE = "BAD_RESPONSE"
    READ_ONLY_VIOLATION = "READ_ONLY_VIOLATION"
    NOT_CONFIGURED = "NOT_CONFIGURED"
    CLOCK_SKEW = "CLOCK_SKEW"
    UNKNOWN_OUTCOME = "UNKNOWN_OUTCOME"
    REFUSED_BY_CLOUD = "REFUSED_BY_CLOUD"
    CLOUD_CHANGED = "CLOUD_CHANGED"
    INDEX_MISSING = "INDEX_MISSING"
    NOT_APPLIED = "NOT_APPLIED"
    DEVIATION = "DEVIATION"
    # reading the studio
    PARTIAL_READ = "PARTIAL_READ"
    MAY_BE_TRUNCATED = "MAY_BE_TRUNCATED"
    SOURCE_REMOVED = "SOURCE_REMOVED"
    # installation
    CONFIG_INVALID = "CONFIG_INVALID"
    SECRET_IN_SETTINGS = "SECRET_IN_SETTINGS"  # noqa: S105  a reason code
    KEYRING_ABSENT = "KEYRING_ABSENT"
    KEYRING_LOCKED = "KEYRING_LOCKED"
    PASSPHRASE_WRONG = "PASSPHRASE_WRONG"  # noqa: S105  a reason code
    PRACTICE_KEY_REFUSED = "PRACTICE_KEY_REFUSED"
    KEY_MISMATCH = "KEY_MISMATCH"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True)
class Reason:
    """One sentence for people, and what they can do about it."""

    sentence: str
    remedy: str


REASONS: dict[ReasonCode, Reason] = {
    ReasonCode.INVALID_PAYLOAD: Reason(
        "The input does not fit what this capability takes.", "Correct the named field and send it again."
    ),
    ReasonCode.UNKNOWN_CAPABILITY: Reason(
        "No capability of that name is registered.", "Look up the name in the list of capabilities."
    ),
    ReasonCode.UNKNOWN_QUERY: Reason("No query of that name is registered.", "Check the name of the query."),
    ReasonCode.NOT_OFFERED: Reason(
        "This capability is not offered in this studio.", "Use another way, or have it offered in the settings."
    ),
    ReasonCode.NOT_FOUND: Reason("There is no such record.", "Check the identifier, or refresh the list."),
    ReasonCode.KEY_REUSED: Reason(
        "This request key was used before with another input.", "Send a new request with a key of its own."
    ),
    ReasonCode.RATIONALE_REQUIRED: Reason(
        "A rationale is required.", "Say in at least ten characters why this should happen."
    ),
    ReasonCode.SECRET_IN_PAYLOAD: Reason(
        "The input holds what looks like a secret key.", "Remove it; if it is real, have it replaced at its issuer."
    ),
    ReasonCode.NOT_SIGNED_IN: Reason("Nobody is signed in for this studio.", "Sign in and try again."),
    ReasonCode.TENANT_MISMATCH: Reason(
        "The request names another studio than the session's.", "Switch to that studio, or correct the request."
    ),
    ReasonCode.TENANT_REQUIRED: Reason("Several studios are configured and none was named.", "Name one with --tenant."),
    ReasonCode.ROLE_REQUIRED: Reason(
        "Your role does not allow this.", "Ask somebody with the named role to do it or to change your role."
    ),
    ReasonCode.ACTOR_TYPE_REFUSED: Reason(
        "This kind of actor may not do this.", "A person has to do it; an agent may only draft."
    ),
    ReasonCode.SELF_APPROVAL: Reason(
        "Nobody approves their own high-risk proposal.", "Ask another member of staff to review it."
    ),
    ReasonCode.KILL_SWITCH: Reason(
        "The kill switch is on: nothing leaves.", "Find out why it was engaged; release it when that is settled."
    ),
    ReasonCode.EXPIRED: Reason("The proposal has expired.", "Draft it again from what is true now."),
    ReasonCode.WRONG_STATE: Reason(
        "The proposal is not in a state that allows this.", "Look at its history for what happened to it."
    ),
    ReasonCode.CONFLICT: Reason("Somebody else was faster.", "Look at the new state before you decide again."),
    ReasonCode.STALE: Reason(
        "What the proposal saw has changed in the cloud.", "Look at the difference and draft it again."
    ),
    ReasonCode.REVIEW_REQUIRED: Reason(
        "What it says has to be looked at by a person first.",
        "Wait for the review, then send it again; somebody else than you decides it in the review queue.",
    ),
    ReasonCode.REVIEW_DENIED: Reason(
        "This text was reviewed and turned down.", "Do not send it again; ask for something else, in other words."
    ),
    ReasonCode.SHOWN_DIFFERS: Reason(
        "What was shown is not what is stored.", "Reload the proposal and review it again."
    ),
    ReasonCode.NOTHING_TO_DO: Reason(
        "The cloud is already in the state that was asked for.", "Nothing needs doing; withdraw the proposal."
    ),
    ReasonCode.NO_ROLLBACK: Reason(
        "This action cannot be rolled back.", "Correct it in the portal, or propose a counter-action."
    ),
    ReasonCode.ALREADY_ROLLED_BACK: Reason("This action was rolled back before.", "Nothing needs doing."),
    ReasonCode.POLICY_CHANGED: Reason(
        "The policy changed since the approval.", "Have the proposal approved under the policy of today."
    ),
    ReasonCode.POLICY_ERROR: Reason(
        "The policy could not be evaluated, so the answer is no.", "Report it with the identifier of the receipt."
    ),
    ReasonCode.NO_ADAPTER: Reason(
        "No connector can carry out this capability here.", "Configure the connector that it names."
    ),
    ReasonCode.AUDIT_UNAVAILABLE: Reason(
        "The receipt could not be written, so nothing was sent.", "Mend the storage named beside this and try again."
    ),
    ReasonCode.STORAGE_FULL: Reason("The disk is full.", "Free some space on the disk that holds the home folder."),
    ReasonCode.STORAGE_LOW: Reason(
        "Too little space is left to carry anything out and still seal its result.",
        "Free some space on the disk that holds the home folder; the proposal stays approved.",
    ),
    ReasonCode.STORAGE_LOCKED: Reason(
        "Another process holds the database.", "Wait for it to finish or close it, then try again."
    ),
    ReasonCode.STORAGE_READ_ONLY: Reason(
        "The home folder cannot be written.", "Give your account the right to write there, or choose another --home."
    ),
    ReasonCode.STORAGE_DAMAGED: Reason(
        "The database file is damaged.", "Stop, keep a copy, and follow the recovery page of the documentation."
    ),
    ReasonCode.NOT_VERIFIED: Reason(
        "The evidence log does not verify.", "Keep a copy of the files and look at the entry that is named."
    ),
    ReasonCode.LOG_SET_BACK: Reason(
        "The evidence log is behind a checkpoint that is known outside: an old copy of the database was put back.",
        "Nothing is written until you restore the tail (vault restore) or begin the next epoch (evidence epoch).",
    ),
    ReasonCode.PROOF_REFUSED: Reason(
        "The file does not prove what it claims.",
        "Do not rely on it; ask whoever gave it to you for it again, and compare the key it was signed with.",
    ),
    ReasonCode.KEY_NOT_GIVEN: Reason(
        "The file agrees with itself, but nobody you know vouches for it.",
        "Get the verifier key of the log from somewhere you trust and give it with --key.",
    ),
    ReasonCode.ENGINE_ELSEWHERE: Reason(
        "Another cockpit runs the engine of this home.", "Use that one; this window stays read-only."
    ),
    ReasonCode.NOT_VAULTED: Reason(
        "Not every vault that is asked for holds these entries yet.", "Run vault export, then ask again."
    ),
    ReasonCode.LEGAL_HOLD: Reason(
        "A legal hold covers it, so it stays.", "See who holds it and why with retention list; only a release frees it."
    ),
    ReasonCode.VAULT_AWAY: Reason(
        "The vault is away.", "Connect its disk; copying goes on by itself, from where it stopped."
    ),
    ReasonCode.VAULT_NOT_WRITTEN: Reason(
        "The vault could not be written.", "Free some space on its disk or make it writable; copying goes on by itself."
    ),
    ReasonCode.VAULT_AHEAD: Reason(
        "The vault holds more of the log than this home.",
        "This home was set back: restore the missing tail with vault restore, or start the next epoch.",
    ),
    ReasonCode.VAULT_FORKS: Reason(
        "The vault holds another history of this log.",
        "Keep both as they are and find out which is right; copy to a new vault in an empty folder until then.",
    ),
    ReasonCode.VAULT_DAMAGED: Reason(
        "The vault's copy is not what was signed.",
        "Keep it, see with vault verify where it differs, and begin a new vault in an empty folder.",
    ),
    ReasonCode.VAULT_HAS_NO_MORE: Reason(
        "The vault holds nothing that this log lacks.", "Nothing needs doing; try another vault if entries are missing."
    ),
    ReasonCode.VAULT_FALLS_SHORT: Reason(
        "The vault does not hold all that is missing.",
        "Try another vault; or restore what it holds (vault restore --partly) and then start the next epoch.",
    ),
    ReasonCode.WITNESS_REFUSED: Reason(
        "The witness does not cosign this log.", "Have the key of this log entered there: witness serve --log KEY."
    ),
    ReasonCode.WITNESS_AHEAD: Reason(
        "The witness has cosigned more of this log than this home holds.",
        "This home was set back: restore the missing tail from a vault, or start the next epoch.",
    ),
    ReasonCode.WITNESS_CONFLICT: Reason(
        "The witness remembers another history of this log.",
        "Keep the files and the answer; compare with the vaults to find out which history is right.",
    ),
    ReasonCode.AUTH: Reason("The cloud did not accept the sign-in.", "Sign in again."),
    ReasonCode.FORBIDDEN: Reason(
        "The cloud refused access to this account.", "Ask the studio's owner for the staff claim, then sign in again."
    ),
    ReasonCode.TIMEOUT: Reason("The other side did not answer in time.", "Try again; if it lasts, check the network."),
    ReasonCode.UNAVAILABLE: Reason(
        "The other side cannot be reached.", "Check the network; the cockpit tries again by itself."
    ),
    ReasonCode.RATE_LIMITED: Reason("Too many requests.", "Wait until the time that is shown."),
    ReasonCode.BAD_RESPONSE: Reason(
        "The answer could not be understood.", "Try again; if it lasts, report it with the request id."
    ),
    ReasonCode.READ_ONLY_VIOLATION: Reason(
        "The connector does not allow this write.", "Only writes of a registered capability can leave."
    ),
    ReasonCode.NOT_CONFIGURED: Reason("This connector is not configured.", "Enter its settings."),
    ReasonCode.CLOCK_SKEW: Reason(
        "The clock of this machine is wrong.", "Set the clock; nothing that depends on time is approved until then."
    ),
    ReasonCode.UNKNOWN_OUTCOME: Reason(
        "It is not known whether the action took effect.", "Wait: it is being settled; never send it again by hand."
    ),
    ReasonCode.REFUSED_BY_CLOUD: Reason("The cloud refused the action.", "Read what it says and draft it anew."),
    ReasonCode.CLOUD_CHANGED: Reason(
        "The record changed in the cloud since the approval.", "Look at the difference and draft it again."
    ),
    ReasonCode.INDEX_MISSING: Reason(
        "The cloud lacks an index for this query.", "Report it: the query or the configuration has to change."
    ),
    ReasonCode.NOT_APPLIED: Reason(
        "The action did not take effect.", "Nothing was changed; draft it again if it is still wanted."
    ),
    ReasonCode.DEVIATION: Reason(
        "What happened differs from what was predicted.", "Look at both and correct the record by hand."
    ),
    ReasonCode.PARTIAL_READ: Reason(
        "Not everything could be read, so no new state was stored.", "The last good state stays; refresh later."
    ),
    ReasonCode.MAY_BE_TRUNCATED: Reason(
        "The answer may have been cut short, so the number is not known.", "The lower bound is in the diagnostics."
    ),
    ReasonCode.SOURCE_REMOVED: Reason(
        "The cloud no longer keeps the source of this number.", "Configure a collection for it if the studio has one."
    ),
    ReasonCode.CONFIG_INVALID: Reason("A setting is not valid.", "Correct the named field."),
    ReasonCode.SECRET_IN_SETTINGS: Reason(
        "A secret key stands in the settings or the environment.", "Remove it there and have it replaced at its issuer."
    ),
    ReasonCode.KEYRING_ABSENT: Reason(
        "This machine offers no keyring.", "Start a keyring service, or use a passphrase: --passphrase-fd N."
    ),
    ReasonCode.KEYRING_LOCKED: Reason("The keyring is locked.", "Unlock it and try again."),
    ReasonCode.PASSPHRASE_WRONG: Reason("The passphrase does not open the vault file.", "Try again."),
    ReasonCode.PRACTICE_KEY_REFUSED: Reason(
        "A practice key may not sign for a real cloud.", "Set up a home of its own with a key in the keyring."
    ),
    ReasonCode.KEY_MISMATCH: Reason(
        "The signing key is not the one that this home was set up with.",
        "Unlock the keyring of the account that set it up, or restore the key.",
    ),
    ReasonCode.INTERNAL: Reason("Something went wrong inside.", "Report it with the identifier that is shown."),
}
