"""Reads again what the journal has, as the events that it was."""

import sys
from collections.abc import AsyncIterator, Sequence

import orjson

from chats.chat import Chat
from chats.corrections import Correction
from chats.message import Message
from session.erasure import Erasure
from session.journal import Journal, Record
from session.knowledge import Knowledge
from session.known import Notes
from session.machine import Accepted, CorrectionAccepted, DeltaAccepted, SnapshotAccepted
from steps import Steps, finished, paced
from wire.incoming import LISTS, CacheUpdatePayload, LiveMessage, framed
from wire.normalise import Held, Normalised, normalising_deltas, normalising_snapshot
from wire.parsing import Rows, parsing

TOGETHER = 5_000  # messages that are one event


async def replayed(journal: Journal, knowledge: Knowledge, after: int) -> AsyncIterator[Accepted]:
    """Events of what the journal has after that sequence; neighbouring messages of a creator are one.

    What it tells is known from then on, as it was when it came.
    """
    run: list[Record] = []
    async for record in journal.read(after):
        ends = record.kind != "message" or len(run) >= TOGETHER
        if run and (ends or record.creator_id != run[0].creator_id):
            if (event := await paced(_messages(knowledge, run))).messages:
                yield event
            run = []
        match record.kind:
            case "message":
                run.append(record)
            case "snapshot":
                yield await paced(_snapshot(knowledge, record))
            case "release":
                knowledge.release([orjson.loads(record.body)])
            case "held":
                held = Normalised(held=(Held.of_json(record.body),))
                held = finished(knowledge.admitted(record.creator_id, held))
                knowledge.hold(record.creator_id, record.received_at, held.held)
            case "correction":
                said = Correction.of_json(record.body)
                if not knowledge.tombstones.covering(record.creator_id)(said.subject.chat_id):
                    yield CorrectionAccepted(record.sequence, record.creator_id, said)
            case "erase":
                erasure = Erasure.of_json(record.body, record.sequence)
                knowledge.tombstones.set(erasure.names)
                yield knowledge.erase(erasure)
            case "lift":
                knowledge.tombstones.lift(orjson.loads(record.body))
    if run and (event := await paced(_messages(knowledge, run))).messages:
        yield event


def _snapshot(knowledge: Knowledge, record: Record) -> Steps[SnapshotAccepted]:
    creator_id, received_at = record.creator_id, record.received_at
    body = yield from parsing(record.body, lazily=LISTS)
    messages = body["messages"]
    snapshot = CacheUpdatePayload(
        chats=body["chats"], messages=Rows(len(messages), lambda: map(framed, messages))
    )
    normalised = yield from normalising_snapshot(
        snapshot,
        creator_id,
        received_at,
        sys.maxsize,  # it was checked when it was accepted, by what was the limit then
        knowledge.of(creator_id).places,
        False,  # so was whose it is
    )
    normalised = yield from knowledge.admitted(creator_id, normalised)
    fresh, chats = yield from knowledge.fresh(creator_id, received_at, normalised, Notes())
    knowledge.hold(creator_id, received_at, normalised.held)
    return SnapshotAccepted(record.sequence, creator_id, chats, fresh)


def _messages(knowledge: Knowledge, records: Sequence[Record]) -> Steps[DeltaAccepted]:
    creator_id = records[0].creator_id
    places = knowledge.of(creator_id).places
    chats: list[Chat] = []
    fresh: list[Message] = []
    for record in records:
        rows = [LiveMessage(framed(orjson.loads(record.body)))]
        normalised = yield from normalising_deltas(
            rows, creator_id, record.received_at, sys.maxsize, places, False
        )
        normalised = yield from knowledge.admitted(creator_id, normalised)
        new, told = yield from knowledge.fresh(creator_id, record.received_at, normalised, Notes())
        fresh += new
        chats += told
        knowledge.hold(creator_id, record.received_at, normalised.held)
        yield
    return DeltaAccepted(records[-1].sequence, creator_id, tuple(fresh), tuple(chats))
