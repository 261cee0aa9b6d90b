"""Submitting: arguments, options, and what is refused before anything is sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from servers import Server

from steward_redis import BadPayload, Duplicate, QueueFull, Steward, Unencodable
from steward_redis.arguments import Arguments
from steward_redis.options import words


def payload(server: Server, queue: str, id: str) -> object:
    fields = server.command("TASK.GET", queue, id)
    return json.loads(dict(zip(fields[::2], fields[1::2]))[b"payload"])


def test_arguments_are_bound_to_their_names(app: Steward, server: Server) -> None:
    @app.task
    def send(to: str, subject: str = "", *, copy: bool = False) -> None: ...

    @app.task
    def many(*numbers: int) -> None: ...

    assert payload(server, app.default_queue, send.submit("ann", copy=True).id) == {"to": "ann", "copy": True}
    assert payload(server, app.default_queue, many.submit(1, 2).id) == [1, 2]


def test_wrong_arguments_are_the_error_of_a_call(app: Steward) -> None:
    @app.task
    def send(to: str, *, subject: str = "") -> None: ...

    wrong: list[tuple[Any, Any]] = [((), {}), (("a", "b"), {}), (("a",), {"to": "b"}), (("a",), {"colour": "red"})]
    for args, kwargs in wrong:
        with pytest.raises(TypeError):
            send.submit(*args, **kwargs)
    with pytest.raises(Unencodable, match="'subject' is a bytes"):
        send.submit("a", subject=b"hi")  # type: ignore[arg-type]


def test_data_that_does_not_fit_is_told_apart_from_an_error_of_the_handler() -> None:
    def send(to: str, *, subject: str = "") -> None:
        raise TypeError("mine")

    arguments = Arguments(send)
    unfit: list[Any] = [{}, {"to": "a", "x": 1}, [], ["a", "b"]]
    for data in unfit:
        with pytest.raises(BadPayload, match="does not fit"):
            arguments.check(data)
    fit: list[Any] = [{"to": "a"}, ["a"], "a", 7, None]
    for data in fit:
        arguments.check(data)


def test_a_handler_that_no_language_could_call_is_refused(app: Steward) -> None:
    with pytest.raises(TypeError, match="an object of names or an array"):

        @app.task
        def both(*args: int, key: int) -> None: ...

    with pytest.raises(ValueError, match="already"):
        for _ in range(2):
            app.task(lambda: None)


def test_durations_and_moments_become_milliseconds() -> None:
    at = datetime(2026, 11, 28, 9, tzinfo=UTC)
    assert words({"delay": timedelta(minutes=1), "expire": 2}) == ["RETAIN", 60000, "DELAY", 60000, "EXPIRE", 2000]
    assert words({"at": at, "retain": "1h"}) == ["RETAIN", 3600000, "AT", 1795856400000]
    assert words({"unique": "k", "unique_for": "5m", "replace": "keep"})[2:] == [
        "UNIQUE", "k", "FOR", 300000, "REPLACE", "KEEP",
    ]  # fmt: skip
    for bad in ({"at": datetime(2026, 1, 1)}, {"delay": "10"}, {"delay": -1}, {"delay": float("nan")}, {"expire": True}):
        with pytest.raises(ValueError):
            words(bad)  # type: ignore[arg-type]
    for wrong in ({"dealy": 1}, {"replace": True}, {"unique_for": "1s"}):
        with pytest.raises(TypeError):
            words(wrong)  # type: ignore[arg-type]


def test_a_unique_task_is_refused_while_another_has_its_key(app: Steward) -> None:
    @app.task
    def index(page: int) -> None: ...

    first = index.options(unique="page-1", delay="1h").submit(1)
    with pytest.raises(Duplicate) as raised:
        index.options(unique="page-1").submit(1)
    assert (raised.value.id, raised.value.state) == (first.id, "scheduled")
    assert index.options(unique="page-1", replace=True, delay="2h").submit(2).id == first.id


def test_an_id_of_ones_own_is_sent_once(app: Steward) -> None:
    @app.task
    def index(page: int) -> None: ...

    assert index.options(id="page-1").submit(1).id == "page-1"
    assert index.options(id="page-1").submit(1).id == "page-1"
    with pytest.raises(Duplicate):
        index.options(id="page-1").submit(2)
    assert app.queue().stats()["ready_tasks"] == 1


def test_a_full_queue_refuses(app: Steward) -> None:
    @app.task
    def index(page: int) -> None: ...

    app.queue().limit(max_length=1)
    index.submit(1)
    with pytest.raises(QueueFull):
        index.submit(2)


def test_a_flow_is_refused_whole(app: Steward) -> None:
    @app.task
    def index(page: int) -> None: ...

    app.queue().limit(max_length=1)
    with pytest.raises(QueueFull):
        app.chain(index.s(1), index.s()).submit()
    assert app.queue().stats()["ready_tasks"] == 0
