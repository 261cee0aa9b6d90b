"""The places in which tasks run: a thread each, and one event loop for handlers that are coroutines."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, NamedTuple

from ..app import Steward
from ..errors import BadPayload, Drop, Interrupted, Lost, Retry, UnknownKind
from ..hooks import log
from ..interrupt import Target
from ..job import outcome_of
from ..link import Word
from ..running import Run, running
from ..task import Task
from ..times import milliseconds
from ..wire import decode, encode, error_text


class Ending(NamedTuple):
    """A task that has ended in its place. Words are the command that tells it; None: it is done, without a result, and
    told together with others; (): nobody is to be told."""

    place: Place
    run: Run
    words: tuple[Word, ...] | None


#: The words of an Ending, and why it failed.
_Done = tuple[tuple[Word, ...] | None, BaseException | None]


class Place:
    """A place for one task at a time."""

    __slots__ = ("deadline", "future", "index", "run", "target", "task", "why")

    def __init__(self, index: int) -> None:
        self.index = index
        self.run: Run | None = None
        self.task: Task[..., Any] | None = None
        self.target = Target()
        self.future: asyncio.Task[Any] | None = None
        self.deadline = 0.0
        self.why: type[BaseException] | None = None

    def stop(self, why: type[BaseException]) -> None:
        """Raises an exception in the handler, if it still runs."""
        self.why = why
        if self.future is not None:
            self.future.get_loop().call_soon_threadsafe(self.future.cancel)
        else:
            self.target.interrupt(why)


class Places:
    """Runs what it is given, and hands each ending on."""

    def __init__(self, app: Steward, ended: Callable[[Ending], None], limited: Callable[[float], None]) -> None:
        self.app, self.ended, self.limited = app, ended, limited
        self.todo: SimpleQueue[Place | None] = SimpleQueue()
        self.threads: list[threading.Thread] = []
        self.loop: asyncio.AbstractEventLoop | None = None
        self.coroutines = {kind for kind, task in app.tasks.items() if inspect.iscoroutinefunction(task.handler)}

    def start(self, count: int) -> None:
        """Starts the threads."""
        if self.coroutines:
            self.loop = asyncio.new_event_loop()
            threading.Thread(target=_run, args=(self.loop,), name="steward-loop", daemon=True).start()
        if len(self.coroutines) < len(self.app.tasks):
            for number in range(count):
                thread = threading.Thread(target=self._work, name=f"steward-{number}", daemon=True)
                thread.start()
                self.threads.append(thread)

    def finish(self) -> None:
        """Ends the threads that have nothing to do."""
        for _ in self.threads:
            self.todo.put(None)
        if self.loop:
            self.loop.call_soon_threadsafe(self.loop.stop)

    def progress(self, run: Run, value: Any) -> None:
        """Tells how far a task is."""
        payload = encode(value, what="the progress", encoder=self.app.encoder)
        self.app.server.call(run.queue, "TASK.EXTEND", run.queue, run.id, run.token, "PROGRESS", payload)

    def give(self, place: Place) -> None:
        """Runs the task in this place."""
        run = place.run
        assert run
        place.task, place.why, place.future = self.app.tasks.get(run.kind), None, None
        if place.task is None:
            known = ", ".join(sorted(self.app.tasks))
            unknown = UnknownKind(f"no handler for the kind {run.kind!r}; this worker knows {known}")
            self.ended(Ending(place, run, _fail(run, unknown)))
            return
        place.deadline = time.monotonic() + place.task.timeout if place.task.timeout else 0.0
        if place.deadline:
            self.limited(place.deadline)
        if run.kind in self.coroutines and self.loop:
            self.loop.call_soon_threadsafe(self._start, place)
        else:
            self.todo.put(place)

    def _work(self) -> None:
        while place := self.todo.get():
            self._run(place)

    def _run(self, place: Place) -> None:
        run, task = place.run, place.task
        assert run and task
        done: list[_Done] = []

        def handle() -> None:
            if place.why:
                raise place.why
            done.append(self._done(run, task.arguments.call(self._prepare(place, run, task))))

        token = running.set(run)
        self._end(place, run, done, place.target.run(handle))
        running.reset(token)

    def _start(self, place: Place) -> None:
        assert self.loop
        place.future = self.loop.create_task(self._await(place))

    async def _await(self, place: Place) -> None:
        run, task = place.run, place.task
        assert run and task
        done: list[_Done] = []
        failure: BaseException | None = None
        running.set(run)
        try:
            if place.why:
                raise place.why
            data = await asyncio.to_thread(self._prepare, place, run, task) if _fetches(run) else self._prepare(place, run, task)
            done.append(self._done(run, await task.arguments.call(data)))
        except BaseException as error:
            # A coroutine that is to end is told by a CancelledError.
            failure = place.why() if place.why and isinstance(error, asyncio.CancelledError) else error
        self._end(place, run, done, failure)

    def _end(self, place: Place, run: Run, done: list[_Done], failure: BaseException | None) -> None:
        if done:
            # What was raised when it had returned changes nothing.
            words, failure = done[0]
        else:
            assert failure
            words = self._failed(run, failure)
        self.app.hooks.run("after", run, failure)
        self.ended(Ending(place, run, words))

    def _prepare(self, place: Place, run: Run, task: Task[..., Any]) -> Any:
        """The data for the handler."""
        data, run.meta = decode(run.payload)
        if run.meta:
            if "timeout_ms" in run.meta:
                place.deadline = time.monotonic() + run.meta["timeout_ms"] / 1000
                self.limited(place.deadline)
            if "results" in run.meta:
                data = {**data, **self._results(run)}
        task.arguments.check(data)
        self.app.hooks.run("before", run)
        return data

    def _results(self, run: Run) -> dict[str, Any]:
        """The results of the tasks that this one comes after, by the names under which it wants them."""
        wanted: dict[str, Any] = run.meta["results"]
        return {
            name: [self._result(run, id) for id in ids] if isinstance(ids, list) else self._result(run, ids)
            for name, ids in wanted.items()
        }

    def _result(self, run: Run, id: str) -> Any:
        outcome = outcome_of(id, self.app.server.call(run.queue, "TASK.MRESULT", run.queue, 1, id)[0])
        if outcome is None:
            raise BadPayload(f"the result of task {id}, which this one needs, is not kept any more")
        return outcome.value() if outcome.state == "done" else None

    def _done(self, run: Run, result: Any) -> _Done:
        if result is None:
            return None, None
        try:
            payload = encode(result, what="the result", encoder=self.app.encoder)
        except Exception as error:
            # Its work is done, and would be done again for the same error.
            return (*_fail(run, error), "DEAD"), error
        return ("TASK.ACK", run.queue, run.id, run.token, "RESULT", payload), None

    def _failed(self, run: Run, error: BaseException) -> tuple[Word, ...]:
        if isinstance(error, Lost):
            return ()
        if isinstance(error, Interrupted):
            return ("TASK.RELEASE", run.queue, run.id, run.token)
        if isinstance(error, Drop):
            return (*_fail(run, error), "DEAD")
        if isinstance(error, Retry) and error.after is not None:
            return (*_fail(run, error), "DELAY", milliseconds(error.after))
        return _fail(run, error)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.close()


def _fetches(run: Run) -> bool:
    return b'"results":' in run.payload


def _fail(run: Run, error: BaseException) -> tuple[Word, ...]:
    text = error_text(error)
    line = text.partition(b"\n")[0].decode(errors="replace")
    log.warning("%s %s: attempt %d of %s has failed: %s", run.queue, run.id, run.attempt, run.kind, line)
    return ("TASK.FAIL", run.queue, run.id, run.token, "ERROR", text)
