"""Tasks a second, and the CPU of worker and server for each: median of interleaved runs.

python throughput.py RUNS PYTHON   (PYTHON has steward_redis and the rivals)
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from servers import Server  # noqa: E402
from systems import WORKERS  # noqa: E402

HERE = Path(__file__).parent
TASKS = {"steward": 20_000, "celery": 3_000, "dramatiq": 5_000, "rq": 1_500}
TICK = os.sysconf("SC_CLK_TCK")


def cpu(pid: int) -> float:
    """The seconds of a process and those below it."""
    total = 0.0
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / TICK
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                total += cpu(int(child))
    except OSError:
        pass
    return total


def run(server: Server, system: str, python: str) -> dict[str, float]:
    server.client.flushall()
    count = TASKS[system]
    with tempfile.NamedTemporaryFile() as notes:
        environment = {**os.environ, "BENCH_URL": server.url, "BENCH_NOTES": notes.name, "BENCH_SYSTEM": system}
        environment["PYTHONPATH"] = str(HERE)
        command = [python, "systems.py", system, str(count)]
        enqueued = subprocess.run(command, env=environment, cwd=HERE, stdout=subprocess.PIPE, text=True, check=True)
        words = [server.url if word.startswith("redis://") else word for word in WORKERS[system]]
        worker = subprocess.Popen([python, *words], env=environment, cwd=HERE)
        try:
            marks: list[tuple[float, float]] = []
            until = time.monotonic() + 120
            while len(marks) < 2:
                if len(Path(notes.name).read_text().splitlines()) > len(marks):
                    marks.append((cpu(worker.pid), cpu(server.process.pid)))
                assert time.monotonic() < until and worker.poll() is None, f"{system} does not come to an end"
                time.sleep(0.002)
            begin, end = map(float, Path(notes.name).read_text().split())
        finally:
            worker.terminate()
            try:
                worker.wait(20)
            except subprocess.TimeoutExpired:
                worker.kill()
    return {
        "enqueued/s": count / float(enqueued.stdout),
        "done/s": count / (end - begin),
        "worker us": (marks[1][0] - marks[0][0]) / count * 1e6,
        "server us": (marks[1][1] - marks[0][1]) / count * 1e6,
    }


def main(runs: int, python: str) -> None:
    found: dict[str, list[dict[str, float]]] = {system: [] for system in TASKS}
    server = Server("appendfsync everysec")
    try:
        for number in range(runs):
            for system in TASKS:
                found[system].append(run(server, system, python))
                print(number + 1, system, {name: round(value) for name, value in found[system][-1].items()}, flush=True)
    finally:
        server.close()
    print("median of", runs)
    for system, results in found.items():
        print(system, {name: round(statistics.median(result[name] for result in results)) for name in results[0]})


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
