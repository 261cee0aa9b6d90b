"""This process in the register, and as a leader."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from .errors import LeadLost, ServerError
from .interrupt import Target
from .kept import Kept
from .link import Word, readable
from .process import new_name
from .times import Duration, milliseconds

if TYPE_CHECKING:
    from .app import Steward

#: When the server was not heard for this part of the TTL, the leader is told.
FUSE = 0.6
#: Nor does another lead sooner than after this part, when only the connection was cut.
CUT = 0.8


class Membership:
    """A membership that is kept until it is left."""

    def __init__(self, app: Steward, service: str, name: str | None, ttl: int, **more: Any) -> None:
        self.app, self.service, self.name, self.ttl = app, service, name or new_name(), ttl
        self.kept = Kept(app.server, app.url, self.name, services=[service], ttl=ttl, **more)
        self.registered = threading.Event()
        self.error: ServerError | None = None
        self.is_over = False
        self.thread = threading.Thread(target=self._listen, name=f"member of {service}", daemon=True)
        self.thread.start()

    def _listen(self) -> None:
        while not self.is_over:
            if readable([self.kept], 0.05):
                for words in self.kept.hear():
                    self.on(words)
            self.on_time(time.monotonic())

    def on(self, words: list[str]) -> None:
        """Hears a line of the keeper."""
        if words[0] == "registered":
            self.registered.set()
        elif words[0] == "refused":
            self.error, self.is_over = ServerError.of(" ".join(words[1:])), True
            self.registered.set()

    def on_time(self, now: float) -> None:
        """Time passes."""

    def leave(self) -> None:
        """Leaves the register."""
        self.is_over = True
        self.thread.join()
        self.kept.leave()

    def wait(self) -> None:
        """Waits until it is registered."""
        self.registered.wait()
        if self.error:
            raise self.error


class Lead:
    """That this process leads a service. `epoch` is its fencing token now: a failover of the server gives another one.
    `lost` is set when this process may not lead any more.

    >>> with s.lead("report") as lead:
    ...     lead.epoch > 0, lead.lost.is_set()
    (True, False)
    """

    def __init__(self, app: Steward, service: str) -> None:
        self.app, self.service, self.epoch = app, service, 0
        self.lost = threading.Event()

    def __int__(self) -> int:
        return self.epoch

    def fenced(self, *command: Word) -> Any:
        """Runs a Redis command in the same step in which the server checks that this process leads; raises Fenced. It
        is sent once: Unreachable means that it may have been done.

        >>> with s.lead("report") as epoch:
        ...     epoch.fenced("SET", "{report}day", "monday")
        b'OK'
        """
        words = ("HB.FENCED", self.service, self.epoch, *command)
        return self.app.server.calls(self.service, words, again=False)[0]


class _Candidate(Membership):
    """Stands in line, leads, and says when that is over."""

    def __init__(self, app: Steward, service: str, name: str | None, ttl: int, lose: Callable[[], object]) -> None:
        self.lead, self.lose = Lead(app, service), lose
        self.fuse = float("inf")
        self.leads = threading.Event()
        super().__init__(app, service, name, ttl, campaign=True, grace=round(ttl * CUT))

    def on(self, words: list[str]) -> None:
        super().on(words)
        if words[0] == "leads" and not self.lead.lost.is_set():
            self.lead.epoch = int(words[1])
            self.fuse = float(words[2]) + self.ttl / 1000 * FUSE
            self.leads.set()
        elif words[0] in ("out", "behind", "refused"):
            self._lose()

    def on_time(self, now: float) -> None:
        if now > self.fuse:
            self._lose()

    def _lose(self) -> None:
        if self.leads.is_set() and not self.lead.lost.is_set():
            self.lead.lost.set()
            self.lose()
        if self.error:
            self.leads.set()

    def wait(self) -> None:
        self.leads.wait()
        if self.error:
            raise self.error

    def leave(self) -> None:
        self.leads.set()  # a coroutine that was cancelled has left a thread that waits
        super().leave()


@contextmanager
def lead(app: Steward, service: str, *, ttl: Duration, name: str | None) -> Iterator[Lead]:
    """See `Steward.lead`."""
    target = Target()
    candidate = _Candidate(app, service, name, milliseconds(ttl), lambda: target.interrupt(LeadLost))
    try:
        candidate.wait()
        target.open()
        if candidate.lead.lost.is_set():
            raise LeadLost(f"this process may not lead {service} any more")
        yield candidate.lead
    finally:
        try:
            target.close()
        finally:
            candidate.leave()


@asynccontextmanager
async def alead(app: Steward, service: str, *, ttl: Duration, name: str | None) -> AsyncIterator[Lead]:
    """See `Steward.alead`."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task

    is_inside = False

    def interrupt() -> None:
        if is_inside:
            task.cancel()

    candidate = _Candidate(app, service, name, milliseconds(ttl), lambda: loop.call_soon_threadsafe(interrupt))
    over = LeadLost(f"this process may not lead {service} any more")
    try:
        await asyncio.to_thread(candidate.wait)
        is_inside = True
        if candidate.lead.lost.is_set():
            raise over
        yield candidate.lead
    except asyncio.CancelledError:
        if candidate.lead.lost.is_set() and task.uncancel() == 0:
            raise over from None
        raise
    finally:
        is_inside = False
        await asyncio.to_thread(candidate.leave)


@contextmanager
def register(app: Steward, service: str, *, ttl: Duration, name: str | None, meta: dict[str, str] | None) -> Iterator[str]:
    """See `Steward.register`."""
    member = Membership(app, service, name, milliseconds(ttl), meta=meta)
    try:
        member.wait()
        yield member.name
    finally:
        member.leave()


def members(app: Steward, service: str) -> list[dict[str, Any]]:
    """See `Steward.members`."""
    found: list[dict[str, Any]] = []
    cursor = "0"
    while True:
        following, page = app.server.call(service, "PID.LIST", service, "CURSOR", cursor, "COUNT", 1000)
        for fields in page:
            texts = [value.decode() if isinstance(value, bytes) else value for value in fields]
            found.append(dict(zip(texts[::2], texts[1::2])))
        cursor = following.decode()
        if cursor == "0":
            return found
