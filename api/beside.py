"""Answers with those of the period before beside them, one way for all routes that have it."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, ParamSpec, Protocol, Self, TypeVar

from insights.beside import beside, rows_beside

P = ParamSpec("P")
A = TypeVar("A")


class Question(Protocol):
    """What a route is asked, as its parameter `asked`."""

    @property
    def with_previous(self) -> bool:
        """Whether the period before is asked for as well."""

    @property
    def before(self) -> Self:
        """The same question about the period before alone."""


def with_previous(answer: Callable[P, Awaitable[A]]) -> Callable[P, Awaitable[A]]:
    """A route that answers `Figures`, or a list of such rows, and where it is asked for those before, too."""

    @wraps(answer)
    async def both(*args: P.args, **given: P.kwargs) -> A:
        again: Callable[..., Awaitable[A]] = answer
        asked: Any = given["asked"]
        question: Question = asked
        if not question.with_previous:
            return await answer(*args, **given)
        # Pages are sent the window itself alone.
        other = {name: False if name == "broadcast" else value for name, value in given.items()}
        now, before = await asyncio.gather(
            answer(*args, **given), again(*args, **{**other, "asked": question.before})
        )
        found: A = _beside(now, before)
        return found

    return both


def _beside(now: Any, before: Any) -> Any:
    return rows_beside(now, before) if isinstance(now, list) else beside(now, before)
