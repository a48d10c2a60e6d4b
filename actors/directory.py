"""From a user's id to the user's actor: found when it lives, made when it does not, ended when it idles.

One actor, the registry, makes all user actors. It is there for Ray's sake: the tasks of a detached actor get
worker processes of their own, so with detached user actors every user would load the sentence model anew. As
children of one detached actor they share its workers.

A user costs nothing until it is called and nothing again once it idles: the registry passivates whom nobody
called for USER_IDLE seconds and, on a node with more than USERS_PER_NODE, whoever was called longest ago.
"""

import asyncio
import logging
import random
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

import ray
from ray.exceptions import RayActorError

from actors.upgrade import Upgrade
from actors.user_actor import UserActor
from enrich.tasks import model_ready
from errors import StaleOwner, Unavailable
from remote import named_actor, result
from settings import Settings

REGISTRY = "registry"
CALL_WITHIN = 30.0  # a call is begun anew for this long
PAUSE_FIRST, PAUSE_MOST = 0.05, 1.0
MOST_HANDLES = 4096  # of user actors, kept by a directory
LOOK_EVERY = 10.0  # or a quarter of USER_IDLE when that is less
LOOK_TIMEOUT = 5.0
RESPITE = 1.0  # whoever was called within is not ended for another's sake
FINISH_WITHIN = 30.0  # what is in hand when a user is passivated
LEAVE_WITHIN = 60.0  # the same and the checkpoint

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """A user's actor as it was just found: its node, and the seconds since it was used (0.0: at work)."""

    node: str
    idle: float


def to_passivate(seen: Mapping[str, Seen], *, user_idle: float, users_per_node: int) -> set[str]:
    """The users whose actors are to end. One at work never is, even where a node has too many."""
    ending = {user_id for user_id, each in seen.items() if each.idle > user_idle}
    staying: defaultdict[str, list[str]] = defaultdict(list)
    for user_id in seen.keys() - ending:
        staying[seen[user_id].node].append(user_id)
    for users in staying.values():
        surplus = max(0, len(users) - users_per_node)
        by_idleness = sorted(users, key=lambda user_id: seen[user_id].idle, reverse=True)
        ending.update(user_id for user_id in by_idleness[:surplus] if seen[user_id].idle >= RESPITE)
    return ending


@dataclass(slots=True, eq=False)
class _Child:
    handle: Any  # the one that owns the actor: without it Ray ends the actor
    node: str = ""  # where it was last seen; empty until it is up
    leaving: bool = False


