"""One connection. valkey-py where that is installed, else redis-py, makes it, with TLS and a user; commands then go
straight to its socket, so that nothing is sent again behind our back and every error keeps its code."""

from __future__ import annotations

import select
import socket
import ssl
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import hiredis

from .address import Address, Host
from .errors import ServerError

if TYPE_CHECKING:
    import redis as client
    from redis.sentinel import Sentinel
else:  # both have the same classes
    try:
        import valkey as client
        from valkey.sentinel import Sentinel
    except ImportError:
        import redis as client
        from redis.sentinel import Sentinel

Word: TypeAlias = str | bytes | int
Reply: TypeAlias = Any

#: How long a reply may take, beside what a call waits by itself.
PATIENCE = 10.0
#: Errors of a server that is there, but cannot do it now.
PASSING = frozenset(
    "ASK BUSY CLUSTERDOWN LOADING MASTERDOWN MISCONF MOVED NOREPLICAS OOM READONLY TRYAGAIN UNBLOCKED NOGOODSLAVE".split()
)
_NOTHING = object()
_pack: Callable[[tuple[Word, ...]], bytes] = hiredis.pack_command  # type: ignore[assignment]
_sentinel: Any = Sentinel


class Broken(Exception):
    """The connection is of no more use. What `was_sent` may have been, or will be, done."""

    was_sent = False


class _HasFileno(Protocol):
    def fileno(self) -> int: ...


def readable(things: Iterable[int | _HasFileno], seconds: float) -> set[int]:
    """Waits until something may be read from some of these, and returns their numbers. Unlike select, in a process that
    has thousands of files too."""
    poll = select.poll()
    for thing in things:
        poll.register(thing, select.POLLIN)
    return {number for number, _ in poll.poll(seconds * 1000)}


class Link:
    """A connection that has one call at a time."""

    def __init__(self, connection: Any) -> None:
        try:
            connection.connect()
        except client.AuthenticationError as error:
            raise ServerError(f"WRONGPASS {error}") from None
        except (client.RedisError, OSError) as error:
            if isinstance(error.__context__, ssl.SSLCertVerificationError):
                raise ServerError(f"UNTRUSTED {error}: is its authority in the file ssl_ca_certs of Steward?") from None
            raise Broken(str(error)) from None
        self.connection = connection  # closes its socket when it is collected
        self.socket: socket.socket = connection._sock
        self.reader = hiredis.Reader(replyError=_server_error, notEnoughData=_NOTHING)
        self.patience = 0.0

    def call(self, *words: Word, wait: float = 0.0) -> Reply:
        """Sends a command and returns its reply; an error is raised."""
        self.send(words)
        reply = self.read(wait)
        if isinstance(reply, ServerError):
            raise reply
        return reply

    def send(self, *commands: tuple[Word, ...]) -> None:
        """Sends commands in one write."""
        try:
            self.socket.sendall(b"".join([_pack(words) for words in commands]))
        except OSError as error:
            raise Broken(str(error)) from None

    def read(self, wait: float = 0.0) -> Reply:
        """The next reply, which may be an error, not raised."""
        try:
            reply = self.reader.gets()
            if reply is _NOTHING and self.patience != PATIENCE + wait:
                self.patience = PATIENCE + wait
                self.socket.settimeout(self.patience)
            while reply is _NOTHING:
                data = self.socket.recv(65536)
                if not data:
                    raise Broken("the server closed the connection")
                self.reader.feed(data)
                reply = self.reader.gets()
            return reply
        except OSError as error:
            raise Broken(str(error) or "no reply in time") from None
        except hiredis.ProtocolError as error:
            raise Broken(str(error)) from None

    def has_ended(self) -> bool:
        """Whether the server has closed it while nobody used it."""
        return bool(readable([self.socket], 0))

    def has_bytes(self) -> bool:
        """Whether something may be read that select does not see."""
        return self.reader.has_data() or (isinstance(self.socket, ssl.SSLSocket) and self.socket.pending() > 0)

    def fileno(self) -> int:
        return self.socket.fileno()

    def close(self) -> None:
        self.connection.disconnect()


def _server_error(text: str) -> ServerError:
    return ServerError.of(text)


def opener(address: Address, **settings: Any) -> Callable[[Host | None], Link]:
    """What opens connections to an address, or to a node of its cluster. Settings are those of the client's Connection,
    such as ssl_ca_certs."""
    options: dict[str, Any] = {
        "db": address.db,
        "username": address.user,
        "password": address.password,
        "socket_timeout": PATIENCE,
        "socket_connect_timeout": PATIENCE,
        "socket_keepalive": True,
        "protocol": 2,
        **settings,
    }

    def node(host: Host) -> Link:
        make: Any = client.SSLConnection if address.tls else client.Connection
        return Link(make(host=host[0], port=host[1], **options))

    def primary(_: Host | None) -> Link:
        kept = {key: value for key, value in options.items() if key.startswith("s")}
        sentinel: Any = _sentinel(list(address.hosts), sentinel_kwargs={**kept, "ssl": address.tls})
        try:
            return node(sentinel.discover_master(address.name))
        except (client.RedisError, OSError) as error:
            raise Broken(str(error)) from None

    def any_of_cluster(host: Host | None) -> Link:
        failure = Broken("no node")
        for one in (host,) if host else address.hosts:
            try:
                return node(one)
            except Broken as error:
                failure = error
        raise failure

    if address.kind == "unix":
        options = {key: value for key, value in options.items() if key != "socket_keepalive"}
        make: Any = client.UnixDomainSocketConnection
        return lambda _: Link(make(path=address.name, **options))
    if address.kind == "sentinel":
        return primary
    if address.kind == "cluster":
        return any_of_cluster
    return lambda _: node(address.hosts[0])
