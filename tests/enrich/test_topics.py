from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from random import Random

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from chats.conversation import Conversation
from chats.message import Message
from enrich.analyse import analyse, assign
from enrich.embedding.embed import embed
from enrich.outcomes import contexts
from enrich.topics import model as topics
from enrich.topics.discover import Cluster, unknown
from enrich.topics.model import Documents, TopicModel, fit, seeded, served
from enrich.topics.names import all_names
from enrich.topics.store import header, pack, unpack
from enrich.topics.taxonomy import SMALL_TALK, TAXONOMY
from errors import EnrichmentError
from tests.enrich.conftest import chat_of, conversation_of

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


def many(themes: dict[str, list[str]], count: int) -> list[Conversation]:
    """Conversations of as many chats, about one of the themes in turn."""
    random = Random(count)
    names = list(themes)
    return [
        conversation_of(chat_of(f"chat-{n}", random.choices(themes[names[n % len(names)]], k=6)))
        for n in range(count)
    ]


@pytest.fixture
def themed() -> Make:
    return partial(many, THEMES)


def documents(conversations: list[Conversation]) -> Documents:
    return analyse(conversations, contexts(conversations, {})).documents()


@pytest.mark.parametrize("count", [0, 1, 5, 20])
def test_few_windows_are_served_by_the_taxonomy_alone(count: int, themed: Make) -> None:
    given = documents(themed(count))
    model = fit("creator", given)
    assert [topic.id for topic in model.topics] == [topic.id for topic in TAXONOMY]
    assert model.version == 1
    assert model.messages == sum(len(window.rows) for window in given.windows) == 6 * count
    assert (model.unplaced is None) == (count == 0)


@pytest.mark.parametrize("count", [100, 200])
def test_many_windows_outside_the_taxonomy_become_topics_of_their_own(count: int, themed: Make) -> None:
    conversations = themed(count)
    model = fit("creator", documents(conversations))
    discovered = model.topics[len(TAXONOMY) :]
    assert len(discovered) == model.discovered == 3
    keywords = {word for topic in discovered for word in topic.keywords}
    assert {"car", "garden", "book"} <= keywords
    nodes = assign(analyse(conversations, contexts(conversations, {})), model)
    found = sum(any(topic.id.startswith("topic_") for topic in node.topics) for node in nodes)
    assert found / len(nodes) > 0.8


def test_talk_of_one_thing_beside_the_taxonomy_becomes_a_topic(
    chat: Callable[..., list[Message]], conversation: Callable[[list[Message]], Conversation]
) -> None:
    common = [phrase for topic in TAXONOMY for phrase in topic.phrases]
    said = [
        conversation(chat(f"chat-{n}", Random(n).choices(THEMES["car"] if n % 2 else common, k=6)))
        for n in range(160)
    ]
    (topic,) = fit("creator", documents(said)).topics[len(TAXONOMY) :]
    assert "car" in topic.keywords


def test_what_is_about_nothing_that_others_speak_of_has_no_topic(themed: Make) -> None:
    model = fit("creator", documents(themed(100)))
    elsewhere = ["the volcano of the island erupted last century", "seven times eight is fifty six"]
    assert not model.places(embed(elsewhere)).any()


def test_a_fit_does_not_depend_on_the_order_of_arrival(themed: Make) -> None:
    conversations = themed(90)
    there, back = documents(conversations), documents(conversations[::-1])
    assert fit("creator", there).to_bytes() == fit("creator", back).to_bytes()


def test_a_refit_keeps_every_topic_as_it_was(themed: Make) -> None:
    themes = themed(200)
    first = fit("creator", documents(themes))
    # Of all that was discovered nothing but cars is spoken of any more.
    second = fit("creator", documents(themes[::3]), first)
    assert second.version == first.version + 1
    assert second.topics[: len(first.topics)] == first.topics
    assert np.array_equal(second.centroids[: len(first.topics)], first.centroids)
    assert np.array_equal(second.own_centre, first.own_centre)


def test_a_refit_finds_what_is_new_under_new_numbers(themed: Make) -> None:
    known, both = themed(150), themed(300)
    by_theme = [each for place, each in enumerate(both) if place % 3 != 2]
    first = fit("creator", documents([each for place, each in enumerate(known) if place % 3 != 2]))
    assert "book" not in {word for topic in first.topics for word in topic.keywords}
    second = fit("creator", documents(both), first)
    new = second.topics[len(first.topics) :]
    assert "book" in {word for topic in new for word in topic.keywords}
    numbers = [topic.id for topic in second.topics]
    assert len(set(numbers)) == len(numbers)
    assert second.next_topic == first.next_topic + len(new)
    assert second.unplaced is not None
    assert first.unplaced is not None
    # What was known is not found again where it is spoken of more.
    assert fit("creator", documents(by_theme), first).topics == first.topics


