"""One chat in memory: its messages, their cut into conversations, and what enrichment said. Pure.

A chat is a row of stretches (`history.stretch`), oldest first. What changes opens the stretches it falls
into; of all others a few facts and their totals are enough.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from hashlib import blake2b

from msgspec import structs

from chats.chat import Chat
from chats.conversation import Beside, Conversation, digest_of
from chats.enriched import EnrichedConversation, MessageEnrichment
from chats.fan import FanState
from chats.message import Message, merged
from enrich.outcomes import Context, arounds
from enrich.reading import Reading, reading_of
from history.corrected import NONE, Corrections
from history.stretch import (
    BLOCK,
    FEW,
    MANY,
    Content,
    Cutter,
    Stretch,
    in_blocks,
    is_boundary,
    parts,
)
from history.totals import Totals

# A conversation, what enrichment sees around it, and what was read in its messages, by id.
Surrounded = tuple[Conversation, Context, dict[str, Reading]]


def says(message: Message) -> bytes:
    """A digest of what models read of a message: who says it, and its text."""
    text = message.text.encode("utf-8", "replace")
    return blake2b(message.direction.encode() + b" " + text, digest_size=8).digest()


@dataclass(frozen=True, slots=True)
class Understanding:
    """A conversation's node and what it was made from.

    `imprint` is a digest of the conversation with what surrounds it, `said` one of each message, by id.
    """

    node: EnrichedConversation
    imprint: bytes
    said: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Recut:
    """What became of a chat's messages and conversations."""

    new: list[Message]
    changed: list[Message]
    removed: list[Message]
    gone: list[str]  # conversation ids that are no more
    cut: list[str]  # conversation ids that are there, of what was looked at


