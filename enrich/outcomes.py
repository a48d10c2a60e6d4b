"""What conversations led to: tips, purchases, renewals, drop-offs. From the platform's fields alone. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from chats.conversation import Conversation
from chats.message import Chat, Message
from wire.payloads import Outcome

NAME = "fields 1"

_STATED = 1.0  # confidence: a field of the platform says so
_INFERRED = 0.5  # a drop-off is read from what did not happen


@dataclass(frozen=True, slots=True)
class Context:
    """What enriching one conversation needs to know of its chat."""

    previous_at: float | None  # the time of the message before it; None: the chat begins with it
    outcomes: tuple[Outcome, ...] = ()
    failed: str | None = None  # why there are no outcomes, when they could not be computed


def contexts(conversations: Iterable[Conversation], chats: dict[str, Chat]) -> dict[str, Context]:
    """The context of every conversation by its id. `conversations` are whole chats, in any order."""
    by_chat: dict[str, list[Conversation]] = {}
    for conversation in conversations:
        by_chat.setdefault(conversation.chat_id, []).append(conversation)
    found: dict[str, Context] = {}
    for chat_id, own in by_chat.items():
        own.sort(key=lambda each: each.messages[0].order)
        chat = chats.get(chat_id) or Chat(id=chat_id, creator_id=own[0].creator_id, fan_id=own[0].fan_id)
        failed: str | None = None
        results: dict[str, list[Outcome]] = {}
        try:
            results = outcomes(own, chat)
        except Exception as error:  # one broken strategy leaves the others standing
            failed = type(error).__name__
        previous_at: float | None = None
        for conversation in own:
            found[conversation.id] = Context(previous_at, tuple(results.get(conversation.id, ())), failed)
            previous_at = conversation.figures.end
    return found


def outcomes(conversations: Sequence[Conversation], chat: Chat) -> dict[str, list[Outcome]]:
    """Outcomes by conversation id, each list in the order of time. `conversations` are the whole chat's.

    A renewal belongs to the conversation that runs at its time or is the last before it, a drop-off to the
    last before the subscription's end; without such a conversation it is not attributed.
    """
    ordered = sorted(conversations, key=lambda each: each.messages[0].order)
    starts = [each.figures.start for each in ordered]
    said = sorted(
        (m for each in ordered for m in each.messages if m.direction == "creator"), key=lambda m: m.order
    )
    found: dict[str, list[Outcome]] = {}
    for conversation in ordered:
        for message in conversation.messages:
            if outcome := _of_message(message, said):
                found.setdefault(conversation.id, []).append(outcome)
    for at, amount in chat.renewals:
        if position := bisect_right(starts, at):
            renewal = Outcome(
                type="renewal",
                date=_utc(at),
                amount=amount,
                score=_STATED,
                evidence="subscription.renewals",
                followsMessageId=_said_before(said, at),
            )
            found.setdefault(ordered[position - 1].id, []).append(renewal)
    if (ended := _ended_without_return(ordered, chat)) and (position := bisect_right(starts, ended)):
        drop_off = Outcome(
            type="drop_off",
            date=_utc(ended),
            score=_INFERRED,
            evidence="subscription.expired",
            followsMessageId=_said_before(said, ended),
            provisional=True,
        )
        found.setdefault(ordered[position - 1].id, []).append(drop_off)
    for each in found.values():
        each.sort(key=lambda outcome: outcome.date)
    return found


def _of_message(message: Message, said: Sequence[Message]) -> Outcome | None:
    if message.tip > 0:
        return Outcome(
            type="tip",
            date=_utc(message.at),
            amount=message.tip,
            score=_STATED,
            evidence="message.tip",
            messageId=message.id,
            followsMessageId=_said_before(said, message.at, but=message.id),
        )
    if message.price > 0 and message.is_opened:
        return Outcome(
            type="purchase",
            date=_utc(message.changed_at or message.at),
            amount=message.price,
            score=_STATED,
            evidence="message.is_opened",
            messageId=message.id,
            followsMessageId=message.id if message.direction == "creator" else _said_before(said, message.at),
        )
    return None


def _ended_without_return(ordered: Sequence[Conversation], chat: Chat) -> float | None:
    """When the subscription ended, if it did and the fan has not written since."""
    ended = chat.expires_at if chat.expires_at is not None else (chat.seen_at or None)
    if not chat.is_expired or ended is None:
        return None
    came_back = any(m.direction == "fan" and m.at > ended for each in ordered for m in each.messages)
    return None if came_back else ended


def _said_before(said: Sequence[Message], at: float, but: str = "") -> str | None:
    """The id of the creator's last message before `at`."""
    for message in reversed(said[: bisect_left(said, at, key=lambda m: m.at)]):
        if message.id != but:
            return message.id
    return None


def _utc(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
