"""An application that counts how often each of its tasks has run."""

from __future__ import annotations

import threading
import time
from collections import Counter

from steward_redis import Steward, current


class Counted:
    """An application at an address, and the runs of its tasks by their number."""

    def __init__(self, url: str, queue: str) -> None:
        self.app = Steward(url, queue=queue)
        self.runs: Counter[int] = Counter()
        lock = threading.Lock()

        def note(n: int) -> int:
            run = current()
            assert run
            with lock:
                self.runs[n] += 1
            return run.attempt

        @self.app.task(attempts=100, backoff="10ms", retain="10m")
        def count(n: int) -> int | None:
            note(n)
            return n if n % 2 else None

        @self.app.task(attempts=3, backoff="10ms", retain="10m")
        def fail_once(n: int) -> int:
            if note(n) == 1:
                raise ValueError("once")
            return n

        @self.app.task(attempts=100, retain="10m")
        def long(n: int) -> int:
            note(n)
            run = current()
            for _ in range(20):
                if run:
                    run.progress(1)
                time.sleep(0.05)
            return n

        self.count, self.fail_once, self.long = count, fail_once, long
