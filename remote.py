"""Ray as the service uses it: actors found by name, and calls whose errors come out as they were raised."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar

import ray
from ray.exceptions import RayTaskError

NAMESPACE: Final = "analytics"
MAX_CONCURRENCY: Final = 10_000  # calls in one actor at a time; they wait for others, not for a processor
HEAD: Final = "head"  # a resource that a cluster may give the machine that stays

_asking = ThreadPoolExecutor(1, thread_name_prefix="ray")
P = ParamSpec("P")
T = TypeVar("T")


def named_actor(kind: type, name: str, *args: Any, detached: bool) -> Any:
    """The cluster's one actor of that name, made when there is none.

    Ray starts it anew whenever its process dies, and makes the calls again that it had not answered. A
    detached one outlives its maker, on the machine that stays.
    """
    options: dict[str, Any] = {"lifetime": "detached", "resources": stays()} if detached else {}
    return (
        ray.remote(kind)
        .options(
            name=name,
            namespace=NAMESPACE,
            get_if_exists=True,
            num_cpus=0,
            max_restarts=-1,
            max_task_retries=-1,
            max_concurrency=MAX_CONCURRENCY,
            **options,
        )
        .remote(*args)
    )


def child_actor(kind: type, *args: Any) -> Any:
    """A new actor that ends with its maker. Ray neither starts it anew nor makes calls again."""
    return ray.remote(kind).options(num_cpus=0, max_concurrency=MAX_CONCURRENCY).remote(*args)


def stays() -> dict[str, float]:
    """What an actor asks for that must not be on a machine that may be taken away.

    Nothing on a cluster that marks no machine: on one machine there is no choice.
    """
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return {HEAD: 0.001} if HEAD in resources else {}


async def aside(ask: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Ask Ray what blocks until Ray answers, such as for an actor by its name; the event loop goes on."""
    return await asyncio.get_running_loop().run_in_executor(_asking, partial(ask, *args, **kwargs))


async def result(reference: Any) -> Any:
    """The call's result. What it raised is raised here, without the remote traceback in its text.

    A process that died instead of answering raises Ray's own RayActorError or WorkerCrashedError.
    """
    try:
        return await reference
    except RayTaskError as error:
        raise (error.cause if isinstance(error.cause, Exception) else error) from None


class Shared:
    """One piece of work for all who wait for it, which goes on when they leave.

    A load of the model that is broken off spoils its worker, and whoever asks may be gone before it is done.
    """

    def __init__(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._work = work
        self._task: asyncio.Task[None] | None = None

    async def __call__(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        await asyncio.shield(self._task)