class CachedChat:
    """A chat with its messages, its conversations and their enriched nodes. `gap` and `silence` are seconds.

    `messages`, `conversations`, `contexts`, `nodes` and `kept` open the whole chat, and are to be read only.
    """

    def __init__(
        self,
        chat: Chat,
        *,
        gap: float,
        silence: float,
        stretches: Iterable[Stretch] = (),
        before_last: Totals | None = None,
        corrections: Corrections = NONE,
    ) -> None:
        self.chat = chat
        self._gap = gap
        self._cutter = Cutter(chat.creator_id, chat.id, gap, silence, corrections)
        self._stretches = list(stretches) or [Stretch(self._cutter)]
        self._dirty: dict[Stretch, None] = {}  # their messages changed since they were cut
        # The totals up to each stretch, as far as they are known.
        self._up_to: list[Totals | None] = [None] * (len(self._stretches) - 1)
        if self._up_to:
            self._up_to[-1] = before_last
        self._fan: FanState | None = None

    def copy(self) -> "CachedChat":
        """The chat as it is: what is changed here afterwards does not reach it."""
        return CachedChat(
            self.chat,
            gap=self._gap,
            silence=self._cutter.silence,
            stretches=[each.copy() for each in self._stretches],
            before_last=self.before_last,
            corrections=self._cutter.corrections,
        )

    # All of it

    @property
    def stretches(self) -> list[Stretch]:
        return self._stretches

    @property
    def messages(self) -> dict[str, Message]:
        """By id, deleted ones among them."""
        return {id: m for each in self._stretches for id, m in each.content.messages.items()}

    @property
    def conversations(self) -> list[Conversation]:
        """Oldest first."""
        return [conversation for each in self._stretches for conversation in each.content.conversations]

    @property
    def contexts(self) -> dict[str, Context]:
        """What enrichment sees around each conversation, by its id."""
        return {id: context for each in self._stretches for id, context in each.content.contexts.items()}

    @property
    def nodes(self) -> dict[str, EnrichedConversation]:
        """What models said of the conversations, by id, oldest first."""
        return {node.id: node for each in self._stretches for node in each.nodes()}

    @property
    def counted(self) -> dict[str, EnrichedConversation]:
        """What counts of them: with what was corrected."""
        return {id: node for each in self._stretches for id, node in each.counted().items()}

    @property
    def kept(self) -> dict[str, Reading]:
        """Readings of messages whose node went since, by message id."""
        return {id: reading for each in self._stretches for id, reading in each.content.kept.items()}

    def ordered(self) -> list[Message]:
        """The chat's messages that are there to be shown, oldest first."""
        return [message for each in self._stretches for message in each.ordered()]

    def readings(self) -> dict[str, Reading]:
        """What was read in messages, by id."""
        found = self.kept
        for node in self.nodes.values():
            found |= readings_of(node)
        return found

    # Parts of it

    def newest(self, count: int | None, offset: int = 0) -> list[Message]:
        """The last `count` shown messages (None: all) before the last `offset` of them, oldest first."""
        return [message for own in self.newest_by_stretch(count, offset) for message in own]

    def newest_by_stretch(self, count: int | None, offset: int = 0) -> Iterator[list[Message]]:
        """As `newest`; a stretch is opened when it is its turn."""
        found: list[tuple[Stretch, slice]] = []
        for each in reversed(self._stretches):
            if count is not None and count <= 0:
                break
            end = each.totals.shown - offset
            if end > 0:
                start = 0 if count is None else max(0, end - count)
                count = None if count is None else count - (end - start)
                found.append((each, slice(start, end)))
            offset = max(0, -end)
        for each, own in reversed(found):
            yield list(each.ordered())[own]

    def shown_from(self, message_id: str) -> int | None:
        """How many messages are shown from that one on; None: it is not shown."""
        stretch, found = self._with_message(message_id), 0
        for each in reversed(self._stretches):
            if each is stretch:
                ids = [message.id for message in each.ordered()]
                return found + len(ids) - ids.index(message_id) if message_id in ids else None
            found += each.totals.shown
        return None

    def since(self, at: float) -> list[Message]:
        """The messages from a time on."""
        found: list[Message] = []
        for each in reversed(self._stretches):
            if (each.facts.last or 0.0) < at:
                break
            found += (message for message in each.content.messages.values() if message.at >= at)
        return found

    def message(self, id: str) -> Message | None:
        stretch = self._with_message(id)
        return stretch.content.messages[id] if stretch else None

    def understood(self, message_id: str) -> MessageEnrichment | None:
        """What counts of what was understood of a message."""
        said = self.said_of(message_id)
        node = None if said is None else self.counted_node(said.id)
        return None if node is None else node.messages.get(message_id)

    def said_of(self, message_id: str) -> EnrichedConversation | None:
        """What models said of the conversation that a message is in."""
        stretch = self._with_message(message_id)
        nodes = stretch.content.nodes.values() if stretch else ()
        return next((node for node in nodes if message_id in node.messages), None)

    def conversation(self, id: str) -> Conversation | None:
        stretch = self._with_conversation(id)
        own = stretch.content.conversations if stretch else ()
        return next((each for each in own if each.id == id), None)

    def context(self, conversation_id: str) -> Context | None:
        stretch = self._with_conversation(conversation_id)
        return stretch.content.contexts.get(conversation_id) if stretch else None

    def node(self, conversation_id: str) -> EnrichedConversation | None:
        """What models said of a conversation."""
        stretch = self._with_conversation(conversation_id)
        return stretch.content.nodes.get(conversation_id) if stretch else None

    def counted_node(self, conversation_id: str) -> EnrichedConversation | None:
        """What counts of it."""
        stretch = self._with_conversation(conversation_id)
        return stretch.counted_node(conversation_id) if stretch else None

    def with_message(self, message_id: str) -> Conversation | None:
        """The conversation that a message is in."""
        stretch = self._with_message(message_id)
        own = stretch.content.conversations if stretch else ()
        return next((each for each in own if any(m.id == message_id for m in each.messages)), None)

    def surrounded(self, conversation_id: str) -> Surrounded | None:
        """A conversation with what enrichment sees around it, and what was read in its messages, by id."""
        stretch = self._with_conversation(conversation_id)
        conversation = self.conversation(conversation_id)
        return None if stretch is None or conversation is None else _surrounded(stretch.content, conversation)

    def all_surrounded(self) -> Iterator[Surrounded]:
        """All conversations so, as they are now, oldest first; one stretch is opened at a time."""
        stretches = deque(each.copy() for each in self._stretches)
        while stretches:
            content = stretches.popleft().content
            yield from [_surrounded(content, each) for each in content.conversations]

    def pending(self) -> Iterator[Conversation]:
        """The conversations that have no enriched node for their present shape, oldest first.

        A stretch is opened when it is its turn.
        """
        found: list[Stretch] = []
        missing = self.totals.pending
        for each in reversed(self._stretches):
            if not missing:
                break
            if each.totals.pending:
                missing -= each.totals.pending
                found.append(each)
        for each in reversed(found):
            content = each.content
            yield from [c for c in content.conversations if c.id not in content.nodes]

    def failed(self) -> list[EnrichedConversation]:
        """The enriched conversations on which a strategy failed, oldest first."""
        missing = self.totals.failed
        found: list[list[EnrichedConversation]] = []
        for each in reversed(self._stretches):
            if not missing:
                break
            if each.totals.failed:
                missing -= each.totals.failed
                found.append([node for node in each.nodes() if node.has_failed])
        return [node for own in reversed(found) for node in own]

    @property
    def totals(self) -> Totals:
        """Of the whole chat."""
        self._up_to += [None] * (len(self._stretches) - len(self._up_to))
        known = next((n for n in reversed(range(len(self._up_to))) if self._up_to[n] is not None), None)
        found = Totals() if known is None else self._up_to[known]
        assert found is not None, "it was looked for"
        for n in range(0 if known is None else known + 1, len(self._stretches)):
            found = self._up_to[n] = found.then(self._stretches[n].totals) if n else self._stretches[n].totals
        return found

    @property
    def before_last(self) -> Totals | None:
        """Of all but the last stretch; None when it is the only one."""
        return self._up_to[-2] if self.totals and len(self._up_to) > 1 else None

    @property
    def held(self) -> int:
        """How many messages are unpacked."""
        return sum(each.facts.messages for each in self._stretches if each.is_open)

    def is_older(self, at: float) -> bool:
        """Whether it has anything from before a time."""
        return any(each.facts.oldest < at for each in self._stretches)

    # Changes

    def take(self, arrived: Iterable[Message]) -> bool:
        """Put copies of messages together with what is held; whether they say anything new.

        Then `recut` is to be called.
        """
        says_new = False
        for message in arrived:
            stretch = self._with_message(message.id)
            held = stretch.content.messages[message.id] if stretch else None
            fan_id = self.chat.fan_id
            own = message if message.fan_id == fan_id else structs.replace(message, fan_id=fan_id)
            found = own if held is None else merged(held, own)
            if found == held:
                continue
            place = self._place_of(found)
            is_changed = held is None or content_of(held) != content_of(found)
            says_new = says_new or is_changed
            kept: Reading | None = None
            if stretch is not None:
                stretch.changed()
                kept = stretch.content.kept.get(message.id)
                if held is not None and says(held) != says(found):
                    kept = None
                if stretch is not place or kept is None:
                    stretch.content.kept.pop(message.id, None)
                if stretch is not place:
                    del stretch.content.messages[message.id]
                    self._dirty[stretch] = None
            place.content.messages[message.id] = found
            if kept is not None:
                place.content.kept[message.id] = kept
            if is_changed or stretch is not place:
                self._dirty[place] = None
            else:
                place.changed()
        return says_new

    def keep(self, readings: Mapping[str, Reading]) -> None:
        """Keep what was read in messages of another chat that are in this one now, but for what it knows."""
        for id, reading in readings.items():
            if (stretch := self._with_message(id)) is not None:
                stretch.content.kept.setdefault(id, reading)
                stretch.changed()

    def rename(self, fan_id: str) -> None:
        """Have another fan in all messages. Then `recut` is to be called."""
        for stretch in self._stretches:
            messages = stretch.content.messages
            for id, message in messages.items():
                messages[id] = structs.replace(message, fan_id=fan_id)
            self._dirty[stretch] = None

    def recut(self) -> Recut:
        """Cut anew what changed, and whatever follows from it."""
        work = _Work()
        for stretch in self._dirty:
            work.take(stretch)
            stretch.recut(stretch.beside)
        self._dirty = {}
        first = self._join(work)
        first = min(first, self._part(work))
        for n, (stretch, beside) in enumerate(zip(self._stretches, self._besides(), strict=True)):
            if beside != stretch.beside:
                work.take(stretch)
                stretch.recut(beside)
                first = min(first, n)
        told = [each.facts.told for each in self._stretches]
        for n, (stretch, around) in enumerate(zip(self._stretches, arounds(self.chat, told), strict=True)):
            if around != stretch.around or stretch in work.taken:
                work.take(stretch)
                stretch.place(around)
                first = min(first, n)
        found = work.give_back()
        self._changed_from(first)
        return found

    def drop(self, before: float) -> Recut:
        """Have nothing from before a time any more, and cut anew what follows from it."""
        for each in self._stretches:
            if each.facts.oldest < before:
                messages = each.content.messages
                for id in [id for id, message in messages.items() if message.at < before]:
                    del messages[id]
                self._dirty[each] = None
        return self.recut()

    def outdate(self, conversations: Iterable[Conversation]) -> None:
        """Have these enriched again, given as they were enriched.

        What was read in messages stays with those that still say the same.
        """
        for each in conversations:
            stretch = self._with_conversation(each.id)
            if stretch is None:
                continue
            content = stretch.content
            if (node := content.nodes.pop(each.id, None)) is not None:
                said = {message.id: says(message) for message in each.messages}
                content.kept.update(still_read(node, said, content.messages))
                self._changed_in(stretch)

    def forget_all(self) -> None:
        """Have everything cut, enriched and read again, as by other rules."""
        messages = self.messages
        self._stretches = [Stretch(self._cutter, messages.values())]
        self._dirty = dict.fromkeys(self._stretches)
        self.recut()

    def understanding(self, conversation: Conversation, node: EnrichedConversation) -> Understanding:
        """What `recall` takes, without message text: an entity's is where the message has it."""
        messages = {id: _with_entities(each, None) for id, each in node.messages.items()}
        said = {message.id: says(message) for message in conversation.messages}
        bare = structs.replace(node, messages=messages)
        return Understanding(bare, self._imprint(conversation), said)

    def recall(self, found: Iterable[Understanding]) -> list[str] | None:
        """Take in what another process understood, as far as it still holds.

        Returns the ids of the conversations whose nodes changed by it; None: nothing did. Of a conversation
        that is another by now, what was read in its messages stays.
        """
        changed: list[str] = []
        others: list[Understanding] = []
        for each in found:
            conversation = self.conversation(each.node.id)
            if conversation is None or self._imprint(conversation) != each.imprint:
                others.append(each)
                continue
            texts = {message.id: message.text for message in conversation.messages}
            read = {id: _with_entities(e, texts[id]) for id, e in each.node.messages.items()}
            node = structs.replace(each.node, messages=read)
            if self.node(conversation.id) != node:
                self.store(node)
                changed.append(conversation.id)
        is_kept = False
        for each in others:
            is_kept = self._keep(each) or is_kept
        return changed if changed or is_kept else None

    def store(self, node: EnrichedConversation) -> bool:
        """Take in an enriched conversation, unless it is no more; what fails now does not undo what was read.

        Returns whether it was taken in.
        """
        stretch = self._with_conversation(node.id)
        if stretch is None:
            return False
        content = stretch.content
        before = content.nodes.get(node.id)
        content.nodes[node.id] = node
        for id, found in node.messages.items():
            if reading_of(found) is not None:
                content.kept.pop(id, None)
            elif before and id in before.messages and (reading := reading_of(before.messages[id])):
                content.kept[id] = reading
        self._changed_in(stretch)
        return True

    def changed(self) -> None:
        """Forget what was derived from the chat's own facts: to be called when they are others."""
        self._fan = None

    def have(self, corrections: Corrections) -> None:
        """Have these laid over it from now on, of which none is of this chat yet."""
        self._cutter = replace(self._cutter, corrections=corrections)
        for each in self._stretches:
            each.have(self._cutter)

    def corrected(self, message_id: str) -> list[str]:
        """Count anew where a message was corrected, or its conversation; ids of what counts otherwise now."""
        stretch = self._with_message(message_id)
        if stretch is None:
            return []
        self._changed_in(stretch)
        return [id for id, messages in stretch.corrected().items() if message_id in messages]

    def recount(self, topics: Collection[str]) -> list[str]:
        """Count anew where one of these topics is found or stated; the ids of those conversations."""
        found: list[str] = []
        for stretch in self._stretches:
            if own := stretch.with_topics(topics):
                self._changed_in(stretch)
                found += own
        return found

    # What is asked of a chat

    def unread(self) -> int:
        """The client's count, plus direct fan messages since, reset by a direct message of the creator."""
        count, since = 0, self.chat.counted_at
        for each in reversed(self._stretches):
            facts = each.facts
            if facts.first is None or facts.last is None or facts.last <= since:
                break
            if facts.first > since:
                count += facts.trailing
                if facts.answered_at is not None:
                    return count
                continue
            for message in reversed(list(each.ordered())):
                if message.is_direct and message.at > since:
                    if message.direction == "creator":
                        return count
                    count += 1
        return self.chat.unread + count

    def fan_state(self) -> FanState:
        self._fan = self._fan or self._fan_state()
        return self._fan

    def _fan_state(self) -> FanState:
        found = self._fan_by(self.totals)
        if not self._cutter.corrections.messages_of(self.chat.id):
            return found
        first, *others = (each.said_totals for each in self._stretches)
        return replace(found, said=self._fan_by(reduce(Totals.then, others, first)))

    def _fan_by(self, totals: Totals) -> FanState:
        waiting_since, not_waiting = self._waiting(totals)
        return FanState(
            fan_id=self.chat.fan_id,
            creator_id=self.chat.creator_id,
            chat_id=self.chat.id,
            join_date=self.chat.subscribed_at or totals.first_at,
            spend=max(totals.amounts.total, self.chat.total_spend or 0.0),
            unread=self.unread(),
            waiting_since=waiting_since,
            not_waiting=not_waiting,
            recent_sentiment=sum(totals.recent) / len(totals.recent) if totals.recent else None,
            sentiment_profile=totals.felt.mean,
            last_message_at=totals.last_at,
            subscription_end=self.chat.expires_at,
        )

    def _waiting(self, totals: Totals) -> tuple[float | None, str | None]:
        """Since when the fan waits for an answer, or why not although the last word is the fan's."""
        run = totals.run
        if run.since is None:
            return None, "broadcast of a creator" if totals.is_last_by_other_creator else None
        if self.chat.can_send is False:
            return None, "the platform takes no message"
        return (None, f"closing: {run.closing}") if run.closing else (run.since, None)

    # Inside

    def _with_message(self, id: str) -> Stretch | None:
        """The stretch that has the message."""
        digest = digest_of(id)
        for each in reversed(self._stretches):
            if each.has(id, digest) and id in each.content.messages:
                return each
        return None

    def _with_conversation(self, id: str) -> Stretch | None:
        """The stretch that has the conversation."""
        stretch = self._with_message(id[len(self.chat.id) + 1 :])
        return stretch if stretch and id in stretch.content.contexts else None

    def _place_of(self, message: Message) -> Stretch:
        """The stretch that a message of that time belongs to."""
        for n in reversed(range(1, len(self._stretches))):
            before, each = self._stretches[n - 1 : n + 1]
            if each.facts.may_take(message.at, before.facts, self._gap):
                return each
        return self._stretches[0]

    def _join(self, work: "_Work") -> int:
        """Make one of neighbours that are not what they would be in the whole chat.

        Returns the place of the first.
        """
        first, n = len(self._stretches), 1
        while n < len(self._stretches):
            before, behind = self._stretches[n - 1], self._stretches[n]
            is_touched = before in work.taken or behind in work.taken
            if not is_touched or is_boundary(before.facts, behind.facts, self._gap):
                n += 1
                continue
            work.take(before)
            work.take(behind)
            both = [*before.content.messages.values(), *behind.content.messages.values()]
            joined = self._stretch(both, before.beside)
            self._stretches[n - 1 : n + 1] = [joined]
            work.put([before, behind], [joined])
            first, n = min(first, n - 1), max(1, n - 1)
        return first

    def _part(self, work: "_Work") -> int:
        """Part what is large, the newest so that its end is small.

        Returns the place of the first stretch in hand.
        """
        for stretch in list(work.taken):
            if stretch not in work.taken:  # it is part of another by now
                continue
            n = self._stretches.index(stretch)
            is_last = n == len(self._stretches) - 1
            if stretch.facts.messages <= (MANY if is_last else 2 * BLOCK):
                continue
            own = parts(stretch.content, self._gap, FEW if is_last else BLOCK)
            if len(own) == 1:
                continue
            old = [stretch]
            if is_last:
                own = [*in_blocks(own[:-1]), own[-1]]
                before = self._stretches[n - 1] if n else stretch
                is_small = before.facts.messages < BLOCK
                if n and is_small and (own[0].is_quiet or not before.facts.is_quiet):
                    work.take(before)
                    own[0].messages += before.content.messages.values()
                    old, n = [before, stretch], n - 1
            parted = [self._stretch(each.messages, old[0].beside) for each in own]
            self._stretches[n : n + len(old)] = parted
            work.put(old, parted)
        return min((self._stretches.index(each) for each in work.taken), default=len(self._stretches))

    def _stretch(self, messages: Iterable[Message], beside: Beside) -> Stretch:
        found = Stretch(self._cutter, messages)
        found.recut(beside)
        return found

    def _besides(self) -> list[Beside]:
        """What lies beside each stretch."""
        waits: list[bool] = []  # when it begins
        is_waiting = False
        for each in self._stretches:
            waits.append(is_waiting)
            is_waiting = bool(each.facts.trailing) or (is_waiting and each.facts.answered_at is None)
        found: list[Beside] = []
        answered_at: float | None = None  # behind it
        answered_by: str | None = None
        for each, waiting in zip(reversed(self._stretches), reversed(waits), strict=True):
            facts = each.facts
            is_own = bool(facts.trailing) and not (waiting and facts.answered_at is None)
            found.append(Beside(waiting, answered_at, answered_by) if is_own else Beside(waiting))
            if facts.answered_at is not None:
                answered_at, answered_by = facts.answered_at, facts.answered_by
        return found[::-1]

    def _changed_in(self, stretch: Stretch) -> None:
        stretch.changed()
        last = len(self._stretches) - 1
        n = last if stretch is self._stretches[last] else self._stretches.index(stretch)
        self._changed_from(n)

    def _changed_from(self, n: int) -> None:
        """Forget what was derived from the stretch at that place."""
        del self._up_to[n:]
        self._fan = None

    def _keep(self, each: Understanding) -> bool:
        """Keep what is read nowhere else of the messages that still say the same; whether there was any."""
        is_kept = False
        for id, digest in each.said.items():
            stretch = self._with_message(id)
            if stretch is None:
                continue
            content = stretch.content
            nodes = content.nodes.values()
            if any(id in node.messages and reading_of(node.messages[id]) for node in nodes):
                continue
            for read, reading in still_read(each.node, {id: digest}, content.messages).items():
                if content.kept.get(read) != reading:
                    content.kept[read] = reading
                    self._changed_in(stretch)
                    is_kept = True
        return is_kept

    def _imprint(self, conversation: Conversation) -> bytes:
        """A digest that is another one when the conversation, or what enrichment sees around it, is."""
        around = repr((conversation, self.context(conversation.id)))
        return blake2b(around.encode("utf-8", "replace"), digest_size=16).digest()


