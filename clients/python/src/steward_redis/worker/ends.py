"""The ends of tasks that the server has not heard of yet."""

from __future__ import annotations

from ..errors import ServerError
from ..hooks import log
from ..link import PASSING, Reply, Word
from ..server import Server
from .places import Ending

#: Claims in one call.
MOST = 1000


class Ends:
    """They are told until they are heard: those without a result together, each other with a command of its own."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.untold: list[Ending] = []
        self.groups: list[list[Ending]] = []
        # Whether they may have been heard already.
        self.is_repeated = False
        self.is_elsewhere = False

    def __bool__(self) -> bool:
        return bool(self.untold)

    def add(self, ending: Ending) -> None:
        """One more."""
        self.untold.append(ending)

    def commands(self) -> list[tuple[Word, ...]]:
        """What tells all of them."""
        done: dict[str, list[Ending]] = {}
        commands: list[tuple[Word, ...]] = []
        self.groups = []
        for ending in self.untold:
            if ending.words is None:
                done.setdefault(ending.run.queue, []).append(ending)
            else:
                self.groups.append([ending])
                commands.append(ending.words)
        for queue, endings in done.items():
            for begin in range(0, len(endings), MOST):
                some = endings[begin : begin + MOST]
                pairs = [word for ending in some for word in (ending.run.id, ending.run.token)]
                self.groups.append(some)
                commands.append(("TASK.MACK", queue, len(some), *pairs))
        return commands

    def told(self, replies: list[Reply]) -> None:
        """The replies to these commands. What the server could not take now is told again."""
        self.untold, self.is_elsewhere = [], False
        for group, reply in zip(self.groups, replies):
            if isinstance(reply, ServerError):
                self._refused(group, reply)
        if not self.untold:
            self.is_repeated = False

    def _refused(self, group: list[Ending], error: ServerError) -> None:
        run = group[0].run
        if error.code in PASSING:
            self.server.learn(run.queue, error)
            self.is_elsewhere = self.is_elsewhere or error.code == "MOVED"
            self.untold += group
        elif error.code == "TOOBIG" and len(group) == 1 and group[0].words:
            log.warning("%s %s: done without its result: %s", run.queue, run.id, error)
            self.untold.append(group[0]._replace(words=None))
        elif error.code not in ("NOTASK", "STALE") or not self.is_repeated:
            log.warning("%s %s: its end was not accepted: %s", run.queue, run.id, error)
