"""Reads what a user's owner starts from: the newest checkpoint, and what the journal has behind it."""

from session.knowledge import EXPIRED
from session.machine import Again, CorrectionAccepted, ErasureAccepted
from session.parts import Parts
from session.replay import replayed
from session.upkeep import close_chats, recount
from steps import paced


async def recover(parts: Parts) -> None:
    """Claim the journal, and take in all that is known; what is away or cannot be read is raised."""
    ports, history, state, knowledge = parts.ports, parts.history, parts.state, parts.knowledge
    persistence, erasures, retelling = parts.persistence, parts.erasures, parts.retelling
    await ports.keys.load()
    epoch = await ports.journal.claim()
    parts.retention.begin(await ports.erased.retention())
    unwritten, due = await persistence.read(epoch)
    async for event in replayed(ports.journal, knowledge, state.sequence):
        await paced(state.replay(event))
        if isinstance(event, CorrectionAccepted):
            await recount(history, event)
        elif not isinstance(event, ErasureAccepted):
            persistence.unsaved += len(event.messages)
        await close_chats(history)
    erased = [creator_id for each in due for creator_id in each.accounts]  # pages may still show them
    for creator_id in dict.fromkeys([*await persistence.recall(), *erased]):
        retelling.redo(creator_id)
    await recount(history)
    shown = list(dict.fromkeys([*history.creators(), *state.unfinished()]))
    retelling.show(shown)
    await ports.keys.prepare([*shown, *knowledge.held_of()])
    changes = history.take_changes()
    parts.writes.begin(epoch, ports.writer(epoch), unwritten)
    parts.writes.follow(changes)
    parts.indexes.begin(epoch)
    parts.columns.begin(epoch)
    erasures.begin(epoch, due)
    if knowledge.dropped[EXPIRED]:  # the journal has it still
        erasures.sweep()
    await parts.figures.load()
    await parts.frames.begin(epoch)
    parts.mailbox.put(Again())
