"""Live frames under pseudonyms, for a page whose caller is shown no names.

Frames are published once for all of a user's pages, with names and whole texts. Where a text has a name only
the owner knows: it is asked for the messages that a frame told of, as they are under pseudonyms.
"""

from typing import Any, Final, Protocol

import orjson

from session.pages import Said

_NAMELESS: Final = frozenset({"system_status", "system_error", "analytics_update", "enrichment_result"})


class Masking(Protocol):
    """The part of the directory that is asked."""

    async def get_masked_append(
        self, user_id: str, creator_id: str, chat_id: str, said: Said
    ) -> bytes | None: ...


async def masked(frame: bytes, user_id: str, owners: Masking) -> bytes | None:
    """The frame as such a page is sent it; None: it has nothing that may be shown, or its chat is gone."""
    told: dict[str, Any] = orjson.loads(frame)
    payload = told["payload"]
    match told["type"]:
        case "append_message":
            said = Said(
                new=_ids(payload["messages"]),
                changed=_ids(payload.get("changedMessages", ())),
                removed=payload.get("removedMessages", []),
            )
            node = await owners.get_masked_append(user_id, payload["creatorId"], payload["chatId"], said)
            if node is None:
                return None
            told["payload"] = orjson.Fragment(node)
        case "online_users_update":
            told["payload"] = {"user_ids": payload["user_ids"]}
        case kind:
            return frame if kind in _NAMELESS else None
    return orjson.dumps(told)


def _ids(messages: list[dict[str, Any]]) -> list[str]:
    return [str(each["id"]) for each in messages]
