"""Stand-ins for pages: one as existing clients are, and one that does what docs/protocol.md says."""

from typing import Any

Raw = dict[str, Any]


class Frontend:
    """Replaces everything by a full sync, appends without looking, and titles a chat by its first message."""

    def __init__(self) -> None:
        self.chats: dict[str, Raw] = {}  # nodes by conversation
        self.analytics: Raw = {}
        self.syncs = 0
        self.position = ""  # of the last frame that has one

    def take(self, frame: Raw) -> None:
        payload = frame["payload"]
        self.position = frame["frame"] or self.position
        match frame["type"]:
            case "full_sync_response":
                self.syncs += 1
                self._sync(payload["conversations"], frame["creatorId"])
                self.analytics = payload["analytics"]
            case "append_message":
                known = self.chats.get(payload["conversationId"], {"messages": []})
                messages = [*known["messages"], *payload["messages"]]
                self.chats[payload["conversationId"]] = {**known, **payload, "messages": messages}
                self._edit(messages, payload)
            case "enrichment_result" if payload["conversationId"] in self.chats:
                self.chats[payload["conversationId"]].update(payload)
            case "analytics_update":
                self.analytics = payload

    def _sync(self, nodes: list[Raw], creator_id: str | None) -> None:
        self.chats = {node["conversationId"]: node for node in nodes}

    def _edit(self, messages: list[Raw], node: Raw) -> None:
        pass

    def title(self, chat_id: str) -> str:
        sender = self.chats[chat_id]["messages"][0]["fromUser"]
        return str(sender["displayName"] or sender["username"])

    def texts(self) -> dict[str, list[str]]:
        """What every chat that has messages shows."""
        shown = {id: [each["text"] for each in chat["messages"]] for id, chat in self.chats.items()}
        return {id: texts for id, texts in shown.items() if texts}


class Merging(Frontend):
    """Replaces what is the frame's creator's, takes in edits and deletions, and where chats stand."""

    def take(self, frame: Raw) -> None:
        super().take(frame)
        if frame["type"] == "append_message":  # what it does not say is not known any more
            node = self.chats[frame["payload"]["conversationId"]]
            self.chats[node["conversationId"]] = {**frame["payload"], "messages": node["messages"]}
        if frame["type"] == "analytics_update":
            for id in frame["payload"]["priority"].keys() & self.chats.keys():
                priority = frame["payload"]["priority"][id]
                own = {"priority": priority, "priorityScore": priority["score"]}
                self.chats[id].update(own, unreadCount=frame["payload"]["unreadCounts"][id])

    def _sync(self, nodes: list[Raw], creator_id: str | None) -> None:
        others = {id: each for id, each in self.chats.items() if creator_id not in (None, each["creatorId"])}
        self.chats = others | {node["conversationId"]: node for node in nodes}

    def _edit(self, messages: list[Raw], node: Raw) -> None:
        changed = {str(each["id"]): each for each in node["changedMessages"]}
        kept = [each for each in messages if str(each["id"]) not in node["removedMessages"]]
        messages[:] = [changed.get(str(each["id"]), each) for each in kept]
