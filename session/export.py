"""What is kept of a user, an account or a fan, page by page, as lines of JSON. Pure.

A line is a `chat`, a `conversation` (before its first message), a `message` as received with what was
understood of it and what a person corrected in it, or something `held`. Before what is held come the
corrections of an account's topics, `topic_correction`, unless a fan is asked for.
Creators and chats come in the order of their ids, messages in that of
their times. A cursor names the last line before a page, not a place: what is there all the while comes once,
whatever comes or goes beside it.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import orjson

from chats.message import Message
from errors import InvalidInput
from history.chat import CachedChat
from history.checkpoints import Aside
from history.history import History, Key
from session.quarantine import ids_in
from wire.masking import Pseudonym, masked_chat, masked_message
from wire.view import chat_facts, received

Order = tuple[float, int, str]
Line = dict[str, Any]


def page(
    history: History,
    held: Mapping[str, Aside],
    creator_id: str | None,
    id: str | None,
    cursor: str | None,
    limit: int,
    pseudonym: Pseudonym | None = None,
) -> tuple[list[bytes], str | None]:
    """About `limit` lines behind the cursor (None: from the start), and the next cursor (None: that is all).

    Of all the user (`creator_id` None), of an account (`id` None), or of a fan, by the fan's or chat's id.
    With a `pseudonym` as `wire.masking` shows it, and without what was received of what is held. One chat is
    open at a time. InvalidInput when the cursor is none.
    """
    at = Place.read(cursor)
    lines: list[bytes] = []
    for key in chats_from(history, creator_id, id, at):
        cached = history.look(*key)
        if cached is None:
            continue
        after = at.message if key == at.chat else None
        if key != at.chat:
            facts = masked_chat(cached, pseudonym) if pseudonym else chat_facts(cached.chat, cached)
            lines.append(_line("chat", key, facts))
        for message in messages_after(cached, after, limit + 1 - len(lines)):
            if len(lines) >= limit:
                return lines, Place(key, after).text()
            node = cached.counted_node(f"{key[1]}:{message.id}")
            if node is not None:
                lines.append(_line("conversation", key, _facts(node)))
            shown = masked_message(message, cached, pseudonym) if pseudonym else received(message, cached)
            said = history.corrections(key[0]).of_message(key[1], message.id)
            corrected = {"corrections": msgspec.to_builtins(said)} if said else {}
            lines.append(_line("message", key, {"id": message.id, "received": shown, **corrected}))
            after = message.order
        if len(lines) >= limit:
            return lines, Place(key, after).text()
    if id is None and not at.is_behind:
        lines += _of_topics(history, creator_id)
    ids = _ids(history, creator_id, id)
    keys = sorted(key for key, aside in held.items() if key > at.held and _is_of(aside, creator_id, ids))
    room = max(1, limit - len(lines))
    for name in keys[:room]:
        aside = held[name]
        received_as = {} if pseudonym else {"received": orjson.loads(aside.held.raw)}
        lines.append(
            _line("held", (aside.creator_id, None), {"key": name, "reason": aside.held.reason, **received_as})
        )
    return lines, Place(at.chat, None, keys[room - 1], is_behind=True).text() if len(keys) > room else None


def _of_topics(history: History, creator_id: str | None) -> Iterator[bytes]:
    """What stands of corrections of topics."""
    for creator in sorted(history.creators()) if creator_id is None else [creator_id]:
        for each in history.corrections(creator).standing():
            if each.subject.kind == "topic":
                yield _line("topic_correction", (creator, None), msgspec.to_builtins(each))


class Place:
    """Behind a message of a chat (None: the chat's own line), or behind all chats and something held."""

    def __init__(
        self, chat: Key = ("", ""), message: Order | None = None, held: str = "", *, is_behind: bool = False
    ) -> None:
        self.chat, self.message, self.held, self.is_behind = chat, message, held, is_behind

    def text(self) -> str:
        return urlsafe_b64encode(orjson.dumps([self.chat, self.message, self.held, self.is_behind])).decode()

    @classmethod
    def read(cls, text: str | None) -> "Place":
        if text is None:
            return cls()
        try:
            (creator_id, chat_id), message, held, is_behind = orjson.loads(urlsafe_b64decode(text))
            order = None if message is None else (float(message[0]), int(message[1]), str(message[2]))
            return cls((str(creator_id), str(chat_id)), order, str(held), is_behind=bool(is_behind))
        except (ValueError, TypeError, IndexError):
            raise InvalidInput(
                "The cursor is none that an export gave; leave it out to begin anew.",
                detail=[{"field": "cursor", "reason": "cannot be read"}],
            ) from None


def chats_from(history: History, creator_id: str | None, id: str | None, at: Place) -> list[Key]:
    """The chats that are to come, that of the place among them."""
    if at.is_behind:
        return []
    keys = (key for key in history.keys(creator_id) if key >= at.chat)
    return sorted(key for key in keys if id is None or id in (key[1], fan_of(history, key)))


def fan_of(history: History, key: Key) -> str | None:
    fan = history.fan(key)
    return None if fan is None else fan.fan_id


def _ids(history: History, creator_id: str | None, id: str | None) -> set[str] | None:
    """The ids of the fan and the fan's chats; None: of everybody."""
    if id is None:
        return None
    pairs = ((key[1], fan_of(history, key)) for key in history.keys(creator_id))
    return {id, *(each for pair in pairs if id in pair for each in pair if each is not None)}


def _is_of(aside: Aside, creator_id: str | None, ids: set[str] | None) -> bool:
    if creator_id not in (None, aside.creator_id):
        return False
    return ids is None or not ids.isdisjoint(ids_in(aside.creator_id, aside.held))


def messages_after(cached: CachedChat, after: Order | None, count: int) -> Iterator[Message]:
    """The first `count` messages behind one, deleted ones among them. Not all of the chat is opened."""
    stretches = cached.stretches
    first = 0
    if after is not None:
        behind = (n for n, each in enumerate(stretches) if (each.facts.last or 0.0) >= after[0])
        # What is deleted does not count for where a stretch ends.
        first = max(0, next(behind, len(stretches)) - 1)
    found: list[Message] = []
    for each in stretches[first:]:
        is_enough = len(found) >= count
        found += (m for m in each.content.messages.values() if after is None or m.order > after)
        if is_enough:  # with one more, of which some may be older
            break
    return iter(sorted(found, key=lambda message: message.order)[: max(0, count)])


def _facts(node: Any) -> Line:
    facts: Line = msgspec.to_builtins(node)
    for beside in ("messages", "said"):  # each is beside its message; and what is corrected, too
        facts.pop(beside, None)
    return facts


def _line(kind: str, key: tuple[str, str | None], facts: Line) -> bytes:
    return orjson.dumps({"type": kind, "creator_id": key[0], "chat_id": key[1], **facts})
