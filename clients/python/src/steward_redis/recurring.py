"""Tasks that run by themselves: defined when a worker starts, removed when the program does not define them any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import NotAllowed
from .hooks import log
from .link import Word
from .options import Options, words
from .times import Duration, milliseconds

if TYPE_CHECKING:
    from .app import Steward
    from .task import Task


@dataclass(frozen=True)
class Rule:
    """When: a cron expression in a time zone, or an interval.

    >>> Rule.of("30 2 * * *", None, "Europe/Berlin").words
    ('CRON', '30 2 * * *', 'TZ', 'Europe/Berlin')
    """

    words: tuple[Word, ...]

    @staticmethod
    def of(cron: str, every: Duration | None, tz: str) -> Rule | None:
        if cron and every is not None:
            raise TypeError("give either cron or every")
        if tz and not cron:
            raise TypeError("tz is the time zone of cron: give cron as well")
        if cron:
            return Rule(("CRON", cron, *(("TZ", tz) if tz else ())))
        return None if every is None else Rule(("EVERY", milliseconds(every)))


@dataclass(frozen=True)
class Recurring:
    """A task and its rule."""

    task: Task[..., Any]
    rule: Rule

    def define(self, owner: str) -> None:
        """Tells the server. The same definition again changes nothing."""
        task = self.task
        options: Options = task.given
        payload = task.payload(task.arguments.pack((), {}))
        call = ("TASK.REPEAT", task.queue, task.kind, payload, *self.rule.words, "OWNER", owner, "KIND", task.kind)
        task.app.server.call(task.queue, *call, *words(options, recurring=True))


def define_all(app: Steward) -> None:
    """Defines what the application has, and removes what it had."""
    names: dict[str, set[str]] = {task.queue: set() for task in app.tasks.values()}
    for recurring in app.recurring:
        recurring.define(app.owner)
        names[recurring.task.queue].add(recurring.task.kind)
    for queue, defined in names.items():
        try:
            for name in _owned(app, queue):
                if name not in defined:
                    app.server.call(queue, "TASK.UNREPEAT", queue, name)
        except NotAllowed as error:
            log.warning("recurring tasks that are gone from the program are not removed: %s", error)


def _owned(app: Steward, queue: str) -> list[str]:
    names: list[str] = []
    cursor = "0"
    while True:
        next, page = app.server.call(queue, "TASK.REPEATS", queue, "OWNER", app.owner, "CURSOR", cursor, "COUNT", 1000)
        names += [dict(zip(one[::2], one[1::2]))[b"name"].decode() for one in page]
        cursor = next.decode()
        if cursor == "0":
            return names
