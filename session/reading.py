"""What callers read of a user's history: chats and messages. Pure."""

from typing import Any

from errors import InvalidInput, NotFound
from history.chat import CachedChat
from history.history import History
from wire.masking import Pseudonym, masked_chat, masked_message, masked_shown
from wire.payloads import ShownMessages
from wire.view import chat_facts, received, shown_messages


def chats(
    history: History,
    limit: int | None,
    offset: int,
    chat_id: str | None,
    creator_id: str | None = None,
    pseudonym: Pseudonym | None = None,
) -> list[dict[str, Any]]:
    """The chats of one creator, or of all, latest message first; with `chat_id` those of that id.

    With a `pseudonym` as `wire.masking` shows them.
    """
    fans = [fan for fan in history.fans(creator_id) if chat_id in (None, fan.chat_id)]
    fans.sort(key=lambda fan: fan.last_message_at or 0.0, reverse=True)
    end = None if limit is None else offset + limit
    return [
        masked_chat(cached, pseudonym) if pseudonym else chat_facts(cached.chat, cached)
        for fan in fans[offset:end]
        if (cached := history.look(fan.creator_id, fan.chat_id)) is not None
    ]


def messages(
    history: History,
    chat_id: str | None,
    creator_id: str | None,
    limit: int | None,
    offset: int,
    pseudonym: Pseudonym | None = None,
) -> list[dict[str, Any]]:
    """Messages as received with their enrichment, oldest first; of one chat or of all.

    With a `pseudonym` as `wire.masking` shows them. `limit` and `offset` count from the latest. InvalidInput
    when two creators have a chat of that id and `creator_id` does not say which is meant.
    """
    if chat_id is None:
        chats = list(history.of(creator_id))
    else:
        cached = _chat(history, chat_id, creator_id)
        chats = [] if cached is None else [cached]
    rows: list[dict[str, Any]] = []
    for cached in reversed(chats):
        said = cached.newest(limit, offset)
        offset = max(0, offset - cached.totals.shown)
        rows += (
            masked_message(message, cached, pseudonym) if pseudonym else received(message, cached)
            for message in reversed(said)
        )
        if limit is not None and (limit := limit - len(said)) <= 0:
            break
    return rows[::-1]


def shown(
    history: History,
    chat_id: str,
    creator_id: str | None,
    before: str | None,
    limit: int,
    pseudonym: Pseudonym | None = None,
) -> ShownMessages:
    """The chat's last messages as pages show them, or the last ones before the message of that id.

    With a `pseudonym` as `wire.masking` shows them. NotFound when there is no such chat or message;
    InvalidInput as in `messages`.
    """
    cached = _chat(history, chat_id, creator_id)
    if cached is None:
        raise NotFound("This user has no chat of that id.")
    offset = 0 if before is None else cached.shown_from(before)
    if offset is None:
        raise NotFound("The chat has no message of that id.")
    found = cached.newest(limit, offset)
    more = cached.totals.shown > offset + len(found)
    if pseudonym is None:
        return ShownMessages(messages=list(shown_messages(cached, found)), more=more)
    return ShownMessages(messages=[masked_shown(each, cached, pseudonym) for each in found], more=more)


def _chat(history: History, chat_id: str, creator_id: str | None) -> CachedChat | None:
    """The chat to be read. InvalidInput when it is not clear which is meant."""
    creators = [creator_id] if creator_id else history.creators()
    found = [each for creator in creators if (each := history.look(creator, chat_id)) is not None]
    if len(found) > 1:
        raise InvalidInput(
            "Several creators of this user have a chat of that id: say which with creator_id.",
            detail=[{"field": "creator_id", "reason": "missing"}],
        )
    return found[0] if found else None
