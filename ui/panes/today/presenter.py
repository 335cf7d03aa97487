"""Today, as values: what the engine knows of the studio's state, said in words. No Qt.

`studio.today` gives a day's observation, what it is compared with and every number's history; a *baseline* may be any
other day. A number that is not known is never shown as 0: it says so, with the reason in words.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ... import times, words
from ...safe_text import plain
from .numbers import GROUPS, NUMBERS, number_of

Json = Mapping[str, Any]
Reason = Callable[[str | None], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class CardView:
    """One number. `tone` is good, bad, moved (neither) or even; `history` its days, oldest first."""

    key: str
    group: str
    title: str
    value: str
    known: bool
    reason: str
    change: str
    tone: str
    history: tuple[int | None, ...]
    source: str
    spoken: str


@dataclass(frozen=True, slots=True)
class DiffLine:
    key: str
    title: str
    before: str
    after: str
    change: str
    tone: str


@dataclass(frozen=True, slots=True)
class TodayView:
    headline: str
    cards: tuple[CardView, ...]
    lines: tuple[DiffLine, ...]
    unchanged: str
    unknown: tuple[str, ...]
    read: str
    state_hash: str
    source_hash: str
    index: int
    day: str
    base: str
    columns: tuple[str, str]


def numbers(observation: Json | None) -> dict[str, int | None]:
    """{"counts.batchesActive": 190, …} in the order in which people read them."""
    if observation is None:
        return {}
    snapshot = observation["snapshot"]
    found = {f"{group}.{key}": value for group in GROUPS for key, value in snapshot[group].items()}
    known = [number.key for number in NUMBERS if number.key in found]
    return {key: found[key] for key in [*known, *(k for k in found if k not in known)]}


@dataclass(frozen=True, slots=True)
class Base:
    """What the shown state is compared with. `key` is its day, or EARLIER for another reading of the same day."""

    key: str
    since: str
    numbers: Mapping[str, int | None]


EARLIER = "earlier"


def base_of(today: Json, key: str | None, fetched: Json | None, zone: times.Zone) -> Base | None:
    """The chosen base, or the day before: most are in the history already, `fetched` is an observation that is not."""
    shown, earlier = today["snapshot"], today["baseline"]
    if shown is None:
        return None
    past = {day["day"]: day["numbers"] for day in today["history"] if day["day"] != shown["day"]}
    if fetched is not None and fetched["day"] == key:
        past[fetched["day"]] = numbers(fetched)
    same_day = earlier is not None and earlier["day"] == shown["day"]
    if key in past:
        return Base(key, f"since {times.day(key)}", past[key])
    if same_day and (key == EARLIER or not past):
        return Base(EARLIER, f"since {zone.time(earlier['observedAt'])}", numbers(earlier))
    if past:
        latest = max(past)
        return Base(latest, f"since {times.day(latest)}", past[latest])
    return None


def bases(today: Json, zone: times.Zone) -> list[tuple[str, str]]:
    """(text, key) of everything the shown state can be compared with: earlier today, then the days, newest first."""
    shown, earlier = today["snapshot"], today["baseline"]
    found = [(times.day(day), day) for day in today["days"] if shown is None or day != shown["day"]]
    if shown is not None and earlier is not None and earlier["day"] == shown["day"]:
        found.insert(0, (f"earlier that day, {zone.time(earlier['observedAt'])}", EARLIER))
    return found


def present(today: Json, base: Base | None, now_ms: int | None, reason: Reason, zone: times.Zone) -> TodayView | None:
    """The view of a `studio.today` answer against `base`; None when there is no snapshot."""
    shown = today["snapshot"]
    if shown is None:
        return None
    now, before = numbers(shown), {} if base is None else dict(base.numbers)
    since = "" if base is None else base.since
    read_at = shown["snapshot"]["cloudSync"]["firestoreReadAt"]
    read = times.age(read_at, now_ms)
    history = {key: tuple(day["numbers"].get(key) for day in today["history"]) for key in now}
    cards = tuple(
        _card(key, value, before.get(key), base is not None, since, history[key], read, shown, reason)
        for key, value in now.items()
    )
    lines = tuple(_line(key, before.get(key), value) for key, value in now.items() if _differs(key, before, now))
    same = len(now) - len(lines)
    return TodayView(
        headline=headline(now, before, since) if base is not None else "This is the first snapshot of this studio.",
        cards=cards,
        lines=lines if base is not None else (),
        unchanged=f"{words.count(same, 'number')} did not change." if base is not None and lines else "",
        unknown=_unknown(shown),
        read=f"read {zone.moment(read_at, seconds=True)}",
        state_hash=shown["stateHash"],
        source_hash=shown["snapshot"]["sourceHashes"]["firestore"] or "",
        index=shown["index"],
        day=shown["day"],
        base="" if base is None else base.key,
        columns=(since.removeprefix("since ") or "before", times.day(shown["day"])),
    )


def headline(now: Mapping[str, int | None], before: Mapping[str, int | None], since: str = "") -> str:
    """The changes that matter most as one sentence: `2 more high-severity reports, 3 fewer firings ahead.`"""
    changed = [key for key in now if _differs(key, before, now)]
    if not changed:
        return f"Nothing changed {since}".strip() + "."
    said = [
        phrase
        for key in sorted(changed, key=lambda key: -number_of(key).weight)
        if (phrase := _phrase(key, before.get(key), now[key]))
    ]
    first, rest = said[:3], len(said) - 3
    text = ", ".join(first) if rest > 0 else words.listed(first)
    return words.sentence(f"{text} and {words.count(rest, 'more change')}" if rest > 0 else text)


def _phrase(key: str, before: int | None, now: int | None) -> str:
    number = number_of(key)
    if now is None:
        return f"{number.title.lower()} no longer known"
    if before is None:
        return f"{number.title.lower()} known again"
    by = abs(now - before)
    template = number.more if now > before else number.fewer
    return template.format(n=f"{by:,}", thing=number.one if by == 1 else number.many)


def _differs(key: str, before: Mapping[str, int | None], now: Mapping[str, int | None]) -> bool:
    return bool(before) and before.get(key) != now.get(key)


def _tone(key: str, before: int | None, now: int | None) -> str:
    good = number_of(key).good
    if before is None or now is None or before == now:
        return "even"
    if not good:
        return "moved"
    return "good" if (now > before) == (good == "up") else "bad"


def _change(before: int | None, now: int | None) -> str:
    if now is None:
        return "– not known"
    if before is None:
        return "+ known now"
    if now == before:
        return "= no change"
    return f"▲ {now - before:,}" if now > before else f"▼ {before - now:,}"


def _card(
    key: str,
    value: int | None,
    before: int | None,
    compared: bool,
    since: str,
    history: tuple[int | None, ...],
    read: str,
    shown: Json,
    reason: Reason,
) -> CardView:
    number, known = number_of(key), value is not None
    diagnostics = shown["diagnostics"]
    why = plain(reason(diagnostics["reasons"].get(key))[0]) if not known else ""
    least = diagnostics.get("lowerBounds", {}).get(key)
    shown_value = f"{value:,}" if value is not None else "not known" if least is None else f"at least {least:,}"
    change = f"{_change(before, value)} {since}".strip() if compared else "first snapshot"
    source = f"derived from cloud · {read}" if read else "derived from cloud"
    tone = _tone(key, before, value) if compared else "even"
    words_of_tone = {"good": ", which is good", "bad": ", which is not good"}.get(tone, "")
    spoken = f"{number.title}: {shown_value}. "
    spoken += f"{_spoken(before, value)} {since}{words_of_tone}. " if known and compared else f"{why} "
    return CardView(
        key=key,
        group=key.split(".")[0],
        title=number.title,
        value=shown_value,
        known=known,
        reason=why,
        change=change,
        tone=tone,
        history=history,
        source=source,
        spoken=spoken + source.capitalize() + ".",
    )


def _spoken(before: int | None, now: int | None) -> str:
    if before is None or now is None:
        return "Known since then"
    if before == now:
        return "No change"
    return f"Up {now - before:,}" if now > before else f"Down {before - now:,}"


def _line(key: str, before: int | None, now: int | None) -> DiffLine:
    return DiffLine(
        key=key,
        title=number_of(key).title,
        before="not known" if before is None else f"{before:,}",
        after="not known" if now is None else f"{now:,}",
        change=_change(before, now),
        tone=_tone(key, before, now),
    )


def _unknown(shown: Json) -> tuple[str, ...]:
    """Status values of the cloud that stand in no table: shown apart, counted nowhere."""
    return tuple(
        f"{plain(field)}: {plain(value, 60)} × {count:,}"
        for field, values in shown["diagnostics"]["unknownStatuses"].items()
        for value, count in values.items()
    )


def days(today: Json) -> list[tuple[str, str]]:
    """(text, day) of the snapshots there are, newest first."""
    return [(times.day(day), day) for day in today["days"]]


def stale(today: Json, now_ms: int | None, offline: str, reason: Reason) -> str:
    """Why what is shown is older than it should be; empty while it is not."""
    shown, job = today["snapshot"], today["job"]
    if shown is None:
        return ""
    read = times.age(shown["observedAt"], now_ms)
    old = f"This is what was last known, read {read}." if read else "This is what was last known."
    if offline:
        return f"{old} {offline}".strip()
    if job and job["reasonCode"] and today["days"] and shown["day"] == today["days"][0]:
        sentence, remedy = reason(job["reasonCode"])
        return f"{old} The last try to read it anew failed: {sentence} {remedy}".strip()
    at_ms = times.parse_ms(shown["observedAt"])
    is_latest = bool(today["days"]) and shown["day"] == today["days"][0]
    if is_latest and now_ms is not None and at_ms is not None and now_ms - at_ms > STALE_MS:
        return f"{old} Refresh to read it anew."
    return ""


STALE_MS = 2 * times.HOUR
