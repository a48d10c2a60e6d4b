"""Fictional enriched conversations for the graph's tests."""

from collections.abc import Sequence
from datetime import UTC, datetime

from hypothesis import strategies as st

from wire.payloads import ActionTopic, ActionUse, ExtendedConversationNode, Outcome, TopicUse

TOPICS = ("1", "2", "3")
ACTIONS = ("question", "offer_ppv", "thanks")
START = datetime(2025, 3, 1, 10, 0, tzinfo=UTC)


def conversation(
    id: str = "c1:m1",
    *,
    topics: Sequence[str] = ("1", "2"),
    actions: Sequence[str] = ("question", "thanks"),
    targets: Sequence[tuple[str, str]] | None = None,
    outcomes: Sequence[Outcome] = (),
    turns: float | None = 3,
) -> ExtendedConversationNode:
    """A conversation of chat `c1`; every action targets every topic unless `targets` says which."""
    if targets is None:
        targets = [(action, topic) for action in actions for topic in topics]
    return ExtendedConversationNode(
        conversationId=id,
        startDate=START,
        endDate=START.replace(hour=11),
        messageCount=4,
        fanMessages=2,
        massMessages=1,
        ppvOffers=1,
        massPpvOffers=1,
        turns=turns,
        creatorId="creator",
        chatId=id.partition(":")[0],
        fanId="f1",
        sentimentSum=1.25,
        sentimentCount=2,
        silenceSeconds=600.5,
        responseSeconds=[660.0, 37080.25],
        unanswered=1,
        topics=[
            TopicUse(id=t, topic=f"topic {t}", messages=2, weight=0.5, keywords=["sun", "sea"], model="m 1")
            for t in topics
        ],
        actions=[ActionUse(type=a, count=2, direction="creator") for a in actions],
        actionTopics=[ActionTopic(action=a, topicId=t, count=1) for a, t in targets],
        outcomes=list(outcomes),
    )


def tip(amount: float | None = 5.0) -> Outcome:
    return Outcome(type="tip", date=START, amount=amount, score=1.0, evidence="tip field")


def drop_off() -> Outcome:
    return Outcome(type="drop_off", date=START, score=0.5, evidence="silence", provisional=True)


@st.composite
def conversations(draw: st.DrawFn, id: str = "c1:m1") -> ExtendedConversationNode:
    topics = draw(st.lists(st.sampled_from(TOPICS), unique=True))
    actions = draw(st.lists(st.sampled_from(ACTIONS), unique=True))
    pairs = [(action, topic) for action in actions for topic in topics]
    targets = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    amounts = st.sampled_from((None, 5.0, 12.5))
    outcomes = draw(st.lists(st.one_of(st.builds(tip, amounts), st.builds(drop_off)), max_size=3))
    turns = draw(st.one_of(st.none(), st.integers(0, 9).map(float)))
    return conversation(id, topics=topics, actions=actions, targets=targets, outcomes=outcomes, turns=turns)
