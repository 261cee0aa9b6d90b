"""Workers: how tasks end, and what handlers are told."""

from __future__ import annotations

import asyncio
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
    NotKept,
    ResultTimeout,
    Retry,
    Run,
    Steward,
    TaskFailed,
    TimeLimit,
    Unencodable,
    current,
)


def test_results_and_failures_reach_who_waits(app: Steward) -> None:
    @app.task
    def divide(x: float, y: float) -> float:
        return x / y

    @app.task
    async def later(x: int) -> int:
        await asyncio.sleep(0.01)
        return x + 1

    with app.worker(concurrency=2):
        assert divide.submit(6, 3).result(60) == 2
        assert later.submit(1).result(60) == 2
        with pytest.raises(TaskFailed, match="ZeroDivisionError: division by zero") as raised:
            divide.options(attempts=1).submit(1, 0).result(60)
        assert raised.value.error and "Traceback" in raised.value.error


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


def test_a_result_that_is_not_kept_is_said_at_once(app: Steward) -> None:
    @app.task(retain=0)
    def add(x: int) -> int:
        return x

    with app.worker(concurrency=1):
        job = add.submit(1)
        until(lambda: job.state() is None)
        began = time.monotonic()
        with pytest.raises(NotKept):
            job.result(60)
        assert time.monotonic() - began < 2


def test_who_waits_too_short_is_told(app: Steward) -> None:
    @app.task
    def add(x: int) -> int:
        return x

    with pytest.raises(ResultTimeout):
        add.submit(1).result("50ms")

    async def wait() -> None:
        job = await add.asubmit(1)
        with pytest.raises(ResultTimeout):
            await job.aresult("50ms")

    asyncio.run(wait())


def test_many_waiters_share_a_connection(app: Steward, server: Server) -> None:
    @app.task
    def add(x: int) -> int:
        return x

    jobs = [add.submit(n) for n in range(50)]
    before = int(server.client.info()["connected_clients"])
    found: list[int] = []
    threads = [threading.Thread(target=lambda job=job: found.append(job.result(60))) for job in jobs]
    for thread in threads:
        thread.start()
    until(lambda: len(app.results.waiting[app.default_queue].futures) == 50)
    assert int(server.client.info()["connected_clients"]) <= before + 3
    with app.worker(concurrency=4):
        for thread in threads:
            thread.join()
    assert sorted(found) == list(range(50))


def test_who_may_not_end_a_wait_waits_all_the_same(app: Steward, server: Server) -> None:
    @app.task
    def add(x: int) -> int:
        return x

    # As in many a service, CLIENT ID may be called, and CLIENT UNBLOCK may not.
    server.command("ACL", "SETUSER", "user", "on", ">pw", "~*", "&*", "+@all", "-@dangerous")
    waits = Steward(server.url.replace("//", "//user:pw@"), queue=app.default_queue)
    futures = []
    for job in [add.submit(n) for n in range(3)]:
        futures.append(waits.results.wait(app.default_queue, job.id))
        until(lambda: waits.results.waiting[app.default_queue].call)
    with app.worker(concurrency=1):
        assert [outcome and outcome.value() for outcome in (future.result(60) for future in futures)] == [0, 1, 2]


def test_a_result_that_is_no_json_is_an_error_that_says_so(app: Steward) -> None:
    @app.task
    def when() -> object:
        return object()

    errors: list[object] = []
    app.hook("after")(lambda run, error: errors.append(error))
    with app.worker(concurrency=1), pytest.raises(TaskFailed, match="the result is a object"):
        when.submit().result(60)
    assert isinstance(errors[0], Unencodable)


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


def test_hooks_see_every_task(app: Steward) -> None:
    seen: list[tuple[str, str]] = []

    @app.task(attempts=1)
    def fail() -> None:
        raise ValueError("no")

    app.hook("before_submit")(lambda kind, id: seen.append(("submit", kind)))
    app.hook("before")(lambda run: seen.append(("before", run.kind)))
    app.hook("after")(lambda run, error: seen.append(("after", type(error).__name__)))
    app.hook("after")(lambda run, error: 1 / 0)
    with app.worker(concurrency=1):
        for submitted in (fail, app.chain(fail.s())):
            seen.clear()
            with pytest.raises(TaskFailed):
                submitted.submit().result(60)
            assert seen == [("submit", "fail"), ("before", "fail"), ("after", "ValueError")]


