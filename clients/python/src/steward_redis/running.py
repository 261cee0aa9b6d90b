"""What a handler can learn of the task that it runs for, and tell about it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, eq=False)
class Run:
    """A task that is running. `token` grows with each claim of the task: a fence for writes to other systems.

    >>> @s.task
    ... def inspect() -> list[object]:
    ...     run = current()
    ...     return [run.kind, run.attempt, run.token > 0]
    >>> inspect.submit().result(timeout="1m")
    ['inspect', 1, True]
    """

    queue: str
    id: str
    token: int
    attempt: int
    kind: str
    payload: bytes
    meta: dict[str, Any] = field(default_factory=dict)
    _progress: Callable[[Run, Any], None] | None = None

    def progress(self, value: Any) -> None:
        """Tells how far the task is: `Job.state` shows it.

        >>> @s.task
        ... def convert(pages: int) -> None:
        ...     for page in range(pages):
        ...         current().progress({"page": page})
        >>> job = convert.submit(3)
        >>> job.result(timeout="1m")
        >>> job.state().progress
        {'page': 2}
        """
        if self._progress:
            self._progress(self, value)

    async def aprogress(self, value: Any) -> None:
        """`progress` for asyncio.

        >>> @s.task
        ... async def download(parts: int) -> None:
        ...     for part in range(parts):
        ...         await current().aprogress({"part": part})
        """
        await asyncio.to_thread(self.progress, value)


running: ContextVar[Run | None] = ContextVar("running", default=None)


def current() -> Run | None:
    """The task that this handler runs for, None outside of handlers.

    >>> current() is None
    True
    """
    return running.get()


def propagated() -> dict[str, Any]:
    """The meta that a task gives to those that its handler submits."""
    run = running.get()
    if run is None or not run.meta:
        return {}
    return {name: run.meta[name] for name in ("traceparent", "tracestate") if name in run.meta}
