"""A user's surroundings in memory: what a session stands on, and what outlives it when it is killed."""

import asyncio
import heapq
import itertools
import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import msgpack
import numpy as np
import orjson

from access.secret import Secret
from chats.account import Account
from chats.conversation import Conversation
from chats.enriched import ActionUse, EnrichedConversation, TopicUse
from encryption.keyring import Keyring
from enrich.outcomes import Context
from enrich.progress import Progress
from enrich.tasks import Wanted
from enrich.topics.outline import OutlinedTopic
from enrich.topics.refit import Fitted
from errors import CheckpointUnavailable, EnrichmentError, GraphError, GraphUnavailable, StaleOwner
from frames.log import NOWHERE, Readers, is_after
from graph.model import (
    DropConversation,
    DropFan,
    DropOlder,
    DropPartition,
    DropUnusedTopics,
    Mutation,
    Scalar,
    UpsertVertex,
)
from graph.port import Graph
from graph.traversals import CONVERSATION_COUNT, PROFILES, WRITTEN_OF_USER
from history.chat import Understanding
from history.checkpoints import Aside, Checkpoint
from metrics.tally import Tally
from privacy.seal import Seal
from search.embedded import Embedded
from search.vectors import embedded
from session.erasure import Erasure, Tombstones
from session.journal import Entry, Record
from session.parts import Parts
from session.ports import Ports
from session.session import Session
from session.understood import Kept
from settings import Settings
from tests.actors.factories import DAY, START, node
from tests.conftest import PATIENCE
from wire.payloads import Frame

USER = "u1"
SEAL = Seal(Secret(b"secret of this installation"))
TURNS = 30  # of the event loop, in which everything that need not wait is done
Nodes = list[EnrichedConversation]


class FakeClock:
    """Stands still until it is advanced."""

    def __init__(self) -> None:
        self._at = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def now(self) -> datetime:
        return datetime.fromtimestamp(START + 5 * DAY + self._at, UTC)

    def monotonic(self) -> float:
        return self._at

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._at + max(0.0, seconds), next(self._numbers), woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Wake whoever sleeps until then, one moment after the other."""
        until = self._at + seconds
        while self._sleepers and self._sleepers[0][0] <= until:
            at, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                self._at = max(self._at, at)
                woken.set_result(None)
                await turn()
        self._at = until

    def skip(self, seconds: float) -> None:
        """Have it be later, as after a pause in which nobody slept."""
        self._at += seconds


async def turn() -> None:
    """Let everything go on as far as it can without waiting."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


