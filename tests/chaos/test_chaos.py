"""Chaos sees whatever is lost, doubled, reordered or different; tests/service/test_old_data.py has a run."""

from collections.abc import Iterable
from datetime import UTC, datetime
from random import Random

from tests.chaos.check import (
    Fault,
    View,
    graph_faults,
    journal_faults,
    listing_faults,
    number_faults,
    page_faults,
)
from tests.chaos.kills import FEW, KINDS, SEED, plan
from tests.chaos.stream import kept, openings, stream
from tests.graph.reading import Contents
from tests.service.talk import Raw, message

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FIRST, SECOND = message(1, 5, NOW, "good morning"), message(2, 5, NOW, "good night")
MODEL = {"5": [FIRST, SECOND]}


def test_every_kind_of_kill_is_in_a_run() -> None:
    assert {kill.kind for kill in plan(Random(SEED), FEW, ["chaos-1"], 1.0)} == set(KINDS)


def test_the_same_seed_gives_the_same_stream_and_another_gives_another() -> None:
    assert stream(1, "chaos-1", NOW, 30) == stream(1, "chaos-1", NOW, 30)
    assert stream(1, "chaos-1", NOW, 30) != stream(2, "chaos-1", NOW, 30)


def test_what_must_be_there_does_not_depend_on_the_order_or_number_of_sends() -> None:
    sent = [raw for send in stream(1, "chaos-1", NOW, 60) for raw in send.messages]
    assert kept(sent) == kept([*sent[::-1], *sent])
    assert any(raw.get("isDeleted") for raw in sent)
    assert any(raw.get("changedAt") for own in kept(sent).values() for raw in own)


def test_when_a_message_was_opened_is_known_though_it_was_edited_afterwards() -> None:
    locked = message(1, 5, NOW, "a picture", by="creator", price=12, isOpened=False)
    opened = {**locked, "isOpened": True, "changedAt": "2026-03-01T10:00:00+00:00"}
    edited = {**opened, "text": "<p>other</p>", "changedAt": "2026-03-01T10:05:00+00:00"}
    assert openings([edited, locked, opened]) == openings([locked, opened, edited]) == [opened]


def test_a_lost_message_and_a_lost_edit_and_a_lost_deletion_are_seen() -> None:
    assert found(listing_faults("u", MODEL, {"5": [FIRST]})) == ["lost"]
    assert found(listing_faults("u", MODEL, {})) == ["lost", "lost"]
    assert found(listing_faults("u", MODEL, {"5": [FIRST, {**SECOND, "text": "<p>other</p>"}]})) == ["lost"]
    assert found(listing_faults("u", {"5": [FIRST]}, MODEL)) == ["lost"]
    assert found(page_faults("u", MODEL, shown(FIRST))) == ["lost"]


def test_a_doubled_message_is_seen_in_the_listing_and_on_the_page() -> None:
    assert found(listing_faults("u", MODEL, {"5": [FIRST, FIRST, SECOND]})) == ["doubled"]
    view = shown(FIRST, SECOND)
    view.take(append(SECOND))
    assert found(page_faults("u", MODEL, view)) == ["doubled"]


def test_a_full_sync_starts_a_page_anew() -> None:
    view = shown(FIRST)
    view.take(full_sync(FIRST, SECOND))
    assert found(page_faults("u", MODEL, view)) == []


def test_a_page_does_what_the_frames_say() -> None:
    view = shown(FIRST)
    view.take(append(SECOND, message(3, 5, NOW, "gone soon")))
    view.take(append(changed=[{"id": 1, "text": "good evening"}], removed=["3"]))
    edited = {**FIRST, "text": "<p>good evening</p>"}
    assert found(page_faults("u", {"5": [edited, SECOND]}, view)) == []


def test_a_page_that_is_left_waiting_is_seen() -> None:
    view = shown(FIRST, SECOND)
    view.take({"type": "system_status", "payload": {"status": "PROCESSING_SNAPSHOT"}})
    assert found(page_faults("u", MODEL, view)) == ["unsettled"]


def test_reordered_messages_are_seen_in_the_listing_the_page_and_the_journal() -> None:
    assert found(listing_faults("u", MODEL, {"5": [SECOND, FIRST]})) == ["reordered"]
    assert found(page_faults("u", MODEL, shown(SECOND, FIRST))) == ["reordered"]
    sent = [("1", ""), ("2", "")]
    assert found(journal_faults("u", [sent], sent)) == []
    assert found(journal_faults("u", [sent], sent[::-1])) == ["reordered"]


def test_differences_of_the_graph_are_seen_and_who_the_user_is_and_revisions_are_none() -> None:
    assert found(graph_faults("u", graph("u", 1), graph("u-at-once", 7))) == []
    other = graph("u", 1)
    other.vertices["fan:5"]["spend"] = 3.0
    assert found(graph_faults("u", other, graph("u-at-once", 1))) == ["graph"]
    unlinked = graph("u", 1)
    unlinked.edges.clear()
    assert found(graph_faults("u", unlinked, graph("u-at-once", 1))) == ["graph", "graph"]
    idle = graph("u", 1)
    idle.vertices["topic:tips"] = {"label": "Topic", "pk": "u"}
    assert found(graph_faults("u", idle, graph("u-at-once", 1))) == []


def test_differences_of_the_numbers_are_seen() -> None:
    one: Raw = {"creatorId": "u", "priority": {}, "revenue": 10.0}
    assert found(number_faults("u", one, {**one, "creatorId": "u-at-once"})) == []
    assert found(number_faults("u", one, {**one, "revenue": 12.0})) == ["number"]


def found(faults: Iterable[Fault]) -> list[str]:
    return [fault.kind for fault in faults]


def plain(raw: Raw) -> Raw:
    return {**raw, "text": str(raw["text"]).removeprefix("<p>").removesuffix("</p>")}


def full_sync(*messages: Raw) -> Raw:
    node = {"conversationId": "5", "messages": [plain(raw) for raw in messages]}
    return {"type": "full_sync_response", "payload": {"conversations": [node]}}


def append(*messages: Raw, changed: Iterable[Raw] = (), removed: Iterable[str] = ()) -> Raw:
    payload = {
        "conversationId": "5",
        "messages": [plain(raw) for raw in messages],
        "changedMessages": list(changed),
        "removedMessages": list(removed),
    }
    return {"type": "append_message", "payload": payload}


def shown(*messages: Raw) -> View:
    """A page that has connected."""
    view = View()
    view.take(full_sync(*messages))
    view.take({"type": "system_status", "payload": {"status": "REALTIME"}})
    return view


def graph(creator_id: str, rev: int) -> Contents:
    creator, node = f"creator:{creator_id}", "conv:5:1"
    vertices: dict[str, Raw] = {
        creator: {"label": "Creator", "pk": creator_id, "creatorId": creator_id, "userId": creator_id},
        "fan:5": {"label": "Fan", "pk": creator_id, "spend": 0.0},
        node: {"label": "ConversationNode", "pk": creator_id, "rev": rev},
    }
    links = {("HAS_CONVERSATION", end, node, ""): {"label": "HAS_CONVERSATION"} for end in (creator, "fan:5")}
    return Contents(vertices, links)
