"""What the graph lacks of an account, as ids: however long it is away, no more than these waits. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from history.history import Change

TOGETHER = 500  # conversations written by one call


@dataclass(slots=True)
class Lacking:
    """What the graph lacks of one account: everything, or these conversations and fans (dicts keep order)."""

    everything: bool = False
    written: dict[tuple[str, str], None] = field(default_factory=dict)  # chat id, conversation id
    gone: dict[str, None] = field(default_factory=dict)  # conversation ids
    fans: dict[str, None] = field(default_factory=dict)  # chat ids
    erased: dict[str, None] = field(default_factory=dict)  # ids of fans who are no more
    unused: bool = False  # it may have topics that no conversation discusses
    since: float = 0.0  # seconds of the clock at which the oldest of it changed

    def add(self, chat_id: str, change: Change) -> None:
        for id in change.gone:
            self.gone[id] = None
            self.written.pop((chat_id, id), None)
        for id in change.written:
            self.written[chat_id, id] = None
            self.gone.pop(id, None)
        self.fans[chat_id] = None
        if change.erased is not None:
            self.erased[change.erased] = None
        # Under the new id everything of the chat is another vertex.
        self.everything = self.everything or change.moved

    def put_back(self, older: "Lacking") -> None:
        """Take in what was not written after all."""
        self.everything = self.everything or older.everything
        self.written = {**{k: None for k in older.written if k[1] not in self.gone}, **self.written}
        written = {id for _, id in self.written}
        self.gone = {**{id: None for id in older.gone if id not in written}, **self.gone}
        self.fans = {**older.fans, **self.fans}
        self.erased = {**older.erased, **self.erased}
        self.unused = self.unused or older.unused
        self.since = older.since

    def to_json(self) -> dict[str, Any]:
        """As a checkpoint keeps it."""
        more: dict[str, Any] = {"gone": list(self.gone), "erased": list(self.erased)} if self.erased else {}
        if self.unused:
            more["unused"] = True
        if self.everything:
            return {"everything": True, **more}
        facts = {"written": list(self.written), "gone": list(self.gone), "fans": list(self.fans)}
        return {**facts, **more}

    @classmethod
    def of_json(cls, facts: Mapping[str, Any], since: float) -> "Lacking":
        # A checkpoint gives lists where it was given pairs.
        written = dict.fromkeys((chat_id, id) for chat_id, id in facts.get("written", ()))
        gone, fans = dict.fromkeys(facts.get("gone", ())), dict.fromkeys(facts.get("fans", ()))
        erased = dict.fromkeys(facts.get("erased", ()))
        unused = bool(facts.get("unused"))
        return cls(bool(facts.get("everything")), written, gone, fans, erased, unused, since)

    def parts(self) -> Iterator[tuple[dict[tuple[str, str], None], dict[str, None]]]:
        """Conversations and fans that are written together."""
        written, fans = list(self.written), list(self.fans)
        for start in range(0, max(len(written), len(fans)), TOGETHER):
            part = slice(start, start + TOGETHER)
            yield dict.fromkeys(written[part]), dict.fromkeys(fans[part])
