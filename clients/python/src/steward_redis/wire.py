"""The wire format, shared with other languages: one JSON value a payload. See docs/wire-format.md."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from .errors import BadPayload, Unencodable

JSON: TypeAlias = Any
Encoder: TypeAlias = Callable[[Any], JSON]

_FIRST = b'{"steward":1,'
_LARGEST = 2**53 - 1
_MAX_ERROR = 4096
_dumps = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_BASES: tuple[type[Any], ...] = (str, int, float, dict, list, tuple)
_SCALARS = frozenset({str, bool, type(None)})


def encode(data: JSON, meta: Mapping[str, JSON] | None = None, *, what: str = "data", encoder: Encoder | None = None) -> bytes:
    """A payload. There is an envelope only if there is meta.

    >>> encode({"to": "ann"})
    b'{"to":"ann"}'
    >>> encode({"to": "ann"}, {"traceparent": "00-4b"})
    b'{"steward":1,"meta":{"traceparent":"00-4b"},"data":{"to":"ann"}}'
    >>> encode({"when": float("nan")})
    Traceback (most recent call last):
    steward_redis.errors.Unencodable: argument 'when' is nan, which JSON does not have
    """
    data = _checked(data, what, encoder)
    if meta or (type(data) is dict and next(iter(data), None) == "steward"):
        data = {"steward": 1, "meta": _checked(dict(meta or {}), "meta", encoder), "data": data}
    return _dumps(data).encode()


def decode(payload: bytes) -> tuple[JSON, dict[str, JSON]]:
    """The data of a payload and its meta.

    >>> decode(b'{"steward":1,"meta":{"a":1},"data":[2]}')
    ([2], {'a': 1})
    """
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise BadPayload(f"the payload is not JSON: {error}") from None
    if not payload.startswith(b'{"steward":'):
        return value, {}
    if not payload.startswith(_FIRST) or not isinstance(value.get("meta"), dict) or "data" not in value:
        raise BadPayload("the payload has an envelope of a later version, or a broken one")
    return value["data"], value["meta"]


def error_text(error: BaseException) -> bytes:
    """What is told of a failed attempt: `Class: message`, then the end of the traceback, 4 KiB in all."""
    message = str(error).strip().split("\n", 1)[0]
    name = type(error).__name__
    first = (f"{name}: {message}" if message else name).encode("utf-8", "replace")[:1024]
    trace = "".join(traceback.format_exception(error)).rstrip().encode("utf-8", "replace")
    room = _MAX_ERROR - len(first) - 1
    text = first + b"\n" + (trace if len(trace) <= room else trace[-room:])
    return text.decode("utf-8", "ignore").encode()


def _checked(value: Any, where: str, encoder: Encoder | None) -> JSON:
    """The value if it is JSON that every language reads alike, mended by the encoder if there is one."""
    kind = type(value)
    if kind in _SCALARS:
        return value if kind is not str or value.isascii() else _text(value, where)
    if kind is int:
        if -_LARGEST <= value <= _LARGEST:
            return value
        raise Unencodable(f"{_named(where)} is {value}, beyond 2^53: send it as a string")
    if kind is float:
        if value - value == 0:
            return value
        raise Unencodable(f"{_named(where)} is {value}, which JSON does not have")
    if kind is dict:
        for key in value:
            if type(key) is not str:
                raise Unencodable(f"{_named(where)} has the key {key!r}: keys in JSON are strings")
        return {_text(key, where): _checked(item, _inner(where, key), encoder) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [_checked(item, f"{where}[{index}]", encoder) for index, item in enumerate(value)]
    return _other(value, where, encoder)


def _other(value: Any, where: str, encoder: Encoder | None) -> JSON:
    for base in _BASES:
        if isinstance(value, base):
            return _checked(base(value), where, encoder)
    if encoder is None:
        raise Unencodable(
            f"{_named(where)} is a {type(value).__name__}, which JSON does not have: convert it, or give Steward an encoder"
        )
    return _checked(encoder(value), where, encoder)


def _text(value: str, where: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Unencodable(f"{_named(where)} has half a surrogate pair, which is no text") from None
    return value


def _inner(where: str, key: str) -> str:
    return key if where == "data" else f"{where}.{key}"


def _named(where: str) -> str:
    return where if where.startswith(("data", "the ", "meta")) else f"argument {where!r}"
