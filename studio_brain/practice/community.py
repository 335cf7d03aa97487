"""Keys and rules of community reports that the seed, the practice days and the Functions share."""

import hashlib

DEDUPE_WINDOW_MS = 24 * 60 * 60 * 1000
SIGNAL_WINDOW_MS = 60 * 60 * 1000
CATEGORIES = ("broken_link", "incorrect_info", "spam", "safety", "harassment_hate", "copyright", "other")
STATUSES = ("open", "triaged", "actioned", "resolved", "dismissed")
# What a decision on a report of some category rests on, and the reason staff give for it.
GROUNDS = {
    "broken_link": ("links-1", "link_confirmed_broken"),
    "incorrect_info": ("accuracy-1", "content_incorrect"),
    "spam": ("spam-1", "advertising"),
    "safety": ("safety-1", "unsafe_practice"),
    "harassment_hate": ("respect-1", "unkind"),
    "copyright": ("copyright-1", "rights_unclear"),
    "other": ("accuracy-1", "reviewed"),
}


def dedupe_key(uid: str, target_type: str, target_id: str) -> str:
    return hashlib.sha256(f"{uid}::{target_type}::{target_id}".encode()).hexdigest()[:40]


def signal_key(target_type: str, target_id: str) -> str:
    return hashlib.sha256(f"{target_type}::{target_id}".encode()).hexdigest()[:40]


def severity_of(category: str, asked: str | None) -> str:
    """Safety is always high, whatever was asked."""
    return "high" if category == "safety" else asked or "low"


def target_of(row: dict[str, str]) -> dict[str, object]:
    """A row of the made-up targets → {type, ref, snapshot} as a report carries them."""
    url = f"https://feed.example.org/{row.get('slug') or row['id']}"
    ref: dict[str, object] = {"id": row["id"], "url": url}
    ref |= {name: row[name] for name in ("videoId", "slug") if name in row}
    snapshot = {"title": row["title"], "url": url, "source": row["source"], "author": row["author"]}
    return {"type": row["type"], "ref": ref, "snapshot": snapshot}
