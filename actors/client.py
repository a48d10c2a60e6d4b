"""`OnlyFansClient`: a user's chats and messages as lists, whatever the platform's own API would need."""

from typing import Any

from actors.directory import Directory
from errors import NotFound


class OnlyFansClient:
    """Reads what the user's actor holds. `limit` and `offset` cut the lists."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def get_chats(
        self,
        user_id: str,
        limit: int = 50,
        offset: int = 0,
        *,
        creator_id: str | None = None,
        mask: bool = False,
    ) -> list[dict[str, Any]]:
        """The user's chats, of one creator or of all, latest message first; with `mask` under pseudonyms."""
        return await self._directory.get_cached_chats(user_id, limit, offset, None, creator_id, mask)

    async def get_messages(
        self,
        user_id: str,
        chat_id: str,
        limit: int = 50,
        offset: int = 0,
        *,
        creator_id: str | None = None,
        mask: bool = False,
    ) -> list[dict[str, Any]]:
        """A chat's messages as received, latest first, each with its `enrichment`; with `mask` masked.

        NotFound when the user has no such chat.
        """
        messages = await self._directory.get_cached_messages(
            user_id, chat_id, creator_id, limit, offset, mask
        )
        if not messages:
            await self._chat(user_id, chat_id, creator_id)
        return messages[::-1]

    async def get_chat_with_messages(
        self, user_id: str, chat_id: str, message_limit: int = 50
    ) -> dict[str, Any]:
        """One chat with its latest messages under `messages`; NotFound when there is none."""
        chat = await self._chat(user_id, chat_id)
        return {**chat, "messages": await self.get_messages(user_id, chat_id, message_limit)}

    async def _chat(self, user_id: str, chat_id: str, creator_id: str | None = None) -> dict[str, Any]:
        found = await self._directory.get_cached_chats(user_id, 1, 0, chat_id, creator_id)
        if found:
            return found[0]
        raise NotFound("This user has no such chat; GET /api/v1/chats lists them.")
