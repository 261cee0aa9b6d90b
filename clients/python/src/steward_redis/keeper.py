"""A small process beside ours that shows the server that we are alive, whatever our threads and their one lock are
doing: it beats, renews claims, hears what became of them, and can stand in line to lead. When we are killed it says so
at once.

What it is to do comes as a line of JSON on its standard input, which then stays open as long as we live. What it hears
goes to its standard output, a line each.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import Any

from .board import Board
from .errors import ServerError
from .link import PASSING, Broken, Link, Word, readable
from .server import Pause, Server

#: So soon a handler learns that its task was cancelled.
STEP = 0.3


class Over(Exception):
    """It is time to leave."""


class Parent:
    """The process whose life we show."""

    def __init__(self, pid: int) -> None:
        self.input = 0
        self.pid = pid
        # Children that it has forked may hold our input open, so its end alone does not tell.
        try:
            self.watched = [self.input, os.pidfd_open(pid)]
        except (AttributeError, OSError):
            self.watched = [self.input]

    def wait(self, seconds: float) -> None:
        """Waits; raises Over when we are to leave, SystemExit when the parent has died."""
        ready = readable(self.watched, seconds)
        if self.input in ready and os.read(self.input, 100) == b"leave\n":
            raise Over
        if ready or os.getppid() != self.pid:
            raise SystemExit

    def tell(self, *words: object) -> None:
        """Writes a line to it."""
        try:
            os.write(1, (" ".join(map(str, words)) + "\n").encode())
        except OSError:
            raise SystemExit from None


class Keeper:
    """The memberships of a process, kept until it is over."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.server = Server(settings["url"], **settings["settings"])
        self.parent = Parent(settings["pid"])
        self.queues: list[str] = settings["queues"]
        self.services: list[str] = settings["services"]
        self.tokens: dict[str, int] = settings["tokens"]
        self.board = Board(settings["places"], settings["fd"]) if settings["places"] else None
        self.seen: dict[int, int] = {}
        self.signal: str | None = None
        self.first = (self.services or self.queues)[0]
        self.link: Link | None = None

    def run(self) -> None:
        """Keeps them; returns when it has left."""
        pause = Pause(0.5)
        while True:
            try:
                self.link = self.server.open(self.first)
                self._find_services(self.link)
                for service in self.services:
                    self._register(self.link, service)
                pause = Pause(0.5)
                self.parent.tell("registered")
                self._keep(self.link)
            except Over:
                break
            except SystemExit:
                self._die()
                raise
            except Broken:
                self.server.forget(self.first)
            except ServerError as error:
                self._on(error)
            try:
                self.parent.wait(pause.length())
            except Over:
                break
        self._leave()

    def _on(self, error: ServerError) -> None:
        self.server.learn(self.first, error)
        if error.code in ("NOMEMBER", "FENCED"):
            self.tokens.clear()
            self.parent.tell("out")
        elif error.code == "HELD":
            self.parent.tell("held", error)
        elif error.code not in PASSING:
            self.parent.tell("refused", str(error).replace("\n", " "))
            raise SystemExit

    def _find_services(self, link: Link) -> None:
        """The services that the queues follow. Who may not ask takes that of the queue's own name, as most do."""
        for queue in self.queues if not self.services else ():
            try:
                service = link.call("TASK.CONFIG", "GET", queue, "service")[1].decode() or queue
            except ServerError as error:
                if error.code in PASSING:
                    raise
                service = queue
            if service not in self.services:
                self.services.append(service)

    def _register(self, link: Link, service: str) -> None:
        given = self.settings
        words: list[Word] = ["PID.REGISTER", service, given["name"], given["pid"], "HOST", given["host"]]
        if given["start"] and given["boot"]:
            words += ["START", given["start"], "BOOT", given["boot"]]
        words += ["TTL", given["ttl"], "BIND", "GRACE", given["grace"]]
        if service in self.tokens:
            words += ["TOKEN", self.tokens[service]]
        if given["meta"]:
            words += ["META", len(given["meta"]), *(word for pair in given["meta"].items() for word in pair)]
        reply = _fields(link.call(*words))
        if reply[b"token"] is None:
            raise ServerError(f"HELD another process has the name {given['name']} in {service}")
        self.tokens[service] = reply[b"token"]
        self.parent.tell("token", reply[b"token"], service)

    def _keep(self, link: Link) -> None:
        step = min(STEP, self.settings["ttl"] / 5000)
        if self.settings["campaign"]:
            self._stand(link)
        beaten = 0.0
        while True:
            sent = time.monotonic()
            self._extend(link)
            if sent - beaten >= self.settings["ttl"] / 5000:
                beaten = sent
                for service in self.services:
                    self._beat(link, service, sent)
            self.parent.wait(step)

    def _beat(self, link: Link, service: str, sent: float) -> None:
        campaign = ("CAMPAIGN",) if self.settings["campaign"] else ()
        reply = _fields(link.call("HB.BEAT", service, self.settings["name"], "TOKEN", self.tokens[service], *campaign))
        word = reply[b"signal"].decode() if reply[b"signal"] else None
        if word != self.signal:
            self.signal = word
            self.parent.tell("signal", word or "none")
        if campaign:
            if reply[b"role"] != b"leader":
                self.parent.tell("behind")
                self._stand(link)
            else:
                self.parent.tell("leads", reply[b"epoch"], sent)

    def _stand(self, link: Link) -> None:
        """Waits in line until it leads."""
        service = self.services[0]
        while True:
            sent = time.monotonic()
            words = ("HB.CAMPAIGN", service, self.settings["name"], self.tokens[service], "BLOCK", 500)
            reply = link.call(*words, wait=0.5)
            if reply is not None and _fields(reply)[b"role"] == b"leader":
                self.parent.tell("leads", _fields(reply)[b"epoch"], sent)
                return
            self.parent.wait(0)

    def _extend(self, link: Link) -> None:
        """Renews the claims that have been there for a step: most tasks are done sooner."""
        now = self.board.claims() if self.board else {}
        old = {place: claim for place, claim in now.items() if self.seen.get(place) in (claim[2], -claim[2])}
        by_queue: dict[str, list[int]] = {}
        for place, (queue, _, token) in old.items():
            if self.seen[place] > 0:
                by_queue.setdefault(queue, []).append(place)
        self.seen = {place: self.seen[place] if place in old else claim[2] for place, claim in now.items()}
        for queue, places in by_queue.items():
            for begin in range(0, len(places), 1000):
                self._extend_some(link, queue, places[begin : begin + 1000], old)

    def _extend_some(self, link: Link, queue: str, places: list[int], claims: dict[int, tuple[str, str, int]]) -> None:
        pairs = [word for place in places for word in claims[place][1:]]
        words = link.call("TASK.MEXTEND", queue, len(places), *pairs, "LEASE", self.settings["ttl"])
        for place, word in zip(places, words):
            if word != b"OK":
                # Told once.
                self.seen[place] = -claims[place][2]
                self.parent.tell("cancelled" if word == b"CANCELLED" else "lost", place, claims[place][2])

    def _leave(self) -> None:
        for service, token in self.tokens.items():
            try:
                link = self.link or self.server.open(service)
                link.call("PID.DEREGISTER", service, self.settings["name"], "TOKEN", token)
            except (Broken, ServerError):
                self.link = None

    def _die(self) -> None:
        """The parent was killed: no grace for it, so that others have its tasks at once."""
        for service, token in self.tokens.items():
            try:
                link = self.link or self.server.open(service)
                link.call("HB.BEAT", service, self.settings["name"], "TOKEN", token, "BIND", "GRACE", 0)
            except (Broken, ServerError):
                self.link = None
        if self.link:
            # Sooner than the end of this process would.
            self.link.close()


def _fields(reply: list[Any]) -> dict[bytes, Any]:
    return dict(zip(reply[::2], reply[1::2]))


def main() -> None:
    """What the process runs."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            sys.exit()
        line += byte
    Keeper(json.loads(line)).run()
