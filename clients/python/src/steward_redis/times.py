"""Durations and moments, as they are written and as the server wants them: in milliseconds."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta

Duration = int | float | str | timedelta
Moment = int | float | datetime

_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")


def milliseconds(value: Duration) -> int:
    """A duration in milliseconds: a bare number is seconds, a string has units.

    >>> milliseconds(1.5), milliseconds("1h30m"), milliseconds(timedelta(minutes=2))
    (1500, 5400000, 120000)
    >>> milliseconds("10")
    Traceback (most recent call last):
    ValueError: '10' is no duration: write '500ms', '10s', '5m', '1h30m' or '2d', or a number of seconds
    """
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, str):
        parts = _PART.findall(value)
        if not parts or "".join(number + unit for number, unit in parts) != value:
            raise ValueError(
                f"{value!r} is no duration: write '500ms', '10s', '5m', '1h30m' or '2d', or a number of seconds"
            )
        return round(sum(float(number) * _UNITS[unit] for number, unit in parts))
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        raise ValueError(f"{value!r} is no duration: give seconds, a timedelta, or a string such as '10s'")
    return round(value * 1000)


def seconds(value: Duration) -> float:
    """A duration in seconds.

    >>> seconds("500ms")
    0.5
    """
    return milliseconds(value) / 1000


def unix_milliseconds(value: Moment) -> int:
    """A moment: a datetime with a zone, or unix seconds.

    >>> from datetime import timezone
    >>> unix_milliseconds(datetime(2026, 11, 28, tzinfo=timezone.utc))
    1795824000000
    >>> unix_milliseconds(datetime(2026, 11, 28))
    Traceback (most recent call last):
    ValueError: datetime.datetime(2026, 11, 28, 0, 0) has no time zone: give it one, as in datetime.now(timezone.utc)
    """
    if isinstance(value, datetime):
        if value.tzinfo is None or value.utcoffset() is None:
            raise ValueError(f"{value!r} has no time zone: give it one, as in datetime.now(timezone.utc)")
        value = value.timestamp()
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        raise ValueError(f"{value!r} is no moment: give a datetime with a zone, or unix seconds")
    return round(value * 1000)


def backoff_words(value: Duration) -> list[str | int]:
    """The wait between attempts: one duration, or the first and the longest, each twice the one before.

    >>> backoff_words("1s..10m"), backoff_words(5)
    (['BACKOFF', 'EXPONENTIAL', 1000, 'MAX', 600000], ['BACKOFF', 'FIXED', 5000])
    """
    if isinstance(value, str) and ".." in value:
        first, longest = value.split("..", 1)
        return ["BACKOFF", "EXPONENTIAL", milliseconds(first), "MAX", milliseconds(longest)]
    return ["BACKOFF", "FIXED", milliseconds(value)]
