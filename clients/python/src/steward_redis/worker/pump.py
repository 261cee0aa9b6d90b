"""The one thread of a worker that talks to the server about tasks: it claims as many as there are free places, gives
them to these, and tells how they ended, many in one round trip."""

from __future__ import annotations

import os
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from ..errors import Cancelled, Interrupted, Lost, ServerError, Stopping, TimeLimit
from ..hooks import log
from ..link import PASSING, Broken, Link, Word, readable
from ..running import Run
from ..server import Pause
from .ends import Ends
from .places import Ending, Place, Places

if TYPE_CHECKING:
    from . import Worker

#: How long one call waits for work, and so the longest time until an idle worker has stopped.
BLOCK = 1.0
#: The lease of a claim until the keeper has seen it, in ms: a task whose hand-over was lost comes back after this time.
FIRST = 5_000
#: How long a handler may take to end after an exception was raised in it.
PATIENCE = 5.0
WORKING, FINISHING, ENDING, OVER = range(4)


class Elsewhere(Broken):
    """The server has said that it is not the one, or not now."""


class Pump:
    """The state of that thread."""

    def __init__(self, worker: Worker) -> None:
        self.worker, self.server, self.kept, self.board = worker, worker.app.server, worker.kept, worker.board
        self.places = Places(worker.app, self.on_end, self.on_limit)
        self.free = [Place(index) for index in range(worker.concurrency)]
        self.busy: dict[int, Place] = {}
        self.ended: deque[Ending] = deque()
        self.ends = Ends(self.server)
        self.link: Link | None = None  # for claims, and for ends when it does not wait
        self.other: Link | None = None  # for ends meanwhile
        self.asks = False
        self.registered = self.is_away = self.is_held = False
        self.pause, self.not_before = Pause(), 0.0
        self.stage, self.until = WORKING, float("inf")
        self.deadline = float("inf")
        self.wake_up, self.waker = os.pipe()
        os.set_blocking(self.waker, False)
        self.sleeps = False
        self.hung = False
        self.error: ServerError | None = None

    # What other threads call.

    def on_end(self, ending: Ending) -> None:
        self.ended.append(ending)
        # If there is more to do, this thread does it before the server is told of both.
        if self.sleeps and self.places.todo.empty():
            self.wake()

    def on_limit(self, deadline: float) -> None:
        if deadline < self.deadline:
            self.deadline = deadline
            self.wake()

    def wake(self) -> None:
        self.sleeps = False
        try:
            os.write(self.waker, b"w")
        except OSError:
            pass  # it is full, or we have ended

    # The thread.

    def run(self) -> None:
        """Works until it is stopped and all is told."""
        self.places.start(self.worker.concurrency)
        while True:
            try:
                self._talk()
            except Broken as error:
                self._broken(error)
            except ServerError as error:
                self._fail(error)
            if self._is_over():
                break
            self._wait()
            self._on_time()
        self.places.finish()
        for link in (self.link, self.other):
            if link:
                link.close()
        if not self.hung:
            # Otherwise a handler that ends later still wakes us.
            waker, self.waker = self.waker, -1
            os.close(waker)
            os.close(self.wake_up)

    def _fail(self, error: ServerError) -> None:
        """The worker cannot go on."""
        log.error("the worker stops: %s", error)
        self.error = self.error or error
        self.worker.stop()

    def _is_over(self) -> bool:
        # A call that waits need not be answered: what it may get is given back when we leave the register.
        return self.stage == OVER or (self.stage != WORKING and not (self.busy or self.ended or self.ends))

    def _talk(self) -> None:
        """Tells the ends that have come, and asks for more."""
        while self.ended:
            self._free(self.ended.popleft())
        now = time.monotonic()
        if now < self.not_before:
            return
        commands = self.ends.commands()
        asks = not self.asks and bool(self.free) and self.registered and self.stage == WORKING
        if not commands and not asks:
            return
        if self.asks:
            if self.other is None:
                self.other = self.server.open(self.worker.queues[0])
            link = self.other
        else:
            if self.link is None:
                self.link = self.server.open(self.worker.queues[0])
            link = self.link
        if asks:
            link.send(*commands, self._claim())
            self.asks = True
        else:
            link.send(*commands)
        self.ends.told([link.read() for _ in commands])
        if not self.ends:
            if self.is_away:
                log.info("the server is back")
            self.pause, self.is_away = Pause(), False
        elif self.ends.is_elsewhere:
            raise Elsewhere("another node has the queue")
        else:
            self.not_before = time.monotonic() + self.pause.length()

    def _claim(self) -> tuple[Word, ...]:
        queues, worker = self.worker.queues, self.worker
        first: tuple[Word, ...] = ("TASK.CLAIM", queues[0]) if len(queues) == 1 else ("TASK.MCLAIM", len(queues), *queues)
        more = ("COUNT", min(len(self.free), 1000), "LEASE", min(FIRST, worker.ttl), "BLOCK", round(BLOCK * 1000))
        return (*first, worker.name, *more)

    def _free(self, ending: Ending) -> None:
        place = ending.place
        if place.run is not ending.run:
            return  # it was given up
        place.run = None
        self.board.clear(place.index)
        del self.busy[place.index]
        self.free.append(place)
        if ending.words != ():
            self.ends.add(ending)

    def _broken(self, error: Broken) -> None:
        for link in (self.link, self.other):
            if link:
                link.close()
        self.link = self.other = None
        self.asks = False
        self.ends.is_repeated = True
        if not isinstance(error, Elsewhere):
            self.server.forget(self.worker.queues[0])
        length = self.pause.length()
        self.not_before = time.monotonic() + length
        if length > 0.5 and not self.is_away:
            self.is_away = True
            log.warning("the server cannot be reached: %s", error)

    def _wait(self) -> None:
        """Waits until there is something to hear, an end, or a time that has come."""
        if self.asks and self.link and self.link.has_bytes():
            self._hear_claims()
            return
        watched: list[Any] = [self.wake_up, self.kept]
        if self.asks and self.link:
            watched.append(self.link)
        self.sleeps = True
        # A thread that has more to do does not wake us when it has ended a task: we look soon.
        is_soon = self.ended or not self.places.todo.empty()
        ready = readable(watched, 0.001 if is_soon else self._idle_time())
        self.sleeps = False
        if self.wake_up in ready:
            os.read(self.wake_up, 1000)
        if self.kept.fileno() in ready:
            self._hear_keeper()
        if self.link and self.link.fileno() in ready:
            self._hear_claims()

    def _idle_time(self) -> float:
        now = time.monotonic()
        next = min(self.until, self.deadline)
        if (self.ends or not self.asks) and self.not_before > now:
            next = min(next, self.not_before)
        return max(0.0, min(next - now, 60.0))

    def _hear_claims(self) -> None:
        assert self.link
        try:
            reply = self.link.read()
        except Broken as error:
            self._broken(error)
            return
        self.asks = False
        if isinstance(reply, ServerError):
            self._refused(reply)
            return
        for fields in reply or ():
            self._claimed(dict(zip(fields[::2], fields[1::2])))

    def _refused(self, error: ServerError) -> None:
        self.server.learn(self.worker.queues[0], error)
        if error.code in PASSING:
            self._broken(Elsewhere(str(error)))
        elif error.code == "CROSSSLOT":
            text = "in a cluster the queues of one worker have the same tag in braces, as in {app}mail"
            self._fail(ServerError(f"CROSSSLOT {text}; these have not: {', '.join(self.worker.queues)}"))
        else:
            self._fail(error)

    def _claimed(self, fields: dict[bytes, Any]) -> None:
        queue, kind = fields.get(b"queue"), fields[b"kind"]
        run = Run(
            queue=queue.decode() if queue else self.worker.queues[0],
            id=fields[b"id"].decode(),
            token=fields[b"token"],
            attempt=fields[b"attempt"],
            kind=kind.decode("utf-8", "replace") if kind else "",
            payload=fields[b"payload"],
            _progress=self.places.progress,
        )
        place = self.free.pop()
        place.run = run
        self.busy[place.index] = place
        self.board.put(place.index, run.queue, run.id, run.token)
        if self.stage == WORKING:
            self.places.give(place)
        else:
            self.on_end(Ending(place, run, ("TASK.RELEASE", run.queue, run.id, run.token)))

    def _hear_keeper(self) -> None:
        for words in self.kept.hear():
            match words:
                case ["registered"]:
                    if not self.registered:
                        log.info("%s works on %s, %d at once", self.worker.name, ", ".join(self.worker.queues), self.worker.concurrency)
                    self.registered = True
                case [("cancelled" | "lost") as what, index, token]:
                    place = self.busy.get(int(index))
                    if place and place.run and place.run.token == int(token):
                        self._stop(place, Cancelled if what == "cancelled" else Lost)
                case ["signal", "stop"]:
                    self.worker.stop()
                case ["held", *text] if not self.is_held:
                    self.is_held = True
                    log.warning("the worker waits: %s", " ".join(text))
                case ["refused", *text]:
                    self._fail(ServerError(" ".join(text)))
                case _:
                    pass

    def _stop(self, place: Place, why: type[BaseException]) -> None:
        """Raises an exception in a handler, and looks again whether it has ended."""
        if place.why is None or issubclass(why, Lost):
            place.stop(why)
        place.deadline = time.monotonic() + PATIENCE
        self.deadline = min(self.deadline, place.deadline)

    def _on_time(self) -> None:
        now = time.monotonic()
        if self.worker.stops and self.stage == WORKING:
            self.stage, self.until = FINISHING, now + self.worker.grace
        if now >= self.until or (self.worker.stops > 1 and self.stage == FINISHING):
            self._end(now)
        if now >= self.deadline:
            self._limits(now)

    def _limits(self, now: float) -> None:
        self.deadline = float("inf")
        for place in list(self.busy.values()):
            if not place.deadline:
                continue
            if place.deadline > now:
                self.deadline = min(self.deadline, place.deadline)
            elif place.why is None:
                self._stop(place, TimeLimit)
            else:
                self._give_up(place)

    def _give_up(self, place: Place) -> None:
        """The handler has not ended when it was told to. Only the end of the process ends it."""
        run, why = place.run, place.why
        assert run and why
        place.deadline = 0.0
        if why is TimeLimit:
            error = f"TimeLimit: the handler of {run.kind} was still running {PATIENCE:.0f} s after its time limit"
            self.on_end(Ending(place, run, ("TASK.FAIL", run.queue, run.id, run.token, "ERROR", error)))
        elif issubclass(why, Interrupted):
            words = () if why is Lost else ("TASK.RELEASE", run.queue, run.id, run.token)
            self.on_end(Ending(place, run, words))
        self.hung = True
        log.error("%s %s: its handler does not end: the worker stops", run.queue, run.id)
        self.worker.stop()

    def _end(self, now: float) -> None:
        """The grace is over: what runs is interrupted; what then still runs is given back."""
        if self.stage == FINISHING:
            self.stage, self.until = ENDING, now + PATIENCE + 2
            for place in list(self.busy.values()):
                self._stop(place, Stopping)
        else:
            self.stage, self.hung = OVER, bool(self.busy)
