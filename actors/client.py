"""`OnlyFansClient`: a user's chats and messages as lists, whatever the platform's own API would need."""

from typing import Any

from actors.directory import Directory
from errors import NotFound


class OnlyFansClient:
    """Reads what the user's actor holds. Lists come with `total`, the count before `limit` and `offset`."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def get_chats(self, user_id: str, limit: int = 50, offset: int = 0) -> dict[str, Any]:
        """The user's chats, latest message first: `{items, total}`."""
        return _page(await self._directory.call(user_id, "get_cached_chats"), limit, offset)

    async def get_messages(
        self, user_id: str, chat_id: str, limit: int = 50, offset: int = 0, *, creator_id: str | None = None
    ) -> dict[str, Any]:
        """A chat's messages as received, latest first, each with its `enrichment`: `{items, total}`.

        NotFound when the user has no such chat.
        """
        messages = await self._directory.call(user_id, "get_cached_messages", chat_id, creator_id)
        if not messages:
            await self._chat(user_id, chat_id)
        return _page(messages[::-1], limit, offset)

    async def get_chat_with_messages(
        self, user_id: str, chat_id: str, message_limit: int = 50
    ) -> dict[str, Any]:
        """One chat with its latest messages under `messages`; NotFound when there is none."""
        chat = await self._chat(user_id, chat_id)
        return {**chat, "messages": await self.get_messages(user_id, chat_id, message_limit)}

    async def _chat(self, user_id: str, chat_id: str) -> dict[str, Any]:
        chats: list[dict[str, Any]] = await self._directory.call(user_id, "get_cached_chats")
        for chat in chats:
            if chat["id"] == chat_id:
                return chat
        raise NotFound("This user has no such chat; GET /api/v1/chats lists them.")


def _page(items: list[dict[str, Any]], limit: int, offset: int) -> dict[str, Any]:
    return {"items": items[offset : offset + limit], "total": len(items)}
