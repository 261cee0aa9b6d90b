"""For tests without a server: a submit runs the handler at once, in the caller."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import Interrupted
from .job import Job, Outcome, State
from .running import Run, running
from .server import new_id
from .times import Duration
from .wire import decode, encode, error_text

if TYPE_CHECKING:
    from .app import Steward
    from .task import Task

R = TypeVar("R")


class InlineJob(Job[R]):
    """A job that has ended already.

    >>> with inline(s):
    ...     job = send.submit("ann", subject="hi")
    >>> job.result()
    'hi, ann'
    """

    def __init__(self, app: Steward, queue: str, outcome: Outcome) -> None:
        super().__init__(app, queue, outcome.id)
        self.outcome = outcome

    def result(self, timeout: Duration | None = None) -> R:
        """What the handler returned; raises TaskFailed if it raised.

        >>> with inline(s):
        ...     divide.submit(1, 0).result()
        Traceback (most recent call last):
        steward_redis.errors.TaskFailed: task ... is dead: ZeroDivisionError: division by zero
        """
        return self.outcome.value()  # type: ignore[no-any-return]

    async def aresult(self, timeout: Duration | None = None) -> R:
        """`result` for asyncio.

        >>> with inline(s):
        ...     asyncio.run(add.submit(1, 2).aresult())
        3
        """
        return self.result()

    def state(self) -> State | None:
        """How it ended.

        >>> with inline(s):
        ...     add.submit(1, 2).state().state
        'done'
        """
        return State(self.outcome.state, 1, self.outcome.error, None, None)

    def cancel(self, reason: str = "") -> bool:
        """It has ended, so there is nothing to cancel.

        >>> with inline(s):
        ...     add.submit(1, 2).cancel()
        False
        """
        return False


class Inline:
    """What runs in place of a server. `jobs` are those that were submitted, `kind, data, outcome` each.

    >>> with inline(s) as ran:
    ...     job = add.submit(1, 2)
    >>> [(kind, data, outcome.state) for kind, data, outcome in ran.jobs]
    [('add', {'x': 1, 'y': 2}, 'done')]
    """

    def __init__(self, app: Steward) -> None:
        self.app = app
        self.jobs: list[tuple[str, Any, Outcome]] = []
        self.results: dict[str, Any] = {}

    def submit(self, task: Task[..., R], payload: bytes) -> Job[R]:
        """Runs a task; its payload goes the way that it would go over the wire.

        >>> with inline(s) as ran:
        ...     ran.submit(add, b'{"x":1,"y":2}').result()
        3
        """
        data, meta = decode(payload)
        run = Run(task.queue, task.given.get("id") or new_id.next(), 1, 1, task.kind, payload, meta)
        for name, ids in meta.get("results", {}).items():
            data[name] = [self.results[id] for id in ids] if isinstance(ids, list) else self.results[ids]
        token = running.set(run)
        try:
            outcome = Outcome(run.id, "done", self._call(task, data), None)
        except (Exception, Interrupted) as error:
            outcome = Outcome(run.id, "dead", None, error_text(error).decode())
        finally:
            running.reset(token)
        if outcome.state == "done":
            self.results[run.id] = outcome.value()
        self.jobs.append((task.kind, data, outcome))
        return InlineJob(self.app, task.queue, outcome)

    def _call(self, task: Task[..., Any], data: Any) -> bytes | None:
        task.arguments.check(data)
        if inspect.iscoroutinefunction(task.handler):
            # The caller may have a loop of its own, in which nothing can be waited for here.
            context = contextvars.copy_context()
            with ThreadPoolExecutor(1) as pool:
                result = pool.submit(context.run, lambda: asyncio.run(task.arguments.call(data))).result()
        else:
            result = task.arguments.call(data)
        return None if result is None else encode(result, what="the result", encoder=self.app.encoder)


@contextmanager
def inline(app: Steward) -> Iterator[Inline]:
    """Has each submit run the handler at once, without a server.

    >>> with inline(s) as ran:
    ...     send.submit("ann", subject="hi").result()
    'hi, ann'
    >>> ran.jobs[0][:2]
    ('send', {'to': 'ann', 'subject': 'hi'})
    """
    before, app.inline = app.inline, Inline(app)
    try:
        yield app.inline
    finally:
        app.inline = before


__all__ = ["Inline", "InlineJob", "inline"]
