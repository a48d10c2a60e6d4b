"""What was found against what must be there. Pure: every fault is said by kind, user and place."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from tests.chaos.stream import Key, order
from tests.graph.reading import Contents
from tests.service.talk import Raw, numbers

Kind = Literal["lost", "doubled", "reordered", "graph", "number", "unsettled"]


class Fault(NamedTuple):
    kind: Kind
    user_id: str
    what: str


class View:
    """What a page shows that does with every frame what docs/protocol.md says. Texts by chat and message."""

    def __init__(self) -> None:
        self.chats: dict[str, dict[str, str]] = {}
        self.status = ""
        self.doubled: list[str] = []
        self.reordered: list[str] = []
        self.position = ""  # of the last frame that has one

    def take(self, frame: Raw) -> None:
        payload = frame["payload"]
        self.position = frame.get("frame") or self.position
        match frame["type"]:
            case "system_status":
                self.status = payload["status"]
            case "full_sync_response":
                self.chats = {}
                for node in payload["conversations"]:
                    self._append(node["conversationId"], node["messages"])
                    self.reordered += _disorder(node["messages"])
            case "append_message":
                shown = self._append(payload["conversationId"], payload["messages"])
                shown.update((str(m["id"]), m["text"]) for m in payload["changedMessages"])
                for id in payload["removedMessages"]:
                    shown.pop(id, None)

    def _append(self, chat_id: str, messages: Iterable[Raw]) -> dict[str, str]:
        shown = self.chats.setdefault(chat_id, {})
        for raw in messages:
            id = str(raw["id"])
            if id in shown:
                self.doubled.append(id)
            shown[id] = raw["text"]
        return shown


def listing_faults(
    user_id: str, model: Mapping[str, Sequence[Raw]], listed: Mapping[str, Sequence[Raw]]
) -> Iterator[Fault]:
    """The chats' messages as listed, oldest first, against what must be there."""
    for chat_id in sorted({*model, *listed}):
        wanted = {str(raw["id"]): raw["text"] for raw in model.get(chat_id, ())}
        found = listed.get(chat_id, ())
        yield from _missing(
            user_id, f"listing of {chat_id}", wanted, {str(r["id"]): r["text"] for r in found}
        )
        counts = Counter(str(raw["id"]) for raw in found)
        yield from (
            Fault("doubled", user_id, f"listing of {chat_id}: {id}") for id, n in counts.items() if n > 1
        )
        yield from (Fault("reordered", user_id, f"listing of {chat_id}: {id}") for id in _disorder(found))


def page_faults(user_id: str, model: Mapping[str, Sequence[Raw]], view: View) -> Iterator[Fault]:
    """What a page shows, and whatever it was sent twice, against what must be there."""
    for chat_id in sorted({*model, *view.chats}):
        wanted = {str(raw["id"]): raw["text"] for raw in model.get(chat_id, ())}
        shown = {id: f"<p>{text}</p>" for id, text in view.chats.get(chat_id, {}).items()}
        yield from _missing(user_id, f"page, chat {chat_id}", wanted, shown)
    yield from (Fault("doubled", user_id, f"page: {id}") for id in view.doubled)
    yield from (Fault("reordered", user_id, f"page: {id}") for id in view.reordered)
    if view.status != "REALTIME":
        yield Fault("unsettled", user_id, f"page: {view.status or 'no status'}")


def journal_faults(user_id: str, runs: Iterable[Sequence[Key]], journaled: Sequence[Key]) -> Iterator[Fault]:
    """Messages in the order in which one socket sent them, against the journal's."""
    at: dict[Key, int] = {}
    for place, each in enumerate(journaled):
        at.setdefault(each, place)
    for run in runs:
        found = [each for each in run if each in at]
        yield from (
            Fault("reordered", user_id, f"journal: {late[0]}")
            for early, late in pairwise(found)
            if at[early] > at[late]
        )


def graph_faults(user_id: str, grown: Contents, rebuilt: Contents) -> Iterator[Fault]:
    """The graph of a user, element by element, against one that was built at once."""
    yield from _differences("graph", user_id, _elements(grown), _elements(rebuilt))


def number_faults(user_id: str, grown: Raw, rebuilt: Raw) -> Iterator[Fault]:
    """Insights (`analytics_update` payloads), figure by figure."""
    yield from _differences("number", user_id, _figures(grown), _figures(rebuilt))


def _missing(
    user_id: str, where: str, wanted: Mapping[str, str], found: Mapping[str, str]
) -> Iterator[Fault]:
    for id in sorted({*wanted, *found}):
        if id not in found:
            yield Fault("lost", user_id, f"{where}: {id}")
        elif id not in wanted:
            yield Fault("lost", user_id, f"{where}: the deletion of {id}")
        elif wanted[id] != found[id]:
            yield Fault("lost", user_id, f"{where}: the edit of {id}")


def _disorder(messages: Sequence[Raw]) -> list[str]:
    return [str(late["id"]) for early, late in pairwise(messages) if order(early) > order(late)]


def _elements(contents: Contents) -> dict[str, Any]:
    """Vertices and edges as properties by a name that does not depend on who the user is.

    `rev` counts the writes, which are more after a kill. A topic or an action that no conversation names any
    more stays, without a figure of its own (docs/graph.md): the graph that was built at once never had it.
    """
    own = {id: "creator" for id, row in contents.vertices.items() if row["label"] == "Creator"}
    joined = {end for _, source, target, _ in contents.edges for end in (source, target)}
    named = {
        own.get(id, id): row
        for id, row in contents.vertices.items()
        if id in joined or row["label"] not in ("Topic", "EngagementAction")
    }
    for (label, source, target, key), row in contents.edges.items():
        named[" ".join((label, own.get(source, source), own.get(target, target), key))] = row
    ignored = ("id", "pk", "rev", "creatorId", "userId")
    return {name: {k: _rounded(v) for k, v in row.items() if k not in ignored} for name, row in named.items()}


def _figures(update: Raw) -> dict[str, Any]:
    return {name: _rounded(value) for name, value in numbers(update).items() if name != "creatorId"}


def _rounded(value: Any) -> Any:
    """Sums of the same numbers in another order differ in their last digits."""
    match value:
        case float():
            return round(value, 6)
        case dict():
            return {key: _rounded(each) for key, each in value.items()}
        case list():
            return [_rounded(each) for each in value]
    return value


def _differences(
    kind: Kind, user_id: str, one: Mapping[str, Any], other: Mapping[str, Any]
) -> Iterator[Fault]:
    for name in sorted({*one, *other}):
        if one.get(name) != other.get(name):
            yield Fault(kind, user_id, f"{name}: {one.get(name)} is {other.get(name)} when built at once")
