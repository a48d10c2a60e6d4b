from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from chats.conversation import Conversation
from chats.message import Message
from enrich.analyse import analyse, assign
from enrich.outcomes import contexts
from enrich.taxonomy import TAXONOMY
from enrich.topics import Documents, TopicModel, fit, seeded, served
from errors import EnrichmentError

# Outside the taxonomy on purpose: these can only be discovered.
THEMES = {
    "car": [
        "my car needs new brakes",
        "rebuilt the engine of my old mustang",
        "changed the oil and the tires of the car",
        "what engine is in your truck",
        "the gearbox of that car is done",
        "drove the car to the garage",
    ],
    "garden": [
        "planting tomatoes in the garden",
        "my roses in the garden are blooming",
        "need more soil and seeds for the garden",
        "watering the plants every evening",
        "the garden lawn is so green now",
        "pruned the apple tree in the garden",
    ],
    "book": [
        "reading a fantasy novel, chapter twelve of the book",
        "the author killed my favourite character in the book",
        "got three new books from the library",
        "that novel made me cry",
        "the ending of the book was wild",
        "i collect old books and novels",
    ],
}

Make = Callable[[int], list[Conversation]]


@pytest.fixture
def themed(chat: Callable[..., list[Message]], conversation: Callable[[list[Message]], Conversation]) -> Make:
    def make(count: int) -> list[Conversation]:
        random = Random(count)
        names = list(THEMES)
        return [
            conversation(chat(f"chat-{n}", random.choices(THEMES[names[n % 3]], k=6))) for n in range(count)
        ]

    return make


def documents(conversations: list[Conversation]) -> Documents:
    return analyse(conversations, contexts(conversations, {})).documents()


@pytest.mark.parametrize("count", [0, 1, 5, 20])
def test_few_windows_are_served_by_the_taxonomy_alone(count: int, themed: Make) -> None:
    model = fit("creator", documents(themed(count)))
    assert [topic.id for topic in model.topics] == [topic.id for topic in TAXONOMY]
    assert model.fitted == count


def test_many_windows_outside_the_taxonomy_become_topics_of_their_own(themed: Make) -> None:
    conversations = themed(200)
    model = fit("creator", documents(conversations))
    discovered = model.topics[len(TAXONOMY) :]
    assert len(discovered) == 3
    keywords = {word for topic in discovered for word in topic.keywords}
    assert {"car", "garden", "book"} <= keywords
    nodes = assign(analyse(conversations, contexts(conversations, {})), model)
    found = sum(any(topic.id.startswith("topic_") for topic in node.topics) for node in nodes)
    assert found / len(nodes) > 0.8


def test_a_fit_does_not_depend_on_the_order_of_arrival(themed: Make) -> None:
    conversations = themed(90)
    there, back = documents(conversations), documents(conversations[::-1])
    assert fit("creator", there).to_bytes() == fit("creator", back).to_bytes()


def test_a_model_is_kept_until_the_windows_have_doubled_and_keeps_its_ids_then(themed: Make) -> None:
    few, many = documents(themed(90)), documents(themed(200))
    first = fit("creator", few)
    assert fit("creator", few, first) is first
    second = fit("creator", many, first)
    assert second.version == first.version + 1
    assert {topic.id for topic in first.topics} <= {topic.id for topic in second.topics}
    assert second.next_topic >= first.next_topic


def test_what_only_the_creator_says_is_not_discovered(themed: Make) -> None:
    broadcasts = [
        replace(each, messages=tuple(replace(m, direction="creator") for m in each.messages))
        for each in themed(90)
    ]
    assert not documents(broadcasts).free.any()


def test_words_of_a_single_chat_become_no_topic(
    chat: Callable[..., list[Message]], conversation: Callable[[list[Message]], Conversation]
) -> None:
    own = [
        conversation(chat("f", Random(n).choices(THEMES["car"], k=6), start=1_700_000_000 + n * 1e6))
        for n in range(90)
    ]
    assert len(fit("creator", documents(own)).topics) == len(TAXONOMY)


def test_a_model_survives_its_bytes(themed: Make) -> None:
    model = fit("creator", documents(themed(90)))
    again = TopicModel.from_bytes(model.to_bytes())
    assert again.to_bytes() == model.to_bytes()
    assert again.topics == model.topics
    assert np.array_equal(again.centroids, model.centroids)


@pytest.mark.parametrize("data", [b"", b"\x05\x00\x00\x00{}", b"nonsense, not a model"])
def test_bytes_that_are_no_model_say_how_to_mend_it(data: bytes) -> None:
    with pytest.raises(EnrichmentError, match="topics:"):
        TopicModel.from_bytes(data)


def test_a_model_of_another_embedding_is_not_served() -> None:
    model = seeded("creator")
    assert served("creator", model) is model
    assert served("creator", replace(model, embedding="another 1")).embedding == model.embedding


@pytest.mark.parametrize(
    ("line", "topic"),
    [
        ("made lasagna from scratch, the kitchen smells so good", "food"),
        ("landed in lisbon, the hotel has a view of the sea", "travel"),
        ("squats and bench press today, i'm so sore", "fitness"),
        ("my kitten knocked over the plant again", "pets"),
        ("we queued for ranked and lost four matches", "gaming"),
        ("their concert was loud and the guitar solo was insane", "music"),
        ("the manager moved the deadline, so another late shift", "work_life"),
        ("my sub runs out on sunday, should i renew it", "subscription"),
        ("what would you charge for ten minutes", "pricing"),
        ("your eyes in that picture, so beautiful", "compliments"),
        ("i paid last week and still have no video, give me a refund", "complaints"),
        ("could you make a custom where you say my name", "custom_content"),
    ],
)
def test_the_taxonomy_understands_a_first_message(
    line: str,
    topic: str,
    chat: Callable[..., list[Message]],
    conversation: Callable[[list[Message]], Conversation],
) -> None:
    one = [conversation(chat("f", [line]))]
    (node,) = assign(analyse(one, contexts(one, {})), seeded("creator"))
    assert topic in {each.id for each in node.topics}
    assert len(node.topics) <= 3


@pytest.mark.parametrize("line", ["ok", "lol", "hmm idk", "the telescope showed saturn's rings"])
def test_what_is_about_none_of_the_topics_has_none(
    line: str,
    chat: Callable[..., list[Message]],
    conversation: Callable[[list[Message]], Conversation],
) -> None:
    one = [conversation(chat("f", [line]))]
    assert assign(analyse(one, contexts(one, {})), seeded("creator"))[0].topics == []