def test_a_trace_goes_on_in_what_a_handler_submits(app: Steward) -> None:
    traces: list[object] = []

    @app.task
    def child() -> None:
        run = current()
        traces.append(run and run.meta.get("traceparent"))

    @app.task
    def parent() -> None:
        child.submit().result(60)

    with app.worker(concurrency=2):
        parent.options(meta={"traceparent": "00-1-2-01"}).submit().result(60)
    assert traces == ["00-1-2-01"]


def test_events_tell_of_what_did_not_go_well(app: Steward) -> None:
    @app.task(attempts=1)
    def fail() -> None:
        raise ValueError("no")

    events = app.queue().events(after="0", timeout="60s")
    with app.worker(concurrency=1):
        job = fail.submit()
        event = next(event for event in events if event.type == "dead")
    assert (event.id, event.kind) == (job.id, "fail")
    assert (event.reason, event.attempt) == ("attempts", "1")


def test_chains_and_chords_hand_results_on(app: Steward) -> None:
    @app.task
    def add(x: int, y: int) -> int:
        return x + y

    @app.task
    def total(values: list[int], *, times: int = 1) -> int:
        return sum(values) * times

    @app.task(attempts=1)
    def fail(x: int) -> int:
        raise ValueError("broken link")

    with app.worker(concurrency=4):
        assert app.chain(add.s(1, 2), add.s(y=3), add.s(4)).submit().result(60) == 10
        assert app.chord([add.s(i, i) for i in range(10)], total.s(times=2)).submit().result(60) == 180
        for flow in (
            app.chain(add.s(1, 2), fail.s(), add.s(1)),
            app.chord([add.s(1, 2), fail.s(1), add.s(3, 4)], total.s()),
        ):
            with pytest.raises(TaskFailed, match="broken link") as raised:
                flow.submit().result(60)
            assert raised.value.state == "cancelled"


def test_recurring_tasks_run_and_go_with_their_definition(app: Steward, server: Server) -> None:
    ran = threading.Event()

    @app.task(every="100ms")
    def tick() -> None:
        ran.set()

    @app.task(cron="30 2 * * *", tz="Europe/Berlin", retain="1h")
    def nightly() -> None: ...

    def defined() -> list[bytes]:
        _, page = server.command("TASK.REPEATS", app.default_queue)
        return [dict(zip(one[::2], one[1::2]))[b"name"] for one in page]

    server.command("TASK.REPEAT", app.default_queue, "of another", "1", "EVERY", 60000, "OWNER", "other")
    with app.worker(concurrency=1):
        assert ran.wait(60)
    assert sorted(defined()) == [b"nightly", b"of another", b"tick"]

    changed = Steward(server.url, queue=app.default_queue)
    changed.task(name="tick")(lambda: None)
    with changed.worker(concurrency=1):
        assert defined() == [b"of another"]


def test_asyncio_has_twins(app: Steward) -> None:
    @app.task
    async def add(x: int, y: int) -> int:
        run = current()
        assert run
        await run.aprogress(1)
        return x + y

    async def main() -> None:
        jobs = await asyncio.gather(*(add.asubmit(n, n) for n in range(20)))
        assert await asyncio.gather(*(job.aresult(60) for job in jobs)) == [2 * n for n in range(20)]
        later = await add.options(delay="1h").asubmit(1, 1)
        assert await later.acancel()
        assert await (await app.chain(add.s(1, 1), add.s(1)).asubmit()).aresult(60) == 3

    with app.worker(concurrency=8):
        asyncio.run(main())


@pytest.fixture
def run() -> Iterator[Run]:
    yield Run("q", "1", 1, 1, "k", b"{}")


def test_a_run_outside_of_a_worker_has_no_one_to_tell(run: Run) -> None:
    run.progress(1)
