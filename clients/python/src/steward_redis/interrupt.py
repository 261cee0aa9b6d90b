"""Raising an exception in another thread, which sees it when it next runs Python code."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable

from .errors import Interrupted, TimeLimit


class Target:
    """The thread in which an exception may be raised, as long as it is open."""

    __slots__ = ("lock", "thread")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.thread: int | None = None

    def run(self, function: Callable[[], object]) -> BaseException | None:
        """Calls it, open meanwhile. Returns what was raised by it or here; after that nothing is raised any more."""
        error: BaseException | None = None
        try:
            try:
                self.open()
                function()
            except BaseException as raised:
                error = raised
            self.close()
        except (Interrupted, TimeLimit) as late:
            # It came between the lines above.
            self.close()
            error = error or late
        return error

    def open(self) -> None:
        """From now on it may be raised in this thread."""
        self.thread = threading.get_ident()

    def close(self) -> None:
        """No more. One that this thread has not seen yet is taken back."""
        while self.thread is not None:
            try:
                with self.lock:
                    _raise_in(self.thread, None)
                    self.thread = None
            except (Interrupted, TimeLimit):
                pass

    def interrupt(self, error: type[BaseException]) -> None:
        """Raises it there."""
        with self.lock:
            if self.thread is not None:
                _raise_in(self.thread, error)


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    object = ctypes.py_object(error) if error else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), object)
