"""What conversations led to: tips, purchases, renewals, drop-offs. From the platform's fields alone. Pure.

Money counts where it flows to the creator: a fan's tip, a creator's message that was bought. Every outcome
has its own time, whatever conversation it belongs to. The order in which messages arrived does not matter; a
rule that fails loses only its own outcomes, and its reason stands in the context.

A chat can be read in stretches: every rule reads one stretch, and what the others tell of the whole.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

from chats.chat import Chat
from chats.conversation import Conversation, is_offer
from chats.enriched import DatedBy, Offer, OfferMedia, Outcome, OutcomeType
from chats.message import Message

NAME = "fields 6"

SAME_TIP_SECONDS = 600.0  # a notification of a tip and the chat's message of it are no further apart
SAME_RENEWAL_SECONDS = 86_400.0  # so are two sources of one renewal

_STATED = 1.0  # confidence: a field of the platform says so
_INFERRED = 0.5  # a drop-off is read from what did not happen

_Found = Iterator[tuple[str, Outcome]]  # with the conversation's id


@dataclass(frozen=True, slots=True)
class Context:
    """What enriching one conversation needs to know of its chat."""

    previous_at: float | None  # the time of the direct message before it; None: the chat begins with it
    outcomes: tuple[Outcome, ...] = ()
    failed: str | None = None  # why there are no outcomes, when they could not be computed


class Sent(NamedTuple):
    """A message of the creator."""

    at: float
    id: str
    sender_id: str | None = None  # who of the creator's team sent it


@dataclass(frozen=True, slots=True)
class Told:
    """What a stretch of a chat tells of the whole. Times are epoch seconds."""

    start: float  # of its first conversation
    end: float | None  # the time of its last direct message
    said: str | None  # the id of the creator's last message
    acted_at: float | None  # when the fan wrote or bought last
    renewals: tuple[tuple[float, float | None], ...]  # time and amount of each that notifications tell of
    early: tuple[Sent, ...] = ()  # what the creator sent before its `start`
    said_at: float | None = None  # when `said` was sent
    said_by: str | None = None  # who sent it


@dataclass(frozen=True, slots=True)
class Around:
    """What the outcomes of a stretch of a chat need to know of the rest."""

    previous_at: float | None = None  # the time of the last direct message before it
    said: str | None = None  # the id of the creator's last message before it
    renewals: tuple[tuple[float, float | None], ...] = ()  # time and amount of those that fall into it
    ended_at: float | None = None  # when the subscription ended, if that falls into it and nothing followed
    later: tuple[Sent, ...] = ()  # what the creator sent behind it that these may follow
    failed: str | None = None  # what could not be computed of these, with the reason
    said_at: float | None = None  # when `said` was sent
    said_by: str | None = None  # who sent it


def told_by(conversations: Iterable[Conversation]) -> Told:
    """What the conversations of a stretch tell."""
    story = _Story.of(conversations, Around())
    spoken = [each.figures.end for each in story.conversations if not each.stands_alone]
    acts = [
        at
        for _, message in story.messages()
        if not (message.direction == "fan" and message.is_mass)
        for at in (message.at if message.direction == "fan" else None, (_bought(message) or (None,))[0])
        if at is not None
    ]
    start = story.conversations[0].figures.start if story.conversations else 0.0
    said = story.said[-1] if story.said else None
    return Told(
        start=start,
        end=spoken[-1] if spoken else None,
        said=said.id if said else None,
        acted_at=max(acts, default=None),
        renewals=tuple((m.at, m.paid) for _, m in story.messages() if m.is_renewal),
        early=tuple(_sent(message) for message in story.said if message.at < start),
        said_at=said.at if said else None,
        said_by=said.sender_id if said else None,
    )


def arounds(chat: Chat, told: Sequence[Told]) -> list[Around]:
    """What lies around each stretch of a chat, of what all of them told, oldest first."""
    starts = [each.start for each in told]
    failed: list[str] = []
    shares: list[list[tuple[float, float | None]]] = [[] for _ in told]
    every = [*chat.renewals, *(renewal for each in told for renewal in each.renewals)]
    try:
        for renewal in _each_once(every):
            shares[max(0, bisect_right(starts, renewal[0]) - 1)].append(renewal)
    except Exception as error:
        shares = [[] for _ in told]
        failed.append(f"renewal: {type(error).__name__}")
    last: int | None = None  # the stretch in which the subscription ended
    ended = _ended_at(chat)
    try:
        if ended is not None and not _returned(ended, told, every):
            last = bisect_right(starts, ended) - 1
    except Exception as error:
        failed.append(f"drop_off: {type(error).__name__}")
    found: list[Around] = []
    previous_at: float | None = None
    last_said: Told | None = None  # of those before, the last that tells of a message
    for n, (each, share) in enumerate(zip(told, shares, strict=True)):
        ended_at = ended if n == last else None
        latest = max((at for at in (*(at for at, _ in share), ended_at) if at is not None), default=None)
        early = told[n + 1].early if latest is not None and n + 1 < len(told) else ()
        later = tuple(each for each in early if latest is not None and each.at < latest)
        found.append(
            Around(
                previous_at,
                last_said.said if last_said else None,
                tuple(share),
                ended_at,
                later,
                "; ".join(failed) or None,
                last_said.said_at if last_said else None,
                last_said.said_by if last_said else None,
            )
        )
        previous_at = previous_at if each.end is None else each.end
        last_said = each if each.said else last_said
    return found


def contexts(conversations: Iterable[Conversation], chats: Mapping[str, Chat]) -> dict[str, Context]:
    """The context of every conversation by its id. `conversations` are whole chats, in any order."""
    by_chat: dict[str, list[Conversation]] = {}
    for conversation in conversations:
        by_chat.setdefault(conversation.chat_id, []).append(conversation)
    found: dict[str, Context] = {}
    for chat_id, own in by_chat.items():
        chat = chats.get(chat_id) or Chat(chat_id, own[0].creator_id, own[0].fan_id)
        [around] = arounds(chat, [told_by(own)])
        found |= contexts_within(own, around)
    return found


def contexts_within(conversations: Iterable[Conversation], around: Around) -> dict[str, Context]:
    """The context of every conversation of a stretch of a chat by its id."""
    story = _Story.of(conversations, around)
    results: list[tuple[str, Outcome]] = []
    failed = [around.failed] if around.failed else []
    for kind, rule in _RULES.items():
        try:
            results += rule(story)
        except Exception as error:  # one broken rule leaves the others standing
            failed.append(f"{kind}: {type(error).__name__}")
    outcomes_of = _by_conversation(results)
    found: dict[str, Context] = {}
    previous_at = around.previous_at
    for conversation in story.conversations:
        found[conversation.id] = Context(
            previous_at, tuple(outcomes_of.get(conversation.id, ())), "; ".join(failed) or None
        )
        if not conversation.stands_alone:
            previous_at = conversation.figures.end
    return found


def outcomes(conversations: Sequence[Conversation], chat: Chat) -> dict[str, list[Outcome]]:
    """Outcomes by conversation id, each list in the order of time. `conversations` are the whole chat's.

    A renewal belongs to the conversation that runs at its time or is the last before it, else to the first, a
    drop-off to the last before the subscription's end; without such a conversation it is not attributed. What
    an outcome follows is the creator's last message before it, for a purchase the offer itself.
    """
    [around] = arounds(chat, [told_by(conversations)])
    story = _Story.of(conversations, around)
    return _by_conversation(found for rule in _RULES.values() for found in rule(story))


def offers(conversation: Conversation) -> tuple[Offer, ...]:
    """The pay-per-view messages of a conversation in order, direct ones and mass messages."""
    return tuple(
        _offer(each) for each in conversation.messages if is_offer(each) and (each.is_direct or each.is_mass)
    )


@dataclass(frozen=True, slots=True)
class _Story:
    """A stretch of a chat, oldest first, with what lies around it."""

    around: Around
    conversations: Sequence[Conversation]
    said: Sequence[Message]  # by the creator

    @classmethod
    def of(cls, conversations: Iterable[Conversation], around: Around) -> "_Story":
        ordered = sorted(conversations, key=lambda each: (each.figures.start, each.messages[0].order))
        messages = (m for each in ordered for m in each.messages)
        said = [m for m in messages if m.direction == "creator" and not m.is_notice]
        return cls(around, ordered, sorted(said, key=attrgetter("order")))

    def messages(self) -> Iterator[tuple[str, Message]]:
        """Every message, with its conversation's id."""
        return ((each.id, message) for each in self.conversations for message in each.messages)

    def running(self, at: float) -> str | None:
        """The conversation that runs at that time, or the last before it."""
        position = bisect_right(self.conversations, at, key=lambda each: each.figures.start)
        return self.conversations[position - 1].id if position else None

    def said_before(self, at: float) -> Sent | None:
        """The creator's last message before that time."""
        for sent in reversed(self.around.later):
            if sent.at < at:
                return sent
        if position := bisect_left(self.said, at, key=attrgetter("at")):
            return _sent(self.said[position - 1])
        around = self.around
        if around.said is None or around.said_at is None:
            return None
        return Sent(around.said_at, around.said, around.said_by)


