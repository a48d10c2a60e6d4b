"""Who has an actor: made when a user is called, ended when the user idles.

One actor, the registry, makes all user actors. It is there for Ray's sake: the tasks of a detached actor get
worker processes of their own, so with detached user actors every user would load the sentence model anew. As
children of one detached actor they share its workers.

A user costs nothing until it is called and nothing again once it idles: the registry ends the actor of a user
whom nobody called for USER_IDLE seconds and, on a node with more than USERS_PER_NODE, of whoever was called
longest ago. It asks nobody again and again: every actor has one call, `idle`, that it answers when it has
rested for so long. The same call fails when the actor has ended.

What an actor must have: `idle(seconds)` and `passivate(timeout)`, as `UserActor` has them.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any

import ray
from ray.exceptions import RayActorError, RayError

from actors.reports import REGISTRY
from actors.upgrade import Upgrade
from actors.user_actor import UserActor
from backoff import Backoff
from enrich.tasks import model_ready
from errors import Unavailable
from metrics.declared import OWNER_ACTIVATION_SECONDS, OWNER_PASSIVATIONS, OWNER_RESTARTS, OWNERS
from metrics.export import export
from metrics.loop_lag import SPARING, LoopLag
from metrics.tally import Counted, Gathered, Tally
from remote import aside, named_actor, result
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
    """A user's actor."""

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        # The handle that owns the actor: without it Ray ends the actor.
        self.handle: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.node = ""  # where it is; empty until it is up
        self.rests: asyncio.Task[float] | None = None  # the question whether it rests
        self.leaving = False
        self.gone = asyncio.Event()


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
        self._kind = kind
        self._children: dict[str, _Child] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._rooms: dict[str, asyncio.Task[None]] = {}  # by node: room is being made there
        self._may_start = asyncio.Event()
        self._tally = Tally()
        self._gathered = Gathered(self._tally)
        self._lag = LoopLag(SPARING)
        self._spawn(self._lag.run())
        self._spawn(export(self._tally, self._measure))
        self._spawn(self._upgrade(upgrade(settings)))

    async def activate(self, user_id: str) -> Any:
        """The user's actor, which Ray restarts whenever its process dies. It need not be up yet.

        While the user's actor ends, this waits until it is gone. Unavailable after ACTIVATE_WITHIN seconds.
        """
        try:
            async with asyncio.timeout(ACTIVATE_WITHIN):
                await self._may_start.wait()
                while (child := self._children.get(user_id)) is not None and child.leaving:
                    await child.gone.wait()
                if child is None:
                    child = self._children[user_id] = _Child(user_id)
                    self._spawn(self._attend(child))
                return await asyncio.shield(child.handle)
        except TimeoutError:
            raise Unavailable("The user's actor does not start in time; try again.") from None

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
        await model_ready(self._settings)

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

    async def _attend(self, child: _Child) -> None:
        """Start the actor, learn where it is, and end it when it idles; forget it when it has ended."""
        name = f"user:{child.user_id}"
        began: float | None = time.perf_counter()
        try:
            handle = await aside(
                named_actor, self._kind, name, child.user_id, self._settings.env(), detached=False
            )
        except Exception as error:
            child.handle.set_exception(
                Unavailable(f"Ray starts no actor ({type(error).__name__}); try again.")
            )
            self._forget(child)
            return
        child.handle.set_result(handle)
        if child.gone.is_set():  # Ray was so late that nobody waits for it any more
            ray.kill(handle)
            return
        backoff = Backoff(RETRY_FIRST, RETRY_MOST)
        while True:
            try:
                child.node = await result(handle.__ray_call__.remote(_node))
            except RayActorError:
                self._forget(child)
                return
            if began is not None:
                self._tally.observe(OWNER_ACTIVATION_SECONDS, time.perf_counter() - began)
                began = None
            else:
                self._tally.count(OWNER_RESTARTS)
            self._make_room(child.node)
            try:
                await result(handle.idle.options(max_task_retries=0).remote(self._settings.user_idle))
                break
            except RayError:  # its process died; Ray starts it anew unless that was its end
                child.node = ""
                await backoff.pause()
        self._end(child, FINISH_WITHIN)

    def _end(self, child: _Child, finish_within: float) -> None:
        if not child.leaving:
            child.leaving = True
            self._spawn(self._passivate(child, finish_within))

    async def _passivate(self, child: _Child, finish_within: float) -> None:
        try:
            async with asyncio.timeout(LEAVE_WITHIN):
                handle = await asyncio.shield(child.handle)
                await result(handle.passivate.options(max_task_retries=0).remote(finish_within))
        except RayActorError:
            self._tally.count(OWNER_PASSIVATIONS)  # it has ended, as it should
        except Exception as error:
            # It takes no more calls, and what it acknowledged is in the journal.
            log.warning("User %s is ended before it is through (%r).", child.user_id, error)
        self._forget(child)

    def _forget(self, child: _Child) -> None:
        # For an actor that has ended this has Ray forget whose name it was: as long as anyone refers to the
        # dead one, Ray would go on finding it by its name in this process.
        if child.handle.done() and child.handle.exception() is None:
            ray.kill(child.handle.result())
        child.leaving = True
        child.gone.set()
        if self._children.get(child.user_id) is child:
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
            for look in sorted(resting, key=lambda look: look.result(), reverse=True)[:surplus]:
                self._end(looks[look], FINISH_WITHIN)

    def _look(self, child: _Child) -> asyncio.Task[float]:
        """The seconds since the actor was used, once they are RESPITE. It is asked once at a time."""
        if child.rests is None or child.rests.done():
            child.rests = self._spawn(self._rests(child))
        return child.rests

    async def _rests(self, child: _Child) -> float:
        try:
            handle = await asyncio.shield(child.handle)
            seconds: float = await result(handle.idle.remote(RESPITE))
        except RayError:
            await child.gone.wait()
            return 0.0
        return seconds


def _node(_actor: Any) -> str:
    return str(ray.get_runtime_context().get_node_id())
