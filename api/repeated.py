"""Routes whose answer is given again while nothing changed that it is about, one way for all of them."""

from collections.abc import Awaitable, Callable, Hashable
from functools import wraps
from typing import Any, ParamSpec, Protocol

from fastapi import Response
from pydantic_core import to_json

from actors.kept_graph import KeptGraph
from graph.port import Graph
from insights.queries import Reader
from insights.shifts import Rosters, no_rosters

P = ParamSpec("P")
Route = Callable[P, Awaitable[Any]]


class Question(Protocol):
    """What a route is asked, as its parameter `asked`."""

    @property
    def graph(self) -> Graph: ...
    @property
    def creator_id(self) -> str | None: ...
    @property
    def user_id(self) -> str | None: ...

    @property
    def text(self) -> Hashable | None:
        """All that was asked; None: the same words ask for something else a moment later."""


def repeated(answer: Route[P]) -> Callable[P, Awaitable[Response]]:
    """A route whose answer follows from what owners keep of the accounts."""
    return _repeated(answer, by_shifts=False)


def repeated_by_shifts(answer: Route[P]) -> Callable[P, Awaitable[Response]]:
    """Likewise, and from the accounts' shifts."""
    return _repeated(answer, by_shifts=True)


def _repeated(answer: Route[P], *, by_shifts: bool) -> Callable[P, Awaitable[Response]]:
    @wraps(answer)
    async def given_again(*args: P.args, **given: P.kwargs) -> Response:
        asked: Any = given["asked"]
        services: Any = given["services"]

        async def written() -> bytes:
            return to_json(await answer(*args, **given))

        # What is sent to pages as well is sent each time.
        known = None if given.get("broadcast") else asked.text
        rosters: Rosters = services.rosters if by_shifts else no_rosters
        return Response(await _given(asked, known, rosters, written), media_type="application/json")

    return given_again


async def _given(
    asked: Question, text: Hashable | None, rosters: Rosters, written: Callable[[], Awaitable[bytes]]
) -> bytes:
    if text is None or not isinstance(asked.graph, KeptGraph):
        return await written()
    reader = await Reader.open(asked.graph, asked.creator_id, asked.user_id)
    question = text, tuple((await rosters(reader.accounts)).items())
    return await asked.graph.repeated(reader.accounts, question, written)
