"""Enrichment as Ray tasks: many conversations in parallel, one fit an account, vectors in the store.

This module and what it imports load neither torch nor pandas nor numpy: the caller stays small, the models
live in the tasks' worker processes, where they are loaded once. All tasks ask for the same resources and
runtime environment, so that those workers are found again.
"""

import asyncio
import logging
import math
import os
import time
from collections import deque
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import ray

from chats.account import Account
from chats.chat import Chat
from chats.conversation import Conversation, cut
from chats.enriched import EnrichedConversation
from chats.message import Message
from enrich.embedding.installed import Installed
from enrich.models import Models, classifier_of
from enrich.node import not_understood
from enrich.outcomes import Context, contexts
from enrich.progress import Pace, Progress
from enrich.reading import Reading
from enrich.topics.outline import OutlinedTopic
from enrich.topics.refit import Fitted
from enrich.topics.store import TopicStore, header, without_discovered
from errors import EnrichmentError
from memory import keep
from metrics.declared import ENRICHMENT_MESSAGES, ENRICHMENT_TASK_SECONDS
from remote import result
from search.embedded import Embedded
from settings import Settings
from steps import sliced

if TYPE_CHECKING:
    from enrich.analyse import Analysis
    from enrich.topics.model import Documents, TopicModel

log = logging.getLogger(__name__)

X = TypeVar("X")
Y = TypeVar("Y")

Known = Mapping[str, Reading]  # by message id
Wanted = tuple[Conversation, Context, Known]  # with what surrounds it in its chat, and what was read in it

