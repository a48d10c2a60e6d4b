"""Who has an actor: made when a user is called, ended when the user idles.

One actor, the registry, makes all user actors. It is there for Ray's sake: the tasks of a detached actor get
worker processes of their own, so with detached user actors every user would load the sentence model anew. As
children of one detached actor they share its workers.

A user costs nothing until it is called and nothing again once it idles: the registry ends the actor of a user
whom nobody called for USER_IDLE seconds and, on a node with more than USERS_PER_NODE, of whoever was called
longest ago. It asks nobody again and again: every actor has one call, `idle`, that it answers when it has
rested for so long. The same call fails when the process dies; then another takes its place.

To start a process and import the modules takes long (0.8 s of a processor). So there is always one spare
process that has done both, and the next user that is called gets it.

What an actor must have: `idle(seconds)` and `passivate(timeout)`, as `UserActor` has them.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import ray
from ray.exceptions import RayActorError, RayError

from actors.daily import Daily
from actors.reports import REGISTRY
from actors.upgrade import Upgrade
from actors.user_actor import UserActor
from backoff import Backoff
from enrich.tasks import model_ready, workers
from errors import Unavailable
from metrics.declared import OWNER_ACTIVATION_SECONDS, OWNER_PASSIVATIONS, OWNER_RESTARTS, OWNERS
from metrics.export import export
from metrics.loop_lag import SPARING, LoopLag
from metrics.tally import Counted, Gathered, Tally
from remote import Shared, aside, child_actor, result
from settings import Settings

NAME = REGISTRY
ACTIVATE_WITHIN = 30.0  # seconds for the former actor to be gone and Ray to have taken the new one
RESPITE = 1.0  # whoever was called within is not ended for another's sake
LOOK_WITHIN = 1.0  # who has not answered by then is at work
FINISH_WITHIN = 30.0  # what is in hand when a user is passivated
LEAVE_WITHIN = 60.0  # the same and the checkpoint
RETRY_FIRST, RETRY_MOST = 0.05, 5.0

log = logging.getLogger(__name__)


class _Child:
    """A user whose actor is kept alive."""

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        self.handle: Any = None  # of the actor, while it is up; without any handle Ray ends the actor
        self.node = ""  # where that is
        self.up = asyncio.Event()
        self.attending: asyncio.Task[None] | None = None
        self.rests: asyncio.Task[float] | None = None  # the question whether it rests
        self.leaving = False
        self.gone = asyncio.Event()

    def lose(self) -> None:
        """Let go of the actor, which has ended or must end now."""
        self.up.clear()
        if self.handle is not None:
            ray.kill(self.handle)
        self.handle, self.node = None, ""


class Registry:
    """The parent of all user actors; when it dies they die, and are made again when they are called.

    `kind` is the class of the user actors; `upgrade` makes whole what is there, before and beside them. An
    actor that does not come, does not answer or does not end keeps nobody else's caller waiting.
    """

    def __init__(
        self,
        settings: Settings,
        kind: type = UserActor,
        upgrade: Callable[[Settings], Upgrade] = Upgrade.of,
    ) -> None:
        logging.basicConfig(level=settings.log_level)
        self._settings = settings
        self._warm = _warmed(kind)
        self._children: dict[str, _Child] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._rooms: dict[str, asyncio.Task[None]] = {}  # by node: room is being made there
        self._may_start = asyncio.Event()
        self._loading = Shared(self._load)
        self._have_loaded = False
        self._tally = Tally()
        self._gathered = Gathered(self._tally)
        self._lag = LoopLag(SPARING)
        self._spawn(self._lag.run())
        self._spawn(export(self._tally, self._measure))
        self._spare = self._spawn(self._prepare())
        self._spawn(self._upgrade(upgrade(settings)))
        self._spawn(Daily(settings.retention_days, self.activate).run(settings.redis_url))

    async def activate(self, user_id: str) -> Any:
        """The user's actor, which another follows whenever its process dies.

        While the user's actor ends, this waits until it is gone. Unavailable after ACTIVATE_WITHIN seconds.
        """
        try:
            async with asyncio.timeout(ACTIVATE_WITHIN):
                await self._may_start.wait()
                while (child := self._children.get(user_id)) is not None and child.leaving:
                    await child.gone.wait()
                if child is None:
                    child = self._children[user_id] = _Child(user_id)
                    child.attending = self._spawn(self._attend(child))
                await child.up.wait()
                return child.handle
        except TimeoutError:
            raise Unavailable("The user's actor does not start in time; try again.") from None

    async def owner(self, user_id: str) -> Any:
        """The user's actor when it is up, else None."""
        child = self._children.get(user_id)
        return None if child is None else child.handle

    async def passivate(self, user_id: str, finish_within: float = FINISH_WITHIN) -> None:
        """End the user's actor in order and return when it is gone; nothing when there is none."""
        if (child := self._children.get(user_id)) is not None:
            self._end(child, finish_within)
            await child.gone.wait()

    async def passivate_all(self, timeout: float) -> None:  # noqa: ASYNC109 (seconds, over a process boundary)
        """End every user's actor in order; those that are not through after `timeout` seconds stay."""
        if self._children:
            each = [asyncio.create_task(self.passivate(user_id, timeout / 2)) for user_id in self._children]
            await asyncio.wait(each, timeout=timeout)

    async def record(self, user_id: str, counted: Counted) -> None:
        """Take what the user's owner measured."""
        if user_id in self._children:
            self._gathered.add(user_id, counted)

    async def model_ready(self) -> None:
        """Return once a worker that enriches for user actors has the model; raises what keeps it."""
        await self._loading()

    async def _load(self) -> None:
        """At first have every worker load the model: a message would wait for it where others are at work."""
        count = 1 if self._have_loaded else await workers()
        self._have_loaded = True
        loads = [self._spawn(model_ready(self._settings)) for _ in range(count)]
        done, others = await asyncio.wait(loads, return_when=asyncio.FIRST_COMPLETED)
        for each in others:
            each.add_done_callback(lambda load: load.cancelled() or load.exception())  # `/ready` tells of it
        for each in done:
            each.result()

    def _measure(self) -> None:
        self._gathered.measure()
        self._tally.set(OWNERS, len(self._children))
        self._lag.measure(self._tally, "registry")

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _upgrade(self, upgrade: Upgrade) -> None:
        await upgrade.before_owners()
        self._may_start.set()
        await upgrade.beside_owners(self.activate)

    async def _prepare(self) -> Any:
        """A process that has imported what an actor needs, and waits to be told whose it is."""
        return await aside(child_actor, self._warm, self._settings.env())

    async def _attend(self, child: _Child) -> None:
        """Have the user's actor live until it idles: another follows one that dies."""
        backoff = Backoff(RETRY_FIRST, RETRY_MOST)
        while True:
            began = time.perf_counter()
            spare, self._spare = self._spare, self._spawn(self._prepare())
            try:
                handle = await spare
                child.node = await result(handle.begin.remote(child.user_id))
                child.handle = handle
                child.up.set()
                self._tally.observe(OWNER_ACTIVATION_SECONDS, time.perf_counter() - began)
                self._make_room(child.node)
                await result(handle.idle.remote(self._settings.user_idle))
                break
            except Exception as error:
                if child.leaving:
                    return  # as it should
                log.warning("The actor of user %s has ended (%s).", child.user_id, type(error).__name__)
            child.lose()
            self._gathered.forget(child.user_id)
            self._tally.count(OWNER_RESTARTS)
            await backoff.pause()
        self._end(child, FINISH_WITHIN)

    def _end(self, child: _Child, finish_within: float) -> None:
        if not child.leaving:
            child.leaving = True
            self._spawn(self._passivate(child, finish_within))

    async def _passivate(self, child: _Child, finish_within: float) -> None:
        try:
            if child.handle is not None:
                async with asyncio.timeout(LEAVE_WITHIN):
                    await result(child.handle.passivate.remote(finish_within))
        except RayActorError:
            self._tally.count(OWNER_PASSIVATIONS)  # it has ended, as it should
        except Exception as error:
            # It takes no more calls, and what it acknowledged is in the journal.
            log.warning("User %s is ended before it is through (%s).", child.user_id, type(error).__name__)
        if child.attending is not None:
            child.attending.cancel()
        child.lose()
        child.gone.set()
        del self._children[child.user_id]
        self._gathered.forget(child.user_id)

    # Room on a node

    def _staying(self, node: str) -> list[_Child]:
        return [child for child in self._children.values() if child.node == node and not child.leaving]

    def _make_room(self, node: str) -> None:
        """See whether the node has too many, now that there is one more."""
        if (former := self._rooms.pop(node, None)) is not None:
            former.cancel()
        if len(self._staying(node)) > self._settings.users_per_node:
            self._rooms[node] = self._spawn(self._evict(node))

    async def _evict(self, node: str) -> None:
        """End those that were used longest ago until the node has no more than it should.

        One at work is never ended, even where a node has too many: the first that rests is waited for.
        """
        while (surplus := len(staying := self._staying(node)) - self._settings.users_per_node) > 0:
            looks = {self._look(child): child for child in staying}
            resting, _ = await asyncio.wait(looks, timeout=LOOK_WITHIN)
            if not resting:
                resting, _ = await asyncio.wait(looks, return_when=asyncio.FIRST_COMPLETED)
            idle = {looks[each]: each.result() for each in resting if each.result() >= RESPITE}
            for child in sorted(idle, key=lambda child: idle[child], reverse=True)[:surplus]:
                self._end(child, FINISH_WITHIN)

    def _look(self, child: _Child) -> asyncio.Task[float]:
        """The seconds since the actor was used, once they are RESPITE. It is asked once at a time."""
        if child.rests is None or child.rests.done():
            child.rests = self._spawn(self._rests(child))
        return child.rests

    async def _rests(self, child: _Child) -> float:
        try:
            seconds: float = await result(child.handle.idle.remote(RESPITE))
        except (RayError, AttributeError):  # its process died, or is not there yet
            await asyncio.sleep(RESPITE)
            return 0.0
        return seconds


def _warmed(kind: type) -> type:
    """The actor as a process that starts without a user, and becomes a user's when it is told whose."""

    class Warmed(kind):  # type: ignore[misc]
        def __init__(self, env: Mapping[str, str]) -> None:
            self._env = env

        async def begin(self, user_id: str) -> str:
            """From now on be the actor of this user. Returns the node it is on."""
            kind.__init__(self, user_id, self._env)  # type: ignore[misc]
            return str(ray.get_runtime_context().get_node_id())

    Warmed.__name__ = Warmed.__qualname__ = kind.__name__
    return Warmed
