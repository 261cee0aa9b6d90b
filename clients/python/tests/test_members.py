"""Leaders and members of the register."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import until
from proxy import Proxy
from servers import Server

from steward_redis import Fenced, LeadLost, Steward


def spin(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.01)


def test_one_leads_at_a_time_and_the_next_follows_at_once(app: Steward) -> None:
    epochs: list[int] = []
    inside = 0

    def run() -> None:
        nonlocal inside
        with app.lead(app.default_queue) as epoch:
            inside += 1
            assert inside == 1
            epochs.append(epoch.epoch)
            spin(0.2)
            inside -= 1

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(epochs) == 3
    assert epochs == sorted(set(epochs))


def test_a_leader_that_the_server_does_not_hear_is_told_before_another_leads(server: Server, app: Steward) -> None:
    service = app.default_queue
    proxy = Proxy(server.port)
    lost: list[float] = []
    leads = threading.Event()

    def first() -> None:
        with pytest.raises(LeadLost), Steward(proxy.url).lead(service, ttl="3s") as epoch:
            leads.set()
            with pytest.raises(Fenced):
                Steward(server.url).server.call(service, "HB.FENCED", service, epoch.epoch - 1, "PING")
            try:
                spin(60)
            finally:
                lost.append(time.monotonic())

    thread = threading.Thread(target=first)
    thread.start()
    assert leads.wait(60)
    proxy.close()
    with app.lead(service, ttl="3s"):
        second = time.monotonic()
    thread.join(60)
    assert lost and lost[0] <= second


def test_a_leader_that_is_evicted_is_told(app: Steward, server: Server) -> None:
    with pytest.raises(LeadLost), app.lead(app.default_queue, ttl="1s"):
        name = app.members(app.default_queue)[0]["member"]
        server.command("PID.EVICT", app.default_queue, name)
        spin(30)


def test_a_coroutine_that_leads_is_told_too(app: Steward, server: Server) -> None:
    async def main() -> None:
        async with app.alead(app.default_queue, ttl="1s") as epoch:
            assert epoch.epoch > 0
            name = app.members(app.default_queue)[0]["member"]
            server.command("PID.EVICT", app.default_queue, name)
            await asyncio.sleep(30)

    with pytest.raises(LeadLost):
        asyncio.run(main())


def test_a_coroutine_that_waits_in_line_may_give_up(app: Steward) -> None:
    async def wait() -> None:
        async with app.alead(app.default_queue):
            pass

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(wait(), 0.5)

    with app.lead(app.default_queue):
        # It also waits for all threads that the coroutine has left.
        asyncio.run(main())
    asyncio.run(wait())


def test_a_block_that_raises_ends_the_lead(app: Steward) -> None:
    with pytest.raises(ZeroDivisionError), app.lead(app.default_queue):
        1 / 0
    with app.lead(app.default_queue):
        pass
    assert app.members(app.default_queue) == []


def test_a_killed_leader_is_followed_at_once(app: Steward, server: Server, tmp_path: Path) -> None:
    program = f"""
import time
from steward_redis import Steward
with Steward({server.url!r}).lead({app.default_queue!r}, ttl="60s"):
    open({str(tmp_path / "leads")!r}, "w").close()
    time.sleep(600)
"""
    leader = subprocess.Popen([sys.executable, "-c", program])
    until((tmp_path / "leads").exists)
    os.kill(leader.pid, signal.SIGKILL)
    leader.wait()
    began = time.monotonic()
    with app.lead(app.default_queue):
        assert time.monotonic() - began < 20


def test_a_member_is_one_as_long_as_the_block_runs(app: Steward, server: Server) -> None:
    service = app.default_queue
    with app.register(service, name="b1", meta={"port": "8000"}, ttl="1s") as name:
        assert name == "b1"
        assert [member["pid"] for member in app.members(service)] == [os.getpid()]
        spin(2)
        assert server.command("PID.GET", service, "b1", "port") == b"8000"
    assert app.members(service) == []
