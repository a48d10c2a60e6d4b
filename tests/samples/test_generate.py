"""The samples are deterministic, in the platform's shapes, and say the truth about themselves."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import orjson
import pytest

from chats.chat import Chat, joined
from chats.conversation import Conversation, cut, existing, open_run
from chats.message import Message
from errors import InvalidInput
from samples.generate import LIVE, Samples, Truth, generate
from samples.lines import ACTS, TALK, Topic
from samples.phrasing import SLOTS
from wire.incoming import CacheUpdatePayload, NewRawMessagePayload
from wire.normalise import Normalised, normalise_deltas, normalise_snapshot
from wire.place import Places

NOW = datetime(2026, 3, 1, 18, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def samples() -> Samples:
    return generate(now=NOW)


@pytest.fixture(scope="module")
def raw(samples: Samples) -> list[dict[str, Any]]:
    stored = [message for creator in samples.creators for message in creator.snapshot["messages"]]
    live = [delta["message"] for creator in samples.creators for delta in creator.deltas]
    return stored + [message.get("api2_chat_message", message) for message in live]


@pytest.fixture(scope="module")
def received(samples: Samples) -> dict[str, tuple[Normalised, Normalised]]:
    """Snapshot and deltas by creator, as the service reads them."""
    read = {}
    for creator in samples.creators:
        options: dict[str, Any] = {
            "creator_id": creator.creator_id,
            "received_at": NOW.timestamp(),
            "max_text": 1000,
        }
        snapshot = normalise_snapshot(CacheUpdatePayload.model_validate(creator.snapshot), **options)
        payloads = [NewRawMessagePayload.model_validate(delta) for delta in creator.deltas]
        deltas = normalise_deltas(payloads, **options, places=Places().knowing(snapshot.chats))
        read[creator.creator_id] = (snapshot, deltas)
    return read


@pytest.fixture(scope="module")
def chats(received: dict[str, tuple[Normalised, Normalised]]) -> dict[tuple[str, str], list[Message]]:
    found: dict[tuple[str, str], list[Message]] = defaultdict(list)
    for creator_id, both in received.items():
        for each in both:
            for message in each.messages:
                found[creator_id, message.chat_id].append(message)
    return found


@pytest.fixture(scope="module")
def conversations(chats: dict[tuple[str, str], list[Message]]) -> dict[tuple[str, str], Conversation]:
    cuts = [c for messages in chats.values() for c in cut(messages, gap=6 * 3600, silence=300)]
    return {(c.creator_id, c.id): c for c in cuts}


def key(truth: Truth) -> tuple[str, str]:
    return truth.creator_id, f"{truth.chat_id}:{truth.first_message_id}"


def test_one_seed_gives_one_result_and_another_seed_another(samples: Samples) -> None:
    assert generate(now=NOW) == samples
    assert generate(now=NOW, seed=8) != samples


def test_now_in_another_zone_is_the_same_instant() -> None:
    short = generate(now=NOW, days=10)
    assert generate(now=datetime.fromisoformat("2026-03-01T20:20:00+02:00"), days=10) == short


def test_naive_now_is_refused() -> None:
    with pytest.raises(InvalidInput):
        generate(now=NOW.replace(tzinfo=None))


def test_counts(samples: Samples, raw: list[dict[str, Any]]) -> None:
    assert len(samples.creators) == 2
    assert sum(len(creator.snapshot["chats"]) for creator in samples.creators) >= 60
    assert 4500 <= len(raw) <= 5500
    assert len({message["text"] for message in raw}) > 3000
    assert all(len(creator.deltas) == LIVE for creator in samples.creators)


def test_all_of_it_lies_in_the_days_before_now(chats: dict[tuple[str, str], list[Message]]) -> None:
    times = [message.at for messages in chats.values() for message in messages]
    assert (NOW - timedelta(days=90)).timestamp() <= min(times)
    assert max(times) < NOW.timestamp()


def test_everything_is_placed(received: dict[str, tuple[Normalised, Normalised]]) -> None:
    for snapshot, deltas in received.values():
        assert (snapshot.held, snapshot.dropped) == ((), {})
        assert (deltas.held, deltas.dropped) == ((), {})


def test_deltas_come_after_the_snapshot_and_bring_a_chat_it_does_not_know(
    received: dict[str, tuple[Normalised, Normalised]],
) -> None:
    for snapshot, deltas in received.values():
        assert max(m.at for m in snapshot.messages) <= min(m.at for m in deltas.messages)
        listed = {chat.id for chat in snapshot.chats}
        assert len({chat.id for chat in deltas.chats} - listed) == 1
        assert not {m.id for m in snapshot.messages} & {m.id for m in deltas.messages}


def test_the_platforms_quirks_are_in_it(samples: Samples, raw: list[dict[str, Any]]) -> None:
    all_chats = [chat for creator in samples.creators for chat in creator.snapshot["chats"]]
    frames = [delta["message"] for creator in samples.creators for delta in creator.deltas]
    assert all(isinstance(message["id"], int) for message in raw)
    assert not any("chat_id" in message for message in raw)
    for quirk in (
        [m for m in raw if m["text"].startswith("<p>")],
        [m for m in raw if "<br />" in m["text"]],
        [m for m in raw if "&#039;" in m["text"]],
        [m for m in raw if "toUser" in m and "fromUser" not in m],
        [m for m in raw if m.get("fromUser", {}).keys() == {"id"}],
        [m for m in raw if m["createdAt"] is None],
        [m for m in raw if "queueId" not in m],
        [m for m in raw if m.get("queueId")],
        [m for m in raw if m.get("isTip") and "tipAmount" not in m],
        [m for m in raw if any(medium["createdAt"] is None for medium in m["media"])],
        [m for m in raw if any(isinstance(preview, int) for preview in m.get("previews", []))],
        [m for m in raw if any(isinstance(preview, dict) for preview in m.get("previews", []))],
        [m for m in raw if isinstance(m["price"], float)],
        [f for f in frames if "api2_chat_message" in f],
        [f for f in frames if "api2_chat_message" not in f],
        [c for c in all_chats if "id" not in c],
        [c for c in all_chats if c.get("id") == "unknown"],
        [c for c in all_chats if "unreadMessagesCount" not in c],
        [c for c in all_chats if "subscribedOnData" not in c["withUser"]],
        [c for c in all_chats if c["withUser"].get("subscribedOnExpiredNow")],
    ):
        assert quirk


def test_payloads_are_json(samples: Samples) -> None:
    for creator in samples.creators:
        for part in (creator.snapshot, creator.deltas):
            assert orjson.loads(orjson.dumps(part)) == part


def test_every_conversation_has_its_truth(
    samples: Samples, conversations: dict[tuple[str, str], Conversation]
) -> None:
    truth = {key(each): each for each in samples.truth}
    assert truth.keys() == conversations.keys()
    for each, said in truth.items():
        assert len(conversations[each].messages) == said.messages
        assert conversations[each].figures.start == said.start.timestamp()


def test_a_mood_is_of_conversations_in_which_the_fan_speaks(
    samples: Samples, conversations: dict[tuple[str, str], Conversation]
) -> None:
    for each in samples.truth:
        speaks = any(m.direction == "fan" for m in conversations[key(each)].messages)
        assert speaks == (each.mood is not None)


def test_tips_purchases_and_mass_messages_are_in_the_messages(
    samples: Samples, conversations: dict[tuple[str, str], Conversation]
) -> None:
    for each in samples.truth:
        messages = conversations[key(each)].messages
        told = Counter(each.outcomes)
        assert told["tip"] == sum(m.tip > 0 for m in messages)
        assert told["purchase"] == sum(m.is_opened and m.price > 0 for m in messages)
        assert ("ppv_offer" in each.actions) == any(m.price > 0 for m in messages)
        assert ("mass_message" in each.actions) == any(m.is_mass for m in messages)


def test_subscriptions_renew_and_end_as_told(
    samples: Samples, received: dict[str, tuple[Normalised, Normalised]]
) -> None:
    known: dict[tuple[str, str], Chat] = {}
    for snapshot, _ in received.values():
        for chat in snapshot.chats:
            place = (chat.creator_id, chat.id)
            known[place] = joined(known[place], chat) if place in known else chat
    told: dict[tuple[str, str], list[Truth]] = defaultdict(list)
    for each in samples.truth:
        told[each.creator_id, each.chat_id].append(each)
    for place, chat in known.items():
        starts = [each.start.timestamp() for each in told[place]]
        outcomes = Counter(outcome for each in told[place] for outcome in each.outcomes)
        assert outcomes["renewal"] == sum(at >= starts[0] for at, _ in chat.renewals)
        assert outcomes["drop_off"] == chat.is_expired
        if chat.is_expired:
            assert chat.expires_at is not None
            assert max(starts) <= chat.expires_at < NOW.timestamp()


def test_every_kind_of_topic_mood_and_outcome_occurs(samples: Samples) -> None:
    assert {topic for each in samples.truth for topic in each.topics} == set(get_args(Topic))
    assert {each.mood for each in samples.truth} == {"positive", "neutral", "negative", None}
    assert {o for each in samples.truth for o in each.outcomes} == {"tip", "purchase", "renewal", "drop_off"}


def test_creators_differ_and_topics_drift(samples: Samples) -> None:
    first, second = (creator.creator_id for creator in samples.creators)
    middle = NOW - timedelta(days=45)

    def share(creator_id: str, topic: str, late: bool | None = None) -> float:
        own = [t for t in samples.truth if t.creator_id == creator_id and t.mood is not None]
        own = [t for t in own if late is None or late == (t.start >= middle)]
        return sum(topic in t.topics for t in own) / len(own)

    def positive(creator_id: str) -> float:
        moods = Counter(t.mood for t in samples.truth if t.creator_id == creator_id)
        return moods["positive"] / (moods["positive"] + moods["neutral"] + moods["negative"])

    assert share(first, "gaming") > share(second, "gaming")
    assert share(second, "complaints") > share(first, "complaints")
    assert positive(first) > positive(second)
    for creator_id, rising, falling in ((first, "custom_content", "travel"), (second, "pricing", "fitness")):
        assert share(creator_id, rising, late=True) > share(creator_id, rising, late=False)
        assert share(creator_id, falling, late=True) < share(creator_id, falling, late=False)


def test_some_fans_wait_and_creators_answer_at_different_speed(
    samples: Samples,
    chats: dict[tuple[str, str], list[Message]],
    conversations: dict[tuple[str, str], Conversation],
) -> None:
    medians = []
    for creator in samples.creators:
        own = [messages for (creator_id, _), messages in chats.items() if creator_id == creator.creator_id]
        waiting = [messages for messages in own if open_run(existing(messages))]
        assert 3 <= len(waiting) < len(own)
        times = sorted(
            seconds
            for each in conversations.values()
            if each.creator_id == creator.creator_id
            for seconds in each.figures.response_seconds
        )
        medians.append(times[len(times) // 2])
    assert medians[0] * 2 < medians[1]


def test_every_slot_of_every_template_is_known() -> None:
    templates = [line for lines in ACTS.values() for line in lines]
    for talk in TALK.values():
        templates += [*talk.neutral, *talk.positive, *talk.negative, *talk.creator]
    assert len(templates) == len(set(templates))
    for template in templates:
        assert template.format(**{name: words[0] for name, words in SLOTS.items()})
