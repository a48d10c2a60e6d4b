"""Which creators pages are to be told anew: what they have may be old, or frames to them were lost."""

import asyncio
from collections.abc import Callable, Iterable

from frames.publisher import Publisher
from session.machine import Redo, UserState
from session.mailbox import Mailbox


class Retelling:
    """One user's. The `publisher` is made here: it says when frames are being lost."""

    def __init__(
        self,
        publisher: Callable[[Callable[[], None]], Publisher],
        state: UserState,
        mailbox: Mailbox,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._state = state
        self._mailbox = mailbox
        self._tasks = tasks
        self._asked: dict[str, None] = {}  # creators, before the machine knows it
        self._shown: dict[str, None] = {}  # of whom pages may show something, also when all is erased
        self.frames = publisher(self._lost)

    def show(self, creators: Iterable[str]) -> None:
        """Pages may show something of these creators from now on."""
        self._shown.update(dict.fromkeys(creators))

    def redo(self, creator_id: str) -> None:
        """Have the creator told anew; a checkpoint knows it from now on."""
        self._asked[creator_id] = None
        self._mailbox.put(Redo(creator_id))

    def known(self, creator_id: str) -> None:
        """The machine knows that the creator is to be told anew."""
        self._asked.pop(creator_id, None)

    def unshown(self) -> list[str]:
        """The creators who are to be told anew, or of whom frames are being lost."""
        return list(self._asked) if self.frames.works else list(self._shown)

    def _lost(self) -> None:
        """Frames are lost: once they are taken again, pages get a full sync of every creator."""
        self._tasks.create_task(self._repair())

    async def _repair(self) -> None:
        await self.frames.repair(self._state.sequence)
        for creator_id in self._shown:
            self.redo(creator_id)
