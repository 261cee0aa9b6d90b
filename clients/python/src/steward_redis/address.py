"""Addresses of servers, in the forms of docs/steward.md. Never shown with a password."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import unquote

FORMS = "redis://, rediss://, unix://, redis+sentinel://HOST,HOST/NAME/DB or redis+cluster://HOST,HOST"
Host = tuple[str, int]


@dataclass(frozen=True)
class Address:
    """Where servers are, and who we are there.

    >>> Address.parse("redis+sentinel://me:secret@s1,s2:7/main/2")
    Address(kind='sentinel', hosts=(('s1', 26379), ('s2', 7)), tls=False, name='main', db=2, user='me')
    """

    kind: str  # node, unix, sentinel or cluster
    hosts: tuple[Host, ...] = ()
    tls: bool = False
    name: str = ""  # of the primary that sentinels know, or the path of a socket
    db: int = 0
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @staticmethod
    def parse(text: str) -> Address:
        """Reads an address. No error shows it, as it may have a password."""
        scheme, found, rest = text.partition("://")
        if not found:
            raise ValueError(f"the address has none of the forms {FORMS}")
        rest, _, query = rest.partition("?")
        info, _, hosts = rest.rpartition("@")
        user, _, password = info.partition(":")
        tls = scheme.startswith("rediss")
        place = _place(scheme.replace("rediss", "redis", 1), hosts, query, tls)
        return replace(place, user=unquote(user) or None, password=unquote(password) if ":" in info else None)


def _place(form: str, text: str, query: str, tls: bool) -> Address:
    hosts, _, path = text.partition("/")
    if form == "unix":
        return Address("unix", name=unquote(text), db=_number(query.removeprefix("db=") or "0"))
    if query:
        raise ValueError("the address has settings after a question mark: give them to Steward by their names")
    if form == "redis":
        found = _hosts(hosts, 6379)
        if len(found) != 1:
            raise ValueError("the address names several hosts: use redis+sentinel:// or redis+cluster://")
        return Address("node", found, tls, db=_number(path or "0"))
    if form == "redis+sentinel":
        name, _, db = path.partition("/")
        if not name:
            raise ValueError("the address lacks the name of the primary: redis+sentinel://HOST,HOST/NAME")
        return Address("sentinel", _hosts(hosts, 26379), tls, unquote(name), _number(db or "0"))
    if form == "redis+cluster":
        if path not in ("", "0"):
            raise ValueError("the address names a database: a cluster has only database 0")
        return Address("cluster", _hosts(hosts, 6379), tls)
    raise ValueError(f"the address has the unknown scheme {form!r}; known are {FORMS}")


def _hosts(text: str, port: int) -> tuple[Host, ...]:
    return tuple(host(part, port) for part in text.split(","))


def host(text: str, port: int) -> Host:
    """A host and its port; an IPv6 address stands in brackets.

    >>> host("[::1]:7", 6379), host("", 6379)
    (('::1', 7), ('localhost', 6379))
    """
    if text.startswith("["):
        name, _, rest = text[1:].partition("]")
        rest = rest.removeprefix(":")
    else:
        name, _, rest = text.partition(":")
    if rest and not (rest.isdigit() and int(rest) < 65536):
        raise ValueError("the address has a port that is no number up to 65535")
    return name or "localhost", int(rest or port)


def _number(text: str) -> int:
    if not text.rstrip("/").isdigit():
        raise ValueError("the address has a database that is no number")
    return int(text.rstrip("/"))
