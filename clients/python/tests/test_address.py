"""Addresses, in the forms that the program knows too."""

from __future__ import annotations

import pytest

from steward_redis.address import Address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("redis://localhost", Address("node", (("localhost", 6379),))),
        ("redis://:p%40ss@h:7/3", Address("node", (("h", 7),), db=3, password="p@ss")),
        ("rediss://me:secret@[::1]", Address("node", (("::1", 6379),), tls=True, user="me", password="secret")),
        ("unix:///run/redis.sock?db=2", Address("unix", name="/run/redis.sock", db=2)),
        ("redis+sentinel://a,b:7/main/1", Address("sentinel", (("a", 26379), ("b", 7)), name="main", db=1)),
        ("rediss+sentinel://a/main", Address("sentinel", (("a", 26379),), tls=True, name="main")),
        ("redis+cluster://a,b:7", Address("cluster", (("a", 6379), ("b", 7)))),
    ],
)
def test_an_address_is_understood(text: str, address: Address) -> None:
    assert Address.parse(text) == address


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("me:secret@localhost:6379", "none of the forms"),
        ("http://me:secret@localhost", "unknown scheme"),
        ("redis://me:secret@a,b", "several hosts"),
        ("redis://me:secret@a:port", "a port that is no number"),
        ("redis://me:secret@a:70000", "a port that is no number"),
        ("redis://me:secret@a/main", "a database that is no number"),
        ("rediss://me:secret@a?ssl_cert_reqs=none", "settings after a question mark"),
        ("redis+sentinel://me:secret@a", "lacks the name of the primary"),
        ("redis+cluster://me:secret@a/1", "only database 0"),
    ],
)
def test_another_one_is_refused_and_never_shown(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as raised:
        Address.parse(text)
    assert "secret" not in str(raised.value)
