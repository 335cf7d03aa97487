"""Erasing a payload: its key, salt and ciphertext go; the entry, its seal and every proof stay.

The entry that says so has the kind `payload.erased` and carries, in `data`, `index` and `payloadSha256` of what was
erased. Whoever verifies counts a missing payload as erased when such an entry follows, and as a fault when none does.
"""

from typing import Final

from sqlalchemy import Connection

ERASED: Final = "payload.erased"

_DELETE: Final = ("DELETE FROM payload_key WHERE place = ?", "DELETE FROM payload WHERE place = ?")


def destroy_payload(conn: Connection, place: int) -> None:
    """Removes what is left of a payload, in the transaction that appends the entry about it."""
    for sql in _DELETE:
        conn.exec_driver_sql(sql.replace("?", "%s") if conn.dialect.name == "postgresql" else sql, (place,))
