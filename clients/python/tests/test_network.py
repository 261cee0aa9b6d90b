"""A network that is slow, breaks and loses replies, and a server that is killed: nothing is lost, nothing is sent
twice."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import until
from proxy import Proxy
from servers import Server

from steward_redis import Job, Steward, TaskFailed, current


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    proxy = Proxy(server.port)
    yield proxy
    proxy.close()


class Counted:
    """An application behind a proxy that counts how often each task has run."""

    def __init__(self, url: str, queue: str) -> None:
        self.app = Steward(url, queue=queue)
        self.runs: Counter[int] = Counter()
        lock = threading.Lock()

        @self.app.task(attempts=100, backoff="10ms")
        def count(n: int) -> int | None:
            with lock:
                self.runs[n] += 1
            return n if n % 2 else None

        @self.app.task(attempts=3, backoff="10ms")
        def fail_once(n: int) -> int:
            run = current()
            assert run
            with lock:
                self.runs[n] += 1
            if run.attempt == 1:
                raise ValueError("once")
            return n

        @self.app.task(attempts=100)
        def long(n: int) -> int:
            run = current()
            assert run
            with lock:
                self.runs[n] += 1
            for _ in range(20):
                run.progress(1)
                time.sleep(0.05)
            return n

        self.count, self.fail_once, self.long = count, fail_once, long


def test_a_slow_network_is_only_slow(server: Server, app: Steward) -> None:
    counted = Counted(Proxy(server.port, delay=0.005).url, app.default_queue)
    with counted.app.worker(concurrency=8):
        jobs = [counted.count.submit(n) for n in range(100)]
        assert [job.result(30) for job in jobs] == [n if n % 2 else None for n in range(100)]
    assert set(counted.runs.values()) == {1}


@pytest.mark.parametrize("command", ["TASK.SCHEDULE", "TASK.ACK", "TASK.MACK", "TASK.FAIL", "TASK.EXTEND"])
def test_a_lost_reply_is_no_second_run(proxy: Proxy, app: Steward, command: str) -> None:
    counted = Counted(proxy.url, app.default_queue)
    with counted.app.worker(concurrency=4):
        long = counted.long.submit(1000)
        proxy.lose[command] = 10
        jobs: list[Job[Any]] = [counted.count.submit(n) for n in range(60)]
        jobs += [counted.fail_once.submit(n) for n in range(100, 110)]
        assert [job.result(30) for job in jobs] == [n if n % 2 else None for n in range(60)] + list(range(100, 110))
        assert long.result(30) == 1000
    assert proxy.lost[command] > 0
    # One whose hand-over was lost with the same connection has used its first attempt, and so runs once.
    assert {n: runs for n, runs in counted.runs.items() if runs > (2 if 100 <= n < 1000 else 1)} == {}


def test_a_lost_reply_is_no_second_run_when_the_task_has_ended_before_it_is_sent_again(proxy: Proxy, app: Steward) -> None:
    counted = Counted(proxy.url, app.default_queue)
    with counted.app.worker(concurrency=4):
        for n in range(20):
            proxy.lose["TASK.SCHEDULE"] = 3
            counted.count.submit(n).result(30)
    assert counted.runs == {n: 1 for n in range(20)}


@pytest.mark.parametrize(
    "command",
    ["TASK.CLAIM", "TASK.MEXTEND", "TASK.MRESULT", "TASK.REPEAT", "PID.REGISTER", "HB.BEAT", "PID.DEREGISTER", "CLIENT"],
)
def test_a_lost_reply_is_made_up_for(proxy: Proxy, app: Steward, command: str) -> None:
    counted = Counted(proxy.url, app.default_queue)
    counted.app.task(name="tick", every="1h")(lambda: None)
    proxy.lose[command] = 3
    with counted.app.worker(concurrency=4, ttl="1s"):
        jobs = [counted.count.submit(n) for n in range(60)]
        assert [job.result(30) for job in jobs] == [n if n % 2 else None for n in range(60)]
        assert counted.long.submit(1000).result(30) == 1000
    assert proxy.lost[command] > 0


def test_a_cut_is_no_end(proxy: Proxy, app: Steward) -> None:
    counted = Counted(proxy.url, app.default_queue)
    with counted.app.worker(concurrency=4, ttl="2s"):
        jobs = []
        for n in range(300):
            jobs.append(counted.count.submit(n))
            if n % 30 == 7:
                proxy.cut()
        long = counted.long.submit(1000)
        until(lambda: counted.runs[1000] == 1)
        proxy.cut()
        assert [job.result(30) for job in jobs] == [n if n % 2 else None for n in range(300)]
        # It ran on, as the same member.
        assert long.result(30) == 1000
        assert counted.runs[1000] == 1


def test_a_server_that_is_killed_and_comes_back_has_everything() -> None:
    server = Server()
    counted = Counted(server.url, "mail")
    try:
        with counted.app.worker(concurrency=4, ttl="2s"):
            long = counted.long.submit(1000)
            jobs = [counted.count.submit(n) for n in range(200)]
            server.restart()
            jobs += [counted.count.submit(n) for n in range(200, 300)]
            server.restart()
            assert [job.result(30) for job in jobs] == [n if n % 2 else None for n in range(300)]
            assert long.result(30) == 1000
    finally:
        server.close()


def test_many_idle_connections_that_have_died_cost_no_time() -> None:
    server = Server()
    counted = Counted(server.url, "mail")
    try:
        links = [counted.app.server.take("mail") for _ in range(60)]
        for link, node in links:
            counted.app.server.give_back(link, node)
        server.restart()
        began = time.monotonic()
        counted.count.submit(1)
        assert time.monotonic() - began < 10
    finally:
        server.close()


def test_who_waits_while_the_server_is_away_gets_the_result(app: Steward) -> None:
    server = Server()
    counted = Counted(server.url, "mail")
    try:
        job = counted.count.submit(1)
        found: list[object] = []
        thread = threading.Thread(target=lambda: found.append(job.result(30)))
        thread.start()
        until(lambda: counted.app.results.waiting)
        server.restart()
        with counted.app.worker(concurrency=1):
            thread.join()
        assert found == [1]
    finally:
        server.close()


def test_what_the_server_refuses_for_good_is_no_reason_to_wait(server: Server) -> None:
    app = Steward(server.url, queue="mail")

    @app.task
    def index(page: int) -> None: ...

    server.command("ACL", "SETUSER", "nobody", "on", ">pw", "~*", "-@all", "+ping", "+hello", "+auth")
    denied = Steward(server.url.replace("//", "//nobody:pw@"), queue="mail")
    began = time.monotonic()
    with pytest.raises(Exception, match="NOPERM"):
        denied.task(name="x")(lambda: None).submit()
    with pytest.raises(Exception, match="WRONGPASS"):
        Steward(server.url.replace("//", "//nobody:wrong@")).job("1").state()
    with pytest.raises(Exception, match="NOPERM"):
        denied.job("1").result(10)
    assert time.monotonic() - began < 5
    assert TaskFailed.__doc__ and "wrong" not in repr(denied.server.address)
