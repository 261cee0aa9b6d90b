"""Everything that is raised, by us or by a handler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .times import Duration

if TYPE_CHECKING:
    from .job import Outcome


class StewardError(Exception):
    """The base of all errors of this library."""


class Unreachable(StewardError, ConnectionError):
    """The server was not heard for as long as the call is sent again."""


class Unencodable(StewardError, TypeError):
    """A value that is not JSON: the text names the argument and what to do."""


class BadPayload(StewardError, ValueError):
    """A payload that is not of the wire format."""


class UnknownKind(StewardError):
    """A task whose kind has no handler in this worker."""


class ServerError(StewardError):
    """The server has answered an error. `code` is its first word."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.code = text.split(" ", 1)[0]

    @staticmethod
    def of(text: str) -> ServerError:
        """The error of the class of its code.

        >>> ServerError.of("STALE the claim is over")
        Stale('STALE the claim is over')
        """
        return _CLASSES.get(text.split(" ", 1)[0], ServerError)(text)


class Duplicate(ServerError):
    """Another task has the ID, or the unique key: `state` and `id` are that task's."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        words = text.split(" ")
        self.state, self.id = (words[1], words[2]) if len(words) > 2 else ("unknown", "")


class NoTask(ServerError):
    """There is no such task, or not any more."""


class Stale(ServerError):
    """The claim is over."""


class QueueFull(ServerError):
    """The queue has as many tasks as its `max_length`."""


class TooBig(ServerError):
    """A payload, result or progress exceeds the server's `steward.max-payload`."""


class NoMember(ServerError):
    """Unknown or dead member."""


class Fenced(ServerError):
    """Not the epoch that leads now."""


class NotAllowed(ServerError):
    """The user may not run this command: see the page Users (ACL)."""


_CLASSES: dict[str, type[ServerError]] = {
    "DUPLICATE": Duplicate,
    "NOTASK": NoTask,
    "STALE": Stale,
    "QUEUEFULL": QueueFull,
    "TOOBIG": TooBig,
    "NOMEMBER": NoMember,
    "FENCED": Fenced,
    "NOPERM": NotAllowed,
}


class NotKept(StewardError):
    """The result is not kept, or no longer: give the task a `retain` that is long enough."""


class ResultTimeout(StewardError, TimeoutError):
    """The task had not ended in the time that was waited."""


class TaskFailed(StewardError):
    """The task did not succeed. `state` is dead, cancelled or expired; `error` says why."""

    def __init__(self, outcome: Outcome) -> None:
        self.state, self.error = outcome.state, outcome.error
        first = self.error.split("\n", 1)[0] if self.error else ""
        super().__init__(f"task {outcome.id} is {outcome.state}" + (f": {first}" if first else ""))


class Retry(Exception):
    """Raised by a handler: the attempt has failed, try again, after this time if one is given.

    >>> Retry("smtp is busy", after="10s")
    Retry('smtp is busy')
    """

    def __init__(self, reason: str = "", *, after: Duration | None = None) -> None:
        super().__init__(reason)
        self.after = after


class Drop(Exception):
    """Raised by a handler: the task can never succeed. It is dead at once."""


class TimeLimit(Exception):
    """Raised in a handler at its time limit. It may clean up; soon after, the process is ended."""


class Interrupted(BaseException):
    """Raised in a handler whose work is not wanted any more. No `except Exception` catches it."""


class Cancelled(Interrupted):
    """The task was cancelled."""


class Lost(Interrupted):
    """The claim is over: another worker may have the task now."""


class Stopping(Interrupted):
    """The worker ends: the task is given back, which uses no attempt."""


class LeadLost(Interrupted):
    """This process may not lead any more."""
