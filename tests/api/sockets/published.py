"""Frames as they are published, and an owner that holds chats and tells of them."""

import string
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from tests.actors.factories import analytics
from wire.payloads import (
    AnalyticsUpdateMsg,
    AppendMessageMsg,
    ConnectionAck,
    ConnectionAckMsg,
    EnrichmentResult,
    EnrichmentResultMsg,
    ExtendedConversationNode,
    Frame,
    FullSyncResponse,
    FullSyncResponseMsg,
    IngestAckMsg,
    IngestReceipt,
    OnlineUsersUpdate,
    OnlineUsersUpdateMsg,
    ShownMessage,
    ShownUser,
    SystemError,
    SystemErrorMsg,
    SystemStatus,
    SystemStatusMsg,
)

IDS = [string.ascii_letters, string.digits, "_.:@-", "c1", "-", "5", "null"]  # every character an id may have


def node(**more: Any) -> ExtendedConversationNode:
    return ExtendedConversationNode(conversationId="f1", creatorId="c1", chatId="f1", fanId="f1", **more)


def said(id: int) -> ShownMessage:
    fan = ShownUser(id=501, displayName="Robin", username="robin")
    at = datetime(2024, 5, 1, tzinfo=UTC)
    return ShownMessage(
        id=id, chatId="f1", createdAt=at, direction="fan", is_creator=False, fromUser=fan, text="😍"
    )


PAYLOADS: dict[type[Frame], Any] = {
    ConnectionAckMsg: ConnectionAck(version="1", clientType="frontend", userId="u1", statusMessage='"'),
    SystemStatusMsg: SystemStatus(status="ERROR", detail='"type":"append_message"'),
    SystemErrorMsg: SystemError(errorMessage="wrong", detail=[{"field": "id"}]),
    FullSyncResponseMsg: FullSyncResponse(conversations=[node()], analytics=analytics()),
    AppendMessageMsg: node(messages=[said(1)], startDate=datetime(2024, 5, 1, tzinfo=UTC)),
    AnalyticsUpdateMsg: analytics("c1"),
    EnrichmentResultMsg: EnrichmentResult(
        conversationId="f1", conversation_id="f1", topics=[], actions=[], sentiment=None, outcomes=[]
    ),
    OnlineUsersUpdateMsg: OnlineUsersUpdate(user_ids=[1, "2"]),
    IngestAckMsg: IngestReceipt(sequence=1, accepted=1, duplicates=0, held=0),
}


LAST = "9999999999999-0"  # a position after all others here


def frame(
    kind: type[Frame], sequence: int = 1, creator: str | None = None, at: str = "5-0", *, merge: bool = False
) -> bytes:
    """A frame as it is published."""
    place = b"null" if kind.is_state else b'"%b"' % at.encode()
    made = kind(sequence=sequence, creatorId=creator, merge=merge, payload=PAYLOADS[kind])  # type: ignore[call-arg]
    return b'{"frame":%b,%b' % (place, made.published()[1:])


def without_messages(append: bytes) -> bytes:
    found = orjson.loads(append)
    found["payload"]["messages"] = []
    return orjson.dumps(found)


@dataclass
class Owner:
    """Stands in for a user's actor: what its chats hold, by creator, and the frames that tell of it."""

    chats: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)  # creator, chat, id: text
    sequence: int = 0
    position: str = "0-0"
    asked: int = 0

    def say(self, creator: str, id: str, text: str | None) -> tuple[str, bytes, bool]:
        """A new message, an edit or, without text, a deletion; returns the frame that tells of it."""
        chat_id = f"{creator} {id[0]}"
        chat = self.chats.setdefault(creator, {}).setdefault(chat_id, {})
        known = id in chat
        self.sequence += 1
        parts: dict[str, list[Any]] = {"messages": [], "changedMessages": [], "removedMessages": []}
        if text is not None:
            chat[id] = text
            parts["changedMessages" if known else "messages"].append(self._message(id, text))
        elif known:
            del chat[id]
            parts["removedMessages"].append(id)
        node_ = {"conversationId": chat_id, "creatorId": creator, **parts}
        return "append_message", orjson.dumps(node_), known

    def sync(self, creator: str) -> tuple[str, bytes, bool]:
        """A snapshot of the creator that has nothing new."""
        self.sequence += 1
        self.chats.setdefault(creator, {})
        return "full_sync_response", self.payload(creator), len(self.chats) > 1

    def payload(self, creator: str | None) -> bytes:
        nodes = [
            {"conversationId": id, "creatorId": of, "messages": [self._message(*m) for m in chat.items()]}
            for of, chats in self.chats.items()
            if creator in (None, of)
            for id, chat in chats.items()
        ]
        return orjson.dumps({"conversations": nodes, "analytics": {}})

    def texts(self, creator: str | None) -> dict[str, list[str]]:
        """What a page of that creator has to show."""
        held = {
            id: [*chat.values()]
            for of, chats in self.chats.items()
            if creator in (None, of)
            for id, chat in chats.items()
        }
        return {id: texts for id, texts in held.items() if texts}

    def _message(self, id: str, text: str) -> dict[str, Any]:
        return {"id": id, "text": text, "fromUser": {"displayName": f"Fan {id[0]}"}}
