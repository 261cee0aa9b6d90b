"""Exceptions that are raised in other threads, at any moment."""

from __future__ import annotations

import pytest

from steward_redis import Cancelled
from steward_redis.interrupt import Target


class Late(Target):
    """One in which an exception is raised when the handler has ended, before it is closed."""

    def close(self) -> None:
        if self.thread is not None and not hasattr(self, "was_late"):
            self.was_late = True
            self.interrupt(Cancelled)
        super().close()


def fail() -> None:
    raise ValueError


@pytest.mark.parametrize(("handler", "expected"), [(lambda: None, Cancelled), (fail, ValueError)])
def test_what_is_raised_at_the_end_of_a_handler_goes_nowhere_else(handler: object, expected: type[Exception]) -> None:
    late = Late()
    assert callable(handler)
    assert isinstance(late.run(handler), expected)
    assert late.was_late and late.thread is None