@cache
def by_theme() -> list[Documents]:
    conversations = many(THEMES, 240)
    return [documents(conversations[theme::3]) for theme in range(3)]


@hypothesis.settings(max_examples=6)
@given(spoken=st.lists(st.sets(st.integers(0, 2), min_size=1), min_size=2, max_size=4))
def test_no_number_is_given_twice_whatever_is_spoken_of_at_each_fit(spoken: list[set[int]]) -> None:
    model = seeded("creator")
    given_out: dict[str, str] = {}
    for themes in spoken:
        said = Documents.joined(by_theme()[theme] for theme in sorted(themes))
        known, model = model, fit("creator", said, model)
        assert model.version == known.version + 1
        assert model.topics[: len(known.topics)] == known.topics
        for topic in model.topics:
            assert given_out.setdefault(topic.id, topic.label) == topic.label
        assert model.next_topic == model.discovered


def test_what_merge_models_takes_for_known_is_not_found_again() -> None:
    first, second, third = np.eye(3, dtype=np.float32)
    near = (0.9 * first + 0.1 * second) / np.linalg.norm(0.9 * first + 0.1 * second)
    again, new = Cluster("Cars", ("motor",), near, 0.5), Cluster("Books", ("novel",), third, 0.5)
    known = np.stack([first, second])
    assert unknown([again, new], [("car",), ("garden",)], known) == [new]
    assert unknown([again], [("car",), ("garden",)], known) == []
    assert unknown([], [("car",), ("garden",)], known) == []
    assert unknown([again, new], [], known[:0]) == [again, new]


def test_of_touching_seeded_topics_a_text_has_those_it_is_nearest_to() -> None:
    touching = replace(
        seeded("creator"),
        topics=tuple(replace(topic, threshold=0.3) for topic in seeded("creator").topics[:2]),
        centre=np.zeros(2, np.float32),
        own_centre=np.zeros(2, np.float32),
        centroids=np.array([[1, 0], [0.8, 0.6]], np.float32),
    )
    between = np.array([0.95, 0.3], np.float32)
    texts = np.array([[1, 0], between / np.linalg.norm(between), [0, 1], [-1, 0]], np.float32)
    assert touching.matches(texts).tolist() == [[True, False], [True, True], [False, True], [False, False]]


def test_a_model_of_another_taxonomy_hands_on_its_numbers_alone(themed: Make) -> None:
    first = fit("creator", documents(themed(100)))
    other = replace(first, seeded="taxonomy 0")
    second = fit("creator", documents(themed(100)), other)
    assert second.version == 2
    assert [topic.id for topic in second.topics[len(TAXONOMY) :]] == ["topic_3", "topic_4", "topic_5"]
    assert second.seeded == seeded("creator").seeded


def test_topics_of_one_creator_never_come_from_another(themed: Make) -> None:
    model = fit("creator", documents(themed(100)))
    assert served("another", model).topics == seeded("another").topics
    with pytest.raises(EnrichmentError, match="another creator"):
        fit("another", documents([]), model)


def test_a_creator_has_no_more_topics_than_can_be_served(
    themed: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topics, "_MOST_DISCOVERED", 2)
    first = fit("creator", documents(themed(200)))
    assert first.discovered == 2
    assert fit("creator", documents(themed(300)), first).topics == first.topics


def test_more_windows_than_are_looked_at_are_taken_from_all_chats_alike(
    themed: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topics, "_MOST_WINDOWS", 90)
    conversations = themed(200)
    there, back = documents(conversations), documents(conversations[::-1])
    model = fit("creator", there)
    assert model.discovered == 3
    assert model.to_bytes() == fit("creator", back).to_bytes()
    assert model.messages == 1200


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "🔥🔥❤️",
        "ok",
        "привет как дела",
        "a" * 100_000,
        "@" * 100_000,
        "a@ " * 30_000,
        "\x00\x1b[2J",
        "\ud800 x",
    ],
)
def test_hostile_text_is_survived(
    text: str,
    chat: Callable[..., list[Message]],
    conversation: Callable[[list[Message]], Conversation],
    themed: Make,
) -> None:
    hostile = [conversation(chat(f"hostile-{n}", [text, text])) for n in range(70)]
    model = fit("creator", documents(hostile + themed(90)))
    assert TopicModel.from_bytes(model.to_bytes()).topics == model.topics
    assert all(len(topic.label) < 100 for topic in model.topics)


