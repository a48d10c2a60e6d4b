"""From a user's id to an answer of the user's actor, wherever that is.

A user that does not answer keeps nobody else waiting. A process asks the registry once for all its calls to
one user, and every call ends within a time.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from pickle import PickleBuffer
from typing import Any, Concatenate, ParamSpec, TypeVar

import ray
from ray.exceptions import RayActorError

from actors.local_socket import Body, Owners, Receipt
from actors.registry import NAME, Registry
from actors.user_actor import UserActor
from backoff import Backoff
from errors import AnalyticsError, StaleOwner, Unavailable
from graph.model import UpsertEdge, UpsertVertex
from insights import columns
from insights.tables import Ask, Version
from remote import aside, named_actor, result
from search.question import Question
from session.bulk import Row, Table
from session.machine import Status
from session.pages import EVERYTHING, Extent, Order, Said
from settings import Settings
from wire.payloads import IngestReceipt

CALL_WITHIN = 30.0  # seconds for an owner to take a call; it is made again meanwhile
ANSWER_WITHIN = 300.0  # seconds for the answer: a snapshot of a whole account takes long
RETRY_FIRST, RETRY_MOST = 0.05, 1.0
LATE = "The user's actor does not answer in time; try again."
MOST_HANDLES = 4096  # of user actors, kept by a directory
LARGE = 64 * 1024  # bytes of a body that is worked on in a thread: it would hold up the event loop

P = ParamSpec("P")
T = TypeVar("T")
Method = Callable[Concatenate[Any, str, P], Awaitable[T]]  # of an actor; takes the user's id first


class Caller:
    """Calls methods of user actors. Errors of an actor are raised as they were raised there.

    `registry` is the name of the registry's actor, which is made when there is none.
    """

    def __init__(self, settings: Settings, registry: str = NAME) -> None:
        self._settings = settings
        self._name = registry
        self._found: Any = None  # the registry
        self._finding = asyncio.Lock()
        self._handles: OrderedDict[str, Any] = OrderedDict()  # the last one used is last
        self._activating: dict[str, asyncio.Task[Any]] = {}

    async def call(self, method: Method[P, T], user_id: str, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the method of the user's actor, again while the actor is being replaced.

        A call may be carried out twice when its actor dies; every method is safe to repeat. Unavailable when
        no owner took it within CALL_WITHIN seconds, or the answer took longer than ANSWER_WITHIN.
        """
        deadline = asyncio.get_running_loop().time() + CALL_WITHIN
        backoff = Backoff(RETRY_FIRST, RETRY_MOST)
        name = method.__name__
        problem: Exception
        while True:
            try:
                handle = await self._owner(user_id, deadline)
            except (RayActorError, Unavailable) as error:
                problem = error
            else:
                try:
                    async with asyncio.timeout(ANSWER_WITHIN):
                        answer: T = await result(getattr(handle, name).remote(user_id, *args, **kwargs))
                    return answer
                except TimeoutError:
                    raise Unavailable(LATE) from None
                except (RayActorError, StaleOwner) as error:
                    problem = error
                    if self._handles.get(user_id) is handle:
                        del self._handles[user_id]
            if asyncio.get_running_loop().time() >= deadline:
                raise Unavailable("The user's actor is not up, or is being replaced; try again.") from problem
            await backoff.pause()

    async def ask_if_up(
        self, method: Method[P, T], user_id: str, *args: P.args, **kwargs: P.kwargs
    ) -> T | None:
        """Call the method of the user's actor where this is known to be up; None else, nobody is woken."""
        handle = self._handles.get(user_id)
        if handle is None:
            return None
        try:
            answer: T = await result(getattr(handle, method.__name__).remote(user_id, *args, **kwargs))
            return answer
        except (RayActorError, StaleOwner):
            if self._handles.get(user_id) is handle:
                del self._handles[user_id]
            return None

    async def model_ready(self) -> None:
        """Return once the model is loaded where it is used; Unavailable while the registry restarts."""
        try:
            await result((await self._registry()).model_ready.remote())
        except RayActorError as error:
            self._found = None
            raise Unavailable("The registry of user actors is being restarted; try again.") from error

    async def _owner(self, user_id: str, deadline: float) -> Any:
        """The user's actor, which is up; Unavailable when it does not come in time."""
        if user_id in self._handles:
            self._handles.move_to_end(user_id)
            return self._handles[user_id]
        if (activating := self._activating.get(user_id)) is None:
            activating = self._activating[user_id] = asyncio.create_task(self._activate(user_id))
            activating.add_done_callback(lambda task: task.cancelled() or task.exception())  # all may be gone
        try:
            async with asyncio.timeout_at(deadline):
                return await asyncio.shield(activating)
        except TimeoutError:
            raise Unavailable("The user's actor does not start in time; try again.") from None

    async def _activate(self, user_id: str) -> Any:
        try:
            async with asyncio.timeout(CALL_WITHIN):
                registry = await self._registry()
                handle = await result(registry.activate.remote(user_id))
                await result(handle.__ray_ready__.remote())
        except RayActorError:
            self._found = None  # it may have been the registry
            raise
        finally:
            del self._activating[user_id]
        self._handles[user_id] = handle
        if len(self._handles) > MOST_HANDLES:
            self._handles.popitem(last=False)
        return handle

    async def _registry(self) -> Any:
        async with self._finding:
            if self._found is None:
                self._found = await aside(named_actor, Registry, self._name, self._settings, detached=True)
            return self._found


