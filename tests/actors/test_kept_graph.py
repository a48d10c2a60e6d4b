"""Where answers come from: owners where they can, else the graph; and which are given again."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from actors import kept_graph
from actors.directory import Directory
from actors.kept_graph import KeptGraph
from chats.account import Account
from errors import Unavailable
from graph.model import Scalar
from graph.traversals import ACCOUNTS, ACTIONS
from insights.columns import Table
from insights.queries import Reader
from insights.tables import Ask, Columnar, Version, of_rows
from settings import Settings

ROWS = [{"type": "question", "count": 2}]
OTHER = [{"type": "tease", "count": 1}]
ASK = Ask(ACTIONS, 0, 9)


class Home:
    """A graph that has one action."""

    def __init__(self, accounts: Sequence[tuple[str, str]] = ()) -> None:
        self.accounts = [Account(*each).key for each in accounts]
        self.asked: list[str] = []

    async def submit(self, script: str, bindings: Mapping[str, Scalar]) -> list[Any]:
        if script == ACCOUNTS:
            return self.accounts
        self.asked.append(str(bindings["pk"]))
        return ROWS

    apply: Any = None
    ping: Any = None
    close: Any = None


class Owner:
    """An owner that has another action, or has none yet (no version), or does not answer."""

    def __init__(self) -> None:
        self.version: Version | None = (1,)
        self.away = False
        self.calls = 0

    async def columns(
        self, user_id: str, creator_id: str, asks: Sequence[Ask]
    ) -> tuple[Version, list[Table]] | None:
        self.calls += 1
        if self.away:
            raise Unavailable("The user's actor is not up; try again.")
        return None if self.version is None else (self.version, [of_rows(ACTIONS, OTHER) for _ in asks])

    async def column_versions(self, user_id: str, creators: Sequence[str]) -> list[Version | None]:
        if self.away:
            raise Unavailable("The user's actor is not up; try again.")
        return [self.version for _ in creators]


async def types(graph: KeptGraph, user_id: str | None = "u", creator_id: str | None = "c") -> list[str]:
    reader = await Reader.open(graph, creator_id, user_id)
    [table] = await reader.tables(ASK)
    return table.coded("type").strings()


async def test_an_owner_answers_and_the_graph_where_the_owner_cannot() -> None:
    graph = KeptGraph(home := Home(), owner := Owner())
    assert isinstance(graph, Columnar)
    assert await types(graph) == ["tease"]
    assert home.asked == []
    owner.version = None
    assert await types(graph) == ["question"]
    owner.version, owner.away = (1,), True
    assert await types(graph) == ["question"]


async def test_an_owner_that_does_not_answer_in_time_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Slow(Owner):
        async def columns(self, *args: Any) -> Any:
            raise TimeoutError

    monkeypatch.setattr(kept_graph, "WITHIN", 0.01)
    assert await types(KeptGraph(Home(), Slow())) == ["question"]


async def test_a_question_about_several_users_starts_no_owner() -> None:
    graph = KeptGraph(Home([("u", "c"), ("v", "c")]), owner := Owner())
    assert await types(graph, None, None) == ["question", "question"]
    assert owner.calls == 0
    one_user = KeptGraph(Home([("u", "c"), ("u", "d")]), owner)
    assert await types(one_user, None, None) == ["tease", "tease"]


class Question:
    """Counts how often it is answered."""

    def __init__(self, graph: KeptGraph, *accounts: str) -> None:
        self._graph = graph
        self._accounts = accounts or (Account("u", "c").key,)
        self.made = 0

    async def ask(self, text: str = "q") -> bytes:
        return await self._graph.repeated(self._accounts, text, self._answer)

    async def _answer(self) -> bytes:
        self.made += 1
        return f"{self.made}: {await types(self._graph)}".encode()


async def test_an_answer_is_given_again_until_the_account_changes() -> None:
    graph = KeptGraph(Home(), owner := Owner())
    question = Question(graph)
    assert await question.ask() == await question.ask() == b"1: ['tease']"
    assert await question.ask("another") == b"2: ['tease']"
    owner.version = (2,)
    assert await question.ask() == b"3: ['tease']"


async def test_what_the_graph_answered_is_not_given_again() -> None:
    class OnlyVersions(Owner):
        async def columns(self, *args: Any) -> Any:
            return None

    question = Question(KeptGraph(Home(), OnlyVersions()))
    assert await question.ask() == b"1: ['question']"
    assert await question.ask() == b"2: ['question']"


async def test_without_a_version_of_every_account_nothing_is_given_again() -> None:
    graph = KeptGraph(Home(), owner := Owner())
    of_two_users = Question(graph, Account("u", "c").key, Account("v", "c").key)
    assert [await of_two_users.ask() for _ in range(2)] == [b"1: ['tease']", b"2: ['tease']"]
    question = Question(graph)
    owner.version = None
    assert [await question.ask() for _ in range(2)] == [b"1: ['question']", b"2: ['question']"]
    owner.version, owner.away = (1,), True
    assert await question.ask() == b"3: ['question']"


async def test_a_question_wakes_no_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    async def registry(self: Directory) -> Any:
        raise AssertionError("An owner is asked for.")

    monkeypatch.setattr(Directory, "_registry", registry)
    owners = Directory(Settings())
    assert await owners.columns("anna", "c1", []) is None
    assert await owners.column_versions("anna", ["c1", "c2"]) == [None, None]
