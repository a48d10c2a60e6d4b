"""What the samples are by design: conversations, sales, and which fans wait. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from chats.enriched import DatedBy, OutcomeType
from samples.lines import Language, Topic
from samples.personas import Creator
from samples.phrasing import Mood
from samples.shapes import Sent
from samples.timeline import Fan, Talked, waiting_since

NoAnswer = Literal["farewell", "closed", "broadcast"]
Numbered = Mapping[tuple[int, int], Sequence[Sent]]  # messages by the places of fan and conversation


@dataclass(frozen=True, slots=True)
class Sale:
    """What a fan bought. `at` and `dated_by` are as what is sent tells them, not always when it was."""

    message_id: str
    at: datetime
    amount: float
    dated_by: DatedBy
    is_mass: bool


@dataclass(frozen=True, slots=True)
class Truth:
    """What one conversation, or one broadcast that stands alone, is by design.

    Its lines may show more actions than the script put there.
    """

    creator_id: str
    chat_id: str
    first_message_id: str  # of the direct ones, where there is one
    start: datetime
    messages: int
    direct: int  # neither broadcasts nor the platform's sentences
    mass: int
    persona: str
    language: Language
    topics: tuple[Topic, ...]
    mood: Mood | None  # None: the fan says nothing
    actions: tuple[str, ...]
    outcomes: tuple[OutcomeType, ...]
    sales: tuple[Sale, ...]


@dataclass(frozen=True, slots=True)
class FanTruth:
    """What one fan is by design. `no_answer`: why nobody waits although the last word is the fan's."""

    creator_id: str
    chat_id: str
    persona: str
    language: Language
    broadcast_only: bool  # the chat is nothing but broadcasts
    waiting_since: datetime | None
    no_answer: NoAnswer | None
    total_spend: float | None  # that the platform states


def of_conversations(
    creator: Creator, fans: Sequence[Fan], sent: Numbered, taken_at: datetime
) -> Iterator[Truth]:
    """The truth of each conversation; what is sold after the snapshot, taken at that time, has a notice."""
    for number, fan in enumerate(fans):
        for position, talked in enumerate(fan.history.conversations):
            own = sent[number, position]
            direct = [each for each in own if each.is_direct]
            first = (direct or own)[0]
            yield Truth(
                creator_id=str(creator.id),
                chat_id=str(fan.user["id"]),
                first_message_id=str(first.id),
                start=first.at,
                messages=len(own),
                direct=len(direct),
                mass=sum(each.queue_id is not None for each in own),
                persona=fan.persona.name,
                language=fan.persona.language,
                topics=talked.topics,
                mood=talked.mood,
                actions=_actions(talked),
                outcomes=_outcomes(talked),
                sales=tuple(_sales(own, taken_at)),
            )


def of_fans(creator: Creator, fans: Sequence[Fan], totals: Mapping[int, float]) -> Iterator[FanTruth]:
    """The truth of each fan; `totals` is what the platform states that they ever paid, by their id."""
    for fan in fans:
        talked = list(fan.history.conversations)
        said = [each for conversation in talked for each in conversation.said]
        if not said:
            continue
        direct = [each for each in said if each.is_direct]
        waits = waiting_since(talked)
        no_answer: NoAnswer | None = None
        if direct and direct[-1].step.direction == "fan":
            no_answer = "closed" if not fan.can_send else "farewell" if waits is None else None
        elif said[-1].queue_id is not None and said[-1].step.direction == "fan":
            no_answer = "broadcast"
        yield FanTruth(
            creator_id=str(creator.id),
            chat_id=str(fan.user["id"]),
            persona=fan.persona.name,
            language=fan.persona.language,
            broadcast_only=all(each.queue_id is not None for each in said),
            waiting_since=waits if fan.can_send else None,
            no_answer=no_answer,
            total_spend=totals.get(fan.user["id"]),
        )


def _actions(talked: Talked) -> tuple[str, ...]:
    steps = [each.step for each in talked.said]
    found = [step.action for step in steps if step.action]
    found += ["ppv_offer" for step in steps if step.price and step.direction == "creator"]
    return tuple(dict.fromkeys(found))


def _outcomes(talked: Talked) -> tuple[OutcomeType, ...]:
    said = [each.step.outcome for each in talked.said if each.step.outcome]
    return (*said, *talked.followed_by)


def _sales(own: Sequence[Sent], taken_at: datetime) -> Iterator[Sale]:
    for each in own:
        if each.opened_at is None:
            continue
        is_noticed = each.opened_at >= taken_at
        yield Sale(
            message_id=str(each.id),
            at=each.at if each.is_untold and not is_noticed else each.opened_at,
            amount=each.step.price,
            dated_by="notice" if is_noticed else "change",
            is_mass=each.queue_id is not None,
        )