class Directory(Caller):
    """What may be asked of a user's owner; every call may be repeated."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._near = Owners()

    async def handle_snapshot(
        self,
        user_id: str,
        body: bytes,
        creator_id: str,
        chat_id: str | None = None,
        sender_id: str | None = None,
    ) -> IngestReceipt:
        """Take everything an extension holds: JSON of a `cache_update` payload or envelope."""
        payload = await _stored(body)
        method = UserActor.handle_snapshot
        receipt = await self.call(method, user_id, payload, creator_id, chat_id, sender_id)
        return IngestReceipt(**receipt)

    async def handle_delta(
        self,
        user_id: str,
        body: bytes,
        creator_id: str,
        chat_id: str | None = None,
        sender_id: str | None = None,
    ) -> IngestReceipt:
        """Take live messages: JSON of a `new_raw_message` payload or envelope, or a list of them."""
        payload = await _stored(body)
        receipt = await self.call(UserActor.handle_delta, user_id, payload, creator_id, chat_id, sender_id)
        return IngestReceipt(**receipt)

    async def handle_deltas(
        self, user_id: str, bodies: Sequence[Body], creator_id: str
    ) -> list[IngestReceipt | AnalyticsError]:
        """Take several bodies of live messages in one call; each has a receipt or an error of its own."""
        answers = await self._taken_near(user_id, bodies, creator_id)
        if answers is None:
            answers = await self.call(UserActor.handle_deltas, user_id, bodies, creator_id)
        return [each if isinstance(each, AnalyticsError) else IngestReceipt(**each) for each in answers]

    async def _taken_near(
        self, user_id: str, bodies: Sequence[Body], creator_id: str
    ) -> list[Receipt | AnalyticsError] | None:
        """What an owner answers that is known to be up and is on this machine; None: it is to be called."""
        if (handle := self._handles.get(user_id)) is None:
            return None
        self._handles.move_to_end(user_id)
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                return await self._near.take(handle, bodies, creator_id)
        except TimeoutError:
            raise Unavailable(LATE) from None

    async def replay_held(self, user_id: str, body: bytes) -> IngestReceipt:
        """Take what is held once more: JSON list of `{key, add}`; an empty one is all of it."""
        receipt = await self.call(UserActor.replay_held, user_id, await _stored(body))
        return IngestReceipt(**receipt)

    async def discard_held(self, user_id: str, keys: Sequence[str] | None) -> int:
        """Delete what is held under these keys, or all of it (None); how many there were."""
        return await self.call(UserActor.discard_held, user_id, keys)

    async def get_held(self, user_id: str, limit: int, offset: int) -> dict[str, Any]:
        """A page of what is held: `{held, total, dropped}`."""
        return await self.call(UserActor.get_held, user_id, limit, offset)

    async def erase(
        self, user_id: str, receipt: str, creator_id: str | None, id: str | None, within: float
    ) -> dict[str, Any]:
        """Erase a fan, an account (no id) or all of the user (no creator): the receipt, which may be open."""
        return await self.call(UserActor.erase, user_id, receipt, creator_id, id, within)

    async def export(
        self,
        user_id: str,
        creator_id: str | None,
        id: str | None,
        cursor: str | None,
        limit: int,
        mask: bool = False,
    ) -> tuple[bytes, str | None]:
        """A page of what is kept of a user, an account or a fan: lines of JSON, and the next cursor."""
        return await self.call(UserActor.export, user_id, creator_id, id, cursor, limit, mask)

    async def bulk(
        self, user_id: str, table: Table, creator_id: str | None, cursor: str | None, limit: int
    ) -> tuple[list[Row], str | None]:
        """Rows of a table of an account, or of all the user's, and the next cursor."""
        return await self.call(UserActor.bulk, user_id, table, creator_id, cursor, limit)

    async def correct(self, user_id: str, creator_id: str, correction: bytes) -> dict[str, Any]:
        """Have a correction (JSON of `chats.corrections.Correction`) count: as it is shown."""
        return await self.call(UserActor.correct, user_id, creator_id, correction)

    async def withdraw(self, user_id: str, creator_id: str, id: str, by: str, who: str) -> dict[str, Any]:
        """Have a correction count no more, by another one with the id `by`: that one. NotFound."""
        return await self.call(UserActor.withdraw, user_id, creator_id, id, by, who)

    async def get_corrections(self, user_id: str, creator_id: str, limit: int, offset: int) -> dict[str, Any]:
        """A page of the corrections that stand: `{corrections, total}`."""
        return await self.call(UserActor.get_corrections, user_id, creator_id, limit, offset)

    async def get_labels(
        self, user_id: str, creator_id: str, after: str | None, limit: int, mask: bool = False
    ) -> tuple[bytes, str | None]:
        """A page of them as labels, lines of JSON, and what to go on after."""
        return await self.call(UserActor.get_labels, user_id, creator_id, after, limit, mask)

    async def columns(
        self, user_id: str, creator_id: str, asks: Sequence[Ask]
    ) -> tuple[Version, list[columns.Table]] | None:
        """What an account answers to questions that the graph is asked; None: ask the graph.

        Questions wake nobody: owners of users that rest would take turns where a node has room for few.
        """
        return await self.ask_if_up(UserActor.columns, user_id, creator_id, asks)

    async def column_versions(self, user_id: str, creators: Sequence[str]) -> list[Version | None]:
        """Of each account another one each time that its answers may be others; None: ask the graph."""
        found = await self.ask_if_up(UserActor.column_versions, user_id, creators)
        return [None] * len(creators) if found is None else found

    async def keep_for(self, user_id: str, creator_id: str, days: int | None) -> None:
        """Keep an account's messages for so many days (0: for ever; None: as long as all others')."""
        await self.call(UserActor.keep_for, user_id, creator_id, days)

    async def get_receipt(self, user_id: str, receipt: str) -> dict[str, Any]:
        """What became of an erasure. NotFound."""
        return await self.call(UserActor.get_receipt, user_id, receipt)

    async def lift(self, user_id: str, creator_id: str | None, id: str | None) -> int:
        """Have what comes of an erased user, account or fan taken again; how many tombstones there were."""
        return await self.call(UserActor.lift, user_id, creator_id, id)

    async def get_cached_chats(
        self,
        user_id: str,
        limit: int | None = None,
        offset: int = 0,
        chat_id: str | None = None,
        creator_id: str | None = None,
        mask: bool = False,
    ) -> list[dict[str, Any]]:
        """Chats of one creator, or of all, latest message first; with `chat_id` those of that id."""
        return await self.call(UserActor.get_cached_chats, user_id, limit, offset, chat_id, creator_id, mask)

    async def get_cached_messages(
        self,
        user_id: str,
        chat_id: str | None = None,
        creator_id: str | None = None,
        limit: int | None = None,
        offset: int = 0,
        mask: bool = False,
    ) -> list[dict[str, Any]]:
        """Messages as received with their enrichment, oldest first; `limit` counts from the latest."""
        method = UserActor.get_cached_messages
        return await self.call(method, user_id, chat_id, creator_id, limit, offset, mask)

    async def search(self, user_id: str, creator_id: str | None, question: Question, mask: bool) -> bytes:
        """A page of what a search finds in an account: JSON."""
        return await self.call(UserActor.search, user_id, creator_id, question, mask)

    async def topics(self, user_id: str, creator_id: str | None) -> bytes:
        """The topics that an account can have, and which belong together: JSON."""
        return await self.call(UserActor.topics, user_id, creator_id)

    async def typical(
        self,
        user_id: str,
        creator_id: str | None,
        topic_id: str,
        span: tuple[float, float],
        limit: int,
        mask: bool,
    ) -> bytes:
        """Messages of a time that are typical of a topic: JSON."""
        return await self.call(UserActor.typical, user_id, creator_id, topic_id, span, limit, mask)

    async def full_sync(
        self, user_id: str, creator_id: str | None, extent: Extent = EVERYTHING
    ) -> tuple[int, str, Status, bytes]:
        """What a page starts from: (sequence, position of the last event, status, JSON of the payload)."""
        return await self.call(UserActor.full_sync, user_id, creator_id, extent)

    async def get_shown_chats(
        self,
        user_id: str,
        creator_id: str | None,
        order: Order,
        limit: int,
        offset: int,
        messages: int,
        mask: bool = False,
    ) -> bytes:
        """Some of the chats in order, each with its last messages, as pages show them: JSON."""
        method = UserActor.get_shown_chats
        return await self.call(method, user_id, creator_id, order, limit, offset, messages, mask)

    async def get_shown_messages(
        self,
        user_id: str,
        chat_id: str,
        creator_id: str | None,
        before: str | None,
        limit: int,
        mask: bool = False,
    ) -> bytes:
        """The last messages of a chat, or those before one of them, as pages show them: JSON."""
        method = UserActor.get_shown_messages
        return await self.call(method, user_id, chat_id, creator_id, before, limit, mask)

    async def get_masked_append(
        self, user_id: str, creator_id: str, chat_id: str, said: Said
    ) -> bytes | None:
        """The node of an `append_message` that was sent, under a pseudonym: JSON; None: the chat is gone."""
        return await self.call(UserActor.get_masked_append, user_id, creator_id, chat_id, said)

    async def in_graph(self, user_id: str, within: float) -> None:
        """Return once the graph has what the owner holds, or after so many seconds."""
        await self.call(UserActor.in_graph, user_id, within)

    async def graph_contents(
        self, user_id: str, creator_id: str, offset: int, chats: int
    ) -> tuple[list[UpsertVertex | UpsertEdge], int | None]:
        """What the graph has to have of so many chats, and the next offset; None: there are no more."""
        return await self.call(UserActor.graph_contents, user_id, creator_id, offset, chats)

    async def rewrite_graph(self, user_id: str, creator_id: str, within: float) -> None:
        """Have the account written anew; Unavailable when that takes longer than so many seconds."""
        await self.call(UserActor.rewrite_graph, user_id, creator_id, within)


async def _stored(body: bytes) -> Any:
    """The body as an argument of a call: a large one is put into Ray's store in a thread."""
    return body if len(body) <= LARGE else await asyncio.to_thread(ray.put, PickleBuffer(body))
