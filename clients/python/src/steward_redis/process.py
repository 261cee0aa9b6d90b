"""This process as the register knows it: no other has the same pid, host, start and boot."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def identity() -> dict[str, str | int]:
    """What `PID.REGISTER` wants to know."""
    return {"pid": os.getpid(), "host": socket.gethostname(), "start": _start(), "boot": _boot()}


def new_name() -> str:
    """A name for a member that no other process has, also after a restart in a container."""
    return f"{socket.gethostname()}-{os.getpid()}-{os.urandom(2).hex()}"


def _start() -> str:
    try:
        return Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
