"""What tests share: a server, and applications with a queue of their own."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator

import pytest
from servers import Server

from steward_redis import Steward

_numbers = itertools.count()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One server for all tests that do not kill it."""
    server = Server()
    yield server
    server.close()


@pytest.fixture
def app(server: Server) -> Steward:
    """An application with a queue of its own."""
    return Steward(server.url, queue=f"queue-{next(_numbers)}")


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Waits for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.005)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="only the tests that take minutes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    long = config.getoption("--long")
    chosen = [item for item in items if bool(item.get_closest_marker("long")) == bool(long)]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen
