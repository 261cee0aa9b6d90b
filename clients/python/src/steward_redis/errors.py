"""Everything that is raised, by us or by a handler."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .times import Duration

if TYPE_CHECKING:
    from .job import Outcome


class StewardError(Exception):
    """The base of all errors of this library.

    >>> try:
    ...     greeting = send.submit("ann", subject="hi").result(timeout="1m")
    ... except StewardError as error:
    ...     greeting = f"later: {error}"
    >>> greeting
    'hi, ann'
    """


class Unreachable(StewardError, ConnectionError):
    """The server was not heard for as long as the call is sent again.

    >>> try:
    ...     job = send.submit("ann", subject="hi")
    ... except Unreachable:
    ...     "it may have arrived all the same: with an `id` of its own, a later submit is no second one"
    """


class Unencodable(StewardError, TypeError):
    """A value that is not JSON: the text names the argument and what to do.

    >>> send.submit("ann", subject=b"hi")
    Traceback (most recent call last):
    steward_redis.errors.Unencodable: argument 'subject' is a bytes, which JSON does not have: convert it, or give Steward an encoder
    """


class BadPayload(StewardError, ValueError):
    """A payload that is not of the wire format, or does not fit the handler: the attempt fails with it.

    >>> from steward_redis.wire import decode
    >>> decode(b"hi")
    Traceback (most recent call last):
    steward_redis.errors.BadPayload: the payload is not JSON: Expecting value: line 1 column 1 (char 0)
    """


class UnknownKind(StewardError):
    """A task whose kind has no handler in this worker: the attempt fails with it.

    >>> newer = Steward(s.url, queue=s.default_queue)
    >>> farewell = newer.task(name="farewell", attempts=1)(lambda: "bye")
    >>> farewell.submit().result(timeout="1m")
    Traceback (most recent call last):
    steward_redis.errors.TaskFailed: task ... is dead: UnknownKind: no handler for the kind 'farewell'; this worker knows add, ...
    """


class ServerError(StewardError):
    """The server has answered an error. `code` is its first word.

    >>> try:
    ...     send.options(priority=10).submit("ann", subject="hi")
    ... except ServerError as error:
    ...     error.code
    'BADARG'
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.code = text.split(" ", 1)[0]

    @staticmethod
    def of(text: str) -> ServerError:
        """The error of the class of its code.

        >>> ServerError.of("STALE the claim is over")
        Stale('STALE the claim is over')
        """
        if unknown := _UNKNOWN.match(text):
            text = f"ERR the server does not know {unknown[1]}: is the module steward loaded?"
        return _CLASSES.get(text.split(" ", 1)[0], ServerError)(text)


