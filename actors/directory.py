"""From a user's id to the user's actor: found when it lives, made when it does not.

One actor, the registry, makes all user actors. It is there for Ray's sake: the tasks of a detached actor get
worker processes of their own, so with detached user actors every user would load the sentence model anew. As
children of one detached actor they share its workers.
"""

from typing import Any

from ray.exceptions import RayActorError

from actors.user_actor import UserActor
from enrich.tasks import model_ready
from errors import Unavailable
from remote import named_actor, result
from settings import Settings

REGISTRY = "registry"


class Registry:
    """The parent of all user actors; when it dies they die, and are made again when they are called."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # The registry owns its children: one that is not referred to would be ended.
        self._children: dict[str, Any] = {}

    async def activate(self, user_id: str) -> Any:
        """The user's actor, which Ray restarts whenever its process dies."""
        self._children[user_id] = named_actor(
            UserActor, f"user:{user_id}", user_id, self._settings.env(), detached=False
        )
        return self._children[user_id]

    async def model_ready(self) -> None:
        """Return once a worker that enriches for user actors has the model; raises what keeps it."""
        await model_ready(self._settings)


class Directory:
    """Calls user actors by user id. Errors of the actor come out as they were raised there."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
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

    async def model_ready(self) -> None:
        """Return once the model is loaded where it is used; Unavailable while the registry restarts."""
        try:
            await result(self._registry().model_ready.remote())
        except RayActorError as error:
            raise Unavailable("The registry of user actors is being restarted; try again.") from error

    async def _call(self, user_id: str, method: str, args: tuple[Any, ...]) -> Any:
        handle = self._handles.get(user_id)
        if handle is None:
            handle = self._handles[user_id] = await result(self._registry().activate.remote(user_id))
        return await result(getattr(handle, method).remote(user_id, *args))

    def _registry(self) -> Any:
        return named_actor(Registry, REGISTRY, self._settings, detached=True)
