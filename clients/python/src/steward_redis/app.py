"""An application: its server, its tasks, its workers."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, Unpack, overload

from .arguments import Arguments
from .flow import Flow
from .hooks import F, Hooks, Name
from .job import Job
from .members import Lead, alead, lead, members, register
from .options import Options
from .queue import Queue
from .recurring import Recurring, Rule
from .results import Results
from .server import Server
from .task import AsyncTask, Signature, Task
from .times import Duration
from .wire import Encoder

if TYPE_CHECKING:
    from .testing import Inline
    from .worker import Worker

P = ParamSpec("P")
R = TypeVar("R")


class Steward:
    """An application. `queue` is that of tasks which name none; `encoder` makes JSON of what is none; `owner` has its
    recurring tasks. Further settings are those of a connection of redis-py, such as `ssl_ca_certs`.

    >>> s = Steward("redis://localhost", queue="mail")
    >>> s.default_queue
    'mail'
    """

    def __init__(
        self, url: str | None = None, *, queue: str = "tasks", owner: str = "python", encoder: Encoder | None = None, **settings: Any
    ) -> None:
        self.url = url or os.environ.get("REDIS_URL") or "redis://localhost"
        self.default_queue, self.owner, self.encoder = queue, owner, encoder
        self.server = Server(self.url, **settings)
        self.results = Results(self.server)
        self.hooks = Hooks()
        self.tasks: dict[str, Task[..., Any]] = {}
        self.recurring: list[Recurring] = []
        self.inline: Inline | None = None

    @overload
    def task(self, handler: Callable[P, Coroutine[Any, Any, R]], /) -> AsyncTask[P, R]: ...
    @overload
    def task(self, handler: Callable[P, R], /) -> Task[P, R]: ...
    @overload
    def task(self, /, *, name: str = ..., cron: str = ..., every: Any = ..., tz: str = ..., **options: Unpack[Options]) -> _Decorator: ...

    def task(self, handler: Any = None, /, *, name: str = "", cron: str = "", every: Any = None, tz: str = "", **options: Any) -> Any:
        """Makes a function a task. `name` is its kind; with `cron` or `every` it also runs by itself.

        >>> @s.task(attempts=5, backoff="1s..10m", timeout="30s", retain="1h")
        ... def remind(to: str) -> None: ...
        >>> remind.kind
        'remind'
        """
        if handler is not None:
            return self._add(handler, name, Rule.of(cron, every, tz), options)
        return lambda function: self._add(function, name, Rule.of(cron, every, tz), options)

    def _add(self, handler: Callable[..., Any], name: str, rule: Rule | None, options: Any) -> Task[..., Any]:
        kind = name or handler.__name__
        if kind in self.tasks:
            raise ValueError(f"there is a task {kind!r} already: give one of them another name=")
        made = AsyncTask if inspect.iscoroutinefunction(handler) else Task
        task: Task[..., Any] = made(self, handler, kind, options, Arguments(handler))
        if rule:
            self.recurring.append(Recurring(task, rule))
        self.tasks[kind] = task
        return task

    def job(self, id: str, queue: str | None = None) -> Job[Any]:
        """A job by its id, for example in the process that shows its result.

        >>> s.job("no-such-task").state() is None
        True
        """
        return Job(self, queue or self.default_queue, id)

    def queue(self, name: str | None = None) -> Queue:
        """A queue: its limits, its numbers, its events.

        >>> s.queue().stats()["dead_tasks"]
        0
        """
        return Queue(self, name or self.default_queue)

    def chain(self, *steps: Signature[Any]) -> Flow[Any]:
        """Tasks one after the other, each with the result of the one before.

        >>> s.chain(add.s(1, 2), add.s(10)).submit().result(timeout="1m")
        13
        """
        return Flow(self, steps)

    def chord(self, first: Iterable[Signature[Any]], then: Signature[R]) -> Flow[R]:
        """A task after many others, with the list of their results.

        >>> s.chord([add.s(i, i) for i in range(10)], total.s()).submit().result(timeout="1m")
        90
        """
        return Flow(self, [list(first), then])

    def lead(self, service: str, *, ttl: Duration = "15s", name: str | None = None) -> AbstractContextManager[Lead]:
        """Waits in line until this process leads a service, and leads it as long as the block runs. When that is over,
        or may be, as the server was not heard for 60 % of the TTL, LeadLost is raised in the block.

        >>> with s.lead("report") as epoch:
        ...     int(epoch) > 0
        True
        """
        return lead(self, service, ttl=ttl, name=name)

    def alead(self, service: str, *, ttl: Duration = "15s", name: str | None = None) -> AbstractAsyncContextManager[Lead]:
        """`lead` for asyncio.

        >>> async def main() -> bytes:
        ...     async with s.alead("report") as epoch:
        ...         return await asyncio.to_thread(epoch.fenced, "SET", "{report}day", "monday")
        >>> asyncio.run(main())
        b'OK'
        """
        return alead(self, service, ttl=ttl, name=name)

    def register(
        self, service: str, *, ttl: Duration = "15s", name: str | None = None, meta: dict[str, str] | None = None
    ) -> AbstractContextManager[str]:
        """Has this process in the register of a service as long as the block runs; gives its name there.

        >>> with s.register("billing", name="b1") as name:
        ...     s.members("billing")[0]["state"]
        'up'
        """
        return register(self, service, ttl=ttl, name=name, meta=meta)

    def members(self, service: str) -> list[dict[str, Any]]:
        """The members of a service.

        >>> s.members("nobody-is-here")
        []
        """
        return members(self, service)

    def hook(self, name: Name) -> Callable[[F], F]:
        """Has a function run at a moment: before_submit(kind, id), before(run), after(run, error), worker_start(),
        worker_stop().

        >>> @s.hook("after")
        ... def count(run, error): ...
        """
        return lambda function: self.hooks.add(name, function)

    def worker(self, **settings: Any) -> Worker:
        """A worker in this process: `run()` works until SIGTERM, `with` starts and stops it. Its settings are those of
        `Worker`.

        >>> with s.worker(concurrency=2, queues=["documented"], name="worker-1"):
        ...     add.submit(1, 2).result(timeout="1m")
        3
        """
        from .worker import Worker

        return Worker(self, **settings)


class _Decorator:
    """What types say of `@s.task(...)`."""

    @overload
    def __call__(self, handler: Callable[P, Coroutine[Any, Any, R]], /) -> AsyncTask[P, R]: ...
    @overload
    def __call__(self, handler: Callable[P, R], /) -> Task[P, R]: ...

    def __call__(self, handler: Any, /) -> Any:
        raise NotImplementedError
