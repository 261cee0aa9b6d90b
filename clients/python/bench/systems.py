"""The same empty task in four systems, each in its best documented setting for one worker process that loses no task
when it is killed. Handlers tell only of the first and the last task."""

from __future__ import annotations

import importlib
import os
import sys
import time
from typing import Any

URL = os.environ.get("BENCH_URL", "redis://localhost:6379")
NOTES = os.environ.get("BENCH_NOTES", "/dev/null")


def nop(number: int = 1) -> None:
    if number <= 0:
        with open(NOTES, "a") as notes:
            notes.write(f"{time.monotonic()}\n")


def steward() -> Any:
    from steward_redis import Steward

    app = Steward(URL, queue="bench")
    app.task(nop)
    return app


def celery() -> Any:
    from celery import Celery

    app = Celery("systems", broker=URL)
    # No results, and acknowledged after the work, as all the others do.
    app.conf.update(task_ignore_result=True, task_acks_late=True, worker_hijack_root_logger=False)
    app.task(name="nop")(nop)
    return app


def dramatiq() -> Any:
    import dramatiq
    from dramatiq.brokers.redis import RedisBroker

    broker = RedisBroker(url=URL)
    dramatiq.set_broker(broker)
    dramatiq.actor(queue_name="bench")(nop)
    return broker


def enqueue(system: str, numbers: list[int]) -> None:
    """One by one, as a web server does."""
    app = globals()[system]() if system != "rq" else None
    if system == "steward":
        submit = app.tasks["nop"].submit
    elif system == "celery":
        submit = app.tasks["nop"].delay
    elif system == "dramatiq":
        submit = app.get_actor("nop").send
    else:
        from redis import Redis
        from rq import Queue

        queue = Queue("bench", connection=Redis.from_url(URL))
        # Imported by its name, as the worker will: not that of this program.
        function = importlib.import_module("systems").nop
        submit = lambda number: queue.enqueue(function, number, result_ttl=0)
    submit(1)
    began = time.perf_counter()
    for number in numbers:
        submit(number)
    print(time.perf_counter() - began)


#: How a worker is started. RQ has no threads: its worker does one task at a time, here without a fork for each.
WORKERS = {
    "steward": ["-m", "steward_redis", "worker", "bench_app:app", "-c", "8"],
    "celery": ["-m", "celery", "-A", "bench_app", "worker", "-P", "threads", "-c", "8", "-l", "ERROR"]
    + ["--without-gossip", "--without-mingle", "--without-heartbeat"],
    "dramatiq": ["-m", "dramatiq", "bench_app:app", "-p", "1", "-t", "8", "--skip-logging"],
    "rq": ["-m", "rq.cli", "worker", "-w", "rq.SimpleWorker", "--url", URL, "--quiet", "bench"],
}

if __name__ == "__main__":
    enqueue(sys.argv[1], [0, *range(1, int(sys.argv[2]) - 1), -1])