@dataclass(slots=True)
class _Work:
    """What `recut` has in hand: stretches, with what they held before it."""

    taken: dict[Stretch, None] = field(default_factory=dict)
    before: dict[str, tuple[Conversation, Context | None]] = field(default_factory=dict)
    nodes: dict[str, EnrichedConversation] = field(default_factory=dict)
    kept: dict[str, Reading] = field(default_factory=dict)

    def take(self, stretch: Stretch) -> None:
        """To be called before anything else is done to a stretch."""
        if stretch in self.taken:
            return
        self.taken[stretch] = None
        content = stretch.content
        for each in content.conversations:
            self.before[each.id] = each, content.contexts.get(each.id)
        self.nodes |= content.nodes
        self.kept |= content.kept

    def put(self, old: Iterable[Stretch], new: Iterable[Stretch]) -> None:
        """The new ones are in place of the old ones."""
        for stretch in old:
            del self.taken[stretch]
        self.taken.update(dict.fromkeys(new))

    def give_back(self) -> Recut:
        """Give the stretches the nodes and readings that still hold.

        A conversation's enrichment also speaks of what surrounds it: a renewal belongs to the last
        conversation before it, a drop-off is withdrawn when the fan returns.
        """
        cut: dict[str, Conversation] = {}
        for stretch in self.taken:
            content = stretch.content
            content.nodes, content.kept = {}, {}
            for each in content.conversations:
                cut[each.id] = each
                if self.before.get(each.id) == (each, content.contexts.get(each.id)):
                    node = self.nodes.pop(each.id, None)
                    if node is not None:
                        content.nodes[each.id] = node
        messages = {id: m for stretch in self.taken for id, m in stretch.content.messages.items()}
        for id, node in self.nodes.items():  # of what is another now
            said = {message.id: says(message) for message in self.before[id][0].messages}
            self.kept |= still_read(node, said, messages)
        for stretch in self.taken:
            content = stretch.content
            content.kept = {id: self.kept[id] for id in content.messages if id in self.kept}
            stretch.changed()
        shown = _shown(conversation for conversation, _ in self.before.values())
        shows = _shown(cut.values())
        both = ((message, shown[id]) for id, message in shows.items() if id in shown)
        return Recut(
            new=[message for id, message in shows.items() if id not in shown],
            changed=[m for m, old in both if m is not old and content_of(m) != content_of(old)],
            removed=[message for id, message in shown.items() if id not in shows],
            gone=[id for id in self.before if id not in cut],
            cut=list(cut),
        )


