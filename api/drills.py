"""Answers that name what lists the conversations behind them, one way for the routes of figures."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar

from insights.behind import Insight
from insights.drill import Scope
from wire.payloads import AnalyticsUpdate, TopicMetric

P = ParamSpec("P")
A = TypeVar("A")


class Question(Protocol):
    """What a route is asked, as its parameter `asked`."""

    @property
    def drilled(self) -> Scope:
        """Its window and accounts."""


def with_drill(insight: Insight) -> Callable[[Callable[P, Awaitable[A]]], Callable[P, Awaitable[A]]]:
    """A route whose answer, or each of its topics, gets its `drill`."""

    def decorated(answer: Callable[P, Awaitable[A]]) -> Callable[P, Awaitable[A]]:
        @wraps(answer)
        async def leading(*args: P.args, **given: P.kwargs) -> A:
            asked: Any = given["asked"]
            question: Question = asked
            found: A = _leading(await answer(*args, **given), question.drilled, insight)
            return found

        return leading

    return decorated


def _leading(found: Any, scope: Scope, insight: Insight) -> Any:
    if isinstance(found, list):
        return _topics(found, scope)
    more = {"topics": _topics(found.topics, scope)} if isinstance(found, AnalyticsUpdate) else {}
    return found.model_copy(update={"drill": scope.drill(insight), **more})


def _topics(topics: list[TopicMetric], scope: Scope) -> list[TopicMetric]:
    return [
        each.model_copy(update={"drill": scope.drill("topics", topic_id=each.id, topic=each.topic)})
        for each in topics
    ]