class FakeJournal:
    """An owner's door to the journal; see `session.journal.Journal`."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.epoch = self.sequence = 0

    async def claim(self) -> int:
        self._world.epoch += 1
        self.epoch, self.sequence = self._world.epoch, self._world.sequence
        return self.epoch

    async def refresh(self) -> None:
        self.sequence = self._world.sequence

    async def append(self, creator_id: str, entries: Sequence[Entry]) -> list[int]:
        await self._fence()
        return [self._append(creator_id, each) for each in entries]

    async def append_snapshot(
        self, creator_id: str, received_at: float, chats: Sequence[bytes], messages: Sequence[bytes]
    ) -> int:
        await self._fence()
        body = b'{"chats":[%b],"messages":[%b]}' % (b",".join(chats), b",".join(messages))
        return self._record(Record("snapshot", self._world.sequence + 1, creator_id, received_at, body))

    async def erase(self, erasure: Erasure, secret: bytes) -> int:
        await self._fence()
        self._world.secret = self._world.secret or secret
        at = self._world.sequence + 1
        self._world.due[erasure.receipt] = replace(erasure, sequence=at)
        self._world.tombstones.update(dict.fromkeys(erasure.names))
        self._world.ids.clear()
        creator_id, asked_at = erasure.creator_id or "", erasure.requested_at
        return self._record(Record("erase", at, creator_id, asked_at, erasure.to_json()))

    async def lift(self, received_at: float, names: Sequence[str]) -> int:
        await self._fence()
        for name in names:
            self._world.tombstones.pop(name, None)
        return self._record(Record("lift", self._world.sequence + 1, "", received_at, orjson.dumps(names)))

    async def read(self, after: int = 0) -> AsyncIterator[Record]:
        for record in list(self._world.records):
            if record.sequence > after:
                yield record

    async def trim(self, through: int) -> None:
        await self._fence()
        self._world.records = [each for each in self._world.records if each.sequence > through]
        self._world.ids = {name: at for name, at in self._world.ids.items() if at > through}

    def _append(self, creator_id: str, entry: Entry) -> int:
        name = (creator_id, entry.id)
        if entry.kind == "message" and entry.id:
            if name in self._world.ids:
                return 0
            self._world.ids[name] = self._world.sequence + 1
        return self._record(Record(entry.kind, self._world.sequence + 1, creator_id, entry.at, entry.body))

    def _record(self, record: Record) -> int:
        self._world.records.append(record)
        self.sequence = self._world.sequence = record.sequence
        return record.sequence

    async def _fence(self) -> None:
        await asyncio.sleep(0)
        self._world.fence(self.epoch)


class FakeUnderstood:
    """See `session.understood.Understood`."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._epoch = self.revision = 0

    def begin(self, epoch: int, revision: int) -> None:
        self._epoch, self.revision = epoch, revision

    def next(self) -> int:
        self.revision = max(self.revision, self._epoch << 32) + 1
        return self.revision

    async def read(self, basis: Mapping[str, Any]) -> Kept:
        kept = Kept(fits=self._world.fits)
        for (creator_id, chat_id, _), (revision, found) in self._world.understood.items():
            kept.chats.setdefault((creator_id, chat_id), []).append(found)
            self.revision = max(self.revision, revision)
        return kept

    async def keep(
        self, revision: int, basis: Mapping[str, Any], fits: Mapping[str, int], found: Iterable[Understanding]
    ) -> None:
        await asyncio.sleep(0)
        self._world.fence(self._epoch)
        for each in found:
            name = (each.node.creator_id, each.node.chat_id, each.node.id)
            self._world.understood[name] = (revision, each)
        self._world.fits = dict(fits)

    async def forget(self, revision: int) -> None:
        self._world.fence(self._epoch)
        kept = {name: each for name, each in self._world.understood.items() if each[0] > revision}
        self._world.understood = kept


class FakeHeld:
    """See `session.held.HeldStore`."""

    def __init__(self, world: "World") -> None:
        self._world = world

    async def read(self) -> dict[str, Aside]:
        return dict(self._world.held)

    async def flush(self, held: Mapping[str, Aside]) -> None:
        self._world.held = dict(held)


class FakeErased:
    """See `session.erased.Erased`."""

    def __init__(self, world: "World") -> None:
        self._world = world

    async def read(self) -> tuple[Tombstones, list[Erasure]]:
        secret = self._world.secret or b"secret of this world"
        return Tombstones(secret, self._world.tombstones), list(self._world.due.values())

    async def forget_log(self) -> bool:
        await asyncio.sleep(0)
        return True

    async def finish(self, epoch: int, receipt: str, answer: bytes, accounts: Iterable[str] | None) -> None:
        self._world.fence(epoch)
        del self._world.due[receipt]
        self._world.receipts[receipt] = answer

    async def receipt(self, receipt: str) -> bytes | None:
        return self._world.receipts.get(receipt)

    async def retention(self) -> dict[str, int]:
        return dict(self._world.retention)

    async def keep_for(self, creator_id: str, days: int | None) -> None:
        if days is None:
            self._world.retention.pop(creator_id, None)
        else:
            self._world.retention[creator_id] = days


class FakePublisher:
    """See `frames.publisher.Publisher`; frames are lost while `World.frames_are_lost`."""

    def __init__(self, world: "World", lost: Callable[[], None]) -> None:
        self._world = world
        self._lost = lost
        self._epoch = 0
        self.works = True
        self.position = NOWHERE

    async def begin(self, epoch: int) -> None:
        self._epoch, self.position = epoch, self._world.position()

    async def send(self, frame: Frame, to: Readers = Readers.ALL) -> None:
        if to is not Readers.MERGING:  # the pages here replace what they have
            await self._send(frame.published())

    async def send_full_sync(self, call: bytes, whole: bytes | None) -> None:
        await self._send(whole or call)

    async def is_read_whole(self) -> bool:
        return self.works

    async def _send(self, json: bytes) -> None:
        await asyncio.sleep(0)
        if not self.works:
            return
        self._world.fence(self._epoch)
        if self._world.frames_are_lost:
            self.works = False
            self._lost()
            return
        self.position = self._world.publish(json)

    async def forget(self) -> None:
        await asyncio.sleep(0)
        self._world.frames = [{} for _ in self._world.frames]

    async def repair(self, sequence: int) -> None:
        while self._world.frames_are_lost:
            await self._world.clock.sleep(1.0)
        self.works = True


