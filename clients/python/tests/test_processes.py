"""Workers as processes of their own, killed, stopped and stalled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import until
from crew import Crew, stop
from servers import Server

from steward_redis import Job, Steward, TaskFailed
from steward_redis.command import main


@pytest.fixture
def crew(server: Server, app: Steward, tmp_path: Path) -> Iterator[Crew]:
    crew = Crew(server.url, app.default_queue, tmp_path)
    yield crew
    crew.close()


@pytest.fixture
def producer(crew: Crew, app: Steward) -> Steward:
    """An application with the tasks of the crew, on the same queue."""
    import crew as module

    for kind, task in module.s.tasks.items():
        app.task(name=kind, **task.given)(task.handler)
    return app


def test_a_killed_worker_loses_no_task_and_others_have_them_at_once(crew: Crew, producer: Steward) -> None:
    first = crew.start("-c", "4")
    jobs = [producer.tasks["end_elsewhere"].submit(n) for n in range(4)]
    until(lambda: len(crew.ran("begin")) == 4)
    second = crew.start("-c", "4")
    until(lambda: len(producer.members(producer.default_queue)) == 2)
    first.kill()
    killed = time.time()
    until(lambda: len(crew.ran("begin")) == 8)
    latest = max(float(line[4]) for line in crew.lines() if line[0] == "begin" and line[3] == str(second.pid))
    # Not only after `cut`, 5 s.
    assert latest - killed < 4
    assert [job.result(60) for job in jobs] == [0, 1, 2, 3]
    assert stop(second) == 0


def test_sigterm_under_load_ends_what_runs_and_loses_nothing(crew: Crew, producer: Steward) -> None:
    first = crew.start("-c", "8")
    kinds = ("work", "awork")
    jobs = [producer.tasks[kinds[n % 2]].submit(n, 20) for n in range(200)]
    until(lambda: len(crew.ran("end")) > 40)
    assert stop(first) == 0
    assert sorted(crew.ran("begin")) == sorted(crew.ran("end"))
    second = crew.start("-c", "8")
    assert [job.result(60) for job in jobs] == list(range(200))
    assert stop(second) == 0
    # None was run twice, none has used an attempt in vain.
    assert sorted(crew.ran("end")) == list(range(200))
    assert {line[2] for line in crew.lines()} == {"1"}


def test_what_does_not_end_within_the_grace_is_given_back(crew: Crew, producer: Steward) -> None:
    first = crew.start("-c", "2", "--grace", "200ms")
    job = producer.tasks["interruptible"].submit(1)
    until(lambda: crew.ran("begin"))
    assert stop(first) == 0
    assert crew.ran("stopped") == [1]
    state = job.state()
    assert state and (state.state, state.attempt) == ("ready", 0)


def test_a_handler_that_holds_the_interpreter_does_not_lose_its_task(crew: Crew, producer: Steward) -> None:
    worker = crew.start("-c", "2", "--ttl", "5s")
    job = producer.tasks["hold_the_lock"].submit(10, 1)
    other = crew.start("-c", "2")
    assert job.result(60) == 1
    assert crew.ran("begin") == [1]
    state = job.state()
    assert state and (state.state, state.attempt) == ("done", 1)
    assert stop(worker) == 0
    assert stop(other) == 0


def test_a_handler_that_cannot_be_ended_ends_the_process(crew: Crew, producer: Steward) -> None:
    worker = crew.start("-c", "2", "--grace", "1s")
    job = producer.tasks["hang"].submit()
    with pytest.raises(TaskFailed, match="TimeLimit: the handler of hang was still running"):
        job.result(60)
    assert worker.wait(60) == 70


def test_a_keeper_that_is_killed_is_started_again(crew: Crew, producer: Steward) -> None:
    worker = crew.start("-c", "2")
    job = producer.tasks["work"].submit(1, 3000)
    until(lambda: crew.ran("begin"))
    keeper = int(Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()[0])
    os.kill(keeper, signal.SIGKILL)
    assert job.result(60) == 1
    assert crew.ran("begin") == [1]
    assert stop(worker) == 0


def test_processes_of_one_command_are_started_again(crew: Crew, producer: Steward) -> None:
    parent = crew.start("-c", "2", "-p", "2")
    until(lambda: len(producer.members(producer.default_queue)) == 2)
    child = producer.members(producer.default_queue)[0]["pid"]
    os.kill(child, signal.SIGKILL)
    until(lambda: child not in (pids := [m["pid"] for m in producer.members(producer.default_queue)]) and len(pids) == 2)
    jobs = [producer.tasks["work"].submit(n) for n in range(20)]
    assert [job.result(60) for job in jobs] == list(range(20))
    assert stop(parent) == 0


def test_processes_do_not_share_a_name() -> None:
    with pytest.raises(SystemExit, match="leave out --name or -p"):
        main(["worker", "crew:s", "-p", "2", "--name", "w1"])


def test_a_child_that_was_forked_has_connections_and_ids_of_its_own(producer: Steward, crew: Crew) -> None:
    work = producer.tasks["work"]
    first = work.submit(1)
    # A thread that waits holds locks now and then.
    producer.results.wait(producer.default_queue, first.id)
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writing, work.submit(2).id.encode())
            first.result(60)
            os.write(writing, b" heard")
        finally:
            os._exit(0)
    third = work.submit(3)
    worker = crew.start()
    os.waitpid(pid, 0)
    id, heard = os.read(reading, 100).decode().split()
    assert heard == "heard"
    assert [job.result(60) for job in (first, producer.job(id), third)] == [1, 2, 3]
    assert stop(worker) == 0


def test_a_child_that_was_forked_does_not_leave_for_its_parent(server: Server, app: Steward) -> None:
    program = f"""
