"""The reply to each command that the library sends is lost: what was done is not done again, and the caller is told
what it would have been told."""

from __future__ import annotations

import ast
import itertools
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from conftest import until
from counted import Counted
from proxy import Proxy
from servers import Server

import steward_redis
from steward_redis import Stopping, Unreachable
from steward_redis.recurring import define_all


class World:
    """An application whose connections lose replies, and the same one with a good network."""

    def __init__(self, server: Server, queue: str, command: str) -> None:
        self.server, self.queue, self.command = server, queue, command
        self.proxy = Proxy(server.port)
        self.far, self.near = Counted(self.proxy.url, queue), Counted(server.url, queue)
        self.app = self.far.app

    def lose(self, times: int = 1, word: str = "") -> None:
        """The next replies to the command are lost."""
        self.proxy.lose[word or self.command] = times

    def has_done(self, count: int) -> bool:
        return int(self.near.app.queue().stats()["acked_total"]) >= count


Row = Callable[[World], None]
ROWS: dict[str, Row] = {}
_numbers = itertools.count()


def loses(*commands: str) -> Callable[[Row], Row]:
    """Which commands a row is about."""

    def add(row: Row) -> Row:
        ROWS.update(dict.fromkeys(commands, row))
        return row

    return add


@loses("TASK.SCHEDULE")
def submit(world: World) -> None:
    with world.near.app.worker(concurrency=1):
        for n in range(10):
            world.lose()
            world.proxy.hold = partial(world.has_done, n + 1)
            assert world.far.count.submit(n).result(60) == (n if n % 2 else None)
    assert world.near.runs == dict.fromkeys(range(10), 1)


@loses("MULTI", "EXEC")
def flow(world: World) -> None:
    count = world.far.count
    with world.near.app.worker(concurrency=1):
        world.lose()
        world.proxy.hold = partial(world.has_done, 3)
        assert world.app.chain(count.s(1), count.s(), count.s()).submit().result(60) == 1
    assert world.near.runs == {1: 3}


@loses("TASK.MRESULT", "CLIENT")
def wait(world: World) -> None:
    jobs = [world.far.count.submit(n) for n in range(3)]
    for word in ("ID", "UNBLOCK") if world.command == "CLIENT" else (world.command,):
        world.lose(1, word)
    futures = []
    for job in jobs:
        futures.append(world.app.results.wait(world.queue, job.id))
        until(lambda: world.app.results.waiting[world.queue].call)
    with world.near.app.worker(concurrency=1):
        outcomes = [future.result(60) for future in futures]
    assert [outcome and outcome.value() for outcome in outcomes] == [None, 1, None]
    world.proxy.lost["CLIENT"] = world.proxy.lost["UNBLOCK"]


@loses("TASK.GET")
def state(world: World) -> None:
    job = world.far.count.submit(1)
    world.lose()
    found = job.state()
    assert found and found.state == "ready"


@loses("TASK.CANCEL")
def cancel(world: World) -> None:
    job = world.far.count.submit(1)
    world.lose()
    assert job.cancel("not needed")
    assert not world.app.job("unknown").cancel()
    with world.near.app.worker(concurrency=1):
        running = world.far.long.submit(2)
        until(lambda: world.near.runs[2])
        world.lose()
        assert running.cancel()


@loses("TASK.CONFIG", "TASK.PAUSE", "TASK.STATS", "TASK.RESUME")
def queue(world: World) -> None:
    queue = world.app.queue()
    world.lose()
    queue.limit(concurrency=3)
    queue.pause()
    assert queue.stats()["paused_until"]
    queue.resume()
    assert queue.stats()["paused_until"] is None


@loses("TASK.REPEAT", "TASK.REPEATS", "TASK.UNREPEAT")
def recurring(world: World) -> None:
    world.server.command("TASK.REPEAT", world.queue, "gone", "1", "EVERY", 60_000, "OWNER", "python")
    world.app.task(name="tick", every="1h")(lambda: None)
    world.lose()
    define_all(world.app)
    page = world.server.command("TASK.REPEATS", world.queue)[1]
    assert [dict(zip(one[::2], one[1::2]))[b"name"] for one in page] == [b"tick"]


