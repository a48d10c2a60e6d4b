"""From a user's id to the user's actor: found when it lives, made when it does not."""

from typing import Any

import ray
from ray.exceptions import RayActorError

from actors.user_actor import UserActor
from errors import Unavailable
from remote import result
from settings import Settings

NAMESPACE = "analytics"
MAX_CONCURRENCY = 1000  # calls in one actor at a time; they wait for the journal, not for a processor


class Directory:
    """Calls user actors by user id. Errors of the actor come out as they were raised there."""

    def __init__(self, settings: Settings) -> None:
        self._env = settings.env()
        self._handles: dict[str, Any] = {}

    async def call(self, user_id: str, method: str, *args: Any) -> Any:
        """Call `method(user_id, *args)` of the user's actor, once more when it was replaced meanwhile.

        A call may be carried out twice when its actor dies; every method is safe to repeat.
        """
        try:
            return await self._call(user_id, method, args)
        except RayActorError:
            self._handles.pop(user_id, None)
        try:
            return await self._call(user_id, method, args)
        except RayActorError as error:
            raise Unavailable("The user's actor is being restarted; try again.") from error

    async def _call(self, user_id: str, method: str, args: tuple[Any, ...]) -> Any:
        handle = self._handles.get(user_id)
        if handle is None:
            handle = self._handles[user_id] = self._activate(user_id)
        return await result(getattr(handle, method).remote(user_id, *args))

    def _activate(self, user_id: str) -> Any:
        return (
            ray.remote(UserActor)
            .options(
                name=f"user:{user_id}",
                namespace=NAMESPACE,
                lifetime="detached",
                get_if_exists=True,
                num_cpus=0,
                max_restarts=-1,
                max_task_retries=-1,
                max_concurrency=MAX_CONCURRENCY,
            )
            .remote(user_id, self._env)
        )
