"""Keeps a history in order behind what changes in it, a few chats between two looks at the event loop."""

from history.history import History
from session.machine import CorrectionAccepted
from steps import paced, sliced

OPEN_MESSAGES = 5_000  # of the chats used last stay unpacked
EVERY = 20  # chats that are counted anew before those not used are packed


async def close_chats(history: History) -> None:
    """Pack the chats that were not used for longest."""
    await paced(history.closing(history.beyond(OPEN_MESSAGES)))


async def recount(history: History, corrected: CorrectionAccepted | None = None) -> None:
    """Have topics count in every chat as they are corrected; a message or conversation does at once."""
    topics = history.take_uncounted()
    if corrected is not None and corrected.correction.subject.kind == "topic":
        topics.append((corrected.creator_id, corrected.correction.subject.id))
    for creator_id, topic in dict.fromkeys(topics):
        concerned = history.corrections(creator_id).behind(topic)
        async for number, key in sliced(enumerate(history.keys(creator_id))):
            history.recount(key, concerned)
            if number % EVERY == 0:
                await close_chats(history)
