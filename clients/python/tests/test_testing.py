"""Tests of applications, without a server."""

from __future__ import annotations

import pytest

from steward_redis import Steward, TaskFailed, current
from steward_redis.testing import inline

s = Steward("redis://nowhere", queue="mail")


@s.task
def divide(x: float, y: float) -> float:
    return x / y


@s.task
def total(values: list[float]) -> float:
    return sum(values)


@s.task(queue="other")
async def kind() -> str:
    run = current()
    assert run
    return run.kind


def test_a_coroutine_knows_for_which_task_it_runs() -> None:
    with inline(s):
        job = kind.submit()
    assert (job.result(), job.queue) == ("kind", "other")


def test_flows_end_as_they_do_on_a_server() -> None:
    with inline(s) as ran:
        assert s.chord([divide.s(6, n) for n in (1, 2, 3)], total.s()).submit().result() == 11
        failed = s.chain(divide.s(6, 0), divide.s(2)).submit()
        with pytest.raises(TaskFailed, match="ZeroDivisionError"):
            failed.result()
    assert [kind for kind, *_ in ran.jobs] == ["divide"] * 3 + ["total", "divide"]
