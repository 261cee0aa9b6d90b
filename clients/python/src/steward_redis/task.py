"""A task as it is defined, and what is made of it: jobs and signatures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Self, TypeVar, Unpack

from .arguments import Arguments
from .errors import Duplicate
from .job import Job
from .link import Word
from .options import Options, words
from .running import propagated
from .server import new_id
from .times import milliseconds
from .wire import encode

if TYPE_CHECKING:
    from .app import Steward

P = ParamSpec("P")
R = TypeVar("R", covariant=True)


class Task(Generic[P, R]):
    """A handler with its kind and options. Made by `Steward.task`; calling it calls the handler.

    >>> from steward_redis import Steward
    >>> s = Steward()
    >>> @s.task(attempts=3)
    ... def add(x: int, y: int) -> int:
    ...     return x + y
    >>> add(1, 2), add.kind
    (3, 'add')
    """

    def __init__(self, app: Steward, handler: Callable[P, Any], kind: str, options: Options, arguments: Arguments) -> None:
        self.app, self.handler, self.kind, self.arguments = app, handler, kind, arguments
        self.given = options
        self.queue = options.get("queue", app.default_queue)
        self.timeout = milliseconds(options["timeout"]) / 1000 if "timeout" in options else None
        self._words: list[Word] = ["KIND", kind, *words(options)]
        self._meta: dict[str, Any] = dict(options.get("meta", {}))
        self.__doc__, self.__name__, self.__wrapped__ = handler.__doc__, kind, handler

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.handler(*args, **kwargs)  # type: ignore[no-any-return]

    def options(self, **changes: Unpack[Options]) -> Self:
        """The same task with other options, for one submit or many.

        >>> send.options(delay="10m", unique="ann").submit("ann", subject="hi").id  # doctest: +ELLIPSIS
        '...'
        """
        if "delay" in changes and "at" in changes:
            raise TypeError("give either delay or at")
        changed: Options = {**self.given, **changes}
        if "timeout" in changes:
            changed["meta"] = {**changed.get("meta", {}), "timeout_ms": milliseconds(changes["timeout"])}
        return type(self)(self.app, self.handler, self.kind, changed, self.arguments)

    def submit(self, *args: P.args, **kwargs: P.kwargs) -> Job[R]:
        """Schedules the task. When this returns, the server has it, once, however often it had to be sent.

        >>> send.submit("ann", subject="hi").result(timeout="1m")
        'hi, ann'
        """
        data = self.arguments.pack(args, kwargs)
        if self.app.inline is not None:
            return self.app.inline.submit(self, self.payload(data))
        return self._send(self.payload(data))

    async def asubmit(self, *args: P.args, **kwargs: P.kwargs) -> Job[R]:
        """`submit` for asyncio.

        >>> async def main() -> str:
        ...     job = await send.asubmit("bob", subject="hi")
        ...     return await job.aresult(timeout="1m")
        >>> asyncio.run(main())
        'hi, bob'
        """
        return await asyncio.to_thread(self.submit, *args, **kwargs)

    def s(self, *args: Any, **kwargs: Any) -> Signature[R]:
        """The task with some of its arguments, for `Steward.chain` and `Steward.chord`: the results of what comes
        before go to the first parameter that is left.

        >>> add.s(1)
        add.s({'x': 1})
        """
        return Signature(self, self.arguments.pack(args, kwargs, partial=True))

    def payload(self, data: Any, meta: dict[str, Any] | None = None) -> bytes:
        """The payload for this data.

        >>> send.payload({"to": "ann", "subject": "hi"})
        b'{"to":"ann","subject":"hi"}'
        """
        return encode(data, {**propagated(), **self._meta, **(meta or {})}, encoder=self.app.encoder)

    def command(self, payload: bytes, id: str, *more: Word) -> tuple[Word, ...]:
        """The command that schedules it.

        >>> add.command(b'[1,2]', "sum-7")
        ('TASK.SCHEDULE', 'documented', b'[1,2]', 'ID', 'sum-7', 'KIND', 'add', 'RETAIN', 60000)
        """
        return ("TASK.SCHEDULE", self.queue, payload, "ID", id, *self._words, *more)

    def _send(self, payload: bytes) -> Job[R]:
        """Sends it until it is accepted. A repeat is recognised by its id."""
        id = self.given.get("id") or new_id.next()
        self.app.hooks.run("before_submit", self.kind, id)
        try:
            reply = self._call(payload, id)
        except Duplicate as error:
            # Ours came with an earlier try, and has been claimed, cancelled or ended meanwhile.
            if error.id != id or "id" in self.given:
                raise
            reply = id.encode()
        return Job(self.app, self.queue, reply.decode())

    def _call(self, payload: bytes, id: str) -> Any:
        try:
            return self.app.server.call(self.queue, *self.command(payload, id))
        except Duplicate as error:
            # One that is to be replaced is named by its own id.
            if not self.given.get("replace") or "id" in self.given or error.state not in _WAITING:
                raise
            return self.app.server.call(self.queue, *self.command(payload, error.id))


class AsyncTask(Task[P, R]):
    """A task whose handler is a coroutine."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:  # type: ignore[override]
        return self.handler(*args, **kwargs)  # type: ignore[no-any-return]


_WAITING = ("scheduled", "ready", "blocked")


class Signature(Generic[R]):
    """A task with arguments that is not submitted yet.

    >>> first = add.s(1, 2)
    >>> s.chain(first, add.s(10)).submit().result(timeout="1m")
    13
    """

    def __init__(self, task: Task[Any, R], data: Any) -> None:
        self.task, self.data = task, data

    def __repr__(self) -> str:
        return f"{self.task.kind}.s({self.data!r})"
