"""How many messages are accepted and not understood yet. Pure."""

from collections import deque

from session.machine import DeltaAccepted, SnapshotAccepted


class Backlog:
    """Counts the messages of events, which come in the journal's order."""

    def __init__(self) -> None:
        self._events: deque[tuple[int, int]] = deque()  # (sequence, messages)
        self.messages = 0

    def add(self, event: SnapshotAccepted | DeltaAccepted) -> None:
        self._events.append((event.sequence, len(event.messages)))
        self.messages += len(event.messages)

    def understood(self, sequence: int) -> None:
        """Whatever came up to that sequence waits no more."""
        while self._events and self._events[0][0] <= sequence:
            self.messages -= self._events.popleft()[1]