@loses("XREVRANGE", "XREAD")
def events(world: World) -> None:
    over = threading.Event()

    def produce() -> None:
        while not over.wait(0.05):
            world.near.count.submit(1).cancel()

    thread = threading.Thread(target=produce)
    thread.start()
    world.lose()
    found = [event.id for event in itertools.islice(world.app.queue().events(timeout="60s"), 5)]
    over.set()
    thread.join()
    assert len(set(found)) == 5


@loses("TASK.CLAIM", "TASK.ACK", "TASK.MACK", "TASK.FAIL", "TASK.EXTEND", "TASK.MEXTEND")
@loses("PID.REGISTER", "HB.BEAT", "PID.DEREGISTER")
def work(world: World) -> None:
    world.lose(3)
    with world.app.worker(concurrency=4, ttl="5s"):
        long = world.near.long.submit(1000)
        jobs = [world.near.count.submit(n) for n in range(60)]
        jobs += [world.near.fail_once.submit(n) for n in range(100, 110)]
        assert [job.result(60) for job in jobs] == [n if n % 2 else None for n in range(60)] + list(range(100, 110))
        assert long.result(60) == 1000
    assert world.app.members(world.queue) == []
    # Of one whose hand-over was lost with the same connection, the first attempt did not run.
    assert {n: runs for n, runs in world.far.runs.items() if runs > (2 if 100 <= n < 1000 else 1)} == {}


@loses("TASK.MCLAIM")
def work_for_several_queues(world: World) -> None:
    other = world.near.app.task(name="other", queue=f"{world.queue}-other")(lambda: 7)
    world.app.task(name="other", queue=f"{world.queue}-other")(lambda: 7)
    jobs = [world.near.count.submit(1), other.submit()]
    world.lose()
    with world.app.worker(concurrency=4):
        assert [job.result(60) for job in jobs] == [1, 7]
    assert world.far.runs == {1: 1}


@loses("TASK.RELEASE")
def give_back(world: World) -> None:
    begun = threading.Event()

    @world.app.task
    def endless() -> None:
        begun.set()
        with pytest.raises(Stopping):
            until(lambda: False, 100)
        raise Stopping

    job = endless.submit()
    worker = world.app.worker(concurrency=1)
    with worker:
        assert begun.wait(60)
        world.lose()
        worker.stop()
    found = job.state()
    assert found and (found.state, found.attempt) == ("ready", 0)


@loses("HB.CAMPAIGN", "PID.LIST")
def lead(world: World) -> None:
    world.lose()
    with world.app.lead(world.queue) as epoch:
        assert [member["role"] for member in world.app.members(world.queue)] == ["leader"]
        assert epoch.fenced("INCR", f"{{{world.queue}}}n") == 1


@loses("HB.FENCED")
def write_as_leader(world: World) -> None:
    key = f"{{{world.queue}}}n"
    with world.app.lead(world.queue) as epoch:
        world.lose()
        with pytest.raises(Unreachable, match="it may have been done"):
            epoch.fenced("INCR", key)
        world.proxy.cut()
        # A connection that has ended meanwhile is no reason not to do it.
        assert epoch.fenced("INCR", key) == 2


@pytest.mark.parametrize("command", sorted(ROWS))
def test_a_lost_reply_is_made_up_for(server: Server, command: str) -> None:
    world = World(server, f"lost-{next(_numbers)}", command)
    try:
        ROWS[command](world)
        assert world.proxy.lost[command] > 0
    finally:
        world.proxy.close()


def test_every_command_that_is_sent_has_a_row(server: Server) -> None:
    known = {name.decode().upper() for name in server.command("COMMAND LIST")}
    files = Path(steward_redis.__file__).parent.rglob("*.py")
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    words = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    # These are options too, and only that.
    assert words & known - {"GET", "SET", "TTL"} == set(ROWS)
