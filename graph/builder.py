"""From an enriched conversation, or what is known of a fan, to the mutations that write it. Pure.

Every conversation, outcome and edge carries `rev`, the revision of the build that wrote it: the closing
`DropStale` removes whatever an earlier revision wrote for the conversation and this one did not.
"""

from collections import Counter
from collections.abc import Iterator

from chats.account import Account
from chats.fan import FanState
from graph.model import (
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
)
from graph.rows import epoch, fan_row, response_seconds
from wire.payloads import ExtendedConversationNode


class GraphBuilder:
    """Writes for one account, which is the partition, at one revision (a growing integer)."""

    def __init__(self, user_id: str, creator_id: str, rev: int) -> None:
        self._account = Account(user_id, creator_id)
        self.pk = self._account.key
        self._creator = creator_vertex(creator_id)
        self._rev = rev

    def build_account(self) -> UpsertVertex:
        """What lets the account be found: without it a partition is not asked."""
        account = self._account
        return self._vertex("Creator", self._creator, creatorId=account.creator_id, userId=account.user_id)

    def build_graph(self, enriched_conv: ExtendedConversationNode, fan_id: str) -> list[Mutation]:
        """Everything one conversation says; its `conversationId` is `{chat_id}:{first message id}`."""
        conv = enriched_conv
        node = conversation_vertex(conv.conversationId)
        return [
            self._vertex("Creator", self._creator),
            self._vertex("Fan", fan_vertex(fan_id), fanId=fan_id, chatId=conv.chatId),
            self._vertex(
                "ConversationNode",
                node,
                chatId=conv.chatId,
                fanId=fan_id,
                startDate=None if conv.startDate is None else epoch(conv.startDate),
                endDate=None if conv.endDate is None else epoch(conv.endDate),
                messageCount=conv.messageCount,
                fanMessages=conv.fanMessages,
                massMessages=conv.massMessages,
                ppvOffers=conv.ppvOffers,
                massPpvOffers=conv.massPpvOffers,
                turns=None if conv.turns is None else int(conv.turns),
                silenceSeconds=conv.silenceSeconds,
                responseSeconds=response_seconds(conv),
                unanswered=conv.unanswered,
                sentimentSum=conv.sentimentSum,
                sentimentCount=conv.sentimentCount,
                rev=self._rev,
            ),
            self._edge("HAS_CONVERSATION", self._creator, node),
            self._edge("HAS_CONVERSATION", fan_vertex(fan_id), node),
            *self._topics(conv, node),
            *self._actions(conv, node),
            *self._targets(conv),
            *self._outcomes(conv, node),
            DropStale(self.pk, conv.conversationId, self._rev),
        ]

    def build_fan(self, fan: FanState) -> list[Mutation]:
        """The fan's vertex; 0 stands for an unknown time, -1 for an unknown sentiment."""
        return [
            self._vertex(
                "Fan",
                fan_vertex(fan.fan_id),
                fanId=fan.fan_id,
                joinDate=int(fan.join_date or 0),
                **fan_row(fan),
                sentimentProfile=-1.0 if fan.sentiment_profile is None else fan.sentiment_profile,
                lastMessageDate=int(fan.last_message_at or 0),
            )
        ]

    def _topics(self, conv: ExtendedConversationNode, node: str) -> Iterator[Mutation]:
        for topic in conv.topics:
            yield self._vertex(
                "Topic",
                topic_vertex(topic.id),
                description=topic.topic,
                category=topic.category or "",
                keywords=",".join(topic.keywords),
                model=topic.model,
            )
            yield self._edge(
                "DISCUSS_TOPIC", node, topic_vertex(topic.id), messages=topic.messages, weight=topic.weight
            )

    def _actions(self, conv: ExtendedConversationNode, node: str) -> Iterator[Mutation]:
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

    def _targets(self, conv: ExtendedConversationNode) -> Iterator[Mutation]:
        # Only between an action and a topic that the conversation itself has an edge to: both ends exist
        # then, and dropping finds the edge again from the conversation (see graph/dialect.py).
        topics = {topic.id for topic in conv.topics}
        actions = {action.type for action in conv.actions}
        for pair in conv.actionTopics:
            if pair.action in actions and pair.topicId in topics:
                yield self._edge(
                    "TARGETS_TOPIC",
                    action_vertex(pair.action),
                    topic_vertex(pair.topicId),
                    key=conv.conversationId,
                    conversation=conv.conversationId,
                    count=pair.count,
                )

    def _outcomes(self, conv: ExtendedConversationNode, node: str) -> Iterator[Mutation]:
        seen: Counter[str] = Counter()
        for outcome in conv.outcomes:
            vertex = outcome_vertex(conv.conversationId, outcome.type, seen[outcome.type])
            seen[outcome.type] += 1
            yield self._vertex(
                "InteractionOutcome",
                vertex,
                name=outcome.type,
                date=epoch(outcome.date),
                amount=outcome.amount,
                score=outcome.score,
                provisional=outcome.provisional,
                isMass=outcome.isMass,
                rev=self._rev,
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


def _title(action_type: str) -> str:
    return action_type.replace("_", " ").capitalize()