def test_keywords_name_each_word_once_and_no_filler(
    chat: Callable[..., list[Message]], conversation: Callable[[list[Message]], Conversation]
) -> None:
    lines = [
        "lol the telescope needs new lenses",
        "two telescopes, haha really",
        "the lens and its telescope showed saturn",
    ]
    about = [conversation(chat(f"chat-{n}", lines)) for n in range(90)]
    (topic,) = fit("creator", documents(about)).topics[len(TAXONOMY) :]
    assert len([word for word in topic.keywords if word.startswith("telescope")]) == 1
    assert len([word for word in topic.keywords if word.startswith("lens")]) <= 1
    assert not {"lol", "haha", "really", "babe", "just", "like"} & set(topic.keywords)


def test_a_topic_with_a_name_is_called_as_people_call_it(themed: Make) -> None:
    labels = {topic.label for topic in fit("creator", documents(themed(200))).topics[len(TAXONOMY) :]}
    assert labels == {"Cars", "Gardening", "Books"}


def test_greetings_are_small_talk_where_nothing_else_is_nearer() -> None:
    model = seeded("creator")
    said = [
        "hello?",
        "anyone home?",
        "heyy!!",
        "that dog is a good dog",
        "seven times eight is fifty six",
    ]
    for conversations in (["a"] * 5, list("abcde")):
        found = model.matches_in(embed(said), conversations)
        has = [{model.topics[row].id for row in np.flatnonzero(own)} for own in found]
        assert has == [{SMALL_TALK}, {SMALL_TALK}, {SMALL_TALK}, {"pets"}, set()]


def test_what_goes_on_in_a_conversation_has_its_topic_and_elsewhere_has_none() -> None:
    model = replace(
        seeded("creator"),
        topics=tuple(replace(topic, threshold=0.5) for topic in seeded("creator").topics[1:3]),
        centre=np.zeros(2, np.float32),
        own_centre=np.zeros(2, np.float32),
        centroids=np.eye(2, dtype=np.float32),
    )
    near = np.array([0.4, -0.9165], np.float32)
    far = np.array([0.2, -0.9798], np.float32)
    windows = np.stack([np.array([1, 0], np.float32), near, far, near])
    found = model.matches_in(windows, ["a", "a", "a", "b"])
    assert found.tolist() == [[True, False], [True, False], [False, False], [False, False]]
    mixed = model.matches_in(windows[[3, 1, 0, 2]], ["b", "a", "a", "a"])
    assert mixed.tolist() == [[False, False], [True, False], [True, False], [False, False]]
    assert model.matches_in(windows[:0], []).shape == (0, 2)


def test_no_label_is_vague() -> None:
    """Words that say nothing are no keyword, and so in no label."""
    lines = ["heard it some time ago", "that was new to me", "been there for a while, heard of it"]
    said = [conversation_of(chat_of(f"chat-{n}", Random(n).choices(lines, k=5))) for n in range(90)]
    topics = fit("creator", documents(said)).topics[len(TAXONOMY) :]
    assert not {"heard", "new", "ago"} & {word for topic in topics for word in topic.keywords}


def test_every_name_has_a_category_and_phrases_once() -> None:
    names = all_names()
    assert len({name.label for name in names}) == len(names) >= 150
    assert not {name.label for name in names} & {topic.label for topic in TAXONOMY}
    assert all(name.category and len(name.phrases) >= 2 for name in names)
    phrases = [phrase for name in names for phrase in name.phrases]
    assert len(set(phrases)) == len(phrases)


def test_what_only_the_creator_says_is_not_discovered(themed: Make) -> None:
    broadcasts = [
        replace(each, messages=tuple(structs.replace(m, direction="creator") for m in each.messages))
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
    assert np.array_equal(again.own_centre, model.own_centre)
    assert header(model.to_bytes()).unplaced == model.unplaced


def test_an_artefact_whose_parts_do_not_fit_says_how_to_mend_it() -> None:
    front, body = unpack(seeded("creator").to_bytes())
    for broken in (bytes(body)[:-4], bytes(body)[: -4 * front["dimension"]], b""):
        with pytest.raises(EnrichmentError, match="topics:"):
            TopicModel.from_bytes(pack(front, broken))


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
    assert assign(analyse(one, contexts(one, {})), seeded("creator"))[0].topics == ()
