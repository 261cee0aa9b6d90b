"""A queue: its limits, its numbers, its events."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import ServerError
from .link import PASSING, Broken, Link, Word
from .server import Pause
from .times import Duration, milliseconds

if TYPE_CHECKING:
    from .app import Steward


@dataclass(frozen=True)
class Event:
    """What happened to a task: `type` is dead, lost, cancelled, expired and the like.

    >>> job = send.options(delay="1h").submit("ann", subject="hi")
    >>> job.cancel("not needed")
    True
    >>> event = next(event for event in s.queue().events(after="0") if event.id == job.id)
    >>> event.type, event.kind
    ('cancelled', 'send')
    """

    type: str
    id: str
    kind: str
    worker: str
    attempt: str
    reason: str
    at: float  # unix seconds


class Queue:
    """A queue by its name.

    >>> s.queue().stats()["ready_tasks"]
    0
    """

    def __init__(self, app: Steward, name: str) -> None:
        self.app, self.name = app, name

    def limit(
        self, *, concurrency: int | None = None, rate: str | None = None, max_length: int | None = None, group: int | None = None
    ) -> None:
        """Sets limits that hold over all workers; 0 takes one off. `rate` is a number and a time.

        >>> s.queue().limit(concurrency=4, rate="10/1s", max_length=100_000)
        """
        words: list[Word] = []
        for setting, value in (("concurrency", concurrency), ("max-length", max_length), ("group-limit", group)):
            if value is not None:
                words += [setting, value]
        if rate is not None:
            number, _, period = rate.partition("/")
            words += ["rate", f"{int(number)}/{milliseconds(period)}" if period else rate]
        if words:
            self.app.server.call(self.name, "TASK.CONFIG", "SET", self.name, *words)

    def pause(self, duration: Duration | None = None) -> None:
        """Has no more tasks claimed, for a time or until `resume`.

        >>> s.queue("imports").pause("1h")
        >>> s.queue("imports").stats()["paused_until"] is None
        False
        """
        more: list[Word] = [] if duration is None else ["FOR", milliseconds(duration)]
        self.app.server.call(self.name, "TASK.PAUSE", self.name, *more)

    def resume(self) -> None:
        """Ends a pause.

        >>> s.queue("imports").resume()
        >>> s.queue("imports").stats()["paused_until"] is None
        True
        """
        self.app.server.call(self.name, "TASK.RESUME", self.name)

    def stats(self) -> dict[str, Any]:
        """How many tasks are in each state, and what happened: the fields of `TASK.STATS`.

        >>> s.queue("imports").stats()["ready_tasks"]
        0
        """
        reply = self.app.server.call(self.name, "TASK.STATS", self.name)
        return {key.decode(): value for key, value in zip(reply[::2], reply[1::2])}

    def events(self, after: str = "$", *, timeout: Duration | None = None) -> Iterator[Event]:
        """The events of the queue as they come: deaths, losses, cancellations; of successes too if the queue's setting
        `events-level` says so. Ends when none came for `timeout`.

        >>> job = send.options(delay="1h").submit("ann", subject="hi")
        >>> job.cancel("not needed")
        True
        >>> [event.reason for event in s.queue().events(after="0", timeout="100ms") if event.id == job.id]
        ['not needed']
        """
        key = f"task:{{{self.name}}}:events"
        link: Link | None = None
        pause = Pause()
        until = None if timeout is None else time.monotonic() + milliseconds(timeout) / 1000
        while until is None or time.monotonic() < until:
            try:
                if link is None:
                    link = self.app.server.open(self.name)
                if after == "$":
                    newest = link.call("XREVRANGE", key, "+", "-", "COUNT", 1)
                    after = newest[0][0].decode() if newest else "0"
                reply = link.call("XREAD", "COUNT", 100, "BLOCK", 200, "STREAMS", key, after, wait=0.2)
                pause = Pause()
            except (Broken, ServerError) as error:
                if isinstance(error, ServerError):
                    self.app.server.learn(self.name, error)
                    if error.code not in PASSING:
                        raise
                link = None
                time.sleep(pause.length())
                continue
            for entry, fields in reply[0][1] if reply else ():
                after = entry.decode()
                if timeout is not None:
                    until = time.monotonic() + milliseconds(timeout) / 1000
                yield _event(after, fields)


def _event(id: str, fields: list[bytes]) -> Event:
    texts = [field.decode("utf-8", "replace") for field in fields]
    values = dict(zip(texts[::2], texts[1::2]))
    names = ("type", "id", "kind", "worker", "attempt", "reason")
    return Event(**{name: values.get(name, "") for name in names}, at=int(id.split("-")[0]) / 1000)
