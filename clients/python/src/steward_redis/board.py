"""The claims that are to be kept alive, in memory that the worker and its keeper share: a place for each task that may
run at once. Writing needs no lock and no system call."""

from __future__ import annotations

import mmap
import os
import struct
import tempfile

_PLACE = struct.Struct("<QHH256s256s")
_TOKEN = struct.Struct("<Q")


class Board:
    """Places for claims; that of a free place has the token 0.

    >>> board = Board(2)
    >>> board.put(1, "mail", "a1", 7)
    >>> Board(2, board.fd).claims()
    {1: ('mail', 'a1', 7)}
    """

    def __init__(self, places: int, fd: int | None = None) -> None:
        self.places = places
        size = places * _PLACE.size
        if fd is None:
            if hasattr(os, "memfd_create"):
                fd = os.memfd_create("steward")
            else:
                with tempfile.TemporaryFile() as file:
                    fd = os.dup(file.fileno())
            os.ftruncate(fd, size)
        self.fd = fd
        self.memory = mmap.mmap(fd, size)

    def put(self, place: int, queue: str, id: str, token: int) -> None:
        """Keeps a claim alive from now on."""
        words = queue.encode(), id.encode()
        at = place * _PLACE.size
        # The token comes last, so that nobody reads it with another task's id.
        _PLACE.pack_into(self.memory, at, 0, len(words[0]), len(words[1]), *words)
        _TOKEN.pack_into(self.memory, at, token)

    def clear(self, place: int) -> None:
        """The claim is over."""
        _TOKEN.pack_into(self.memory, place * _PLACE.size, 0)

    def claims(self) -> dict[int, tuple[str, str, int]]:
        """The claims by place."""
        found: dict[int, tuple[str, str, int]] = {}
        for place in range(self.places):
            at = place * _PLACE.size
            if not _TOKEN.unpack_from(self.memory, at)[0]:
                continue
            token, queue_length, id_length, queue, id = _PLACE.unpack_from(self.memory, at)
            # Otherwise it was changed meanwhile.
            if token and _TOKEN.unpack_from(self.memory, at)[0] == token:
                found[place] = queue[:queue_length].decode(), id[:id_length].decode(), token
        return found

    def close(self) -> None:
        self.memory.close()
        os.close(self.fd)
