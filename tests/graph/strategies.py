"""Fictional enriched conversations for the graph's tests."""

from collections.abc import Sequence
from datetime import UTC, datetime

from hypothesis import strategies as st

from chats.conversation import Answer, Figures, Said
from chats.enriched import ActionTopic, ActionUse, EnrichedConversation, Offer, Outcome, TopicUse

TOPICS = ("1", "2", "3")
ACTIONS = ("question", "offer_ppv", "thanks")
START = datetime(2025, 3, 1, 10, 0, tzinfo=UTC).timestamp()
OFFERS = (
    Offer(at=START, price=9.99, media="video", unlocked_at=START + 60.75, paid=9.99, dated_by="notice"),
    Offer(at=START + 5.5, price=25.0, is_mass=True, sender_id="bob@team.example"),
)
SAID = (
    Said(START, "fan"),
    Said(START + 5.5, "mass", "bob@team.example"),
    Said(START + 660.25, "creator", "anna"),
    Said(START + 1800.5, "fan"),
    Said(START + 3600, "creator"),
)


def conversation(
    id: str = "c1:m1",
    *,
    topics: Sequence[str] = ("1", "2"),
    actions: Sequence[str] = ("question", "thanks"),
    targets: Sequence[tuple[str, str]] | None = None,
    outcomes: Sequence[Outcome] = (),
    offers: Sequence[Offer] | None = None,
    turns: int = 3,
) -> EnrichedConversation:
    """A conversation of chat `c1`; every action targets every topic unless `targets` says which.

    Without `offers` it has one that was unlocked and one that was not.
    """
    if targets is None:
        targets = [(action, topic) for action in actions for topic in topics]
    return EnrichedConversation(
        id=id,
        creator_id="creator",
        chat_id=id.partition(":")[0],
        fan_id="f1",
        figures=Figures(
            start=START,
            end=START + 3600.0,
            direct_messages=4,
            fan_messages=2,
            mass_messages=1,
            offers=1,
            mass_offers=1,
            turns=turns,
            silence_seconds=600.5,
            response_seconds=(660.0, 37080.25),
            unanswered=1,
            said=SAID,
            answers=(Answer(START - 60), Answer(START + 1800.5, "anna")),
            fan_first=START + 0.5,
            fan_last=START + 3540.0,
        ),
        sentiment_sum=1.25,
        sentiment_count=2,
        topics=tuple(
            TopicUse(id=t, label=f"topic {t}", messages=2, weight=0.5, keywords=("sun", "sea"), model="m 1")
            for t in topics
        ),
        actions=tuple(ActionUse(type=a, count=2, direction="creator") for a in actions),
        action_topics=tuple(ActionTopic(action=a, topic_id=t, count=1) for a, t in targets),
        outcomes=tuple(outcomes),
        ppv_offers=OFFERS if offers is None else tuple(offers),
    )


def tip(amount: float | None = 5.0) -> Outcome:
    return Outcome(type="tip", at=START, amount=amount, score=1.0, evidence="tip field")


def drop_off() -> Outcome:
    return Outcome(type="drop_off", at=START, score=0.5, evidence="silence", is_provisional=True)


@st.composite
def conversations(draw: st.DrawFn, id: str = "c1:m1") -> EnrichedConversation:
    topics = draw(st.lists(st.sampled_from(TOPICS), unique=True))
    actions = draw(st.lists(st.sampled_from(ACTIONS), unique=True))
    pairs = [(action, topic) for action in actions for topic in topics]
    targets = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    amounts = st.sampled_from((None, 5.0, 12.5))
    outcomes = draw(st.lists(st.one_of(st.builds(tip, amounts), st.builds(drop_off)), max_size=3))
    offers = draw(st.lists(st.sampled_from(OFFERS), max_size=3))
    turns = draw(st.integers(0, 9))
    return conversation(
        id,
        topics=topics,
        actions=actions,
        targets=targets,
        outcomes=outcomes,
        offers=offers,
        turns=turns,
    )
