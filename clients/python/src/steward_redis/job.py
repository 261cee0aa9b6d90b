"""A task that was submitted: its state, its result, its end."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .errors import NotKept, ResultTimeout, TaskFailed
from .times import Duration, seconds

if TYPE_CHECKING:
    from .app import Steward

R = TypeVar("R", covariant=True)


@dataclass(frozen=True)
class Outcome:
    """How a task ended: `state` is done, dead, cancelled or expired.

    >>> with inline(s) as ran:
    ...     job = add.submit(1, 2)
    >>> kind, data, outcome = ran.jobs[0]
    >>> outcome.state, outcome.result
    ('done', b'3')
    """

    id: str
    state: str
    result: bytes | None
    error: str | None

    def value(self) -> Any:
        """The result, or TaskFailed.

        >>> Outcome("1", "done", b'{"sum":3}', None).value()
        {'sum': 3}
        """
        if self.state != "done":
            raise TaskFailed(self)
        return None if self.result is None else json.loads(self.result)


@dataclass(frozen=True)
class State:
    """What is known of a task now.

    >>> state = send.options(delay="1h").submit("ann", subject="hi").state()
    >>> state.state, state.attempt, state.progress
    ('scheduled', 0, None)
    """

    state: str
    attempt: int
    error: str | None
    progress: Any
    worker: str | None


class Job(Generic[R]):
    """A task that the server has. Another process makes it again from its id: `s.job(id)`.

    >>> job = send.submit("ann", subject="hi")
    >>> s.job(job.id).result(timeout="1m")
    'hi, ann'
    """

    def __init__(self, app: Steward, queue: str, id: str) -> None:
        self.app, self.queue, self.id = app, queue, id

    def __repr__(self) -> str:
        return f"Job({self.queue!r}, {self.id!r})"

    def result(self, timeout: Duration | None = None) -> R:
        """Waits for the end and returns what the handler returned; raises TaskFailed, NotKept or ResultTimeout.

        >>> send.submit("ann", subject="hi").result(timeout="1m")
        'hi, ann'
        """
        future = self.app.results.wait(self.queue, self.id)
        try:
            return self._value(future.result(None if timeout is None else seconds(timeout)))
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise ResultTimeout(f"task {self.id} has not ended in {timeout}: see its state()") from None

    async def aresult(self, timeout: Duration | None = None) -> R:
        """`result` for asyncio.

        >>> job = send.submit("ann", subject="hi")
        >>> asyncio.run(job.aresult(timeout="1m"))
        'hi, ann'
        """
        future = asyncio.wrap_future(self.app.results.wait(self.queue, self.id))
        try:
            return self._value(await asyncio.wait_for(future, None if timeout is None else seconds(timeout)))
        except TimeoutError:
            raise ResultTimeout(f"task {self.id} has not ended in {timeout}: see its state()") from None

    def _value(self, outcome: Outcome | None) -> R:
        if outcome is None:
            raise NotKept(f"the result of task {self.id} is not kept (any more): give the task a longer retain")
        return outcome.value()  # type: ignore[no-any-return]

    def state(self) -> State | None:
        """What is known of it now; None when it is gone.

        >>> later = send.options(delay="1h").submit("ann", subject="hi")
        >>> later.state().state
        'scheduled'
        """
        fields = self._fields()
        if not fields:
            return None
        progress = fields[b"progress"]
        return State(
            state=fields[b"state"].decode(),
            attempt=fields[b"attempt"],
            error=_text(fields[b"error"]),
            progress=None if progress is None else json.loads(progress),
            worker=_text(fields[b"worker"]),
        )

    def _fields(self) -> dict[bytes, Any]:
        reply = self.app.server.call(self.queue, "TASK.GET", self.queue, self.id) or []
        return dict(zip(reply[::2], reply[1::2]))

    def cancel(self, reason: str = "") -> bool:
        """Cancels it: one that runs is interrupted. False when it has ended in another way, or is not known.

        >>> send.options(delay="1h").submit("ann", subject="hi").cancel("not needed")
        True
        """
        more = ("REASON", reason) if reason else ()
        if self.app.server.call(self.queue, "TASK.CANCEL", self.queue, self.id, *more):
            return True
        # It may have been this very call, whose reply was lost.
        fields = self._fields()
        return bool(fields) and (fields[b"cancelled"] == 1 or fields[b"state"] == b"cancelled")

    async def astate(self) -> State | None:
        """`state` for asyncio.

        >>> later = send.options(delay="1h").submit("ann", subject="hi")
        >>> asyncio.run(later.astate()).state
        'scheduled'
        """
        return await asyncio.to_thread(self.state)

    async def acancel(self, reason: str = "") -> bool:
        """`cancel` for asyncio.

        >>> later = send.options(delay="1h").submit("ann", subject="hi")
        >>> asyncio.run(later.acancel("not needed"))
        True
        """
        return await asyncio.to_thread(self.cancel, reason)


def outcome_of(id: str, reply: Any) -> Outcome | None:
    """The end in a reply of TASK.RESULT or an element of TASK.MRESULT; None if the task is not known."""
    fields = dict(zip(reply[::2], reply[1::2]))
    state = fields[b"state"]
    if state is None:
        return None
    return Outcome(id, state.decode(), fields[b"result"], _text(fields[b"error"]))


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")
