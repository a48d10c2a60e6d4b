"""Input's way to its routes: parameters that are as they should be are read here, without FastAPI.

To solve the dependencies of a route takes FastAPI as long as the application takes for all else of a message.
What is not as it should be goes FastAPI's way, which says what is wrong with it.
"""

import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from access.policy import Action
from api.caller import access_of, allowed, known_caller
from api.params import ID, MAX_CHAT_ID
from wire.fields import SENDER_ID

_ID, _SENDER_ID = re.compile(ID), re.compile(SENDER_ID)


class Direct(APIRoute):
    """A route that takes input of the account that is named: its parameters are those of `_asked`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        by_fastapi, take = super().get_route_handler(), self.endpoint

        async def handle(request: Request) -> Response:
            asked = _asked(request)
            if asked is None:
                return await by_fastapi(request)
            user_id, creator_id, chat_id, sender_id = asked
            caller = await known_caller(request)
            await allowed(access_of(request), caller, Action.INGEST, user_id, creator_id or user_id)
            receipt = await take(request, request.app.state.services, user_id, creator_id, chat_id, sender_id)
            return Response(receipt.model_dump_json(), self.status_code or 200, media_type="application/json")

        return handle


def _asked(request: Request) -> tuple[str, str | None, str | None, str | None] | None:
    """User, creator, chat and sender; None: not all of them are as they should be."""
    user_id: str = request.path_params["user_id"]
    creator_id = request.query_params.get("creator_id")
    chat_id = request.query_params.get("chat_id")
    sender_id = request.headers.get("sender-id")
    is_fine = (
        _ID.fullmatch(user_id)
        and (creator_id is None or _ID.fullmatch(creator_id))
        and (chat_id is None or 0 < len(chat_id) <= MAX_CHAT_ID)
        and (sender_id is None or _SENDER_ID.fullmatch(sender_id))
    )
    return (user_id, creator_id, chat_id, sender_id) if is_fine else None
