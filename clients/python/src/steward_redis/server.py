"""Calls that are sent again until they are heard, over connections that are kept."""

from __future__ import annotations

import os
import random
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

from .address import Address, Host, host
from .errors import ServerError, Unreachable
from .hooks import log
from .link import PASSING, Broken, Link, Reply, Word, opener

#: For how long a call is sent again. RETAIN, the time in which a repeat is recognised, is longer.
RESEND = 30.0


class Pause:
    """Longer and longer pauses."""

    def __init__(self, longest: float = 1.0) -> None:
        self.next, self.longest = 0.005, longest

    def length(self) -> float:
        """The length of the next pause."""
        length = self.next * random.uniform(0.8, 1.2)
        self.next = min(self.next * 2, self.longest)
        return length


class Server:
    """A server, or several as one address, and the connections to it that nobody uses at the moment."""

    def __init__(self, url: str, **settings: Any) -> None:
        self.address = Address.parse(url)
        self.settings = settings
        self._open = opener(self.address, **settings)
        self._cluster = self.address.kind == "cluster"
        self._nodes: dict[str, Host] = {}
        self._idle: dict[Host | None, deque[Link]] = {}
        self.is_silent = False
        #: What else is to be made anew in a child that was forked.
        self.after_fork: list[Callable[[], None]] = []
        _all.add(self)

    def open(self, name: str) -> Link:
        """A new connection to the node of a queue or a service."""
        return self._open(self.node(name))

    def node(self, name: str) -> Host | None:
        """The node of a name in a cluster, as far as it is known."""
        return self._nodes.get(tag(name)) if self._cluster else None

    def take(self, name: str) -> tuple[Link, Host | None]:
        """A connection that nobody uses, or a new one."""
        node = self.node(name)
        try:
            return self._idle[node].pop(), node
        except (IndexError, KeyError):
            return self._open(node), node

    def give_back(self, link: Link, node: Host | None) -> None:
        self._idle.setdefault(node, deque()).append(link)

    def learn(self, name: str, error: ServerError) -> None:
        """Keeps where MOVED says that a name is."""
        if error.code == "MOVED":
            where = str(error).split(" ")[2]
            before, _, port = where.rpartition(":")
            known = before or self.address.hosts[0][0]
            self._nodes[tag(name)] = host(f"[{known}]:{port}" if ":" in known else f"{known}:{port}", 6379)

    def forget(self, name: str) -> None:
        """A node that does not answer may not have the name any more."""
        if self._cluster:
            self._nodes.pop(tag(name), None)

    def call(self, name: str, *words: Word) -> Reply:
        """Sends a command about a queue or service until it is heard. Only for what may be sent again."""
        return self.calls(name, words)[0]

    def calls(self, name: str, *commands: tuple[Word, ...], again: bool = True) -> list[Reply]:
        """The same for several at once; the first error is raised. `again=False`: for what must not be done twice."""
        pause, until = Pause(), 0.0
        while True:
            error: Exception
            try:
                replies = self.once(name, *commands, again=again)
                self.is_silent = False
                return replies
            except Broken as broken:
                error = broken
                self.forget(name)
                if broken.was_sent and not again:
                    raise Unreachable(f"the reply to {commands[0][0]!s} was lost: it may have been done: {error}") from error
            except ServerError as refused:
                if refused.code not in PASSING:
                    raise
                error = refused
                self.learn(name, refused)
                if refused.code == "MOVED":
                    pause = Pause()
            now = time.monotonic()
            until = until or now + RESEND
            length = pause.length()
            if length > 0.5 and not self.is_silent:
                self.is_silent = True
                log.warning("no answer from the server yet: %s", error)
            if now + length > until:
                raise Unreachable(f"{commands[0][0]!s} was not heard for {RESEND:.0f} s: {error}") from error
            time.sleep(length)

    def once(self, name: str, *commands: tuple[Word, ...], again: bool = True) -> list[Reply]:
        """Sends commands and returns their replies, or raises Broken or the first error."""
        link, node = self.take(name)
        while not again and link.has_ended():
            link.close()
            link, node = self.take(name)
        try:
            link.send(*commands)
            replies = [link.read() for _ in commands]
        except BaseException as error:
            link.close()
            if isinstance(error, Broken):
                error.was_sent = True
                # The others have most likely gone the same way.
                self._drop(node)
            raise
        self.give_back(link, node)
        for reply in replies:
            if isinstance(reply, ServerError):
                raise reply
        return replies

    def _drop(self, node: Host | None) -> None:
        links = self._idle.pop(node, None) or ()
        for link in list(links):
            link.close()

    def _after_fork(self) -> None:
        """A child has connections of its own: those of its parent it only forgets."""
        _kept.append(self._idle)
        self._idle = {}
        for renew in self.after_fork:
            renew()


def tag(name: str) -> str:
    """What decides the slot of a name.

    >>> tag("{app}mail"), tag("mail")
    ('app', 'mail')
    """
    begin = name.find("{")
    end = name.find("}", begin + 1)
    return name[begin + 1 : end] if begin >= 0 and end > begin + 1 else name


class Ids:
    """Ids that no other process makes."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.renew()

    def renew(self) -> None:
        self.prefix = os.urandom(8).hex()
        self.count = 0

    def next(self) -> str:
        """Another id."""
        with self.lock:
            self.count += 1
            return f"{self.prefix}-{self.count:x}"


new_id = Ids()
_all: weakref.WeakSet[Server] = weakref.WeakSet()
# Connections of the parent, whose end in a child must not say goodbye for it.
_kept: list[Any] = []


def _after_fork() -> None:
    new_id.lock = threading.Lock()
    new_id.renew()
    for server in _all:
        server._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
