"""Every public name has an example, and all examples are run."""

from __future__ import annotations

import asyncio
import doctest
import importlib
import inspect
import os
import pkgutil
import time
from collections.abc import Iterator
from types import FunctionType, ModuleType

import pytest
from servers import Server

import steward_redis
from steward_redis import Steward, testing

MODULES = [
    importlib.import_module(module.name)
    for module in pkgutil.walk_packages(steward_redis.__path__, "steward_redis.")
    if not module.name.endswith("__main__")
]


@pytest.fixture(scope="module")
def names(server: Server) -> dict[str, object]:
    """What the examples take for given: an application with some tasks, and a worker that runs."""
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

    @s.task(attempts=1)
    def divide(x: int, y: int) -> float:
        return x / y

    ours = {name: getattr(module, name) for module in (steward_redis, testing) for name in module.__all__}
    return {**ours, **locals(), "asyncio": asyncio, "os": os, "time": time}


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


def public() -> Iterator[tuple[str, object]]:
    """All public names, and the public methods of public classes."""
    for module in (steward_redis, testing):
        for name in module.__all__:
            thing = getattr(module, name)
            yield name, thing
            for part, member in vars(thing).items() if inspect.isclass(thing) else ():
                if not part.startswith("_") and isinstance(member, (FunctionType, property, staticmethod, classmethod)):
                    yield f"{name}.{part}", member


@pytest.mark.parametrize(("name", "thing"), [pytest.param(*one, id=one[0]) for one in public()])
def test_every_public_name_has_an_example(name: str, thing: object) -> None:
    assert doctest.DocTestParser().get_examples(inspect.getdoc(thing) or ""), name
