"""One account's corrections, laid over what models said whenever that is read. Pure.

What models said stays as it is: a correction is kept beside it. So it outlives every later reading of a
message and every fit of topics, and what the models said can be asked for as well. One whose subject is not
there, as when a topic went with what was erased, rests.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from msgspec import structs

from chats.conversation import Conversation
from chats.corrections import Correction, Field, Place, StatedOutcome, Subject
from chats.enriched import ActionUse, EnrichedConversation, MessageEnrichment, Outcome, TopicRef, TopicUse
from chats.message import Direction, Message
from enrich.node import action_topics, action_uses, fan_sentiments, topic_uses, with_text

BY_PERSON: Final = "person"  # what shows an action or outcome that a person stated
_Own = Mapping[Place, Correction]


def _no_topic(id: str) -> TopicUse | None:
    return None


class Corrections:
    """All that were ever made of an account. `find` gives a topic that some conversation has, by its id."""

    def __init__(
        self, made: Iterable[Correction] = (), find: Callable[[str], TopicUse | None] = _no_topic
    ) -> None:
        self._find = find
        self._made: dict[str, Correction] = {}  # by id, those that were replaced among them
        self._chats: dict[str, dict[str, dict[Place, Correction]]] = {}  # that count, by chat and message
        self._topics: dict[str, dict[Place, Correction]] = {}  # that count, by topic
        for each in made:
            self.take(each)

    def __len__(self) -> int:
        return len(self._made)

    def __contains__(self, id: str) -> bool:
        return id in self._made

    def all(self) -> list[Correction]:
        """In the order in which they count."""
        return sorted(self._made.values(), key=lambda each: each.order)

    def get(self, id: str) -> Correction | None:
        return self._made.get(id)

    def standing(self) -> list[Correction]:
        """Those that count and were not withdrawn, the oldest first."""
        own = [self._topics, *self._chats.values()]
        found = [each for of in own for places in of.values() for each in places.values()]
        return sorted((each for each in found if each.value is not None), key=lambda each: each.order)

    def counting(self, of: Correction) -> Correction | None:
        """The one that counts of the same subject and field."""
        of_it = self._chats.get(of.subject.chat_id, {}) if of.subject.chat_id else self._topics
        return of_it.get(of.subject.id, {}).get(of.place)

    def take(self, correction: Correction) -> bool:
        """Take it in, whatever the order; whether it is new."""
        if correction.id in self._made:
            return False
        self._made[correction.id] = correction
        places = self._of(correction.subject)
        before = places.get(correction.place)
        if before is None or before.order < correction.order:
            places[correction.place] = correction
        return True

    def chats(self) -> list[str]:
        """The ids of the chats in which anything was ever corrected."""
        return list(self._chats)

    def forget(self, is_gone: Callable[[str], bool]) -> None:
        """Have those no more that are of a chat that is gone, by its id."""
        self._have([each for each in self._made.values() if not is_gone(each.subject.chat_id)])

    def keep(self, chat_id: str, messages: Collection[str]) -> None:
        """Of a chat, have those alone whose message is there.

        That something was corrected in it stays known: what the graph has beside its fan is written on.
        """
        made = list(self._made.values())
        kept = [e for e in made if e.subject.chat_id != chat_id or e.subject.id in messages]
        if len(kept) < len(made):
            last = next(e for e in made if e.subject.chat_id == chat_id and e.subject.id not in messages)
            nothing = structs.replace(last, who="", subject=Subject("message", "", chat_id), value=None)
            self._have([*kept, nothing])

    def _have(self, made: Iterable[Correction]) -> None:
        self._made, self._chats, self._topics = {}, {}, {}
        for each in made:
            self.take(each)

    def move(self, chat_id: str, to: str) -> None:
        """What was said of a chat is said of the one that it is known as now."""
        if chat_id in self._chats:
            self._have(
                structs.replace(each, subject=structs.replace(each.subject, chat_id=to))
                if each.subject.chat_id == chat_id
                else each
                for each in list(self._made.values())
            )

    def messages_of(self, chat_id: str) -> Iterable[str]:
        """The ids by which messages and conversations of the chat were ever corrected."""
        return self._chats.get(chat_id, {}).keys()

    def of_message(self, chat_id: str, message_id: str) -> list[Correction]:
        """What stands of a message, and of the conversation that is named by it."""
        places = self._chats.get(chat_id, {}).get(message_id, {})
        return [each for each in places.values() if each.value is not None]

    def touches(self, topics: Iterable[TopicUse]) -> bool:
        """Whether any of these topics was ever corrected."""
        return bool(self._topics) and any(each.id in self._topics for each in topics)

    def stamp(self, chat_id: str) -> bytes:
        """What tells what is laid over the chat from what was at another time."""
        chat = self._chats.get(chat_id, {}).values()
        own = [each.id for places in (*chat, *self._topics.values()) for each in places.values()]
        return " ".join(sorted(own)).encode()

    # Topics

    def mentioned(self) -> set[str]:
        """The topics that others were ever merged into, or that were stated of a message."""
        found: set[str] = set()
        for each in self._made.values():
            if each.field == "merged_into" and isinstance(each.value, str):
                found.add(each.value)
            elif each.field == "topic" and isinstance(each.value, tuple):
                found.update(cast(tuple[str, ...], each.value))
        return found

    def behind(self, id: str) -> set[str]:
        """The topic and all that were ever merged into it, one into the other."""
        into = [(e.subject.id, e.value) for e in self._made.values() if e.field == "merged_into"]
        found = {id}
        while more := {topic for topic, other in into if other in found} - found:
            found |= more
        return found

    def topic(self, id: str) -> str | None:
        """The topic that counts where this one was found: what it was merged into; None: it is hidden."""
        seen: set[str] = set()
        while id not in seen:
            seen.add(id)
            if self._value(id, "hidden"):
                return None
            into = self._value(id, "merged_into")
            if not isinstance(into, str) or self.known(into) is None:
                return id
            id = into
        return id

    def known(self, id: str) -> TopicUse | None:
        """A topic as it was found somewhere; None: there is no such topic."""
        return self._find(id)

    def named(self, topic: TopicUse) -> TopicUse:
        """Under the name that a person gave it."""
        if topic.id not in self._topics or topic.found_as is not None:
            return topic
        return structs.replace(topic, label=self.name_of(topic.id, topic.label), found_as=topic.label)

    def name_of(self, topic_id: str, label: str) -> str:
        """The name that a person gave the topic, else its label."""
        return str(self._value(topic_id, "name") or label)

    def _value(self, topic_id: str, field: str) -> object:
        places = self._topics.get(topic_id, {})
        return next((each.value for place, each in places.items() if place.field == field), None)

    def _of(self, subject: Subject) -> dict[Place, Correction]:
        if subject.kind == "topic":
            return self._topics.setdefault(subject.id, {})
        return self._chats.setdefault(subject.chat_id, {}).setdefault(subject.id, {})

    # Conversations

    def counted(
        self, node: EnrichedConversation, conversation: Conversation | None, corrected: Iterable[str] = ()
    ) -> EnrichedConversation:
        """What counts of a conversation of which models said `node`.

        `corrected` are the ids by which it was ever corrected. Where it was, or may have been when it had
        other messages or topics, `said` is what the models said: what stands of that beside it is to go.
        Without the `conversation` its topics alone are others, each with the messages of the largest that
        became it: of `node` without messages no more can be told.
        """
        own = {id: self._chats[node.chat_id][id] for id in corrected} if conversation else {}
        if not own and not self.touches(node.topics):
            may_have_been = bool(self._topics) or node.chat_id in self._chats
            return structs.replace(node, said=self._as_said(node)) if may_have_been else node
        if conversation is None:
            return structs.replace(node, topics=self._largest(node.topics), said=self._as_said(node))
        whole: dict[Place, Correction] = {}
        for each in sorted((c for places in own.values() for c in places.values()), key=lambda c: c.order):
            if each.subject.kind == "conversation" and each.value is not None:
                whole[each.place] = each
        overlay = _Overlay(self, node, conversation, own, whole)
        return structs.replace(overlay.counted(), said=self._as_said(node))

    def _as_said(self, node: EnrichedConversation) -> EnrichedConversation:
        return structs.replace(node, topics=tuple(map(self.named, node.topics)))

    def _largest(self, topics: Iterable[TopicUse]) -> tuple[TopicUse, ...]:
        found: dict[str, TopicUse] = {}
        for each in topics:
            id = self.topic(each.id)
            facts = each if id == each.id else self.known(id) if id is not None else None
            if facts is None:
                continue
            known = found.get(facts.id)
            if known is None or known.messages < each.messages:
                use = structs.replace(facts, messages=each.messages, weight=each.weight)
                found[facts.id] = self.named(use)
        return tuple(sorted(found.values(), key=lambda each: (-each.messages, each.id)))


NONE: Final = Corrections()  # of nobody: nothing is ever taken into it


@dataclass(slots=True)
class _Overlay:
    """What was corrected in one conversation: `own` by message, `whole` of it as a whole."""

    corrections: Corrections
    node: EnrichedConversation
    conversation: Conversation
    own: Mapping[str, _Own]
    whole: _Own
    _told: dict[str, TopicUse | None] = field(default_factory=dict)  # topics as they count, by id

    def counted(self) -> EnrichedConversation:
        node, said = self.node, self.conversation.messages
        self._told = {each.id: self.corrections.named(each) for each in node.topics}
        if any(message.id not in node.messages for message in said):
            return node  # it is of another shape: it waits to be understood
        every = [each for places in self.own.values() for each in places.values()]
        fields: set[str] = {each.field for each in every if each.value is not None}
        if self.corrections.touches(node.topics):
            fields.add("topic")
        messages = dict(node.messages)
        for message in said:
            messages[message.id] = self._message(message, node.messages[message.id], fields)
        found = structs.replace(node, messages=messages)
        if "sentiment" in fields:
            felt, n = fan_sentiments(said, messages)
            found = structs.replace(found, sentiment_sum=felt, sentiment_count=n)
        if "topic" in fields:
            found = structs.replace(found, topics=self._topics(messages))
        if "action" in fields:
            found = structs.replace(found, actions=self._actions(messages))
        if not fields.isdisjoint(("action", "topic")):
            found = structs.replace(found, action_topics=action_topics(messages))
        return structs.replace(found, outcomes=self._outcomes()) if "outcome" in fields else found

    def _message(self, message: Message, found: MessageEnrichment, fields: set[str]) -> MessageEnrichment:
        own = self.own.get(message.id, {})

        def stated(field: Field, side: Direction | None = None) -> Correction | None:
            """Of the message itself."""
            each = own.get(Place("message", field, side))
            return None if each is None or each.value is None else each

        def of_all(field: Field, side: Direction | None = None) -> Correction | None:
            return self.whole.get(Place("conversation", field, side))

        speaks = message.direction == "fan" and message.text.strip() and not message.is_notice
        if felt := stated("sentiment") or (of_all("sentiment") if speaks else None):
            found = structs.replace(found, sentiment=cast(float, felt.value), no_sentiment=None)
        if acts := stated("action"):
            names = cast(tuple[str, ...], acts.value)
            shown = {name: found.action_evidence.get(name, BY_PERSON) for name in found.actions or ()}
            shows = {name: shown.get(name, BY_PERSON) for name in names}
            found = structs.replace(found, actions=names, action_evidence=shows)
        elif acts := of_all("action", message.direction):
            names = tuple(n for n in found.actions or () if n in cast(tuple[str, ...], acts.value))
            shows = {name: found.action_evidence[name] for name in names if name in found.action_evidence}
            found = structs.replace(found, actions=names, action_evidence=shows)
        if "topic" not in fields:
            return found
        ids = None if found.topics is None else [each.id for each in found.topics]
        if about := stated("topic"):
            ids = list(cast(tuple[str, ...], about.value))
        elif about := of_all("topic"):
            ids = [each for each in ids or () if each in cast(tuple[str, ...], about.value)]
        if ids is None:
            return found
        refs = (TopicRef(each.id, each.label) for each in self._counted_topics(ids))
        return structs.replace(found, topics=tuple(refs))

    def _counted_topics(self, ids: Iterable[str]) -> list[TopicUse]:
        """The topics that count where these were found or stated, each once."""
        now = (self.corrections.topic(id) for id in ids)
        uses = (self._topic(id) for id in dict.fromkeys(now) if id is not None)
        return [each for each in uses if each is not None]

    def _topic(self, id: str) -> TopicUse | None:
        if id not in self._told:
            known = self.corrections.known(id)
            self._told[id] = None if known is None else self.corrections.named(known)
        return self._told[id]

    def _topics(self, messages: Mapping[str, MessageEnrichment]) -> tuple[TopicUse, ...]:
        topics_of = {
            id: [use for ref in each.topics if (use := self._topic(ref.id)) is not None]
            for id, each in messages.items()
            if each.topics
        }
        found = list(topic_uses(self.conversation, topics_of))
        if (about := self.whole.get(Place("conversation", "topic", None))) is not None:
            # Which message has it is not said: one has.
            known = {each.id for each in found}
            share = round(1 / max(1, with_text(self.conversation, topics_of)), 4)
            found += (
                structs.replace(each, messages=1, weight=share)
                for each in self._counted_topics(cast(tuple[str, ...], about.value))
                if each.id not in known
            )
        names = ((each, self._topic(each.id)) for each in found)
        return tuple(structs.replace(each, found_as=use.found_as if use else None) for each, use in names)

    def _actions(self, messages: Mapping[str, MessageEnrichment]) -> tuple[ActionUse, ...]:
        found = list(action_uses(self.conversation.messages, messages))
        seen = {(each.type, each.direction) for each in found}
        for place, each in self.whole.items():
            if place.field == "action" and place.side is not None:
                stated = (name for name in cast(tuple[str, ...], each.value))
                found += (ActionUse(n, 1, place.side) for n in stated if (n, place.side) not in seen)
        return tuple(sorted(found, key=lambda each: (each.type, each.direction)))

    def _outcomes(self) -> tuple[Outcome, ...]:
        found = list(self.node.outcomes)
        for message in self.conversation.messages:
            each = self.own.get(message.id, {}).get(Place("message", "outcome", None))
            if each is not None and each.value is not None:
                of_it = [outcome for outcome in found if outcome.message_id == message.id]
                found = [outcome for outcome in found if outcome.message_id != message.id]
                found += _stated(of_it, each, message.at, message.id)
        if (each := self.whole.get(Place("conversation", "outcome", None))) is not None:
            found = _stated(found, each, self.conversation.figures.end, None)
        return tuple(sorted(found, key=lambda outcome: outcome.at))


def _stated(
    found: Sequence[Outcome], correction: Correction, at: float, message_id: str | None
) -> list[Outcome]:
    """The outcomes that a person states, each as it was found where one of its type was."""
    left = list(found)
    outcomes: list[Outcome] = []
    for each in cast(tuple[StatedOutcome, ...], correction.value):
        known = next((outcome for outcome in left if outcome.type == each.type), None)
        if known is not None:
            left.remove(known)
        else:
            known = Outcome(each.type, at, 1.0, BY_PERSON, message_id=message_id)
        outcomes.append(
            structs.replace(
                known,
                amount=known.amount if each.amount is None else each.amount,
                at=known.at if each.at is None else each.at,
            )
        )
    return outcomes
