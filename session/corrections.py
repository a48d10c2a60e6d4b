"""Takes corrections of what was understood, lists those that stand, and gives them as labels."""

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import msgspec
import orjson
from msgspec import structs

from chats.conversation import Conversation
from chats.corrections import Correction, StatedOutcome, problem
from chats.enriched import EnrichedConversation
from chats.message import Message
from enrich.actions.names import ACTIONS
from errors import AnalyticsError, InvalidInput, NotFound, Unavailable
from history.chat import CachedChat
from history.corrected import Corrections
from history.history import History
from session.clock import Clock
from session.intake import Intake
from wire.enriched import instant
from wire.masking import Pseudonym, masked_message

MOST = 100_000  # corrections of an account, those that were replaced among them
EVERY = 20  # that are looked at between two looks at the event loop
LATER = 1e-6  # seconds by which one counts after the one before it, where clocks say otherwise
# What read it, by field.
_MODELS = {"sentiment": "sentiment", "topic": "topics", "outcome": "outcomes"}


class Correcting:
    """One user's."""

    def __init__(self, history: History, intake: Intake, clock: Clock) -> None:
        self._history = history
        self._intake = intake
        self._clock = clock
        self._due: dict[str, asyncio.Future[None]] = {}  # that are journaled and do not count yet, by id

    async def correct(self, creator_id: str, asked: Correction) -> Correction:
        """Have it count; its time is set here. One whose id is known is the one that was made then.

        Returns when it counts. NotFound: its subject is not there. InvalidInput.
        """
        known = self._of(creator_id)
        if (before := known.get(asked.id)) is not None:
            return before
        if (due := self._due.get(asked.id)) is None:
            self._check(creator_id, asked, known)
            due = self._due[asked.id] = asyncio.get_running_loop().create_future()
            counting = known.counting(asked)
            at = self._clock.now().timestamp()
            at = at if counting is None else max(at, counting.at + LATER)
            try:
                await self._intake.correct(creator_id, structs.replace(asked, at=at))
            except BaseException as error:
                self._due.pop(asked.id, None)
                if not due.done():  # whoever else sent it is told, too
                    is_known = isinstance(error, AnalyticsError)
                    due.set_exception(error if is_known else Unavailable("Send the correction again."))
                    due.exception()
                raise
        await asyncio.shield(due)
        made = self._of(creator_id).get(asked.id)
        if made is None:  # its account was erased meanwhile
            raise NotFound("What was corrected is not there any more.")
        return made

    async def withdraw(self, creator_id: str, id: str, by: str, who: str) -> Correction:
        """Have a correction that stands count no more, by another one with the id `by`. NotFound."""
        known = self._of(creator_id)
        of = known.get(id)
        if of is None or known.counting(of) != of or of.value is None:
            raise NotFound("No correction of that id stands; GET lists those that do.")
        return await self.correct(creator_id, structs.replace(of, id=by, who=who, value=None))

    def counts(self, id: str) -> None:
        """A correction counts from now on."""
        if (due := self._due.pop(id, None)) is not None and not due.done():
            due.set_result(None)

    async def listed(self, creator_id: str, limit: int, offset: int) -> dict[str, Any]:
        """A page of those that stand, the newest first, and how many there are."""
        standing = self._of(creator_id).standing()[::-1]
        rows: list[dict[str, Any]] = []
        for each in standing[offset : offset + limit]:
            rows.append(self._row(creator_id, each))
            if len(rows) % EVERY == 0:
                await asyncio.sleep(0)
        return {"corrections": rows, "total": len(standing)}

    def labels(
        self, creator_id: str, after: str | None, limit: int, pseudonym: Pseudonym | None
    ) -> tuple[bytes, str | None]:
        """So many of those that stand as labels, lines of JSON, and the id to go on after; see docs.

        With a `pseudonym` texts are as `wire.masking` shows them. NotFound: none of the id `after` was made.
        """
        known = self._of(creator_id)
        last = None if after is None else known.get(after)
        if after is not None and last is None:
            raise NotFound("The correction that the labels were read up to is not there; begin anew.")
        behind = [each for each in known.standing() if last is None or each.order > last.order]
        page = behind[:limit]
        lines = [line for each in page if (line := self._label(creator_id, each, pseudonym)) is not None]
        following = page[-1].id if len(behind) > limit else None
        return b"".join(orjson.dumps(line) + b"\n" for line in lines), following

    # Inside

    def _of(self, creator_id: str) -> Corrections:
        return self._history.corrections(creator_id)

    def _check(self, creator_id: str, asked: Correction, known: Corrections) -> None:
        if creator_id not in self._history.creators():
            raise NotFound("This user has no chats of that creator.")
        wrong = problem(asked) or (None if asked.value is None else self._unknown(creator_id, asked, known))
        if wrong is not None:
            field, reason = wrong
            raise InvalidInput(
                f"The correction makes no sense: {field} {reason}.",
                detail=[{"field": field, "reason": reason}],
            )
        if len(known) >= MOST:
            raise InvalidInput(f"An account has at most {MOST} corrections.")
        subject = asked.subject
        if asked.value is None:
            return  # one that rests is withdrawn as well
        if subject.kind == "topic":
            if self._history.topic(creator_id, subject.id) is None:
                raise NotFound("No conversation of that creator has a topic of that id.")
        elif self._history.said_by(creator_id, asked) is None:
            raise NotFound(f"There is no such {subject.kind} in that chat.")

    def _unknown(self, creator_id: str, asked: Correction, known: Corrections) -> tuple[str, str] | None:
        """The field that names what there is not, and why it cannot be taken."""
        if asked.field == "action" and not set(cast(tuple[str, ...], asked.value)) <= ACTIONS:
            return "value", "names an action that is none of docs/enrichment.md"
        named: tuple[str, ...] = ()
        if asked.field == "topic":
            named = cast(tuple[str, ...], asked.value)
        elif asked.field == "merged_into":
            named = (cast(str, asked.value),)
            if known.topic(named[0]) == asked.subject.id or named[0] == asked.subject.id:
                return "value", "is the topic itself, or a part of it"
        if any(self._history.topic(creator_id, each) is None for each in named):
            return "value", "names a topic that no conversation of the creator has"
        return None

    def _row(self, creator_id: str, correction: Correction) -> dict[str, Any]:
        subject = correction.subject
        if subject.kind == "topic":
            fits = self._history.topic(creator_id, subject.id) is not None
        else:
            fits = self._history.said_by(creator_id, correction) is not None
        return row_of(correction, rests=not fits)

    def _label(
        self, creator_id: str, correction: Correction, pseudonym: Pseudonym | None
    ) -> dict[str, Any] | None:
        """None: it is of a topic, or rests."""
        subject = correction.subject
        cached = self._history.look(creator_id, subject.chat_id) if subject.chat_id else None
        conversation = cached.with_message(subject.id) if cached else None
        node = cached.said_of(subject.id) if cached else None
        if cached is None or conversation is None or node is None:
            return None
        direction = correction.side or "fan"
        texts: Iterator[str | None]
        if subject.kind == "message":
            message = next(each for each in conversation.messages if each.id == subject.id)
            direction = message.direction
            texts = iter([_text(message, cached, pseudonym)])
        else:
            every = correction.field in ("topic", "outcome")
            own = (each for each in conversation.messages if every or each.direction == direction)
            texts = (_text(message, cached, pseudonym) for message in own)
        return {
            "label": correction.field,
            "text": "\n".join(text for text in texts if text),
            "direction": direction,
            "said": _said(node, conversation, correction),
            "corrected": msgspec.to_builtins(correction.value),
            "model": _model(node, correction.field),
            "at": instant(correction.at).isoformat(),
        }


