"""Workers: how tasks end, and what handlers are told."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterator

import pytest
from conftest import until
from servers import Server

from steward_redis import (
    Cancelled,
    Drop,
    Lost,
    Retry,
    Run,
    Steward,
    TaskFailed,
    TimeLimit,
    current,
)


def test_an_attempt_that_fails_is_tried_again(app: Steward) -> None:
    attempts: list[tuple[int, float]] = []

    @app.task(attempts=3, backoff="10ms")
    def flaky() -> int:
        run = current()
        assert run
        attempts.append((run.attempt, time.monotonic()))
        if run.attempt == 1:
            raise Retry("not yet", after="300ms")
        if run.attempt == 2:
            raise OSError("away")
        return run.attempt

    with app.worker(concurrency=2):
        assert flaky.submit().result(60) == 3
    assert attempts[1][1] - attempts[0][1] >= 0.3


def test_a_dropped_task_is_dead_at_once(app: Steward) -> None:
    @app.task(attempts=9)
    def hopeless() -> None:
        raise Drop("no such customer")

    with app.worker(concurrency=1), pytest.raises(TaskFailed, match="Drop: no such customer") as raised:
        hopeless.submit().result(60)
    assert raised.value.state == "dead"


def test_an_unknown_kind_fails_with_the_known_ones_and_waits_for_a_worker_that_knows_it(app: Steward, server: Server) -> None:
    @app.task
    def known() -> None: ...

    newer = Steward(server.url, queue=app.default_queue)

    @newer.task(backoff="200ms", attempts=50)
    def unknown() -> str:
        return "done"

    with app.worker(concurrency=1):
        job = unknown.submit()
        until(lambda: (state := job.state()) and state.error)
        state = job.state()
        assert state and state.error
        assert state.error.startswith("UnknownKind: no handler for the kind 'unknown'; this worker knows known")
        with newer.worker(concurrency=1):
            assert job.result(60) == "done"


@pytest.mark.parametrize("poison", [b"", b"\xff\xfe", b"{", b'{"steward":7,"meta":{},"data":1}', b'{"a":1}', b"[" * 50_000])
def test_a_payload_that_is_none_fails_alone(app: Steward, server: Server, poison: bytes) -> None:
    @app.task(attempts=1)
    def known(n: int = 1) -> int:
        return n

    queue = app.default_queue
    server.command("TASK.SCHEDULE", queue, poison, "ID", "poison", "KIND", "known", "ATTEMPTS", 1, "RETAIN", 9999)
    jobs = [known.submit(n) for n in range(20)]
    with app.worker(concurrency=4):
        assert [job.result(60) for job in jobs] == list(range(20))
        with pytest.raises(TaskFailed, match="BadPayload"):
            app.job("poison").result(60)


def test_a_cancelled_task_is_interrupted(app: Steward) -> None:
    started, seen = threading.Event(), threading.Event()

    @app.task
    def endless() -> None:
        started.set()
        try:
            while True:
                time.sleep(0.01)
        except Cancelled:
            seen.set()
            raise

    @app.task
    async def endless_too() -> None:
        started.set()
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            seen.set()
            raise

    with app.worker(concurrency=1):
        for task in (endless, endless_too):
            started.clear()
            seen.clear()
            job = task.submit()
            assert started.wait(60)
            assert job.cancel("not needed")
            assert seen.wait(60)
            with pytest.raises(TaskFailed, match="is cancelled: not needed"):
                job.result(60)


def test_a_handler_is_told_that_its_claim_is_lost(app: Steward, server: Server) -> None:
    told: list[BaseException] = []
    claims: list[Run] = []

    @app.task
    def sync() -> None:
        run = current()
        assert run
        if not claims:
            claims.append(run)
            until(lambda: False, 600)

    @app.task(name="async")
    async def coroutine() -> None:
        run = current()
        assert run
        if not claims:
            claims.append(run)
            await asyncio.sleep(600)

    app.hook("after")(lambda run, error: told.append(error) if error else None)
    with app.worker(concurrency=1):
        for task in (sync, coroutine):
            claims.clear()
            job = task.submit()
            until(lambda: claims)
            # As if the host had been asleep for longer than the lease.
            server.command("TASK.RELEASE", app.default_queue, job.id, claims[0].token)
            job.result(60)
    assert [type(error) for error in told] == [Lost, Lost]


def test_a_handler_is_told_of_its_time_limit(app: Steward) -> None:
    @app.task(timeout="200ms", attempts=1)
    def slow() -> str:
        try:
            while True:
                time.sleep(0.01)
        except TimeLimit:
            return "cleaned up"

    @app.task(timeout="200ms", attempts=1)
    async def slow_too() -> None:
        await asyncio.sleep(600)

    with app.worker(concurrency=1):
        assert slow.submit().result(60) == "cleaned up"
        with pytest.raises(TaskFailed, match="TimeLimit"):
            slow_too.submit().result(60)
        with pytest.raises(TaskFailed, match="TimeLimit"):
            slow_too.options(timeout="10ms").submit().result(60)


def test_progress_is_shown(app: Steward) -> None:
    go = threading.Event()

    @app.task
    def long() -> None:
        run = current()
        assert run
        run.progress({"percent": 50})
        go.wait(60)

    with app.worker(concurrency=1):
        job = long.submit()
        until(lambda: (state := job.state()) and state.progress == {"percent": 50})
        go.set()
        job.result(60)


def test_a_worker_says_that_it_works(app: Steward, caplog: pytest.LogCaptureFixture) -> None:
    app.task(name="add")(lambda x: x + 1)
    caplog.set_level(logging.INFO)
    with app.worker(concurrency=3, name="w1"):
        until(lambda: f"w1 works on {app.default_queue}, 3 at once" in caplog.text)


def test_a_worker_says_which_attempts_fail(app: Steward, caplog: pytest.LogCaptureFixture) -> None:
    @app.task(attempts=1)
    def fail() -> None:
        raise ValueError("no luck")

    with app.worker(concurrency=1), pytest.raises(TaskFailed):
        job = fail.submit()
        job.result(60)
    assert f"{app.default_queue} {job.id}: attempt 1 of fail has failed: ValueError: no luck\n" in caplog.text


def test_a_worker_whose_name_is_taken_says_so_and_waits(
    app: Steward, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    add = app.task(name="add")(lambda x: x + 1)
    server.command("PID.REGISTER", app.default_queue, "w1", 1, "HOST", "elsewhere", "TTL", 600_000)
    with app.worker(concurrency=1, name="w1"):
        until(lambda: "another process has the name w1" in caplog.text)
        server.command("PID.EVICT", app.default_queue, "w1")
        assert add.submit(1).result(60) == 2


def test_no_task_is_claimed_ahead(app: Steward) -> None:
    go = threading.Event()

    @app.task
    def wait() -> None:
        go.wait(60)

    for _ in range(5):
        wait.submit()
    with app.worker(concurrency=2):
        until(lambda: app.queue().stats()["claimed_tasks"] == 2)
        assert app.queue().stats()["ready_tasks"] == 3
        go.set()
        until(lambda: app.queue().stats()["ready_tasks"] == 0)


@pytest.fixture
def run() -> Iterator[Run]:
    yield Run("q", "1", 1, 1, "k", b"{}")


def test_a_run_outside_of_a_worker_has_no_one_to_tell(run: Run) -> None:
    run.progress(1)
