"""Awaiting Ray calls so that errors come out as they were raised in the other process."""

from typing import Any

from ray.exceptions import RayTaskError


async def result(reference: Any) -> Any:
    """The call's result. What it raised is raised here, without the remote traceback in its text.

    A process that died instead of answering raises Ray's own RayActorError or WorkerCrashedError.
    """
    try:
        return await reference
    except RayTaskError as error:
        raise (error.cause if isinstance(error.cause, Exception) else error) from None