def row_of(correction: Correction, *, rests: bool = False) -> dict[str, Any]:
    """A correction as callers are shown it. `rests`: nothing is there that it would be of."""
    subject = correction.subject
    return {
        "id": correction.id,
        "at": instant(correction.at).isoformat(),
        "who": correction.who,
        "kind": subject.kind,
        "chat_id": subject.chat_id or None,
        "subject": subject.id,
        "field": correction.field,
        "side": correction.side,
        "value": msgspec.to_builtins(correction.value),
        "rests": rests,
    }


def _text(message: Message, cached: CachedChat, pseudonym: Pseudonym | None) -> str | None:
    return message.text if pseudonym is None else masked_message(message, cached, pseudonym)["text"]


def _model(node: EnrichedConversation, field: str) -> str:
    """What said it, with its version: several where several did."""
    if field == "action":
        return ", ".join(node.models[each] for each in ("actions", "action_head") if each in node.models)
    return node.models.get(_MODELS[field], "")


def _said(node: EnrichedConversation, conversation: Conversation, correction: Correction) -> Any:
    """What was said of the same, in the form of the correction's value."""
    id, is_message = correction.subject.id, correction.subject.kind == "message"
    found = node.messages[id]
    match correction.field:
        case "sentiment":
            return found.sentiment if is_message else node.sentiment
        case "action":
            of_side = (each.type for each in node.actions if each.direction == correction.side)
            return list(found.actions or ()) if is_message else list(of_side)
        case "topic":
            of_all = (each.id for each in node.topics)
            return [each.id for each in found.topics or ()] if is_message else list(of_all)
        case _:
            own = [each for each in node.outcomes if not is_message or each.message_id == id]
            return msgspec.to_builtins([StatedOutcome(e.type, e.amount, e.at) for e in own])
