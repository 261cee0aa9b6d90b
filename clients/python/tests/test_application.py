"""What an application has beside handlers: hooks, traces, events, flows, recurring tasks, twins for asyncio."""

from __future__ import annotations

import asyncio
import threading

import pytest
from servers import Server

from steward_redis import Steward, TaskFailed, current


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
