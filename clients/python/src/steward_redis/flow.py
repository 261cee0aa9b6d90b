"""Tasks that come after others and get their results: chains and chords, with AFTER and MRESULT beneath."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .errors import Duplicate, ServerError
from .job import Job
from .link import Word
from .options import Options
from .server import new_id
from .task import Signature, Task

if TYPE_CHECKING:
    from .app import Steward

R = TypeVar("R", covariant=True)

#: Results that others wait for are kept for so long.
KEPT: Options = {"retain": "1d"}


class Flow(Generic[R]):
    """Signatures in steps: each step begins when all of the one before are done, with their results.

    >>> flow = s.chain(add.s(1, 2), add.s(10), add.s(100))
    >>> flow.submit().result(timeout="1m")
    113
    """

    def __init__(self, app: Steward, steps: Sequence[Signature[Any] | Sequence[Signature[Any]]]) -> None:
        self.app, self.steps = app, steps
        if not steps or any(isinstance(step, Sequence) and not step for step in steps):
            raise ValueError("a flow needs at least one task in each step")
        queues = {one.task.queue for step in steps for one in _each(step)}
        if len(queues) > 1:
            raise ValueError(f"the tasks of a flow are of one queue, not of {', '.join(sorted(queues))}")

    def submit(self) -> Job[R]:
        """Schedules all of them, or none; the job is that of the last. If one fails, its error is that of those after it.

        >>> s.chain(divide.s(1, 0), add.s(10)).submit().result(timeout="1m")
        Traceback (most recent call last):
        steward_redis.errors.TaskFailed: task ... is cancelled: ... ZeroDivisionError: division by zero
        """
        if self.app.inline is not None:
            return self._submit_inline()
        commands: list[tuple[Word, ...]] = []
        ids: str | list[str] = []
        for number, step in enumerate(self.steps):
            before, ids = ids, []
            for one in _each(step):
                is_last = number == len(self.steps) - 1
                id = new_id.next()
                task = one.task if is_last else _kept(one.task)
                after = [before] if isinstance(before, str) else before
                more: tuple[Word, ...] = ("AFTER", len(after), *after) if after else ()
                commands.append(task.command(self._payload(one, before), id, *more))
                ids.append(id)
                self.app.hooks.run("before_submit", task.kind, id)
            if isinstance(step, Signature):
                ids = ids[0]
        return self._send(commands, ids if isinstance(ids, str) else ids[-1])

    async def asubmit(self) -> Job[R]:
        """`submit` for asyncio.

        >>> async def main() -> int:
        ...     job = await s.chain(add.s(1, 2), add.s(10)).asubmit()
        ...     return await job.aresult(timeout="1m")
        >>> asyncio.run(main())
        13
        """
        return await asyncio.to_thread(self.submit)

    def _payload(self, one: Signature[Any], before: str | list[str]) -> bytes:
        if not before:
            one.task.arguments.check(one.data)
            return one.task.payload(one.data)
        name = one.task.arguments.free(one.data)
        return one.task.payload(one.data, {"results": {name: before}})

    def _send(self, commands: list[tuple[Word, ...]], last: str) -> Job[R]:
        queue, ids = str(commands[0][1]), [str(words[4]) for words in commands]
        replies = self.app.server.calls(queue, ("MULTI",), *commands, ("EXEC",))[-1]
        for reply in replies:
            # A duplicate of an id of ours came with an earlier try.
            if isinstance(reply, ServerError) and not (isinstance(reply, Duplicate) and reply.id in ids):
                self.app.server.call(queue, "TASK.CANCEL", queue, *ids)
                raise reply
        return Job(self.app, queue, last)

    def _submit_inline(self) -> Job[R]:
        assert self.app.inline is not None
        before: Any = []
        job: Job[Any] | None = None
        for step in self.steps:
            ids = []
            for one in _each(step):
                job = self.app.inline.submit(one.task, self._payload(one, before))
                state = job.state()
                if state and state.state != "done":
                    return job
                ids.append(job.id)
            before = ids[0] if isinstance(step, Signature) else ids
        assert job
        return job


def _each(step: Signature[Any] | Sequence[Signature[Any]]) -> Sequence[Signature[Any]]:
    return [step] if isinstance(step, Signature) else step


def _kept(task: Task[Any, Any]) -> Task[Any, Any]:
    return task if "retain" in task.given else task.options(**KEPT)
