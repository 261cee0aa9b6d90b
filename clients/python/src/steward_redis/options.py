"""What may be said about a task, at its definition or at submit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypedDict

from .link import Word
from .times import Duration, Moment, backoff_words, milliseconds, unix_milliseconds

#: A repeated submit is recognised for so long, and the result kept. Longer than submits are sent again.
RETAIN = 60_000


class Options(TypedDict, total=False):
    """All options. A duration is a number of seconds, a timedelta, or a string such as "10s".

    >>> patient: Options = {"delay": "1h", "attempts": 20, "backoff": "1s..10m"}
    >>> send.options(**patient).submit("ann", subject="hi").state().state
    'scheduled'
    """

    queue: str
    id: str
    delay: Duration
    at: Moment
    priority: int
    attempts: int
    backoff: Duration
    timeout: Duration
    retain: Duration
    expire: Duration
    unique: str
    unique_for: Duration | Literal["claim", "end"]
    replace: bool | Literal["keep"]
    group: str
    to: str
    reply: str
    after: Sequence[Any]
    onfail: Literal["cancel", "run", "wait"]
    meta: dict[str, Any]


_ONCE = {"id", "delay", "at", "unique", "unique_for", "replace", "after", "onfail"}


def words(options: Options, *, recurring: bool = False) -> list[Word]:
    """The words of TASK.SCHEDULE, or of TASK.REPEAT.

    >>> words({"delay": "10m", "unique": "ann", "retain": "1h"})
    ['RETAIN', 3600000, 'DELAY', 600000, 'UNIQUE', 'ann']
    """
    unknown = set(options) - set(Options.__annotations__)
    if unknown:
        raise TypeError(f"unknown option {', '.join(sorted(unknown))}; known are {', '.join(Options.__annotations__)}")
    given: dict[str, Any] = dict(options)
    out: list[Word] = ["RETAIN", milliseconds(options.get("retain", RETAIN / 1000))]
    if "backoff" in options:
        out += backoff_words(options["backoff"])
    for name in ("delay", "expire"):
        if name in options:
            out += [name.upper(), milliseconds(given[name])]
    for name in ("priority", "attempts", "group", "to", "reply"):
        if name in options:
            out += [name.upper(), given[name]]
    if recurring:
        for name in _ONCE & set(options):
            raise TypeError(f"a recurring task has no option {name}")
        return out
    if "at" in options:
        out += ["AT", unix_milliseconds(options["at"])]
    return out + _unique(options) + _after(options)


def _unique(options: Options) -> list[Word]:
    if "unique" not in options:
        for name in ("unique_for", "replace"):
            if name in options:
                raise TypeError(f"the option {name} is about a unique task: give unique as well")
        return []
    out: list[Word] = ["UNIQUE", options["unique"]]
    period = options.get("unique_for", "end")
    if period == "claim":
        out += ["UNTIL", "CLAIM"]
    elif period != "end":
        out += ["FOR", milliseconds(period)]
    if options.get("replace"):
        out.append("REPLACE")
    if options.get("replace") == "keep":
        out.append("KEEP")
    return out


def _after(options: Options) -> list[Word]:
    ids = [parent if isinstance(parent, str) else parent.id for parent in options.get("after", ())]
    if not ids:
        return []
    if len(ids) > 1000:
        raise ValueError(f"a task comes after at most 1,000 others, not {len(ids)}: put tasks in between")
    out: list[Word] = ["AFTER", len(ids), *ids]
    if "onfail" in options:
        out += ["ONFAIL", options["onfail"].upper()]
    return out