class Registry:
    """The parent of all user actors; when it dies they die, and are made again when they are called.

    `kind` is the class of the user actors; `upgrade` makes whole what is there, before and beside them.
    """

    def __init__(
        self,
        settings: Settings,
        kind: type = UserActor,
        upgrade: Callable[[Settings], Upgrade] = Upgrade.of,
    ) -> None:
        logging.basicConfig(level=settings.log_level)
        self._settings = settings
        self._kind = kind
        self._children: dict[str, _Child] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._tasks: set[asyncio.Task[None]] = set()
        self._may_start = asyncio.Event()
        self._spawn(self._upgrade(upgrade(settings)))
        self._spawn(self._look_after())

    async def activate(self, user_id: str) -> Any:
        """The user's actor, which Ray restarts whenever its process dies.

        While the user's actor ends, this waits until it is gone.
        """
        await self._may_start.wait()
        async with self._lock(user_id):
            child = self._children.get(user_id)
            if child is None or not await self._lives(user_id, child):
                handle = named_actor(
                    self._kind, f"user:{user_id}", user_id, self._settings.env(), detached=False
                )
                child = self._children[user_id] = _Child(handle)
                self._spawn(self._make_room(user_id, child))
            return child.handle

    async def passivate(self, user_id: str, finish_within: float = FINISH_WITHIN) -> None:
        """End the user's actor in order and return when it is gone; nothing when there is none."""
        child = self._children.get(user_id)
        if child is None:
            return
        child.leaving = True
        async with self._lock(user_id):
            if self._children.get(user_id) is not child:
                return
            try:
                ends = child.handle.passivate.options(max_task_retries=0).remote(finish_within)
                async with asyncio.timeout(LEAVE_WITHIN):
                    await result(ends)
            except RayActorError:
                pass  # it has ended, as it should
            except Exception as error:
                # It takes no more calls, and what it acknowledged is in the journal.
                log.warning("User %s is ended before it is through (%r).", user_id, error)
            self._forget(user_id, child)

    async def passivate_all(self, timeout: float) -> None:  # noqa: ASYNC109 (seconds, over a process boundary)
        """End every user's actor in order; those that are not through after `timeout` seconds stay."""
        if self._children:
            each = [asyncio.create_task(self.passivate(user_id, timeout / 2)) for user_id in self._children]
            await asyncio.wait(each, timeout=timeout)

    async def model_ready(self) -> None:
        """Return once a worker that enriches for user actors has the model; raises what keeps it."""
        await model_ready(self._settings)

    def _lock(self, user_id: str) -> asyncio.Lock:
        return self._locks.setdefault(user_id, asyncio.Lock())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _lives(self, user_id: str, child: _Child) -> bool:
        """Whether the actor answers, once it is up; one that has died is forgotten."""
        try:
            child.node = await result(child.handle.__ray_call__.remote(_node))
            return True
        except RayActorError:
            self._forget(user_id, child)
            return False

    def _forget(self, user_id: str, child: _Child) -> None:
        # For an actor that has ended this has Ray forget whose name it was: as long as anyone refers to the
        # dead one, Ray would go on finding it by its name in this process.
        ray.kill(child.handle)
        if self._children.get(user_id) is child:
            del self._children[user_id]

    async def _upgrade(self, upgrade: Upgrade) -> None:
        await upgrade.before_owners()
        self._may_start.set()
        await upgrade.beside_owners(self.activate)

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(min(LOOK_EVERY, self._settings.user_idle / 4))
            await self._review(list(self._children))

    async def _make_room(self, user_id: str, new: _Child) -> None:
        """Once a new actor is up, see whether its node has too many."""
        if await self._lives(user_id, new):
            there = [each for each, child in self._children.items() if child.node == new.node]
            if len(there) > self._settings.users_per_node:
                await self._review(there)

    async def _review(self, users: Iterable[str]) -> None:
        """Look at these users' actors and passivate those that are to end."""
        children = {u: child for u in users if (child := self._children.get(u)) and not child.leaving}
        looks = await asyncio.gather(*(self._look(user_id, child) for user_id, child in children.items()))
        seen = {user_id: look for user_id, look in zip(children, looks, strict=True) if look is not None}
        limits = self._settings
        for user_id in to_passivate(seen, user_idle=limits.user_idle, users_per_node=limits.users_per_node):
            self._spawn(self.passivate(user_id))

    async def _look(self, user_id: str, child: _Child) -> Seen | None:
        """None: it has ended, or is not up yet."""
        idle = 0.0
        try:
            async with asyncio.timeout(LOOK_TIMEOUT):
                if await self._lives(user_id, child):
                    idle = await result(child.handle.idle_for.remote())
        except TimeoutError:
            pass  # too busy to answer
        except RayActorError:
            self._forget(user_id, child)
        here = self._children.get(user_id) is child and not child.leaving
        return Seen(child.node, idle) if here and child.node else None


def _node(_actor: Any) -> str:
    return str(ray.get_runtime_context().get_node_id())


class Directory:
    """Calls user actors by user id. Errors of the actor come out as they were raised there.

    `registry` is the name of the registry's actor, which is made when there is none.
    """

    def __init__(self, settings: Settings, registry: str = REGISTRY) -> None:
        self._settings = settings
        self._name = registry
        self._handles: OrderedDict[str, Any] = OrderedDict()  # the last one used is last

    async def call(self, user_id: str, method: str, *args: Any) -> Any:
        """Call `method(user_id, *args)` of the user's actor, again while its actor is being replaced.

        A call may be carried out twice when its actor dies; every method is safe to repeat. Unavailable when
        no owner took it within CALL_WITHIN seconds.
        """
        deadline = asyncio.get_running_loop().time() + CALL_WITHIN
        pause = PAUSE_FIRST
        while True:
            handle = None
            try:
                handle = await self._owner(user_id, deadline)
                return await result(getattr(handle, method).remote(user_id, *args))
            except (RayActorError, StaleOwner) as error:
                if self._handles.get(user_id) is handle:
                    self._handles.pop(user_id, None)
                if asyncio.get_running_loop().time() + pause > deadline:
                    raise Unavailable("The user's actor is being replaced; try again.") from error
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 (jitter, not a secret)
            pause = min(PAUSE_MOST, pause * 2)

    async def model_ready(self) -> None:
        """Return once the model is loaded where it is used; Unavailable while the registry restarts."""
        try:
            await result(self._registry().model_ready.remote())
        except RayActorError as error:
            raise Unavailable("The registry of user actors is being restarted; try again.") from error

    async def _owner(self, user_id: str, deadline: float) -> Any:
        if user_id not in self._handles:
            try:
                async with asyncio.timeout_at(deadline):
                    self._handles[user_id] = await result(self._registry().activate.remote(user_id))
            except TimeoutError:
                raise Unavailable("The user's actor does not start in time; try again.") from None
            if len(self._handles) > MOST_HANDLES:
                self._handles.popitem(last=False)
        self._handles.move_to_end(user_id)
        return self._handles[user_id]

    def _registry(self) -> Any:
        return named_actor(Registry, self._name, self._settings, detached=True)
