"""An application that tests run in processes of their own. Each run of a handler leaves a line in a file."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from steward_redis import Steward, Stopping, current

s = Steward(os.environ.get("CREW_URL"), queue=os.environ.get("CREW_QUEUE", "crew"))
LOG = os.environ.get("CREW_LOG", "/dev/null")


def note(what: str, n: int) -> None:
    run = current()
    assert run
    with open(LOG, "ab", buffering=0) as log:
        log.write(f"{what} {n} {run.attempt} {os.getpid()} {time.time():.4f}\n".encode())


@s.task(attempts=100, backoff="10ms", retain="10m")
def work(n: int, ms: int = 0) -> int:
    note("begin", n)
    time.sleep(ms / 1000)
    note("end", n)
    return n


@s.task(attempts=100, backoff="10ms", retain="10m")
async def awork(n: int, ms: int = 0) -> int:
    note("begin", n)
    await asyncio.sleep(ms / 1000)
    note("end", n)
    return n


@s.task(attempts=100, retain="10m")
def end_elsewhere(n: int) -> int:
    """The first attempt does not end by itself."""
    note("begin", n)
    run = current()
    if run and run.attempt == 1:
        time.sleep(600)
    return n


@s.task(retain="10m")
def hold_the_lock(seconds: float, n: int = 0) -> int:
    """Does not give up the interpreter's lock: a C function that was called as if it was quick."""
    note("begin", n)
    ctypes.PyDLL(None).usleep(int(seconds * 1e6))
    note("end", n)
    return n


@s.task(retain="10m", timeout="300ms", attempts=1)
def hang(n: int = 0) -> None:
    note("begin", n)
    time.sleep(600)


@s.task(retain="10m", attempts=1)
def interruptible(n: int) -> int:
    note("begin", n)
    try:
        for _ in range(6000):
            time.sleep(0.01)
    except Stopping:
        note("stopped", n)
        raise
    return n


class Crew:
    """Worker processes of this application, on a queue, with a file that tells what ran."""

    def __init__(self, url: str, queue: str, folder: Path) -> None:
        self.log = folder / "log"
        self.started: list[subprocess.Popen[bytes]] = []
        self.environment = {**os.environ, "CREW_URL": url, "CREW_QUEUE": queue, "CREW_LOG": str(self.log)}

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        folder = str(Path(__file__).parent)
        command = [sys.executable, "-m", "steward_redis", "worker", "crew:s", *words]
        process = subprocess.Popen(command, cwd=folder, env=self.environment)
        self.started.append(process)
        return process

    def close(self) -> None:
        """Kills those that are left."""
        for process in self.started:
            if process.poll() is None:
                process.terminate()
        for process in self.started:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def lines(self) -> list[list[str]]:
        text = self.log.read_text() if self.log.exists() else ""
        return [line.split() for line in text.splitlines()]

    def ran(self, what: str) -> list[int]:
        return [int(line[1]) for line in self.lines() if line[0] == what]


def stop(process: subprocess.Popen[bytes], number: int = signal.SIGTERM, timeout: float = 60) -> int:
    process.send_signal(number)
    return process.wait(timeout)
