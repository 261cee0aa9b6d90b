"""A network between a client and a server that is slow, loses replies, and breaks."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable


class Proxy:
    """Forwards connections to a port. `lose` counts the replies that are still to be lost, by command: the server has
    done what it was told, and the connection breaks before the client hears of it."""

    def __init__(self, port: int, *, delay: float = 0.0) -> None:
        self.to, self.delay = port, delay
        self.lose: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        #: Until this is so, nobody gets through after a reply was lost.
        self.hold: Callable[[], object] = lambda: True
        self.pairs: set[tuple[socket.socket, socket.socket]] = set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Breaks all connections."""
        for pair in list(self.pairs):
            self._break(pair)

    def close(self) -> None:
        # Otherwise it accepts once more.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                if self.listener.fileno() < 0:
                    return
                client.close()
                continue
            while self.lost and not self.hold() and self.listener.fileno() >= 0:
                time.sleep(0.005)
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = (client, server)
            self.pairs.add(pair)
            doomed = threading.Event()
            threading.Thread(target=self._requests, args=(pair, doomed), daemon=True).start()
            threading.Thread(target=self._replies, args=(pair, doomed), daemon=True).start()

    def _requests(self, pair: tuple[socket.socket, socket.socket], doomed: threading.Event) -> None:
        client, server = pair
        with contextlib.suppress(OSError):
            while data := client.recv(1 << 20):
                for command, left in list(self.lose.items()):
                    if left > 0 and command.encode() + b"\r\n" in data:
                        self.lose[command] -= 1
                        self.lost[command] += 1
                        doomed.set()
                server.sendall(data)
        self._break(pair)

    def _replies(self, pair: tuple[socket.socket, socket.socket], doomed: threading.Event) -> None:
        client, server = pair
        with contextlib.suppress(OSError):
            while data := server.recv(1 << 20):
                if doomed.is_set():
                    break
                if self.delay:
                    time.sleep(self.delay)
                client.sendall(data)
        self._break(pair)

    def _break(self, pair: tuple[socket.socket, socket.socket]) -> None:
        self.pairs.discard(pair)
        for one in pair:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
