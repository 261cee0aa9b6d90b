"""A network that is slow and breaks, and a server that is killed: nothing is lost, nothing is sent twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from conftest import until
from counted import Counted
from proxy import Proxy
from servers import Server

from steward_redis import Steward, TaskFailed


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    proxy = Proxy(server.port)
    yield proxy
    proxy.close()


def test_a_slow_network_is_only_slow(server: Server, app: Steward) -> None:
    counted = Counted(Proxy(server.port, delay=0.005).url, app.default_queue)
    with counted.app.worker(concurrency=8):
        jobs = [counted.count.submit(n) for n in range(100)]
        assert [job.result(60) for job in jobs] == [n if n % 2 else None for n in range(100)]
    assert set(counted.runs.values()) == {1}


def test_a_cut_is_no_end(proxy: Proxy, app: Steward) -> None:
    counted = Counted(proxy.url, app.default_queue)
    with counted.app.worker(concurrency=4, ttl="5s"):
        jobs = []
        for n in range(300):
            jobs.append(counted.count.submit(n))
            if n % 30 == 7:
                proxy.cut()
        long = counted.long.submit(1000)
        until(lambda: counted.runs[1000] == 1)
        proxy.cut()
        assert [job.result(60) for job in jobs] == [n if n % 2 else None for n in range(300)]
        # It ran on, as the same member.
        assert long.result(60) == 1000
        assert counted.runs[1000] == 1


def test_a_server_that_is_killed_and_comes_back_has_everything() -> None:
    server = Server()
    counted = Counted(server.url, "mail")
    try:
        with counted.app.worker(concurrency=4, ttl="5s"):
            long = counted.long.submit(1000)
            jobs = [counted.count.submit(n) for n in range(200)]
            server.restart()
            jobs += [counted.count.submit(n) for n in range(200, 300)]
            server.restart()
            assert [job.result(60) for job in jobs] == [n if n % 2 else None for n in range(300)]
            assert long.result(60) == 1000
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
        thread = threading.Thread(target=lambda: found.append(job.result(60)))
        thread.start()
        until(lambda: counted.app.results.waiting)
        server.restart()
        with counted.app.worker(concurrency=1):
            thread.join()
        assert found == [1]
    finally:
        server.close()


def test_a_server_that_does_not_answer_is_told_of(
    server: Server, app: Steward, proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    counted = Counted(proxy.url, app.default_queue)
    proxy.to = 1  # nobody is there
    thread = threading.Thread(target=counted.count.submit, args=(1,))
    thread.start()
    until(lambda: "no answer from the server yet: " in caplog.text)
    proxy.to = server.port
    thread.join()
    assert app.queue().stats()["ready_tasks"] == 1


def test_what_the_server_refuses_for_good_is_no_reason_to_wait(server: Server) -> None:
    app = Steward(server.url, queue="mail")

    @app.task
    def index(page: int) -> None: ...

    server.command("ACL", "SETUSER", "nobody", "on", ">pw", "~*", "-@all", "+ping", "+hello", "+auth")
    denied = Steward(server.url.replace("//", "//nobody:pw@"), queue="mail")
    began = time.monotonic()
    with pytest.raises(Exception, match="NOPERM"):
        denied.task(name="x")(lambda: None).submit()
    with pytest.raises(Exception, match="does not know TASK.MIRACLE: is the module steward loaded"):
        app.server.call("mail", "TASK.MIRACLE")
    with pytest.raises(Exception, match="WRONGPASS"):
        Steward(server.url.replace("//", "//nobody:wrong@")).job("1").state()
    with pytest.raises(Exception, match="NOPERM"):
        denied.job("1").result(60)
    assert time.monotonic() - began < 5
    assert TaskFailed.__doc__ and "wrong" not in repr(denied.server.address)
