"""Our side of the keeper: starts it, starts it again when it dies, and hands on what it hears."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

from .process import identity
from .server import Server

_CODE = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from steward_redis.keeper import main; main()"


class Kept:
    """A process as a member, kept so by its keeper. `fileno` is readable when there is something to hear."""

    def __init__(
        self,
        server: Server,
        url: str,
        name: str,
        *,
        queues: list[str] | None = None,
        services: list[str] | None = None,
        ttl: int = 15_000,
        grace: int = 5_000,
        meta: dict[str, str] | None = None,
        campaign: bool = False,
        fd: int | None = None,
        places: int = 0,
    ) -> None:
        self.fd = fd
        self.tokens: dict[str, int] = {}
        self.settings: dict[str, Any] = {
            **identity(),
            "url": url,
            "settings": server.settings,
            "name": name,
            "queues": queues or [],
            "services": services or [],
            "ttl": ttl,
            "grace": min(grace, ttl),
            "meta": meta or {},
            "campaign": campaign,
            "fd": fd,
            "places": places,
        }
        self.rest = b""
        self.start()

    def start(self) -> None:
        """Starts it. It continues what an earlier one has begun."""
        self.process = subprocess.Popen(
            [sys.executable, "-c", _CODE, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=() if self.fd is None else (self.fd,),
            bufsize=0,
        )
        self.started = time.monotonic()
        assert self.process.stdin and self.process.stdout
        self.input, self.output = self.process.stdin, self.process.stdout
        self.input.write(json.dumps({**self.settings, "tokens": self.tokens}).encode() + b"\n")

    def fileno(self) -> int:
        return self.output.fileno()

    def hear(self) -> list[list[str]]:
        """The lines that have come, as words; waits for one. A keeper that was killed is started again."""
        data = os.read(self.fileno(), 65536)
        if not data:
            self.process.wait()
            self.rest = b""
            # One that cannot live is not started again and again without a pause.
            time.sleep(0.2 if time.monotonic() - self.started < 1 else 0)
            self.start()
            return []
        *lines, self.rest = (self.rest + data).split(b"\n")
        heard = [line.decode().split(" ") for line in lines]
        for words in heard:
            if words[0] == "token":
                self.tokens[" ".join(words[2:])] = int(words[1])
            elif words[0] == "out":
                self.tokens.clear()
        return heard

    def leave(self, timeout: float = 2.0) -> None:
        """Leaves the register and ends the keeper. A child that was forked has none of its own to end."""
        if os.getpid() != self.settings["pid"]:
            return
        try:
            self.input.write(b"leave\n")
        except OSError:
            pass
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.input.close()
        self.output.close()