import os, sys
from steward_redis import Steward
s = Steward({server.url!r})
with s.register({app.default_queue!r}):
    if os.fork() == 0:
        sys.exit()
    os.wait()
    print(len(s.members({app.default_queue!r})))
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert ran.stdout == "1\n", ran.stderr


def test_a_process_may_have_thousands_of_files(server: Server, app: Steward) -> None:
    program = f"""
import os, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
held = [os.dup(0) for _ in range(2000)]
from steward_redis import Steward
s = Steward({server.url!r}, queue={app.default_queue!r})
double = s.task(name="double")(lambda x: 2 * x)
with s.worker(concurrency=2), s.lead({app.default_queue!r}) as epoch:
    print(double.submit(2).result(60), epoch.fenced("PING"))
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert ran.stdout == "4 b'PONG'\n", ran.stderr


@pytest.mark.long
def test_a_storm_of_kills_loses_no_task(crew: Crew, producer: Steward) -> None:
    # The same task may be hit again and again.
    producer.server.call(producer.default_queue, "TASK.CONFIG", "SET", producer.default_queue, "max-lost", 1000)
    workers = [crew.start("-c", "4") for _ in range(3)]
    jobs: list[Job[Any]] = []
    hits = 0
    kills = 0
    while hits < 68:
        victim = workers[kills % len(workers)]
        while not any(line[3] == str(victim.pid) for line in crew.lines()):
            if producer.queue().stats()["ready_tasks"] < 20:
                jobs += [producer.tasks["work"].submit(n, 50) for n in range(len(jobs), len(jobs) + 20)]
        victim.kill()
        victim.wait()
        kills += 1
        mine = [line for line in crew.lines() if line[3] == str(victim.pid)]
        hits += {line[1] for line in mine if line[0] == "begin"} != {line[1] for line in mine if line[0] == "end"}
        workers[workers.index(victim)] = crew.start("-c", "4")
    print(f"{kills} kills, {hits} hit a task that ran; {len(jobs)} tasks")
    assert [job.result(120) for job in jobs] == list(range(len(jobs)))
    assert set(crew.ran("end")) == set(range(len(jobs)))
    for worker in workers:
        assert stop(worker) == 0
