"""What type checkers say of an application: this file is checked, not run."""

from __future__ import annotations

from typing import assert_type

from steward_redis import Flow, Job, Steward, Task

s = Steward()


@s.task
def plain(x: int) -> str:
    return str(x)


@s.task(attempts=3, timeout="30s", retain=60)
def with_options(to: str, *, subject: str = "") -> int:
    return len(to + subject)


@s.task(cron="0 9 * * *", tz="Europe/Paris")
async def later(x: int) -> bytes:
    return b""


def use() -> None:
    assert_type(plain.submit(1), Job[str])
    assert_type(plain.submit(1).result(), str)
    assert_type(plain.options(delay=1).submit(x=1).result(), str)
    assert_type(with_options.submit("ann", subject="hi").result(timeout="10s"), int)
    assert_type(s.chord([plain.s(1)], with_options.s()), Flow[int])
    plain.submit("1")  # type: ignore[arg-type]
    plain.submit()  # type: ignore[call-arg]
    with_options.submit("ann", "hi")  # type: ignore[call-arg]
    plain.options(dealy=1)  # type: ignore[call-arg]
    s.task(attempts="3")  # type: ignore[call-overload]


async def use_async() -> None:
    job = await later.asubmit(1)
    assert_type(await job.aresult(), bytes)
    assert_type(await later(1), bytes)


tasks: list[Task[..., object]] = [plain, with_options]
