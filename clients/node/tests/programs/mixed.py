"""What Python does for Node, as a worker, and what it has Node do, as a program that prints what came of it."""

import json
import os
import sys
import time

from steward_redis import Drop, Steward, TaskFailed, current

s = Steward(os.environ.get("MIXED_URL"), queue="python")


@s.task
def send(to: str, *, subject: str = "none") -> str:
    return f"{subject}, {to}"


@s.task
def values(*values: object) -> list[object]:
    return list(values)


@s.task
def fail(text: str) -> None:
    raise ValueError(text)


@s.task
def drop(text: str) -> None:
    raise Drop(text)


@s.task
def wait(seconds: float) -> None:
    current().progress({"percent": 50})
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.01)


@s.task
def meta() -> dict:
    return current().meta


@s.task
def outer(queue: str) -> str:
    return meta.options(queue=queue).submit().id


@s.task
def add(x: int, y: int) -> int:
    return x + y


@s.task
def total(values: list[int]) -> int:
    return sum(values)


@s.task
def only_node() -> str:
    raise NotImplementedError


del s.tasks["only_node"]


def node(task, **options):
    """A task for the workers in Node."""
    return task.options(queue="node", **options)


def error_of(job):
    try:
        return job.result(20)
    except TaskFailed as failed:
        return {"state": failed.state, "error": failed.error}


def main():
    waiting = node(wait).submit(3600)
    while not (state := waiting.state()).progress:
        time.sleep(0.01)
    found = {
        "send": node(send).submit("ann", subject="hi").result(20),
        "values": [node(values).submit(*data).result(20) for data in json.load(sys.stdin)],
        "fail": error_of(node(fail, attempts=1).submit("oh")),
        "drop": error_of(node(drop).submit("no such user")),
        "limit": error_of(node(wait, attempts=1, timeout="50ms").submit(3600)),
        "unknown": error_of(node(only_node, attempts=1).submit()),
        "meta": node(meta, meta={"traceparent": "00-4b", "own": 1}).submit().result(20),
        "inner": s.job(node(outer, meta={"traceparent": "00-4b", "own": 1}).submit("node").result(20), "node").result(20),
        "chain": s.chain(node(add).s(1, 2), node(add).s(10)).submit().result(20),
        "chord": s.chord([node(add).s(i, i) for i in range(10)], node(total).s()).submit().result(20),
        "progress": [state.state, state.progress],
        "cancelled": waiting.cancel("not needed") and error_of(waiting),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
