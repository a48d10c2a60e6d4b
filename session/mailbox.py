"""Events on their way to the machine, in the order in which they are taken."""

import asyncio

from session.machine import Event


class Mailbox:
    """One user's. Whoever takes the next event says when it is taken."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._is_taking = False

    @property
    def idle(self) -> bool:
        """Whether no event waits or is being taken."""
        return self._events.empty() and not self._is_taking

    def put(self, event: Event) -> None:
        self._events.put_nowait(event)

    async def next(self) -> Event:
        """The event that waits longest, once there is one."""
        event = await self._events.get()
        self._is_taking = True
        return event

    def taken(self) -> None:
        """All that follows from it at once is done."""
        self._is_taking = False
