"""The totals of a stretch of a chat, and of stretches that follow each other. Pure.

Sums are exact, so what stretches add up to does not depend on where they are parted. A list holds the newest
entries alone, `LISTED` of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from chats.closers import closes
from chats.conversation import Conversation
from chats.enriched import ActionUse, EnrichedConversation, Outcome, TopicUse
from chats.message import Direction, Message
from graph.rows import conversation_row
from insights.row import response_times, silence_share
from wire.names import named_fan

LISTED = 20  # pages are shown no more
RECENT_FAN_MESSAGES = 10
ASKING = frozenset(("question", "price_inquiry", "complaint"))  # actions that always need an answer


class Sum(msgspec.Struct, frozen=True, omit_defaults=True):
    """An exact sum of floats: `parts` (whole, signed, big-endian) of 2**-1074."""

    parts: bytes = b""
    n: int = 0  # how many were added

    @classmethod
    def of(cls, values: Iterable[float]) -> "Sum":
        parts = n = 0
        for value in values:
            numerator, denominator = value.as_integer_ratio()
            parts += numerator * (_ONE // denominator)
            n += 1
        return cls(_bytes(parts), n)

    def __add__(self, other: "Sum") -> "Sum":
        if not other.n:
            return self
        return Sum(_bytes(self._whole + other._whole), self.n + other.n) if self.n else other

    @property
    def total(self) -> float:
        """The sum, rounded once."""
        return self._whole / _ONE

    @property
    def mean(self) -> float | None:
        return self.total / self.n if self.n else None

    @property
    def _whole(self) -> int:
        return int.from_bytes(self.parts, "big", signed=True)


_ONE = 1 << 1074  # every finite float is a whole number of its parts


def _bytes(whole: int) -> bytes:
    return whole.to_bytes(whole.bit_length() // 8 + 1, "big", signed=True) if whole else b""


class Run(msgspec.Struct, frozen=True, omit_defaults=True):
    """The fan's last direct messages of a stretch, as far as no creator answered in it."""

    is_answer: bool = False  # a creator's direct message came before them in the stretch
    since: float | None = None  # the first one's time; None: there are none
    has_asked: bool = False  # one of them shows an action that needs an answer
    rules: tuple[str, ...] | None = ()  # of those by which they close; None: one of them closes nothing

    def then(self, later: "Run") -> "Run":
        if later.is_answer:
            return later
        rules = None if self.rules is None or later.rules is None else (*self.rules, *later.rules)
        return Run(
            self.is_answer,
            later.since if self.since is None else self.since,
            self.has_asked or later.has_asked,
            None if rules is None else tuple(dict.fromkeys(rules)),
        )

    @property
    def closing(self) -> str | None:
        """The rules by which all of it closes the talk."""
        return ", ".join(self.rules) if self.rules and not self.has_asked else None


class TopicTotal(msgspec.Struct, frozen=True):
    messages: int
    last: TopicUse  # as the newest conversation has it


class ActionTotal(msgspec.Struct, frozen=True):
    count: int
    evidence: tuple[str, ...]


