"""A worker: claims tasks, runs their handlers in threads or on an event loop, and tells how they ended."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

from ..errors import StewardError
from ..board import Board
from ..kept import Kept
from ..process import new_name
from ..recurring import define_all
from ..times import Duration, milliseconds, seconds
from .pump import Pump

if TYPE_CHECKING:
    from ..app import Steward


class Worker:
    """A worker of this process. `concurrency` tasks run at once, and none is claimed ahead.

    >>> with s.worker(concurrency=2):
    ...     send.submit("ann", subject="hi").result(timeout="1m")
    'hi, ann'
    """

    def __init__(
        self,
        app: Steward,
        *,
        concurrency: int = 8,
        queues: list[str] | None = None,
        name: str | None = None,
        ttl: Duration = "15s",
        grace: Duration = "25s",
        cut: Duration = "5s",
    ) -> None:
        if not app.tasks:
            raise StewardError("the application has no tasks: define some with @s.task before its worker starts")
        if concurrency < 1:
            raise ValueError("concurrency must be at least 1")
        self.app, self.concurrency = app, concurrency
        self.queues = queues or sorted({task.queue for task in app.tasks.values()})
        self.name = name or new_name()
        self.ttl, self.cut, self.grace = milliseconds(ttl), milliseconds(cut), seconds(grace)
        self.stops = 0
        self.pump: Pump | None = None
        self.thread: threading.Thread | None = None

    def run(self) -> None:
        """Works until SIGTERM or SIGINT: then what runs may finish for `grace`, is interrupted and given back. A second
        signal does that at once.

        >>> worker = s.worker(concurrency=8)
        >>> @s.task
        ... def last() -> None:
        ...     worker.stop()  # as a signal does
        >>> job = last.submit()
        >>> worker.run()
        """
        before = {}
        if threading.current_thread() is threading.main_thread():
            before = {number: signal.signal(number, lambda *_: self.stop()) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            self._start()
            self._work()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        if self.pump and self.pump.error:
            raise self.pump.error

    def start(self) -> None:
        """Works in a thread until `stop` is called.

        >>> worker = s.worker()
        >>> worker.start()
        >>> worker.stop()
        """
        self._start()
        self.thread = threading.Thread(target=self._work, name="steward-pump", daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """No new work; the second call also interrupts what runs.

        >>> with s.worker(grace="1m") as worker:
        ...     worker.stop()
        """
        self.stops += 1
        if self.pump:
            self.pump.wake()

    def __enter__(self) -> Worker:
        self.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()
        if self.thread:
            self.thread.join()

    @property
    def hung(self) -> bool:
        """Whether a handler is left that could not be ended: only the end of the process does.

        >>> worker = s.worker()
        >>> with worker:
        ...     add.submit(1, 2).result(timeout="1m")
        3
        >>> if worker.hung:
        ...     os._exit(70)
        """
        return bool(self.pump and self.pump.hung)

    def _start(self) -> None:
        define_all(self.app)
        self.board = Board(self.concurrency)
        self.kept = Kept(
            self.app.server,
            self.app.url,
            self.name,
            queues=self.queues,
            ttl=self.ttl,
            grace=self.cut,
            fd=self.board.fd,
            places=self.concurrency,
        )
        self.pump = Pump(self)

    def _work(self) -> None:
        assert self.pump
        self.app.hooks.run("worker_start")
        try:
            self.pump.run()
        finally:
            self.kept.leave()
            self.board.close()
            self.stops = 0
            self.app.hooks.run("worker_stop")
