"""Ray as the service uses it: actors found by name, and calls whose errors come out as they were raised."""

from typing import Any

import ray
from ray.exceptions import RayTaskError

NAMESPACE = "analytics"
MAX_CONCURRENCY = 1000  # calls in one actor at a time; they wait for others, not for a processor


def named_actor(kind: type, name: str, *args: Any, detached: bool) -> Any:
    """The cluster's one actor of that name, made when there is none.

    Ray starts it anew whenever its process dies, and makes the calls again that it had not answered. A
    detached one outlives its maker.
    """
    options: dict[str, Any] = {"lifetime": "detached"} if detached else {}
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


async def result(reference: Any) -> Any:
    """The call's result. What it raised is raised here, without the remote traceback in its text.

    A process that died instead of answering raises Ray's own RayActorError or WorkerCrashedError.
    """
    try:
        return await reference
    except RayTaskError as error:
        raise (error.cause if isinstance(error.cause, Exception) else error) from None