def _tips(story: _Story) -> _Found:
    counted = _told_twice([m for _, m in story.messages() if m.direction == "fan" and m.tip > 0])
    for conversation_id, message in story.messages():
        if message.direction == "fan" and message.tip > 0 and message.id not in counted:
            yield (
                conversation_id,
                Outcome(
                    type="tip",
                    at=message.at,
                    amount=message.tip,
                    score=_STATED,
                    evidence="notice" if message.is_notification else "message.tip",
                    message_id=None if message.is_notification else message.id,
                    **_followed(story.said_before(message.at)),
                ),
            )


def _purchases(story: _Story) -> _Found:
    for conversation_id, message in story.messages():
        if (bought := _bought(message)) is not None:
            at, dated_by = bought
            yield (
                conversation_id,
                Outcome(
                    type="purchase",
                    at=at,
                    amount=message.cost,
                    score=_STATED,
                    evidence="message.is_opened",
                    message_id=message.id,
                    is_mass=message.is_mass,
                    dated_by=dated_by,
                    **_followed(_sent(message)),
                ),
            )


def _renewals(story: _Story) -> _Found:
    first = story.conversations[0].id if story.conversations else None
    for at, amount in story.around.renewals:
        if (conversation_id := story.running(at) or first) is not None:
            yield (
                conversation_id,
                Outcome(
                    type="renewal",
                    at=at,
                    amount=amount,
                    score=_STATED,
                    evidence="subscription.renewals",
                    **_followed(story.said_before(at)),
                ),
            )


