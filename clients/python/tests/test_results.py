"""Waiting for results."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from conftest import until
from servers import Server

from steward_redis import NotKept, ResultTimeout, Steward, TaskFailed, Unencodable


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
