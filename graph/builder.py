"""From an enriched conversation, or what is known of a fan, to the mutations that write it. Pure.

Every conversation, outcome and edge carries `rev`, the revision of the build that wrote it: the closing
`DropStale` removes whatever an earlier revision wrote for the conversation and this one did not.

Of a conversation that a person has corrected what counts is written as of any other, and `corrected` says
so. What the models said stands beside it, under an id and labels of its own, as long as that differs.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

from chats.account import Account
from chats.enriched import EnrichedConversation
from chats.fan import FanState
from graph.model import (
    SCHEMA,
    DropConversation,
    DropStale,
    EdgeLabel,
    Mutation,
    Scalar,
    UpsertEdge,
    UpsertVertex,
    VertexLabel,
    action_vertex,
    conversation_vertex,
    creator_vertex,
    fan_vertex,
    outcome_vertex,
    topic_vertex,
    uncorrected_vertex,
)
from graph.offers import offers_text
from graph.rows import conversation_row, fan_dates, fan_facts, fan_row
from graph.said import answers_text, followed_text, said_text
from graph.warned import warnings_text


class GraphBuilder:
    """Writes for one account, which is the partition, at one revision (a growing integer)."""

    def __init__(self, user_id: str, creator_id: str, rev: int) -> None:
        self._account = Account(user_id, creator_id)
        self.pk = self._account.key
        self._creator = creator_vertex(creator_id)
        self._rev = rev

    def build_account(self, *, is_current: bool = True) -> UpsertVertex:
        """What lets the account be found: without it a partition is not asked.

        `is_current` says that all of the account is of the present schema; else what is said of that stays.
        """
        account = self._account
        found: dict[str, Scalar] = {"creatorId": account.creator_id, "userId": account.user_id}
        return self._vertex("Creator", self._creator, **found, **({"schema": SCHEMA} if is_current else {}))

    def build_graph(self, enriched_conv: EnrichedConversation, fan_id: str) -> list[Mutation]:
        """Everything one conversation says; its `id` is `{chat_id}:{first message id}`."""
        conv, said = enriched_conv, enriched_conv.said
        node = conversation_vertex(conv.id)
        marks: dict[str, Scalar] = {} if said is None else {"corrected": int(conv.differs)}
        return [
            *self._without_corrections(conv, said, fan_id),
            self._vertex("Creator", self._creator),
            self._vertex("Fan", fan_vertex(fan_id), fanId=fan_id, chatId=conv.chat_id),
            self._conversation("ConversationNode", node, conv, fan_id, marks),
            self._edge("HAS_CONVERSATION", self._creator, node),
            self._edge("HAS_CONVERSATION", fan_vertex(fan_id), node),
            *self._topics(conv, node),
            *self._actions(conv, node),
            *self._targets(conv, "TARGETS_TOPIC", marks),
            *self._outcomes("InteractionOutcome", conv, fan_id, node, marks),
            DropStale(self.pk, conv.id, self._rev),
        ]

    def _without_corrections(
        self, conv: EnrichedConversation, said: EnrichedConversation | None, fan_id: str
    ) -> Iterator[Mutation]:
        """What models `said` of a conversation that was ever corrected, where it is not what counts."""
        if said is None:
            return
        if not conv.differs:
            yield DropConversation(self.pk, conv.id, uncorrected=True)
            return
        node = uncorrected_vertex(conv.id)
        yield self._conversation("UncorrectedConversation", node, said, fan_id, {})
        yield from self._topics(said, node)
        yield from self._actions(said, node)
        yield from self._targets(said, "UNCORRECTED_TARGETS", {})
        yield from self._outcomes("UncorrectedOutcome", said, fan_id, node, {})
        yield DropStale(self.pk, conv.id, self._rev, uncorrected=True)

    def _conversation(
        self,
        label: VertexLabel,
        node: str,
        conv: EnrichedConversation,
        fan_id: str,
        marks: Mapping[str, Scalar],
    ) -> UpsertVertex:
        figures = conv.figures
        first, last = fan_dates(figures)
        return self._vertex(
            label,
            node,
            conversation=conv.id,
            chatId=conv.chat_id,
            fanId=fan_id,
            **conversation_row(conv),
            massMessages=figures.mass_messages,
            ppvOffers=figures.offers,
            massPpvOffers=figures.mass_offers,
            offers=offers_text(conv.ppv_offers),
            said=said_text(figures.said),
            answers=answers_text(figures),
            firstFanDate=first,
            lastFanDate=last,
            warnings=warnings_text(conv.actions),
            rev=self._rev,
            **marks,
        )

    def build_fan(self, fan: FanState) -> list[Mutation]:
        """The fan's vertex; 0 stands for an unknown time, -1 for an unknown sentiment."""
        return [
            self._vertex(
                "Fan",
                fan_vertex(fan.fan_id),
                **fan_facts(fan),
                sentimentProfile=-1.0 if fan.sentiment_profile is None else fan.sentiment_profile,
                lastMessageDate=int(fan.last_message_at or 0),
                **_uncorrected_fan(fan.said),
            )
        ]

    def _topics(self, conv: EnrichedConversation, node: str) -> Iterator[Mutation]:
        for topic in conv.topics:
            yield self._vertex(
                "Topic",
                topic_vertex(topic.id),
                description=topic.label,
                category=topic.category or "",
                keywords=",".join(topic.keywords),
                model=topic.model,
                **({} if topic.found_as is None else {"uncorrectedDescription": topic.found_as}),
            )
            yield self._edge(
                "DISCUSS_TOPIC", node, topic_vertex(topic.id), messages=topic.messages, weight=topic.weight
            )

    def _actions(self, conv: EnrichedConversation, node: str) -> Iterator[Mutation]:
        for action in conv.actions:
            vertex = action_vertex(action.type)
            yield self._vertex("EngagementAction", vertex, name=_title(action.type), type=action.type)
            yield self._edge(
                "USES_ENGAGEMENT",
                node,
                vertex,
                key=action.direction,  # both sides may use the same action
                count=action.count,
                direction=action.direction,
            )

    def _targets(
        self, conv: EnrichedConversation, label: EdgeLabel, marks: Mapping[str, Scalar]
    ) -> Iterator[Mutation]:
        # Only between an action and a topic that the conversation itself has an edge to: both ends exist
        # then, and dropping finds the edge again from the conversation (see graph/dialect.py).
        topics = {topic.id for topic in conv.topics}
        actions = {action.type for action in conv.actions}
        for pair in conv.action_topics:
            if pair.action in actions and pair.topic_id in topics:
                yield self._edge(
                    label,
                    action_vertex(pair.action),
                    topic_vertex(pair.topic_id),
                    key=conv.id,
                    conversation=conv.id,
                    startDate=int(conv.figures.start),
                    count=pair.count,
                    **marks,
                )

    def _outcomes(
        self,
        label: VertexLabel,
        conv: EnrichedConversation,
        fan_id: str,
        node: str,
        marks: Mapping[str, Scalar],
    ) -> Iterator[Mutation]:
        is_said = label == "UncorrectedOutcome"
        seen: Counter[str] = Counter()
        figures = conv.figures
        for outcome in conv.outcomes:
            vertex = outcome_vertex(conv.id, outcome.type, seen[outcome.type], uncorrected=is_said)
            seen[outcome.type] += 1
            yield self._vertex(
                label,
                vertex,
                conversation=conv.id,
                chatId=conv.chat_id,
                fanId=fan_id,
                startDate=int(figures.start),
                endDate=int(figures.end),
                messageCount=figures.direct_messages,
                name=outcome.type,
                date=int(outcome.at),
                amount=outcome.amount,
                score=outcome.score,
                provisional=outcome.is_provisional,
                isMass=outcome.is_mass,
                follows=followed_text(outcome.sent_at, outcome.sender_id),
                rev=self._rev,
                **marks,
            )
            yield self._edge("RESULTS_IN_OUTCOME", node, vertex)

    def _vertex(self, label: VertexLabel, id: str, **properties: Scalar | None) -> UpsertVertex:
        known = {key: value for key, value in properties.items() if value is not None}
        unknown = tuple(key for key, value in properties.items() if value is None)
        return UpsertVertex(self.pk, id, label, known, unknown)

    def _edge(
        self, label: EdgeLabel, source: str, target: str, *, key: str = "", **properties: Scalar
    ) -> UpsertEdge:
        return UpsertEdge(self.pk, label, source, target, {**properties, "rev": self._rev}, key)


def _uncorrected_fan(said: FanState | None) -> dict[str, Scalar]:
    """What stands beside a fan of whose chat anything was ever corrected."""
    if said is None:
        return {}
    row = fan_row(said)
    return {
        "uncorrectedSpend": row["spend"],
        "uncorrectedWaitingSince": row["waitingSince"],
        "uncorrectedNotWaiting": row["notWaiting"],
        "uncorrectedRecentSentiment": row["recentSentiment"],
    }


def _title(action_type: str) -> str:
    return action_type.replace("_", " ").capitalize()