class Totals(msgspec.Struct, frozen=True, omit_defaults=True):
    """What messages and enriched conversations add up to. Times are epoch seconds."""

    messages: int = 0
    conversations: int = 0
    pending: int = 0  # conversations without a node
    failed: int = 0  # conversations on which a strategy failed
    shown: int = 0  # messages that are shown
    with_text: int = 0  # of these
    first_at: float | None = None  # of the shown
    last_at: float | None = None
    is_last_by_other_creator: bool = False  # the last one shown is a broadcast of the fan
    named_in: str | None = None  # the id of the newest message that names the fan
    run: Run = Run()
    amounts: Sum = Sum()  # of outcomes
    felt: Sum = Sum()  # sentiments of the fan's messages
    recent: tuple[float, ...] = ()  # the last RECENT_FAN_MESSAGES of these
    sentiment: Sum = Sum()  # as the conversations sum it
    sentiment_count: int = 0
    turns: Sum = Sum()  # of the conversations in which the fan says something
    silence: Sum = Sum()  # their silent shares
    silence_seconds: Sum = Sum()
    response: Sum = Sum()
    unanswered: int = 0
    responses: tuple[float, ...] = ()
    outcomes: tuple[Outcome, ...] = ()  # by time
    topics: dict[str, TopicTotal] = {}
    actions: dict[str, dict[Direction, ActionTotal]] = {}  # by type
    action_topics: dict[str, dict[str, int]] = {}  # by action and topic
    models: dict[str, str] = {}

    @classmethod
    def of(cls, conversations: Sequence[Conversation], nodes: Mapping[str, EnrichedConversation]) -> "Totals":
        """Of the conversations of a stretch in order, and those of their nodes that there are."""
        shown = [m for each in conversations for m in each.messages if not m.is_notification]
        own = [node for each in conversations if (node := nodes.get(each.id)) is not None]
        read = {id: found for node in own for id, found in node.messages.items()}
        felt = [
            score
            for message in shown
            if message.direction == "fan"
            and (found := read.get(message.id)) is not None
            and (score := found.sentiment) is not None
        ]
        rows = [row for node in own if (row := conversation_row(node))["fanMessages"] > 0]
        times = [seconds for row in rows for seconds in response_times(row)]
        last = shown[-1] if shown else None
        return cls(
            messages=sum(len(each.messages) for each in conversations),
            conversations=len(conversations),
            pending=len(conversations) - len(own),
            failed=sum(node.has_failed for node in own),
            shown=len(shown),
            with_text=sum(bool(message.text) for message in shown),
            first_at=shown[0].at if shown else None,
            last_at=last.at if last else None,
            is_last_by_other_creator=last is not None and last.is_mass and last.direction == "fan",
            named_in=next((m.id for m in reversed(shown) if named_fan(m)), None),
            run=_run(shown, {id: found.actions or () for id, found in read.items()}),
            amounts=Sum.of(o.amount for node in own for o in node.outcomes if o.amount),
            felt=Sum.of(felt),
            recent=tuple(felt[-RECENT_FAN_MESSAGES:]),
            sentiment=Sum.of(node.sentiment_sum for node in own),
            sentiment_count=sum(node.sentiment_count for node in own),
            turns=Sum.of(float(row["turns"]) for row in rows),
            silence=Sum.of(share for row in rows if (share := silence_share(row)) is not None),
            silence_seconds=Sum.of(node.figures.silence_seconds for node in own),
            response=Sum.of(times),
            unanswered=sum(row["unanswered"] for row in rows),
            responses=tuple(s for node in own for s in node.figures.response_seconds)[-LISTED:],
            outcomes=_newest(o for node in own for o in node.outcomes),
            topics=_topics(own),
            actions=_actions(own),
            action_topics=_action_topics(own),
            models={strategy: model for node in own for strategy, model in node.models.items()},
        )

    def then(self, later: "Totals") -> "Totals":
        """Of this stretch and the one behind it."""
        return Totals(
            messages=self.messages + later.messages,
            conversations=self.conversations + later.conversations,
            pending=self.pending + later.pending,
            failed=self.failed + later.failed,
            shown=self.shown + later.shown,
            with_text=self.with_text + later.with_text,
            first_at=later.first_at if self.first_at is None else self.first_at,
            last_at=self.last_at if later.last_at is None else later.last_at,
            is_last_by_other_creator=(later if later.shown else self).is_last_by_other_creator,
            named_in=later.named_in or self.named_in,
            run=self.run.then(later.run),
            amounts=self.amounts + later.amounts,
            felt=self.felt + later.felt,
            recent=(*self.recent, *later.recent)[-RECENT_FAN_MESSAGES:],
            sentiment=self.sentiment + later.sentiment,
            sentiment_count=self.sentiment_count + later.sentiment_count,
            turns=self.turns + later.turns,
            silence=self.silence + later.silence,
            silence_seconds=self.silence_seconds + later.silence_seconds,
            response=self.response + later.response,
            unanswered=self.unanswered + later.unanswered,
            responses=(*self.responses, *later.responses)[-LISTED:],
            outcomes=_newest((*self.outcomes, *later.outcomes)),
            topics=_joined(self.topics, later.topics, _both_topics),
            actions=_joined(self.actions, later.actions, _both_actions),
            action_topics=_joined(self.action_topics, later.action_topics, _both_pairs),
            models={**self.models, **later.models},
        )


def _run(shown: Sequence[Message], actions: Mapping[str, Sequence[str]]) -> Run:
    run: list[Message] = []
    is_answer = False
    for message in reversed(shown):
        if not message.is_direct:
            continue
        if message.direction == "creator":
            is_answer = True
            break
        run.append(message)
    run.reverse()
    asked = any(not ASKING.isdisjoint(actions.get(message.id, ())) for message in run)
    return Run(is_answer, run[0].at if run else None, asked, _rules(run))


def _rules(run: Sequence[Message]) -> tuple[str, ...] | None:
    """The rules by which the messages close; empty when none says anything, None when one needs an answer."""
    says = [(m.text, bool(m.media)) for m in run if m.media or m.text.strip()]
    if not says:
        return ()
    found = closes(says)
    return None if found is None else tuple(found.split(", "))


def _newest(outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    return tuple(sorted(outcomes, key=lambda each: each.at)[-LISTED:])


def _topics(nodes: Iterable[EnrichedConversation]) -> dict[str, TopicTotal]:
    found: dict[str, TopicTotal] = {}
    for node in nodes:
        for topic in node.topics:
            before = found.get(topic.id)
            found[topic.id] = TopicTotal(topic.messages + (before.messages if before else 0), topic)
    return found


def _actions(nodes: Iterable[EnrichedConversation]) -> dict[str, dict[Direction, ActionTotal]]:
    uses: dict[str, dict[Direction, list[ActionUse]]] = {}
    for node in nodes:
        for action in node.actions:
            uses.setdefault(action.type, {}).setdefault(action.direction, []).append(action)
    return {
        type: {
            direction: ActionTotal(
                sum(use.count for use in found),
                tuple(id for use in found for id in use.evidence)[-LISTED:],
            )
            for direction, found in by_direction.items()
        }
        for type, by_direction in uses.items()
    }


def _action_topics(nodes: Iterable[EnrichedConversation]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for node in nodes:
        for pair in node.action_topics:
            counts = found.setdefault(pair.action, {})
            counts[pair.topic_id] = counts.get(pair.topic_id, 0) + pair.count
    return found


def _joined(one: Mapping[str, Any], other: Mapping[str, Any], both: Any) -> dict[str, Any]:
    return {**one, **{key: both(one[key], value) if key in one else value for key, value in other.items()}}


def _both_topics(one: TopicTotal, other: TopicTotal) -> TopicTotal:
    return TopicTotal(one.messages + other.messages, other.last)


def _both_actions(one: Mapping[str, ActionTotal], other: Mapping[str, ActionTotal]) -> dict[str, ActionTotal]:
    return _joined(
        one,
        other,
        lambda a, b: ActionTotal(a.count + b.count, (*a.evidence, *b.evidence)[-LISTED:]),
    )


def _both_pairs(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return _joined(one, other, lambda a, b: a + b)