def _surrounded(content: Content, conversation: Conversation) -> Surrounded:
    found = {m.id: content.kept[m.id] for m in conversation.messages if m.id in content.kept}
    if (node := content.nodes.get(conversation.id)) is not None:
        found |= readings_of(node)
    return conversation, content.contexts[conversation.id], found


def content_of(message: Message) -> Message:
    """The message without what may differ between two copies of the same content."""
    return structs.replace(message, raw=b"", changed_at=None, older=(), sender_at=None)


def still_read(
    node: EnrichedConversation, said: Mapping[str, bytes], messages: Mapping[str, Message]
) -> dict[str, Reading]:
    """What `node` read in those of the messages that still say what they `said` then, by id."""
    found: dict[str, Reading] = {}
    for id, each in node.messages.items():
        message, reading = messages.get(id), reading_of(each)
        if message is None or message.is_deleted or reading is None:
            continue
        if says(message) == said.get(id):
            found[id] = reading
    return found


def readings_of(node: EnrichedConversation) -> dict[str, Reading]:
    """What was read in a conversation's messages, by id."""
    read = ((id, reading_of(each)) for id, each in node.messages.items())
    return {id: reading for id, reading in read if reading is not None}


def _shown(conversations: Iterable[Conversation]) -> dict[str, Message]:
    return {m.id: m for each in conversations for m in each.messages if not m.is_notification}


def _with_entities(found: MessageEnrichment, text: str | None) -> MessageEnrichment:
    """With the entities' own text from the message's `text`, or without it."""
    if not found.entities:
        return found
    entities = (
        structs.replace(each, text="" if text is None else text[each.start : each.end])
        for each in found.entities
    )
    return structs.replace(found, entities=tuple(entities))