class FakeCheckpoints:
    """See `history.checkpoints.Checkpoints`: two are kept."""

    size = 1_000  # bytes of the last one
    is_outdated = False

    def __init__(self, world: "World") -> None:
        self._world = world

    def read(self) -> Checkpoint | None:
        return self._world.checkpoints[-1] if self._world.checkpoints else None

    def write(self, checkpoint: Checkpoint) -> int:
        if self._world.storage_is_away:
            raise CheckpointUnavailable("The storage is away.")
        # A file has lists where there were tuples.
        unwritten = msgpack.unpackb(msgpack.packb(checkpoint.unwritten))
        self._world.checkpoints = [*self._world.checkpoints, replace(checkpoint, unwritten=unwritten)][-2:]
        return self._world.checkpoints[0].sequence if len(self._world.checkpoints) == 2 else 0

    def drop_damaged(self) -> None:
        """None is here."""


@dataclass
class FakeEnricher:
    """Understands by `tests.actors.factories.node`; waits before each job until `go` is set."""

    broken: bool = False
    jobs: int = 0
    forgotten: list[str] = field(default_factory=list)  # creators of whom topics were
    go: asyncio.Event = field(default_factory=asyncio.Event)
    outline: tuple[OutlinedTopic, ...] = ()

    def __post_init__(self) -> None:
        self.go.set()

    async def whole(
        self,
        creator_id: str,
        conversations: Iterable[Wanted],
        messages: int,
        on_progress: Callable[[Progress], Any],
        *,
        refit: bool = False,
        aside: bool = False,
    ) -> tuple[int, AsyncIterator[Nodes]]:
        return 0, self._parts(_by_chat(conversations))

    def changed(
        self,
        creator_id: str,
        conversations: Iterable[Wanted],
        on_progress: Callable[[Progress], Any],
        *,
        alone: bool = False,
    ) -> AsyncIterator[Nodes]:
        return self._parts(_by_chat(conversations))

    async def fitted(self, creator_id: str) -> Fitted | None:
        return None

    async def topics(self, creator_id: str) -> tuple[OutlinedTopic, ...]:
        if self.broken:
            raise EnrichmentError("It is broken.")
        return self.outline

    async def forget_topics(self, creator_id: str, *, everything: bool) -> int:
        self.forgotten.append(creator_id)
        return 0

    async def _parts(self, chats: list[list[tuple[Conversation, Context]]]) -> AsyncIterator[Nodes]:
        self.jobs += 1
        for conversations in chats:
            await self.go.wait()
            if self.broken:
                raise EnrichmentError("It is broken.")
            yield [
                node(
                    each,
                    outcomes=context.outcomes,
                    models={"before": repr(context.previous_at)},
                    topics=_topics(each),
                    actions=(ActionUse(type="question", count=len(each.messages), direction="fan"),),
                )
                for each, context in conversations
            ]


def _by_chat(conversations: Iterable[Wanted]) -> list[list[tuple[Conversation, Context]]]:
    by_chat = itertools.groupby(conversations, key=lambda each: each[0].chat_id)
    return [[(each, context) for each, context, _ in own] for _, own in by_chat]


