"""Waiting for the ends of tasks: all waiters of a queue share one connection and one thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING

from .errors import NotAllowed, ServerError
from .job import Outcome, outcome_of
from .link import PASSING, Broken, Link, Reply, Word
from .server import Pause

if TYPE_CHECKING:
    from .server import Server

_BLOCK = 2.0
# Where the user may not end the wait of a connection, which a new waiter needs.
_SHORT = 0.05
_MOST = 1000


class Results:
    """The waiters of one application."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._renew()
        server.after_fork.append(self._renew)

    def _renew(self) -> None:
        """Nobody waits: a child that was forked has none of the threads and futures of its parent."""
        self.lock = threading.Lock()
        self.waiting: dict[str, _Queue] = {}

    def wait(self, queue: str, id: str) -> Future[Outcome | None]:
        """A future of the end of a task; of None if the task is not known."""
        with self.lock:
            waiting = self.waiting.get(queue)
            if waiting is None:
                waiting = self.waiting[queue] = _Queue(self.server, queue)
            return waiting.add(id)


class _Queue:
    """The tasks of one queue that somebody waits for."""

    def __init__(self, server: Server, queue: str) -> None:
        self.server, self.queue = server, queue
        self.lock = threading.Lock()
        self.futures: dict[str, list[Future[Outcome | None]]] = {}
        self.thread: threading.Thread | None = None
        # The number of the connection, 0 where the user may not ask for it; and that of the call that waits, or 0.
        self.client, self.may_unblock = 0, True
        self.call, self.calls = 0, 0

    def add(self, id: str) -> Future[Outcome | None]:
        future: Future[Outcome | None] = Future()
        with self.lock:
            self.futures.setdefault(id, []).append(future)
            if self.thread is None or not self.thread.is_alive():
                self.thread = threading.Thread(target=self._run, name=f"results of {self.queue}", daemon=True)
                self.thread.start()
            call, client = self.call, self.client
        try:
            # It waits without this one. Its call may not have arrived yet.
            while call and client and self.call == call:
                if self.server.call(self.queue, "CLIENT", "UNBLOCK", client):
                    break
                time.sleep(0.001)
        except NotAllowed:
            self.may_unblock = False
        return future

    def _run(self) -> None:
        link: Link | None = None
        pause = Pause()
        while ids := self._wanted():
            try:
                if link is None:
                    link = self.server.open(self.queue)
                    self.client = _number(link)
                self._ask(link, ids)
                pause = Pause()
            except Broken:
                link = None
                time.sleep(pause.length())
            except ServerError as error:
                self.server.learn(self.queue, error)
                if error.code not in PASSING:
                    self._refuse(error)
                link = None
                time.sleep(pause.length())
        if link is not None:
            link.close()

    def _wanted(self) -> Sequence[str]:
        """The tasks that are waited for; none ends the thread."""
        with self.lock:
            for id, futures in list(self.futures.items()):
                if all(future.cancelled() for future in futures):
                    del self.futures[id]
            if not self.futures:
                self.thread = None
            return list(self.futures)[:_MOST]

    def _ask(self, link: Link, ids: Sequence[str]) -> None:
        words: tuple[Word, ...] = ("TASK.MRESULT", self.queue, len(ids), *ids, "ANY")
        reply = link.call(*words)
        if reply is None:
            with self.lock:
                if len(self.futures) > len(ids) and len(ids) < _MOST:
                    return
                self.calls += 1
                self.call = self.calls
            block = _BLOCK if self.client and self.may_unblock else _SHORT
            try:
                reply = link.call(*words, "BLOCK", round(block * 1000), wait=block)
            finally:
                self.call = 0
        self._tell(reply or [])

    def _tell(self, replies: Sequence[Reply]) -> None:
        for reply in replies:
            fields = dict(zip(reply[::2], reply[1::2]))
            if fields[b"state"] == b"unread":
                continue
            id = fields[b"id"].decode()
            with self.lock:
                futures = self.futures.pop(id, [])
            for future in futures:
                if future.set_running_or_notify_cancel():
                    future.set_result(outcome_of(id, reply))

    def _refuse(self, error: ServerError) -> None:
        with self.lock:
            refused, self.futures = self.futures, {}
        for futures in refused.values():
            for future in futures:
                if future.set_running_or_notify_cancel():
                    future.set_exception(error)


def _number(link: Link) -> int:
    try:
        return int(link.call("CLIENT", "ID"))
    except NotAllowed:
        return 0