class Duplicate(ServerError):
    """Another task has the ID, or the unique key: `state` and `id` are that task's.

    >>> first = send.options(delay="1h", unique="for ann").submit("ann", subject="hi")
    >>> try:
    ...     send.options(unique="for ann").submit("ann", subject="hi")
    ... except Duplicate as error:
    ...     error.state, error.id == first.id
    ('scheduled', True)
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        words = text.split(" ")
        self.state, self.id = (words[1], words[2]) if len(words) > 2 else ("unknown", "")


class NoTask(ServerError):
    """There is no such task, or not any more.

    >>> ServerError.of("NOTASK no such task")
    NoTask('NOTASK no such task')
    """


class Stale(ServerError):
    """The claim is over: another worker may have the task now.

    >>> @s.task
    ... def long(pages: int) -> None:
    ...     for page in range(pages):
    ...         try:
    ...             current().progress(page)
    ...         except Stale:
    ...             return
    >>> long.submit(3).result(timeout="1m")
    """


class QueueFull(ServerError):
    """The queue has as many tasks as its `max_length`.

    >>> small = send.options(queue="small")
    >>> s.queue("small").limit(max_length=1)
    >>> job = small.submit("ann", subject="hi")
    >>> small.submit("bob", subject="hi")
    Traceback (most recent call last):
    steward_redis.errors.QueueFull: QUEUEFULL ...
    """


class TooBig(ServerError):
    """A payload, result or progress exceeds the server's `steward.max-payload`: keep what is big elsewhere, and send its
    name.

    >>> send.submit("ann", subject="hi" * 1_000_000)
    Traceback (most recent call last):
    steward_redis.errors.TooBig: TOOBIG ...
    """


class NoMember(ServerError):
    """Unknown or dead member.

    >>> ServerError.of("NOMEMBER there is no member b1 in billing")
    NoMember('NOMEMBER there is no member b1 in billing')
    """


class Fenced(ServerError):
    """Not the epoch that leads now.

    >>> with s.lead("report") as lead:
    ...     lead.epoch -= 1  # as in a process that was asleep while another one led
    ...     lead.fenced("SET", "{report}day", "monday")
    Traceback (most recent call last):
    steward_redis.errors.Fenced: FENCED ...
    """


class NotAllowed(ServerError):
    """The user may not run this command: see the page Users (ACL).

    >>> ServerError.of("NOPERM this user has no permissions to run the 'task.schedule' command")
    NotAllowed("NOPERM this user has no permissions to run the 'task.schedule' command")
    """


_UNKNOWN = re.compile(r"ERR unknown command '((?:TASK|PID|HB)\.\w+)'")
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
    """The result is not kept, or no longer: give the task a `retain` that is long enough.

    >>> s.job("of last year").result()
    Traceback (most recent call last):
    steward_redis.errors.NotKept: the result of task of last year is not kept (any more): give the task a longer retain
    """


class ResultTimeout(StewardError, TimeoutError):
    """The task had not ended in the time that was waited.

    >>> send.options(delay="1h").submit("ann", subject="hi").result(timeout="10ms")
    Traceback (most recent call last):
    steward_redis.errors.ResultTimeout: task ... has not ended in 10ms: see its state()
    """


class TaskFailed(StewardError):
    """The task did not succeed. `state` is dead, cancelled or expired; `error` says why.

    >>> try:
    ...     divide.submit(1, 0).result(timeout="1m")
    ... except TaskFailed as failed:
    ...     failed.state, failed.error.split("\\n")[0]
    ('dead', 'ZeroDivisionError: division by zero')
    """

    def __init__(self, outcome: Outcome) -> None:
        self.state, self.error = outcome.state, outcome.error
        first = self.error.split("\n", 1)[0] if self.error else ""
        super().__init__(f"task {outcome.id} is {outcome.state}" + (f": {first}" if first else ""))


class Retry(Exception):
    """Raised by a handler: the attempt has failed, try again, after this time if one is given.

    >>> @s.task(attempts=2)
    ... def patient() -> int:
    ...     if current().attempt == 1:
    ...         raise Retry("smtp is busy", after="10ms")
    ...     return current().attempt
    >>> patient.submit().result(timeout="1m")
    2
    """

    def __init__(self, reason: str = "", *, after: Duration | None = None) -> None:
        super().__init__(reason)
        self.after = after


class Drop(Exception):
    """Raised by a handler: the task can never succeed. It is dead at once.

    >>> @s.task(attempts=10)
    ... def pay(invoice: int) -> None:
    ...     raise Drop(f"no invoice {invoice}")
    >>> pay.submit(7).result(timeout="1m")
    Traceback (most recent call last):
    steward_redis.errors.TaskFailed: task ... is dead: Drop: no invoice 7
    """


class TimeLimit(Exception):
    """Raised in a handler at its time limit. It may clean up; soon after, the process is ended.

    >>> @s.task(timeout="100ms")
    ... def search() -> str:
    ...     try:
    ...         while True:
    ...             time.sleep(0.01)
    ...     except TimeLimit:
    ...         return "as far as it came"
    >>> search.submit().result(timeout="1m")
    'as far as it came'
    """


class Interrupted(BaseException):
    """Raised in a handler whose work is not wanted any more. No `except Exception` catches it.

    >>> @s.task
    ... def convert(file: str) -> None:
    ...     try:
    ...         ...
    ...     except Interrupted:
    ...         ...  # remove what is half done
    ...         raise
    >>> issubclass(Interrupted, Exception)
    False
    """


class Cancelled(Interrupted):
    """The task was cancelled.

    >>> @s.task
    ... def endless() -> None:
    ...     try:
    ...         while True:
    ...             time.sleep(0.01)
    ...     except Cancelled:
    ...         ...  # nobody needs it any more
    ...         raise
    >>> job = endless.submit()
    >>> job.cancel("enough")
    True
    >>> job.result(timeout="1m")
    Traceback (most recent call last):
    steward_redis.errors.TaskFailed: task ... is cancelled: enough
    """


class Lost(Interrupted):
    """The claim is over: another worker may have the task now.

    >>> @s.task
    ... def transfer(amount: int) -> None:
    ...     try:
    ...         ...
    ...     except Lost:
    ...         ...  # undo nothing: the next attempt may have begun
    ...         raise
    """


class Stopping(Interrupted):
    """The worker ends: the task is given back, which uses no attempt.

    >>> @s.task
    ... def upload(file: str) -> None:
    ...     try:
    ...         ...
    ...     except Stopping:
    ...         ...  # save how far it is: the next worker goes on from there
    ...         raise
    """


class LeadLost(Interrupted):
    """This process may not lead any more.

    >>> try:
    ...     with s.lead("report") as epoch:
    ...         send.submit("all", subject="the report").result(timeout="1m")
    ... except LeadLost:
    ...     "another process does it"
    'the report, all'
    """