class FakeEmbedder:
    """Vectors of texts: each word is an axis, and those that mean the gym are one."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.broken = False
        self.tell: Callable[[Embedded], None] = lambda _: None

    def on_embedded(self, tell: Callable[[Embedded], None]) -> None:
        self.tell = tell

    async def embed(self, texts: Sequence[str]) -> Embedded:
        await asyncio.sleep(0)
        if self.broken:
            raise EnrichmentError("It is broken.")
        self.asked += texts
        return self.of(texts)

    def of(self, texts: Sequence[str]) -> Embedded:
        vectors = np.zeros((len(texts), 1024), np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                meant = "gym" if word in ("workout", "training") else word
                vectors[row, zlib.crc32(meant.encode()) % 1024] += 1.0
        return embedded("fake 1", texts, vectors)


class FakeLag:
    """See `session.lag.Lag`."""

    def __init__(self) -> None:
        self.since: dict[str, float] = {}

    async def tell(self, since: Mapping[str, float]) -> None:
        self.since = dict(since)


class FakeGraph:
    """What is written of conversations and fans, by account; `behind` it another graph may have all of it."""

    def __init__(self, behind: Graph | None = None) -> None:
        self.behind = behind
        self.away = False
        self.refuses: set[str] = set()  # conversation ids
        self.writes = 0
        self.accounts: set[str] = set()
        self.conversations: defaultdict[str, dict[str, tuple[int, int]]] = defaultdict(dict)  # rev, messages
        self.fans: defaultdict[str, set[str]] = defaultdict(set)
        self.cleaned: list[str] = []  # accounts without topics that nothing discusses
        self._writing: set[str] = set()

    async def apply(self, mutations: Sequence[Mutation]) -> None:
        if not mutations:
            return
        pks = {each.pk for each in mutations}
        assert not pks & self._writing, "writes of one account follow each other"
        self._writing |= pks
        try:
            await asyncio.sleep(0)
            if self.away:
                raise GraphUnavailable("It is away.")
            if self.refuses & {id.removeprefix("conv:") for each in mutations if (id := _id(each))}:
                raise GraphError("It cannot be written.")
            self.writes += 1
            for each in mutations:
                self._apply(each)
            if self.behind is not None:
                await self.behind.apply(mutations)
        finally:
            self._writing -= pks

    def _apply(self, mutation: Mutation) -> None:
        own = self.conversations[mutation.pk]
        match mutation:
            case UpsertVertex(pk, id, "ConversationNode", properties):
                name, rev = id.removeprefix("conv:"), int(properties["rev"])
                assert rev >= own.get(name, (0, 0))[0], "what is written last is the newest"
                own[name] = (rev, int(properties["messageCount"]))
            case UpsertVertex(pk, id, "Fan", properties) if "unread" in properties:
                self.fans[pk].add(str(properties["fanId"]))
            case DropUnusedTopics(pk):
                self.cleaned.append(pk)
            case DropFan(pk, id):
                self.fans[pk].discard(id)
            case DropPartition(pk):
                del self.conversations[pk]
                self.fans.pop(pk, None)
                self.accounts.discard(pk)
            case UpsertVertex(pk, _, "Creator", properties) if "schema" in properties:
                self.accounts.add(pk)
            case DropConversation(_, id, uncorrected=False):
                own.pop(id, None)
            case DropOlder(pk, rev):
                self.conversations[pk] = {id: each for id, each in own.items() if each[0] >= rev}

    async def submit(self, script: str, bindings: Mapping[str, Scalar]) -> list[Any]:
        await asyncio.sleep(0)
        if self.away:
            raise GraphUnavailable("It is away.")
        if self.behind is not None:
            return await self.behind.submit(script, bindings)
        if script == WRITTEN_OF_USER:
            return sorted(self.accounts)
        if script == PROFILES:
            return [{"fanId": id} for id in self.fans[str(bindings["pk"])]]
        assert script == CONVERSATION_COUNT
        return [len(self.conversations[str(bindings["pk"])])]

    async def ping(self) -> None: ...

    async def close(self) -> None: ...

    def messages(self, creator_id: str) -> dict[str, int]:
        """How many messages each conversation has."""
        own = self.conversations[Account(USER, creator_id).key]
        return {id: messages for id, (_, messages) in own.items()}


def _topics(conversation: Conversation) -> tuple[TopicUse, ...]:
    """The more it says, the more it is about; a page and the graph have to keep up with both."""
    count = len(conversation.messages)
    return tuple(
        TopicUse(id=f"{n}", label=f"Topic {n}", messages=n, weight=1.0, model="m")
        for n in range(1, min(count, 3) + 1)
    )


def _id(mutation: Mutation) -> str | None:
    return mutation.id if isinstance(mutation, UpsertVertex) else None


@dataclass(frozen=True)
class FencedWriter:
    """The graph as an owner writes it."""

    world: "World"
    epoch: int

    async def apply(self, mutations: Sequence[Mutation]) -> None:
        self.world.fence(self.epoch)
        await self.world.graph.apply(mutations)


@dataclass
class Page:
    """A page that appends without looking, and takes in edits and deletions as docs/protocol.md says."""

    position: str
    synced: int
    chats: dict[str, dict[str, Any]]  # by chat id: its creator, and its messages' texts
    appended: list[str] = field(default_factory=list)
    analytics: dict[str, Any] = field(default_factory=dict)
    statuses: list[tuple[str, str | None]] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)

    def take(self, position: str, frame: dict[str, Any]) -> None:
        if not is_after(position, self.position):
            return
        self.position = position
        kind, payload, sequence = frame["type"], frame["payload"], frame["sequence"]
        self.kinds.append(kind)
        if kind == "system_status":
            self.statuses.append((payload["status"], payload.get("detail")))
        elif kind == "analytics_update" and frame["creatorId"] is None:
            self.analytics = payload
        elif kind == "full_sync_response" and sequence >= self.synced:
            self.sync(frame["creatorId"], payload)
        elif kind == "append_message" and sequence > self.synced:
            self._append(payload)

    def sync(self, creator_id: str | None, payload: dict[str, Any]) -> None:
        self.chats = {
            id: chat for id, chat in self.chats.items() if creator_id not in (None, chat["creator"])
        }
        for each in payload["conversations"]:
            texts = {str(said["id"]): said["text"] for said in each["messages"]}
            assert len(texts) == len(each["messages"])
            self.chats[each["conversationId"]] = {"creator": each["creatorId"], "texts": texts}
        self.analytics = payload["analytics"]

    def _append(self, payload: dict[str, Any]) -> None:
        new = {"creator": payload["creatorId"], "texts": {}}
        texts = self.chats.setdefault(payload["conversationId"], new)["texts"]
        for said in payload.get("messages", ()):
            assert str(said["id"]) not in texts, "the page would show the message twice"
            texts[str(said["id"])] = said["text"]
            self.appended.append(str(said["id"]))
        for said in payload.get("changedMessages", ()):
            texts[str(said["id"])] = said["text"]
        for id in payload.get("removedMessages", ()):
            texts.pop(id, None)

    def shown(self) -> dict[str, dict[str, str]]:
        """The texts of every chat that has any."""
        return {id: chat["texts"] for id, chat in self.chats.items() if chat["texts"]}


class World:
    """All that outlives a session. `begin` makes the user's next session, in place of the one before."""

    def __init__(self, graph: Graph | None = None, **settings: Any) -> None:
        self.tally = Tally()
        self.settings = replace(Settings(), **settings)
        self.clock = FakeClock()
        self.enricher = FakeEnricher()
        self.embedder = FakeEmbedder()
        self.search_folder: Path | None = None
        self.graph = FakeGraph(graph)
        self.lag = FakeLag()
        self.keys = Keyring(USER)  # which encrypts nothing
        self.epoch = self.sequence = 0
        self.records: list[Record] = []
        self.ids: dict[tuple[str, str | None], int] = {}  # of the journal's records
        self.understood: dict[tuple[str, str, str], tuple[int, Understanding]] = {}
        self.fits: dict[str, int] | None = None
        self.held: dict[str, Aside] = {}
        self.secret: bytes | None = None
        self.tombstones: dict[str, None] = {}
        self.due: dict[str, Erasure] = {}
        self.receipts: dict[str, bytes] = {}
        self.retention: dict[str, int] = {}
        self.checkpoints: list[Checkpoint] = []
        self.storage_is_away = False
        self.frames_are_lost = False
        self.frames: list[dict[str, Any]] = []
        self.pages: list[Page] = []
        self.session = self._new()
        self._running: asyncio.Task[None] | None = None

    @property
    def parts(self) -> Parts:
        """Those of the session's owner."""
        return self.session.owner.parts

    async def begin(self) -> Session:
        """Have the next owner run, once the one before, if it runs, has been killed."""
        await self.kill()
        self.session = self._new()
        self._running = asyncio.create_task(self.session.run())
        async with asyncio.timeout(PATIENCE):
            await self.session.owner._ready.wait()
        await turn()
        return self.session

    async def kill(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            self._running = None

    async def settle(self, *, graph: bool = True) -> None:
        """Return when nothing is in hand; without `graph` that may lack something."""
        async with asyncio.timeout(PATIENCE):
            while not self._is_settled(graph):
                assert self._running is not None
                if self._running.done():
                    self._running.result()
                await asyncio.sleep(0.001 if self.parts.persistence._writing else 0)
                await turn()
                if not self._is_settled(graph):
                    await self.clock.advance(1.0)

    def _is_settled(self, graph: bool) -> bool:
        parts = self.parts
        has_all = parts.writes.behind_since() is None and parts.writes.looked.is_set()
        at_rest = parts.is_settled and parts.persistence._writing is None
        return at_rest and (not graph or (has_all and parts.erasures.idle))

    async def connect(self) -> Page:
        """A page that is told where things stand."""
        sequence, position, status, payload = await self.session.full_sync(None)
        page = Page(position, sequence, {})
        page.sync(None, orjson.loads(payload))
        page.statuses.append((status, None))
        for number, frame in enumerate(self.frames, start=1):  # sent while the page was built
            if not frame:
                continue
            page.take(_position(number), frame)
        self.pages.append(page)
        return page

    def publish(self, json: bytes) -> str:
        self.frames.append(frame := orjson.loads(json))
        position = self.position()
        for page in self.pages:
            page.take(position, frame)
        return position

    def position(self) -> str:
        return _position(len(self.frames)) if self.frames else NOWHERE

    def fence(self, epoch: int) -> None:
        if epoch != self.epoch:
            raise StaleOwner("The user has another owner.")

    def held_texts(self) -> dict[str, dict[str, str]]:
        """What the session's history shows, by chat."""
        chats = self.parts.history.of(None)
        return {each.chat.id: {m.id: m.text for m in each.ordered()} for each in chats if each.ordered()}

    def kept(self, *, frames: bool = True) -> str:
        """All that outlives the session, as one text; perhaps without what pages were sent."""
        history = self.parts.history
        chats = [
            (key, history.unpacked_from(packed).messages, packed.chat())
            for checkpoint in self.checkpoints
            for key, packed in checkpoint.chats
        ]
        kept = [self.records, self.ids, self.understood, self.held, self.fits]
        sent = self.frames if frames else []
        beside = [(c.unwritten, c.unfinished, c.fits, c.corrections) for c in self.checkpoints]
        vertices = (*self.graph.conversations.items(), *self.graph.fans.items())
        graph = [[each for each in vertices if each[1]], self.graph.accounts]
        return repr([chats, kept, sent, beside, graph, self.receipts, self.due])

    def expected_graph(self, creator_id: str) -> dict[str, int]:
        """What `FakeGraph.messages` has of the creator when it has all of the history."""
        conversations = [c for cached in self.parts.history.of(creator_id) for c in cached.conversations]
        return {each.id: each.figures.direct_messages for each in conversations}

    def _new(self) -> Session:
        ports = Ports(
            journal=cast(Any, FakeJournal(self)),
            understood=cast(Any, FakeUnderstood(self)),
            held=cast(Any, FakeHeld(self)),
            erased=FakeErased(self),
            seal=lambda: SEAL,
            publisher=lambda lost: cast(Any, FakePublisher(self, lost)),
            checkpoints=lambda _: cast(Any, FakeCheckpoints(self)),
            enricher=self.enricher,
            writer=lambda epoch: FencedWriter(self, epoch),
            reader=self.graph,
            lag=self.lag,
            clock=self.clock,
            embedder=self.embedder,
            search_folder=self.search_folder,
            keys=self.keys,
            metrics=self.tally,
        )
        return Session(USER, self.settings, ports)


def _position(number: int) -> str:
    return f"1-{number}"


def raw(id: str, after: float, *, fan: str = "41", creator: str = "901", **more: Any) -> dict[str, Any]:
    """A message of the fan, `after` seconds from START, as a client sends it."""
    told = {"id": id, "fromUser": {"id": fan}, "chat_id": fan, "text": f"text of {id}", "changedAt": None}
    return {**told, "createdAt": datetime.fromtimestamp(START + after, UTC).isoformat(), **more}


async def say(session: Session, *messages: dict[str, Any], creator: str = "901") -> dict[str, int]:
    """Live messages."""
    return await session.handle_delta(orjson.dumps(messages), creator)


async def bring(session: Session, *messages: dict[str, Any], creator: str = "901") -> dict[str, int]:
    """A snapshot."""
    fans = {each["chat_id"] for each in messages}
    chats = [{"withUser": {"id": fan}} for fan in sorted(fans)]
    return await session.handle_snapshot(orjson.dumps({"chats": chats, "messages": messages}), creator)
