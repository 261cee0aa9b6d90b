"""What an application does before and after each task."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Literal, TypeVar

Name = Literal["before_submit", "before", "after", "worker_start", "worker_stop"]
F = TypeVar("F", bound=Callable[..., Any])

log = logging.getLogger("steward_redis")


class Hooks:
    """Functions by the name of the moment. One that raises is logged, and changes nothing."""

    def __init__(self) -> None:
        self.by_name: dict[str, list[Callable[..., Any]]] = {}

    def add(self, name: Name, function: F) -> F:
        """Adds a function."""
        self.by_name.setdefault(name, []).append(function)
        return function

    def run(self, name: Name, *args: Any) -> None:
        """Runs them all."""
        for function in self.by_name.get(name, ()):
            try:
                function(*args)
            except Exception:
                log.exception("hook %s failed", name)