def _drop_off(story: _Story) -> _Found:
    ended = story.around.ended_at
    if ended is None or (conversation_id := story.running(ended)) is None:
        return
    yield (
        conversation_id,
        Outcome(
            type="drop_off",
            at=ended,
            score=_INFERRED,
            evidence="subscription.expired",
            is_provisional=True,
            **_followed(story.said_before(ended)),
        ),
    )


_RULES: Mapping[OutcomeType, Callable[[_Story], _Found]] = {
    "tip": _tips,
    "purchase": _purchases,
    "renewal": _renewals,
    "drop_off": _drop_off,
}


def _by_conversation(found: Iterable[tuple[str, Outcome]]) -> dict[str, list[Outcome]]:
    by_id: dict[str, list[Outcome]] = {}
    for conversation_id, outcome in found:
        by_id.setdefault(conversation_id, []).append(outcome)
    for own in by_id.values():
        own.sort(key=lambda each: (each.at, each.type, each.message_id or "", each.amount or 0.0))
    return by_id


def _told_twice(tips: Sequence[Message]) -> set[str]:
    """Of tips in order, the ids of those notifications that speak of a tip which stands in the chat."""
    in_chat = [message for message in tips if not message.is_notification]
    found: set[str] = set()
    for notice in tips:
        if not notice.is_notification:
            continue
        for message in in_chat:
            if message.tip == notice.tip and abs(message.at - notice.at) <= SAME_TIP_SECONDS:
                in_chat.remove(message)  # two tips of one amount have two notices
                found.add(notice.id)
                break
    return found


def _each_once(renewals: Iterable[tuple[float, float | None]]) -> Iterator[tuple[float, float | None]]:
    """Renewals that two sources tell of, once: with an amount where one of them has it."""
    before: tuple[float, float | None] | None = None
    for at, amount in sorted(renewals, key=lambda each: (each[0], each[1] is None, each[1] or 0.0)):
        is_near = before is not None and at - before[0] <= SAME_RENEWAL_SECONDS
        if before is not None and is_near and (None in (amount, before[1]) or amount == before[1]):
            before = (before[0], before[1] if amount is None else amount)
            continue
        if before is not None:
            yield before
        before = (at, amount)
    if before is not None:
        yield before


def _bought(message: Message) -> tuple[float, DatedBy] | None:
    """When it was bought and what says so; what is free is no sale, no purchase is older than its offer."""
    if not is_offer(message):
        return None
    if message.bought_at is not None:
        return max(message.at, message.bought_at), "notice"
    if not message.is_opened:
        return None
    if message.opened_at is not None:
        return max(message.at, message.opened_at), "change"
    return message.at, "offer"


def _offer(message: Message) -> Offer:
    bought = _bought(message)
    return Offer(
        at=message.at,
        price=message.price or message.cost,
        media=_media(message),
        is_mass=message.is_mass,
        unlocked_at=bought[0] if bought else None,
        paid=message.cost if bought else None,
        dated_by=bought[1] if bought else None,
        sender_id=message.sender_id,
    )


def _sent(message: Message) -> Sent:
    return Sent(message.at, message.id, message.sender_id)


def _followed(sent: Sent | None) -> dict[str, Any]:
    """What an outcome says of the message that it follows."""
    if sent is None:
        return {}
    return {"follows_message_id": sent.id, "sent_at": sent.at, "sender_id": sent.sender_id}


def _media(message: Message) -> OfferMedia | None:
    first, *others = dict.fromkeys(message.media) or (None,)
    return "mixed" if others else first


def _ended_at(chat: Chat) -> float | None:
    """When the subscription ended, at the latest when the client saw that; None: it runs, or nobody knows."""
    known = [at for at in (chat.expires_at, chat.seen_at or None) if at is not None]
    return min(known) if chat.is_expired and known else None


def _returned(ended: float, told: Iterable[Told], renewals: Iterable[tuple[float, float | None]]) -> bool:
    """Whether the fan wrote, bought or renewed after the end."""
    acts = (each.acted_at for each in told if each.acted_at is not None)
    return any(at >= ended for at, _ in renewals) or any(at > ended for at in acts)
