"""Real servers with the module, started by the tests."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import redis

ROOT = Path(__file__).resolve().parents[3]


def module() -> str:
    """The module: that of STEWARD_MODULE, or the one that was built last."""
    if given := os.environ.get("STEWARD_MODULE"):
        return given
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    folders = [target / "release", target / "debug", target / "debug/deps"]
    built = [path for folder in folders for path in folder.glob("libsteward.*") if path.suffix in (".so", ".dylib")]
    assert built, "the module is not built: make build"
    return str(max(built, key=lambda path: path.stat().st_mtime))


def binary() -> str:
    """The server: that of STEWARD_SERVER, or the one on the path."""
    found = os.environ.get("STEWARD_SERVER") or shutil.which("redis-server") or shutil.which("valkey-server")
    assert found, "there is no server: scripts/deps"
    return found


def has_tls() -> bool:
    """Whether the server was built with TLS. Without a certificate it does not start, and says why."""
    tried = subprocess.run([binary(), "--port", "0", "--tls-port", str(free_port())], capture_output=True, text=True)
    return "Failed finding TLS support" not in tried.stdout


def free_port() -> int:
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        # The nodes of a cluster also talk to each other, 10,000 above.
        if port < 55_000:
            return port


class Server:
    """A server on a port of its own, with its data in a folder that goes with it."""

    def __init__(self, *settings: str) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="steward-python-")
        self.settings = settings
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        words = [binary(), "--port", str(self.port), "--dir", self.folder.name, "--save", "", "--appendonly", "yes"]
        words += ["--appendfsync", "always", "--loadmodule", module()]
        words += [word for setting in self.settings for word in ("--" + setting).split(" ", 1)]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        self.client = redis.Redis(port=self.port, protocol=2)
        until = time.monotonic() + 30
        while True:
            try:
                self.client.ping()
                return
            except redis.RedisError:
                assert time.monotonic() < until and self.process.poll() is None, "the server does not start"
                time.sleep(0.01)

    def command(self, *words: str | bytes | int) -> Any:
        """The reply to a command, as it is in RESP2."""
        execute: Any = self.client.execute_command
        return execute(*words)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def restart(self) -> None:
        self.kill()
        self.start()

    def close(self) -> None:
        self.kill()
        self.folder.cleanup()
