import asyncio
from typing import Any

from redis.asyncio import Redis

from actors.journal import Journal
from actors.state import DeltaAccepted, SnapshotAccepted
from actors.user_actor import UserActor, _Entry, _runs


async def actor(redis: Redis, user_id: str) -> UserActor:
    """As much of an actor as journaling takes."""
    made = UserActor.__new__(UserActor)
    made._journal = Journal(redis, user_id)
    made._mailbox = asyncio.Queue()
    made._held = {}
    await made._journal.claim()
    return made


def live(messages: int, creator: str = "c1") -> _Entry:
    return _entry(messages, creator, None, lambda sequence: DeltaAccepted(sequence, creator, ()))


def snapshot(messages: int, creator: str = "c1") -> _Entry:
    return _entry(messages, creator, [b"{}"], lambda sequence: SnapshotAccepted(sequence, creator))


def _entry(messages: int, creator: str, chats: Any, event: Any) -> _Entry:
    return _Entry(
        creator_id=creator,
        received_at=0.0,
        snapshot=chats,
        bodies=[b"{}"] * messages,
        ids=(),
        held=(),
        chats=(),
        event=event if messages or chats else None,
    )


async def test_each_entry_of_a_group_commit_speaks_of_its_own_last_record(redis: Redis, user_id: str) -> None:
    owner = await actor(redis, user_id)
    entries = [live(2), live(0), live(3), snapshot(1), live(0), live(1)]
    for run in _runs(entries):
        await owner._append(run)
    # A snapshot of a chat and a message takes two chunks and the record that closes it.
    assert [entry.done.result() for entry in entries] == [2, 2, 5, 8, 8, 9]
    told = [owner._mailbox.get_nowait() for _ in range(owner._mailbox.qsize())]
    assert told == [
        DeltaAccepted(2, "c1", ()),
        DeltaAccepted(5, "c1", ()),
        SnapshotAccepted(8, "c1"),
        DeltaAccepted(9, "c1", ()),
    ]


async def test_entries_are_committed_together_up_to_a_snapshot_or_another_creator() -> None:
    a, b, c, d, e, f = live(1), live(1), snapshot(1), snapshot(1), live(1, "c2"), live(1)
    assert _runs([a, b, c, d, e, f]) == [[a, b], [c], [d], [e], [f]]
    assert _runs([]) == []
