"""Under pseudonyms nothing tells who a fan is, and what is counted stays."""

import orjson
import pytest

from chats.chat import Chat
from chats.enriched import Entity, MessageEnrichment
from chats.message import Message
from history.chat import CachedChat
from tests.actors.factories import START, node
from wire.masking import masked, masked_chat, masked_message, masked_node, masked_shown
from wire.view import chat_node

USER = {
    "id": 902,
    "name": "Sam Rivers",
    "username": "sam_k77",
    "avatar": "https://pictures.example/sam.jpg",
    "about": "born in Lyon",
}
RAW = {
    "id": 1,
    "fromUser": USER,
    "text": "<p>hi, Sam here</p>",
    "createdAt": "2024-05-01T18:00:00+00:00",
    "price": 5,
    "media": [{"type": "photo", "files": {"full": {"url": "https://pictures.example/1.jpg"}}}],
    "lockedText": "a secret",
}


def pseudonym(creator_id: str, fan_id: str) -> str:
    return f"Fan of {creator_id}"


def chat(*, enriched: bool = True, **more: object) -> tuple[CachedChat, Message]:
    message = Message(
        "1", "901", "902", "902", "fan", START, text="hi, Sam here", media=("photo",), raw=orjson.dumps(RAW)
    )
    with_user = orjson.dumps(USER)
    cached = CachedChat(Chat("902", "901", "902", with_user=with_user), gap=3600, silence=300)
    cached.take([message])
    cached.recut()
    if enriched:
        [conversation] = cached.conversations
        entities = (Entity(type="person", text="Sam", start=4, end=7),)
        read = MessageEnrichment(
            sentiment=0.5,
            actions=("greeting",),
            action_evidence={"greeting": "hi, Sam", "complaint": "model 0.02"},
            entities=entities,
        )
        cached.store(node(conversation, messages={"1": read}))
    return cached, message


def test_of_the_fan_the_id_alone_is_left() -> None:
    cached, message = chat()
    for found in (masked_chat(cached, pseudonym), masked_message(message, cached, pseudonym)):
        text = orjson.dumps(found).decode()
        for word in ("Sam", "Rivers", "sam_k77", "pictures.example", "Lyon", "secret"):
            assert word not in text
        assert "Fan of 901" in text
        assert "902" in text


def test_what_is_counted_stays() -> None:
    cached, message = chat()
    found = masked_message(message, cached, pseudonym)
    assert (found["id"], found["price"], found["media"]) == (1, 5, [{"type": "photo"}])
    assert found["text"] == "hi, [person] here"
    assert found["enrichment"]["sentiment"] == 0.5
    assert found["enrichment"]["actions"] == ["greeting"]
    facts = masked_chat(cached, pseudonym)
    assert facts["messageCount"] == 1


def test_what_is_not_enriched_yet_has_no_text() -> None:
    cached, message = chat(enriched=False)
    assert masked_message(message, cached, pseudonym)["text"] is None
    assert masked_shown(message, cached, pseudonym).text == ""


def test_a_page_is_shown_a_chat_of_which_the_fans_id_alone_tells_who_it_is() -> None:
    cached, message = chat()
    node = masked_node(
        chat_node(cached, (), priority=None), cached, pseudonym, messages=[message], changed=[message]
    )
    text = node.model_dump_json()
    for word in ("Sam", "Rivers", "sam_k77", "pictures.example", "Lyon", "secret"):
        assert word not in text
    [new], [changed] = node.messages, node.changedMessages
    assert new == changed
    assert (new.id, new.text, new.direction, new.sentimentScore) == (1, "hi, [person] here", "fan", 0.5)
    assert (new.fromUser.id, new.fromUser.displayName) == ("902", "Fan of 901")
    assert node.withUser == {"id": "902", "name": "Fan of 901", "username": "Fan of 901"}
    assert new.model_dump()["price"] == 5


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("write to sam.k@mail.example please", "write to [address] please"),
        ("see https://a.example/x?y=1 or www.b.example", "see [link] or [link]"),
        ("i am @sam_k on there", "i am [handle] on there"),
        ("call +33 6 12 34 56 78 or 555-867-5309", "call [number] or [number]"),
        ("it was 20 dollars for 3 of them", "it was 20 dollars for 3 of them"),
        ("Sam K. it is, SAM!", "[name] K. it is, [name]!"),
        ("the sample is the same", "the sample is the same"),
        ("in Lyon on May 5", "in [place] on [date]"),
    ],
)
def test_what_tells_of_a_person_is_masked_in_a_text(text: str, shown: str) -> None:
    entities = [
        (text.index(word), text.index(word) + len(word), kind)
        for word, kind in (("Lyon", "place"), ("May 5", "date"), ("20 dollars", "money"))
        if word in text
    ]
    assert masked(text, entities, ["sam"]) == shown


def test_spans_that_overlap_leave_nothing_of_either() -> None:
    assert masked("abcdefgh", [(1, 4, "person"), (3, 6, "place"), (2, 3, "date")], []) == "a[person]gh"
