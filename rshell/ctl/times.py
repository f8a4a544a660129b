"""Points in time, as people write them: 2026-11-23, 2026-11-23 10:00, 10:00, 30m."""

from __future__ import annotations

from datetime import datetime, timedelta

SHAPES = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")
CLOCK = ("%H:%M", "%H:%M:%S")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
EXPECTED = "expected 2026-11-23, '2026-11-23 10:00', 10:00 (today), or how long ago: 90s 30m 1h 2d"


def point(text: str, now: datetime) -> float:
    """Return a point in time, in seconds since 1970. Days and hours are those of the zone of `now`.

    Raises ValueError.
    """
    number, unit = text[:-1], text[-1:]
    if unit in UNITS and number.isascii() and number.isdigit() and len(number) < 9:
        return (now - timedelta(seconds=int(number) * UNITS[unit])).timestamp()
    for shape in SHAPES:
        made = _read(text, shape)
        if made is not None:
            return made.replace(tzinfo=now.tzinfo).timestamp()
    for shape in CLOCK:
        made = _read(text, shape)
        if made is not None:
            return now.replace(hour=made.hour, minute=made.minute, second=made.second, microsecond=0).timestamp()
    raise ValueError(EXPECTED)


def _read(text: str, shape: str) -> datetime | None:
    try:
        return datetime.strptime(text, shape)
    except ValueError:
        return None
