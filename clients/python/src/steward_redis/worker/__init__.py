"""A worker: claims tasks, runs their handlers in threads or on an event loop, and tells how they ended."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

from ..errors import ServerError, StewardError
from ..kept import Kept
from ..process import new_name
from ..recurring import define_all
from ..running import Run
from ..times import Duration, milliseconds, seconds
from ..wire import encode
from ..board import Board
from .pump import Pump

if TYPE_CHECKING:
    from ..app import Steward


class Worker:
    """A worker of this process. `concurrency` tasks run at once, and none is claimed ahead.

    >>> with s.worker(concurrency=2):
    ...     send.submit("ann", subject="hi").result(timeout=10)
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
        self.error: ServerError | None = None
        self.pump: Pump | None = None
        self.thread: threading.Thread | None = None

    def run(self) -> None:
        """Works until SIGTERM or SIGINT: then what runs may finish for `grace`, is interrupted and given back. A second
        signal does that at once."""
        before = {}
        if threading.current_thread() is threading.main_thread():
            before = {number: signal.signal(number, lambda *_: self.stop()) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            self._start()
            self._work()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        if self.error:
            raise self.error

    def start(self) -> None:
        """Works in a thread until `stop` is called."""
        self._start()
        self.thread = threading.Thread(target=self._work, name="steward-pump", daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """No new work; the second call also interrupts what runs."""
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
        """Whether a handler is left that could not be ended: only the end of the process does."""
        return bool(self.pump and self.pump.hung)

    def _start(self) -> None:
        self.stops = 0
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
            self.app.hooks.run("worker_stop")

    def fail(self, error: ServerError) -> None:
        """It cannot go on."""
        self.error = self.error or error
        self.stop()

    def progress(self, run: Run, value: Any) -> None:
        """Tells how far a task is."""
        payload = encode(value, what="the progress", encoder=self.app.encoder)
        self.app.server.call(run.queue, "TASK.EXTEND", run.queue, run.id, run.token, "PROGRESS", payload)
