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

    >>> from steward_redis import current
    >>> current() is None
    True
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
        """Tells how far the task is: `Job.state` shows it."""
        if self._progress:
            self._progress(self, value)

    async def aprogress(self, value: Any) -> None:
        """`progress` for asyncio."""
        await asyncio.to_thread(self.progress, value)


running: ContextVar[Run | None] = ContextVar("running", default=None)


def current() -> Run | None:
    """The task that this handler runs for, None outside of handlers."""
    return running.get()


def propagated() -> dict[str, Any]:
    """The meta that a task gives to those that its handler submits."""
    run = running.get()
    if run is None or not run.meta:
        return {}
    return {name: run.meta[name] for name in ("traceparent", "tracestate") if name in run.meta}
