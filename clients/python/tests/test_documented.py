"""The examples in the documentation of every name are run, and every public name has one or needs none."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest
from servers import Server

import steward_redis
from steward_redis import Steward

MODULES = [
    importlib.import_module(module.name)
    for module in pkgutil.walk_packages(steward_redis.__path__, "steward_redis.")
    if not module.name.endswith("__main__")
]


@pytest.fixture(scope="module")
def names(server: Server) -> dict[str, object]:
    """What the examples take for given: an application with two tasks, and a worker that runs."""
    s = Steward(server.url, queue="documented")

    @s.task
    def send(to: str, *, subject: str) -> str:
        return f"{subject}, {to}"

    @s.task
    def add(x: int, y: int) -> int:
        return x + y

    @s.task
    def total(values: list[int]) -> int:
        return sum(values)

    return {"s": s, "send": send, "add": add, "total": total}


@pytest.fixture(scope="module", autouse=True)
def worker(names: dict[str, object]) -> object:
    app = names["s"]
    assert isinstance(app, Steward)
    with app.worker(concurrency=2) as worker:
        yield worker


@pytest.mark.parametrize("module", [*MODULES, steward_redis], ids=lambda module: module.__name__)
def test_the_examples_are_what_happens(module: ModuleType, names: dict[str, object]) -> None:
    found = doctest.DocTestFinder(exclude_empty=True).find(module, extraglobs=names)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in found:
        report: list[str] = []
        assert runner.run(test, out=report.append).failed == 0, "".join(report)


@pytest.mark.parametrize("name", steward_redis.__all__)
def test_every_public_name_is_documented(name: str) -> None:
    thing = getattr(steward_redis, name)
    assert inspect.getdoc(thing), name
    for part, member in vars(thing).items() if inspect.isclass(thing) else ():
        if not part.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
            assert inspect.getdoc(member), f"{name}.{part}"
