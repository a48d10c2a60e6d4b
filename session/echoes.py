"""Remembers what creators sent just now, to know a captured send that comes after its echo. Pure."""

from chats.conversation import ECHO_SECONDS
from chats.message import Message
from session.known import Notes

MOST = 1_000  # texts; the ones that were sent first go


class Echoes:
    """The latest direct messages of creators by their text, each with the latest time (epoch seconds)."""

    def __init__(self) -> None:
        self._at: dict[tuple[str, str], float] = {}

    def add(self, message: Message, received_at: float, notes: Notes) -> None:
        """Keep a message that can be the echo of what is captured from `received_at` on."""
        if (
            message.at < received_at - ECHO_SECONDS
            or message.direction != "creator"
            or not (message.text and message.is_direct)
        ):
            return
        name = (message.creator_id, message.text)
        latest = max(message.at, self._at.get(name, 0.0))
        notes.set(self._at, name, None)  # so that it is the last one
        notes.set(self._at, name, latest)
        if len(self._at) > MOST:
            self._at.pop(next(iter(self._at)))

    def forget(self, creator_id: str | None) -> None:
        """Remember nothing of a creator, or of any: whose chat a text is of is not known here."""
        kept = {name: at for name, at in self._at.items() if creator_id not in (None, name[0])}
        self._at.clear()
        self._at.update(kept)

    def has(self, creator_id: str, text: str, captured_at: float) -> bool:
        """Whether a message of that text came within ECHO_SECONDS of what was captured."""
        at = self._at.get((creator_id, text))
        return at is not None and abs(at - captured_at) <= ECHO_SECONDS
