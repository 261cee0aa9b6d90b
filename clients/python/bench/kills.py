"""From kill -9 of a worker to its task running elsewhere: quantiles of many kills.

python kills.py COUNT
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from crew import Crew  # noqa: E402
from servers import Server  # noqa: E402

from steward_redis import Steward  # noqa: E402

BATCH = 5


def begun(crew: Crew, number: int) -> list[tuple[int, float]]:
    """Which processes began a task, and when."""
    return [(int(line[3]), float(line[4])) for line in crew.lines() if line[0] == "begin" and line[1] == str(number)]


def wait(crew: Crew, number: int, count: int) -> list[tuple[int, float]]:
    until = time.monotonic() + 60
    while len(found := begun(crew, number)) < count:
        assert time.monotonic() < until, f"task {number} does not run"
        time.sleep(0.002)
    return found


def main(count: int) -> None:
    server = Server("appendfsync everysec")
    with tempfile.TemporaryDirectory() as folder:
        crew = Crew(server.url, "crew", Path(folder))
        app = Steward(server.url, queue="crew")
        work = app.task(name="work")(lambda n, ms: n)
        rescuer = crew.start("-c", "500", "--name", "rescuer")
        times = []
        for first in range(0, count, BATCH):
            numbers = range(first, min(first + BATCH, count))
            victims = []
            for number in numbers:
                # Only this worker may have the task, until it is dead: none of them waits for another's.
                work.options(to=f"victim-{number}").submit(number, 600_000)
                victims.append(crew.start("-c", "1", "--name", f"victim-{number}"))
            for number in numbers:
                wait(crew, number, 1)
            # Now none of them is busy with its start.
            for number, victim in zip(numbers, victims):
                time.sleep(0.2)
                killed = time.time()
                os.kill(victim.pid, signal.SIGKILL)
                found = wait(crew, number, 2)
                assert found[1][0] == rescuer.pid
                times.append((found[1][1] - killed) * 1000)
                victim.wait()
        rescuer.kill()
        rescuer.wait()
    server.close()
    times.sort()
    print(f"{count} kills: p50 {statistics.median(times):.1f} ms, p99 {times[int(count * 0.99) - 1]:.1f} ms, max {times[-1]:.1f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]))
