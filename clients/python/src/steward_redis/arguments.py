"""How arguments become data, and data arguments: by name, so that every language can read them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from .errors import BadPayload

_Kind = inspect.Parameter


class Arguments:
    """The parameters of a handler.

    >>> def send(to: str, *, subject: str = "") -> None: ...
    >>> Arguments(send).pack(("ann",), {"subject": "hi"})
    {'to': 'ann', 'subject': 'hi'}
    >>> Arguments(send).call({"to": "ann"}), Arguments(send).call(["ann"]), Arguments(send).call("ann")
    (None, None, None)
    """

    def __init__(self, handler: Callable[..., Any]) -> None:
        self.handler = handler
        self.signature = inspect.signature(handler)
        parameters = self.signature.parameters.values()
        kinds = {parameter.kind for parameter in parameters}
        #: Whether the data is an array of positions, as some have no name.
        self.positions = bool(kinds & {_Kind.VAR_POSITIONAL, _Kind.POSITIONAL_ONLY})
        if self.positions and kinds & {_Kind.KEYWORD_ONLY, _Kind.VAR_KEYWORD}:
            raise TypeError(
                f"{handler.__qualname__}: data is an object of names or an array of positions: "
                "leave out *args and / or the arguments that have only a name"
            )
        self.names = [p.name for p in parameters if p.kind is _Kind.POSITIONAL_OR_KEYWORD]
        self.required = {p.name for p in parameters if p.default is _Kind.empty and p.kind in _NAMED}
        self.known = {p.name for p in parameters if p.kind in _NAMED}
        self.any = _Kind.VAR_KEYWORD in kinds

    def pack(self, args: tuple[Any, ...], kwargs: dict[str, Any], *, partial: bool = False) -> Any:
        """Data from arguments. Wrong ones are the TypeError of a call."""
        if self.positions:
            bound = self.signature.bind_partial(*args, **kwargs) if partial else self.signature.bind(*args, **kwargs)
            return list(bound.args)
        data = dict(zip(self.names, args))
        if len(data) != len(args) or not data.keys().isdisjoint(kwargs):
            self.signature.bind_partial(*args, **kwargs)  # raises
        data.update(kwargs)
        if not (self.any or data.keys() <= self.known) or not (partial or self.required <= data.keys()):
            self.signature.bind(*args, **kwargs)  # raises
        return data

    def free(self, data: Any) -> str:
        """The first parameter that has no value yet: the results of other tasks go there."""
        for name in self.names:
            if not self.positions and name not in data:
                return name
        raise TypeError(f"{self.handler.__qualname__} has no free named parameter that could take a result")

    def call(self, data: Any) -> Any:
        """Calls the handler: an object has its keywords, an array its positions, anything else is its one argument."""
        if type(data) is dict and not self.positions:
            return self.handler(**data)
        if type(data) is list:
            return self.handler(*data)
        return self.handler(data)

    def check(self, data: Any) -> None:
        """Raises if the handler cannot be called with this data, which is then no error of the handler."""
        try:
            if type(data) is dict and not self.positions:
                if self.any or (data.keys() <= self.known and self.required <= data.keys()):
                    return
                self.signature.bind(**data)
            elif type(data) is list:
                self.signature.bind(*data)
            else:
                self.signature.bind(data)
        except TypeError as error:
            raise BadPayload(f"the data does not fit {self.handler.__qualname__}{self.signature}: {error}") from None


_NAMED = (_Kind.POSITIONAL_OR_KEYWORD, _Kind.KEYWORD_ONLY)