_CHUNK = 1_000  # messages a task: enough texts of every length for full batches
_LEAST = 100  # messages for which another task is worth while
_GPU_SHARE = 0.125  # of a GPU, for a task: eight keep it busy (bench/gpu.py)
_MODELS = 8  # topic models that a worker holds, of a quarter of a megabyte at most
_IN_FLIGHT_PER_CPU = 2  # one runs, one waits
RESOURCES_HOLD = 5.0  # seconds
NICENESS = 10  # of a worker: whoever answers a caller goes first
_ENVIRONMENT = {
    "env_vars": {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
}


class Enricher:
    """Enriches one user's conversations on the Ray cluster that this process belongs to."""

    def __init__(self, user_id: str, topics: TopicStore, settings: Settings) -> None:
        self._user_id = user_id
        self._topics = topics
        self._model = settings.model
        self._installed = Installed(settings.installed_heads)
        self._classifier = classifier_of(settings)
        self._tell_embedded: Callable[[Embedded], None] = lambda _: None

    def on_embedded(self, tell: Callable[[Embedded], None]) -> None:
        """Have the vectors told that enrichment makes of texts: those of a part before its nodes."""
        self._tell_embedded = tell

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """The texts' vectors. EnrichmentError."""
        task: Any = _embed.options(**await _options())
        found: Embedded = await result(task.remote(list(texts), self._model))
        return found

    async def whole(
        self,
        creator_id: str,
        conversations: Iterable[Wanted],
        messages: int,
        on_progress: Callable[[Progress], Awaitable[None]],
        *,
        refit: bool = False,
        aside: bool = False,
    ) -> tuple[int, AsyncIterator[list[EnrichedConversation]]]:
        """Enrich all of a creator's conversations, `messages` in all; topics are fitted where there are none.

        Returns the version of the topics' fit and, part by part and in order, the nodes. `conversations` are
        asked for as they are needed. With `refit` topics are fitted anew; with `aside` one task runs at a
        time, so that what is said meanwhile finds the cluster free. What is fitted is stored before it is
        used, so a run that is repeated after a crash gives the same numbers.
        """
        options, models = await _options(), await self._models()
        cpus = await _cpus()
        limit = 1 if aside else _IN_FLIGHT_PER_CPU * cpus
        pace = Pace(messages)
        done = 0

        async def analysed(part: list[Wanted]) -> _Part:
            nonlocal done
            found = await _analysed(part, models, options)
            done += found.messages
            await on_progress(pace.at(done, time.monotonic()))
            return found

        together = _parts(sliced(conversations), _CHUNK if aside else _most(messages, cpus))
        parts = [part async for part in _bounded(limit, analysed, together)]
        fitted = await self._fit(creator_id, parts, options, again=refit)

        async def assigned(part: _Part) -> list[EnrichedConversation]:
            task: Any = _assign.options(**options)
            nodes, embedded = await result(task.remote(part.analysis, creator_id, fitted, self._model))
            self._tell_embedded(embedded)
            return list(nodes)

        return _version(fitted), _bounded(limit, assigned, sliced(_released(parts)))

    async def fitted(self, creator_id: str) -> Fitted | None:
        """What is known of the creator's latest fit; None when there is none. RedisError, EnrichmentError."""
        stored = await self._stored(creator_id)
        return header(stored) if stored else None

    async def topics(self, creator_id: str) -> tuple[OutlinedTopic, ...]:
        """The creator's topics as they are served, and which belong together. RedisError, EnrichmentError."""
        stored = await self._stored(creator_id)
        task: Any = _outline.options(**await _options())
        found: tuple[OutlinedTopic, ...] = await result(task.remote(creator_id, stored, self._model))
        return found

    async def forget_topics(self, creator_id: str, *, everything: bool) -> int:
        """Have the creator's model hold nothing that was made from chats, or have none with `everything`.

        Returns how many topics it lost; they are to be found anew. RedisError, EnrichmentError.
        """
        account = self._account(creator_id)
        if everything:
            await self._topics.drop(account)
            return 0
        while (stored := await self._topics.latest(account)) is not None:
            bare = without_discovered(stored)
            if bare is None:
                return 0
            artefact, lost = bare
            if await self._topics.replace(account, artefact, after=_version(stored)):
                return lost
        return 0

    async def changed(
        self,
        creator_id: str,
        conversations: Iterable[Wanted],
        on_progress: Callable[[Progress], Awaitable[None]],
        *,
        alone: bool = False,
    ) -> AsyncIterator[list[EnrichedConversation]]:
        """Enrich some conversations: their nodes, part by part and in order.

        Outcomes and re-engagement look at what surrounds a conversation, which comes with it. What is known
        of messages stays.

        `alone`, for when enriching them together fails again and again, takes each in a task of its own, and
        those that fail get a node that says so. Raises what was raised last when not one of them can be
        enriched: then it is not their fault.
        """
        wanted = [each async for each in sliced(conversations)]
        if not wanted:
            return
        options = {**await _options(), **({"max_retries": 1} if alone else {})}
        models = await self._models()
        stored = await self._stored(creator_id)
        messages = sum(len(each.messages) for each, _, _ in wanted)
        pace = Pace(messages)
        done = 0
        problems: list[Exception] = []

        async def enriched(part: list[Wanted]) -> list[EnrichedConversation]:
            nonlocal done
            task: Any = _enrich.options(**options)
            found: list[EnrichedConversation]
            try:
                found, embedded = await result(task.remote(*_sent(part), creator_id, stored, models))
                self._tell_embedded(embedded)
            except Exception as error:  # whatever a worker dies of
                if not alone:
                    raise
                problems.append(error)
                found = [not_understood(each, context, type(error).__name__) for each, context, _ in part]
            done += sum(len(each.messages) for each, _, _ in part)
            await on_progress(pace.at(done, time.monotonic()))
            return found

        cpus = await _cpus()
        parts = _parts(sliced(wanted), 0 if alone else _most(messages, cpus))
        async for nodes in _bounded(_IN_FLIGHT_PER_CPU * cpus, enriched, parts):
            yield nodes
        if len(problems) == len(wanted):
            raise problems[-1]

    async def _models(self) -> Models:
        """What is to understand messages from now on."""
        return Models(self._model, await self._installed.version(), self._classifier)

    def _account(self, creator_id: str) -> Account:
        return Account(self._user_id, creator_id)

    async def _stored(self, creator_id: str) -> bytes | None:
        return await self._topics.latest(self._account(creator_id))

    async def _fit(
        self, creator_id: str, parts: "Sequence[_Part]", options: dict[str, Any], *, again: bool
    ) -> bytes | None:
        """The topics to assign: fitted on `parts`, or on what somebody else had who was first."""
        previous = await self._stored(creator_id)
        task: Any = _fit.options(**options)
        documents = [part.documents for part in parts]
        fitted: bytes | None = await result(task.remote(creator_id, previous, self._model, again, *documents))
        if fitted is None or fitted == previous:
            return previous
        if await self._topics.store(self._account(creator_id), fitted, after=_version(previous)):
            return fitted
        return await self._stored(creator_id)


async def enrich_alone(
    conversation: Conversation, all_messages: Sequence[Message], model: str
) -> EnrichedConversation:
    """What `enrich.analyse.enrich_alone` says of it, computed in a task."""
    found: EnrichedConversation = await _enrich_alone.options(**await _options()).remote(
        conversation, all_messages, model
    )
    return found


async def workers() -> int:
    """How many enrich at the same time: as many as the cluster has processors."""
    return await _cpus()


async def model_ready(settings: Settings) -> None:
    """Return once a worker has all that it enriches with in memory; raises what keeps it from there."""
    installed = await Installed(settings.installed_heads).version()
    models = Models(settings.model, installed, classifier_of(settings))
    await result(_load.options(**await _options()).remote(models))


@dataclass(frozen=True, slots=True)
class _Part:
    """References to what one chunk became."""

    analysis: "ray.ObjectRef[Analysis]"
    documents: "ray.ObjectRef[Documents]"
    messages: int


def _version(artefact: bytes | None) -> int:
    return header(artefact).version if artefact else 0


def _sent(part: "Sequence[Wanted]") -> tuple[list[Conversation], dict[str, Context], dict[str, Reading]]:
    """What a task is given: the conversations, what surrounds each, and what was read in messages, by id."""
    return (
        [each for each, _, _ in part],
        {each.id: context for each, context, _ in part},
        {id: reading for _, _, read in part for id, reading in read.items()},
    )


async def _analysed(part: "Sequence[Wanted]", models: Models, options: dict[str, Any]) -> _Part:
    task: Any = _analyse.options(num_returns=3, **options)
    analysis, documents, counted = task.remote(*_sent(part), models)
    return _Part(analysis, documents, await result(counted))


def _most(messages: int, cpus: int) -> int:
    """Of so many messages as many a task as keep every processor busy."""
    return max(_LEAST, min(_CHUNK, messages // cpus))


async def _parts(wanted: AsyncIterator[Wanted], most: int) -> AsyncIterator[list[Wanted]]:
    """As many conversations together as make `most` messages."""
    part: list[Wanted] = []
    size = 0
    async for each in wanted:
        part.append(each)
        size += len(each[0].messages)
        if size >= most:
            yield part
            part, size = [], 0
    if part:
        yield part


def _released(parts: "list[_Part]") -> "Iterator[_Part]":
    """The parts one by one; what was made of one is not held once it is taken."""
    parts.reverse()
    while parts:
        yield parts.pop()


async def _bounded(limit: int, run: Callable[[X], Awaitable[Y]], items: AsyncIterator[X]) -> AsyncIterator[Y]:
    """The results of `run` in the order of `items`, at most `limit` at a time; the first error ends all.

    An item is asked for when there is room for it.
    """
    running: deque[asyncio.Future[Y]] = deque()
    try:
        while True:
            while len(running) < limit and (item := await anext(items, None)) is not None:
                running.append(asyncio.ensure_future(run(item)))
            if not running:
                return
            yield await running[0]
            running.popleft()
    finally:
        for each in running:
            each.cancel()


class _Cluster:
    """What the cluster has; Ray is asked at most once in RESOURCES_HOLD seconds, for that takes a while."""

    def __init__(self) -> None:
        self._asked = -math.inf
        self._resources: Mapping[str, float] = {}

    async def has(self, resource: str) -> float:
        if time.monotonic() - self._asked > RESOURCES_HOLD:
            self._resources = await asyncio.to_thread(ray.cluster_resources)
            self._asked = time.monotonic()
        return self._resources.get(resource, 0)


_cluster = _Cluster()


async def _cpus() -> int:
    return max(1, int(await _cluster.has("CPU")))


async def _options() -> dict[str, Any]:
    """What every task asks for. A GPU's share only where there is one: elsewhere it would wait for ever."""
    has_gpu = await _cluster.has("GPU") > 0
    return {"num_cpus": 1, "num_gpus": _GPU_SHARE if has_gpu else 0, "runtime_env": _ENVIRONMENT}


# The tasks. Their models are imported here, inside the worker process.


@contextmanager
def _measured(task: str, conversations: Sequence[Conversation] = ()) -> Iterator[None]:
    """Export how long the task takes, and what was embedded; the worker stays when it is over."""
    from enrich.embedding.embed import tally
    from metrics.export import exporter

    _give_way()
    began = time.perf_counter()
    try:
        yield
    finally:
        tally.observe(ENRICHMENT_TASK_SECONDS, time.perf_counter() - began, task)
        tally.count(ENRICHMENT_MESSAGES, sum(len(each.messages) for each in conversations))
        exporter().record(tally.take())
        _keep_modules(task)


@lru_cache
def _keep_modules(task: str) -> None:
    """After the first task of a kind the worker has all that such tasks need."""
    keep()


@lru_cache(maxsize=1)
def _give_way() -> None:
    """Have this worker compute only while nobody else wants the processor."""
    os.nice(NICENESS)


@ray.remote
def _load(models: Models) -> None:
    """Have in memory what the first message would wait for; raises what keeps a model from there."""
    from enrich.analyse import assign
    from enrich.embedding.embed import encode

    encode(["hello"], models.embedding, models.installed)
    if models.classifier is not None:
        from enrich.sentiment.classifier import sentiment

        sentiment(["hello"], models.classifier)
    messages = [
        Message(id=text, creator_id="", chat_id="1", fan_id="1", direction="fan", at=0.0, text=text)
        for text in ("hello, how are you?", "du bist die schönste frau, die ich kenne")  # each has its model
    ]
    said = cut(messages, gap=1.0, silence=1.0)
    around = contexts(said, {"1": Chat(id="1", creator_id="", fan_id="1")})
    assign(_understood(said, around, models, {}), _served("", None, models.embedding))


@ray.remote
def _analyse(
    conversations: Sequence[Conversation], around: Mapping[str, Context], known: Known, models: Models
) -> "tuple[Analysis, Documents, int]":
    with _measured("analyse", conversations):
        analysis = _understood(conversations, around, models, known)
        documents = analysis.documents(models.embedding)
        return analysis, documents, sum(len(each.messages) for each in conversations)


@ray.remote
def _fit(
    creator_id: str, previous: bytes | None, model: str, again: bool, *documents: "Documents"
) -> bytes | None:
    """The fitted model, or `previous`: when it will do, and when fitting fails, so that the rest stands."""
    from enrich.topics.model import Documents, TopicModel, fit, served

    try:
        known = TopicModel.from_bytes(previous) if previous else None
        if not again and known is not None and served(creator_id, known, model) is known:
            return previous
        with _measured("fit"):
            return fit(creator_id, Documents.joined(documents), known, model).to_bytes()
    except Exception as error:  # its text may quote the chats
        log.error("The topics of creator %s stay: the fit failed (%s).", creator_id, type(error).__name__)
        return previous


@ray.remote
def _assign(
    analysis: "Analysis", creator_id: str, stored: bytes | None, model: str
) -> tuple[list[EnrichedConversation], Embedded]:
    from enrich.analyse import assign

    with _measured("assign"):
        return assign(analysis, _served(creator_id, stored, model)), _embedded(analysis, model)


@ray.remote
def _enrich(
    conversations: Sequence[Conversation],
    around: Mapping[str, Context],
    known: Known,
    creator_id: str,
    stored: bytes | None,
    models: Models,
) -> tuple[list[EnrichedConversation], Embedded]:
    from enrich.analyse import assign

    model = models.embedding
    with _measured("enrich", conversations):
        analysis = _understood(conversations, around, models, known)
        return assign(analysis, _served(creator_id, stored, model)), _embedded(analysis, model)


@ray.remote
def _embed(texts: Sequence[str], model: str) -> Embedded:
    from enrich.language.read import embed_all, vectors_name
    from search.vectors import embedded

    with _measured("embed"):
        return embedded(vectors_name(model), texts, embed_all(texts, model))


@ray.remote
def _outline(creator_id: str, stored: bytes | None, model: str) -> tuple[OutlinedTopic, ...]:
    from enrich.topics.hierarchy import outlined

    with _measured("outline"):
        served = _served(creator_id, stored, model)
        if served is None:
            raise EnrichmentError("The topic model cannot be read.")
        return outlined(served)


@ray.remote
def _enrich_alone(
    conversation: Conversation, all_messages: Sequence[Message], model: str
) -> EnrichedConversation:
    from enrich.analyse import enrich_alone

    return enrich_alone(conversation, all_messages, model=model)


def _understood(
    conversations: Sequence[Conversation], around: Mapping[str, Context], models: Models, known: Known
) -> "Analysis":
    from enrich.analyse import analyse

    installed, classifier = models.installed, models.classifier
    return analyse(conversations, around, models.embedding, known, installed=installed, classifier=classifier)


def _embedded(analysis: "Analysis", model: str) -> Embedded:
    """The vectors of the texts of an analysis; none where they failed."""
    from enrich.language.read import vectors_name
    from enrich.topics.windows import spoken
    from search.vectors import embedded

    if analysis.text_vectors is None:
        return Embedded("", {})
    texts = [message.text for each in analysis.conversations for message in spoken(each.conversation)]
    return embedded(vectors_name(model), texts, analysis.text_vectors)


def _served(creator_id: str, stored: bytes | None, model: str) -> "TopicModel | None":
    """The stored topic model where it fits `model`, else the taxonomy; None when that cannot be had."""
    try:
        return _known(creator_id, stored, model)
    except Exception as error:
        log.error("No topic model for creator %s (%s).", creator_id, type(error).__name__)
        return None


@lru_cache(maxsize=_MODELS)
def _known(creator_id: str, stored: bytes | None, model: str) -> "TopicModel":
    from enrich.topics.model import TopicModel, served

    return served(creator_id, TopicModel.from_bytes(stored) if stored else None, model)
