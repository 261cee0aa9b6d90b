"""The wire format: what its vectors say, here as in the other languages."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from servers import ROOT

from steward_redis import BadPayload, Unencodable
from steward_redis.wire import decode, encode, error_text

VECTORS = json.loads((ROOT / "clients/wire/vectors.json").read_text())
VALUES = {
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
    "9007199254740993": 2**53 + 1,
    "bytes": b"bytes",
    "datetime": datetime.now(UTC),
}


@pytest.mark.parametrize("vector", VECTORS["encode"], ids=lambda vector: vector["payload"])
def test_data_and_meta_are_these_bytes(vector: dict[str, Any]) -> None:
    payload = encode(vector["data"], vector.get("meta"))
    assert payload == vector["payload"].encode()
    assert decode(payload) == (vector["data"], vector.get("meta", {}))


@pytest.mark.parametrize("vector", VECTORS["decode"], ids=lambda vector: vector["payload"])
def test_these_bytes_are_data_and_meta(vector: dict[str, Any]) -> None:
    assert decode(vector["payload"].encode()) == (vector["data"], vector["meta"])


@pytest.mark.parametrize("payload", VECTORS["refuse"])
def test_a_payload_that_is_none_is_refused(payload: str) -> None:
    with pytest.raises(BadPayload):
        decode(payload.encode())


def test_a_payload_that_is_no_text_or_too_deep_is_refused() -> None:
    for payload in (b"\xff\xfe", b'"\xff"', b"[" * 100_000):
        with pytest.raises(BadPayload):
            decode(payload)


@pytest.mark.parametrize("vector", VECTORS["unencodable"], ids=lambda vector: vector["names"])
def test_the_error_names_the_argument(vector: dict[str, Any]) -> None:
    data: Any = VALUES[vector["value"]]
    for step in reversed(vector["path"]):
        data = {step: data} if isinstance(step, str) else [0] * step + [data]
    with pytest.raises(Unencodable) as raised:
        encode(data)
    assert repr(vector["names"]) in str(raised.value)


def test_an_encoder_makes_json_of_what_is_none() -> None:
    when = datetime(2026, 11, 28, tzinfo=UTC)
    assert encode({"when": [when]}, encoder=lambda value: value.isoformat()) == b'{"when":["2026-11-28T00:00:00+00:00"]}'


def test_an_error_is_its_class_and_message_and_the_end_of_its_traceback() -> None:
    def fall(depth: int) -> None:
        if depth:
            fall(depth - 1)
        raise ValueError("too deep: ü\nsecond line" + "x" * 100)

    try:
        fall(40)
    except ValueError as error:
        text = error_text(error)
    first, rest = text.decode().split("\n", 1)
    assert first == "ValueError: too deep: ü"
    assert rest.endswith("second line" + "x" * 100)
    assert len(text) <= 4096
