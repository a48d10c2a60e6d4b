"""The samples are deterministic, in the platform's shapes, and say the truth about themselves."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, get_args

import orjson
import pytest

from chats.chat import Chat, joined
from chats.closers import closes
from chats.conversation import Conversation, cut, existing, open_run
from chats.message import Message, merged
from enrich.outcomes import outcomes
from enrich.sentiment.score import unread
from errors import InvalidInput
from history.chat import CachedChat
from samples.generate import LIVE, SILENT_FANS, Samples, generate
from samples.lines import ACTS, OTHER_CLOSING, OTHER_TALK, TALK, Language, Topic, closing_in
from samples.personas import CREATORS, FELLOW, SILENT
from samples.phrasing import EMOJI, SLOTS
from samples.truth import FanTruth, NoAnswer, Truth
from wire.incoming import CacheUpdatePayload, parse_messages
from wire.normalise import Normalised, normalise_deltas, normalise_snapshot
from wire.place import Places

NOW = datetime(2026, 3, 1, 18, 20, tzinfo=UTC)
SILENCE = 300.0  # seconds
WHY: dict[NoAnswer, str] = {
    "farewell": "closing",
    "closed": "the platform takes no message",
    "broadcast": "broadcast of a creator",
}  # how the service says it

Place = tuple[str, str]  # creator and chat


@pytest.fixture(scope="module")
def samples() -> Samples:
    return generate(now=NOW)


def told(samples: Samples) -> Iterator[dict[str, Any]]:
    """What comes live, without the platform's frame around a chat message."""
    for creator in samples.creators:
        for delta in creator.deltas:
            yield delta["message"].get("api2_chat_message", delta["message"])


@pytest.fixture(scope="module")
def raw(samples: Samples) -> list[dict[str, Any]]:
    """Every chat message as the platform gives it, all copies."""
    stored = (message for creator in samples.creators for message in creator.snapshot["messages"])
    return [message for message in chain(stored, told(samples)) if "responseType" in message]


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
        rows = parse_messages(orjson.dumps(creator.deltas))
        deltas = normalise_deltas(rows, **options, places=Places().knowing(snapshot.chats))
        read[creator.creator_id] = (snapshot, deltas)
    return read


@pytest.fixture(scope="module")
def chats(received: dict[str, tuple[Normalised, Normalised]]) -> dict[Place, dict[str, Message]]:
    """Every chat's messages by id, their copies put together."""
    found: dict[Place, dict[str, Message]] = defaultdict(dict)
    for creator_id, both in received.items():
        for message in chain.from_iterable(each.messages for each in both):
            own = found[creator_id, message.chat_id]
            own[message.id] = merged(own[message.id], message) if message.id in own else message
    return found


@pytest.fixture(scope="module")
def known(received: dict[str, tuple[Normalised, Normalised]]) -> dict[Place, Chat]:
    """What is said of every chat, put together."""
    found: dict[Place, Chat] = {}
    for creator_id, both in received.items():
        for chat in chain.from_iterable(each.chats for each in both):
            place = (creator_id, chat.id)
            found[place] = joined(found[place], chat) if place in found else chat
    return found


@pytest.fixture(scope="module")
def conversations(chats: dict[Place, dict[str, Message]]) -> dict[tuple[str, str], Conversation]:
    return cut_at(chats, hours=6)


def cut_at(chats: dict[Place, dict[str, Message]], *, hours: float) -> dict[tuple[str, str], Conversation]:
    """Conversations by creator and their own id."""
    cuts = (c for own in chats.values() for c in cut(own.values(), gap=hours * 3600, silence=SILENCE))
    return {(c.creator_id, c.id): c for c in cuts}


def shown(conversation: Conversation) -> list[Message]:
    return [message for message in conversation.messages if not message.is_notification]


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
    assert 4500 <= len({message["id"] for message in raw}) <= 5500
    assert len({message["text"] for message in raw}) > 3000
    for creator in samples.creators:
        posted = {delta["id"] for delta in told(Samples((creator,), (), ())) if "responseType" in delta}
        assert len(posted - {message["id"] for message in creator.snapshot["messages"]}) == LIVE


def test_all_of_it_lies_in_the_days_before_now(chats: dict[Place, dict[str, Message]]) -> None:
    times = [message.at for own in chats.values() for message in existing(own.values())]
    assert (NOW - timedelta(days=90)).timestamp() <= min(times)
    assert max(times) < NOW.timestamp()


def test_everything_is_placed_and_what_is_no_chat_is_counted(
    samples: Samples, received: dict[str, tuple[Normalised, Normalised]]
) -> None:
    for creator in samples.creators:
        snapshot, deltas = received[creator.creator_id]
        assert (snapshot.held, snapshot.dropped) == ((), {})
        assert (deltas.held, deltas.dropped) == ((), creator.dropped)
        assert {"stories", "connected"} <= creator.dropped.keys()


def test_deltas_come_after_the_snapshot_and_bring_a_chat_it_does_not_know(
    received: dict[str, tuple[Normalised, Normalised]],
) -> None:
    for snapshot, deltas in received.values():
        before = {message.id for message in snapshot.messages}
        new = [message for message in deltas.messages if message.id not in before]
        assert max(m.at for m in snapshot.messages) <= min(m.at for m in new)
        listed = {chat.id for chat in snapshot.chats}
        assert len({chat.id for chat in deltas.chats} - listed) == 1
        # What is told of an older message is that it was bought.
        assert all(m.is_opened for m in deltas.messages if m.id in before)


def test_the_snapshot_lists_each_chat_with_its_last_message(
    received: dict[str, tuple[Normalised, Normalised]], samples: Samples
) -> None:
    for creator in samples.creators:
        newest: dict[str, Message] = {}
        for message in received[creator.creator_id][0].messages:
            if message.chat_id not in newest or newest[message.chat_id].order < message.order:
                newest[message.chat_id] = message
        listed = {str(chat["withUser"]["id"]): chat for chat in creator.snapshot["chats"]}
        assert listed.keys() == newest.keys()
        assert all(str(chat["lastMessage"]["id"]) == newest[id].id for id, chat in listed.items())


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
        [m for m in raw if m.get("queueId") and m["isFromQueue"] and m["price"]],
        [m for m in raw if m.get("queueId") and not m["isFromQueue"] and "toUser" in m],
        [m for m in raw if m.get("queueId") and not m["isFromQueue"] and "toUser" not in m],
        [m for m in raw if m["isFromQueue"] and "toUser" not in m and m["fromUser"]["canEarn"]],
        [m for m in raw if m.get("isTip") and not m["text"].startswith("<p>I sent you a $")],
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
        [c for c in all_chats if not c["canSendMessage"]],
        [c for c in all_chats if c["withUser"].keys() == {"id", "_view"}],
        [c for c in all_chats if "name" in c["withUser"] and "subscribedOnData" not in c["withUser"]],
        [f for f in frames if "stories" in f and f["id"].startswith("msg_") and f["previews"] == []],
        [f for f in frames if f.get("new_message", {}).get("type") == "paided_message"],
        [f for f in frames if f.get("new_message", {}).get("type") == "tip"],
        [c for c in all_chats if c["withUser"].get("subscribedOnExpiredNow")],
    ):
        assert quirk


def test_payloads_are_json(samples: Samples) -> None:
    for creator in samples.creators:
        for part in (creator.snapshot, creator.deltas):
            assert orjson.loads(orjson.dumps(part)) == part


@pytest.mark.parametrize("hours", [4.0, 6.0, 7.9])
def test_every_conversation_has_its_truth_whatever_gap_cuts_them(
    samples: Samples, chats: dict[Place, dict[str, Message]], hours: float
) -> None:
    truth = {key(each): each for each in samples.truth}
    conversations = cut_at(chats, hours=hours)
    assert truth.keys() == conversations.keys()
    for each, said in truth.items():
        figures = conversations[each].figures
        assert figures.start == said.start.timestamp()
        assert len(shown(conversations[each])) == said.messages
        assert (figures.direct_messages, figures.mass_messages) == (said.direct, said.mass)


def test_broadcasts_join_conversations_and_stand_alone(samples: Samples) -> None:
    assert sum(each.mass > 0 and each.direct > 0 for each in samples.truth) >= 20
    assert sum(each.direct == 0 for each in samples.truth) >= 100
    assert all(each.direct or each.mass == each.messages == 1 for each in samples.truth)


def test_fans_that_never_write_have_nothing_but_broadcasts(
    samples: Samples, chats: dict[Place, dict[str, Message]]
) -> None:
    silent = [each for each in samples.fans if each.broadcast_only and each.persona == SILENT.name]
    assert len(silent) == SILENT_FANS * len(CREATORS)
    for each in samples.fans:
        messages = chats[each.creator_id, each.chat_id].values()
        assert each.broadcast_only == all(message.is_mass for message in messages)
    offered = [each for each in silent if any(m.price for m in chats[each.creator_id, each.chat_id].values())]
    assert offered


def test_a_mood_is_of_conversations_in_which_the_fan_speaks(
    samples: Samples, conversations: dict[tuple[str, str], Conversation]
) -> None:
    for each in samples.truth:
        assert (conversations[key(each)].figures.fan_messages > 0) == (each.mood is not None)


def test_tips_purchases_and_mass_messages_are_in_the_messages(
    samples: Samples, conversations: dict[tuple[str, str], Conversation]
) -> None:
    for each in samples.truth:
        messages = shown(conversations[key(each)])
        by_creator = [message for message in messages if message.direction == "creator"]
        counted = Counter(each.outcomes)
        assert counted["tip"] == sum(m.tip > 0 for m in messages)
        assert counted["purchase"] == len(each.sales) == sum(m.is_opened and m.price > 0 for m in messages)
        assert ("ppv_offer" in each.actions) == any(m.price > 0 for m in by_creator)
        assert ("mass_message" in each.actions) == any(m.is_mass for m in messages)


def test_tips_are_the_platforms_sentence_in_every_language(
    samples: Samples, conversations: dict[tuple[str, str], Conversation]
) -> None:
    languages: set[Language] = set()
    for each in samples.truth:
        for message in shown(conversations[key(each)]):
            assert message.is_notice == (message.tip > 0)
            languages |= {each.language} if message.is_notice else set()
    assert languages == set(get_args(Language))


def test_outcomes_are_found_as_told_and_sales_at_their_own_time(
    samples: Samples, chats: dict[Place, dict[str, Message]], known: dict[Place, Chat]
) -> None:
    found: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for place, own in chats.items():
        cuts = cut(own.values(), gap=6 * 3600, silence=SILENCE)
        for id, those in outcomes(cuts, known[place]).items():
            found[place[0], id] += those
    late = 0
    for each in samples.truth:
        those = found.pop(key(each), [])
        assert Counter(outcome.type for outcome in those) == Counter(each.outcomes)
        sold = {o.message_id: (o.at, o.amount, o.dated_by, o.is_mass) for o in those if o.type == "purchase"}
        assert sold == {s.message_id: (s.at.timestamp(), s.amount, s.dated_by, s.is_mass) for s in each.sales}
        late += sum(sale.at - each.start >= timedelta(days=1) for sale in each.sales)
    assert not found  # a tip with a notice beside it is one tip
    assert late >= 5
    sales = [sale for each in samples.truth for sale in each.sales]
    assert {sale.dated_by for sale in sales} == {"change", "notice"}
    assert {sale.is_mass for sale in sales} == {True, False}


def test_some_unlocked_copies_have_the_change_time_of_the_locked_one(raw: list[dict[str, Any]]) -> None:
    copies: dict[int, set[bool]] = defaultdict(set)
    changes: dict[int, set[str]] = defaultdict(set)
    for message in raw:
        copies[message["id"]].add(message["isOpened"])
        changes[message["id"]].add(message["changedAt"])
    both = [id for id, states in copies.items() if states == {True, False}]
    assert {len(changes[id]) for id in both} == {1, 2}


def test_a_captured_send_and_its_echo_are_one_message(chats: dict[Place, dict[str, Message]]) -> None:
    captured = {id for own in chats.values() for id in own if id.startswith("msg_")}
    there = {message.id for own in chats.values() for message in existing(own.values())}
    assert len(captured) >= 10
    assert not captured & there


def test_live_sends_are_captured_where_the_extension_does_that(samples: Samples) -> None:
    captures = {
        creator.creator_id: sum("chat_id" in delta for delta in creator.deltas)
        for creator in samples.creators
    }
    assert captures == {str(creator.id): int(creator.captures_sends) for creator in CREATORS}


def test_accounts_are_known_in_full_where_the_list_has_them_thinly(
    samples: Samples, known: dict[Place, Chat]
) -> None:
    assert known.keys() == {(each.creator_id, each.chat_id) for each in samples.fans}
    for each in samples.fans:
        chat = known[each.creator_id, each.chat_id]
        assert chat.with_user is not None
        assert orjson.loads(chat.with_user)["username"]
        assert chat.total_spend == each.total_spend


def test_the_platforms_total_covers_what_the_snapshot_shows(
    samples: Samples, received: dict[str, tuple[Normalised, Normalised]]
) -> None:
    totals = {(each.creator_id, each.chat_id): each.total_spend for each in samples.fans}
    for creator_id, (snapshot, _) in received.items():
        spent: dict[str, dict[str, float]] = defaultdict(dict)
        for m in snapshot.messages:
            if m.tip or (m.is_opened and m.direction == "creator"):
                spent[m.chat_id][m.id] = m.tip or m.price
        stated = [(totals[creator_id, id], sum(own.values())) for id, own in spent.items()]
        assert any(total is None for total, _ in stated)
        assert all(total is None or total >= seen for total, seen in stated)


def test_who_waits_and_why_others_do_not(
    samples: Samples, chats: dict[Place, dict[str, Message]], known: dict[Place, Chat]
) -> None:
    def state(fan: FanTruth) -> tuple[float | None, str | None]:
        place = (fan.creator_id, fan.chat_id)
        cached = CachedChat(known[place], gap=6 * 3600, silence=SILENCE)
        cached.take(chats[place].values())
        cached.recut()
        found = cached.fan_state()
        return found.waiting_since, found.not_waiting and found.not_waiting.partition(":")[0]

    for each in samples.fans:
        since = each.waiting_since.timestamp() if each.waiting_since else None
        assert state(each) == (since, WHY[each.no_answer] if each.no_answer else None)
    assert {each.no_answer for each in samples.fans} == {*WHY, None}
    assert sum(each.waiting_since is not None for each in samples.fans) >= 10


def test_fellow_creators_send_broadcasts_and_get_none(
    samples: Samples, chats: dict[Place, dict[str, Message]]
) -> None:
    for each in samples.fans:
        senders = {m.direction for m in chats[each.creator_id, each.chat_id].values() if m.is_mass}
        assert senders <= ({"fan"} if each.persona == FELLOW.name else {"creator"})


def test_fans_write_in_the_language_that_is_told(
    samples: Samples, conversations: dict[tuple[str, str], Conversation]
) -> None:
    reasons: dict[bool, Counter[str | None]] = {True: Counter(), False: Counter()}
    for each in samples.truth:
        for message in shown(conversations[key(each)]):
            if message.direction == "fan" and message.is_direct:
                reasons[each.language == "en"][unread(message.text)] += 1
    assert reasons[True]["language"] < 0.01 * reasons[True].total()
    assert reasons[False]["language"] > 0.9 * reasons[False].total()
    assert {each.language for each in samples.truth} == set(get_args(Language))


def test_subscriptions_renew_and_end_as_told(samples: Samples, known: dict[Place, Chat]) -> None:
    truth: dict[Place, list[Truth]] = defaultdict(list)
    for each in samples.truth:
        truth[each.creator_id, each.chat_id].append(each)
    for place, chat in known.items():
        starts = [each.start.timestamp() for each in truth[place]]
        counted = Counter(outcome for each in truth[place] for outcome in each.outcomes)
        assert counted["renewal"] == len(chat.renewals)
        assert counted["drop_off"] == chat.is_expired
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
    chats: dict[Place, dict[str, Message]],
    conversations: dict[tuple[str, str], Conversation],
) -> None:
    medians = []
    for creator in samples.creators:
        own = [messages for (creator_id, _), messages in chats.items() if creator_id == creator.creator_id]
        waiting = [messages for messages in own if open_run(existing(messages.values()))]
        assert 3 <= len(waiting) < len(own)
        times = sorted(
            seconds
            for each in conversations.values()
            if each.creator_id == creator.creator_id
            for seconds in each.figures.response_seconds
        )
        medians.append(times[len(times) // 2])
    assert medians[0] * 2 < medians[1]


def test_the_team_says_of_part_of_the_messages_who_sent_them_by_the_hour(
    raw: list[dict[str, Any]], samples: Samples
) -> None:
    for creator, own in zip(CREATORS, samples.creators, strict=True):
        sent = [m for m in own.snapshot["messages"] if "toUser" in m and m.get("createdAt")]
        told = Counter(m.get("senderId") for m in sent)
        assert told.keys() == {None, *(worker.id for worker in creator.team)}
        assert min(told.values()) > 10
        for m in sent:
            hour = datetime.fromisoformat(m["createdAt"]).hour
            assert m.get("senderId") in (None if m["isFromQueue"] else creator.worker(hour), None)
    assert all("toUser" in m and not m["isFromQueue"] for m in raw if "senderId" in m)


def test_every_slot_of_every_template_is_known() -> None:
    templates = [line for lines in ACTS.values() for line in lines]
    templates += [line for lines in OTHER_CLOSING.values() for line in lines]
    for talk in chain(TALK.values(), *(talks.values() for talks in OTHER_TALK.values())):
        templates += [*talk.neutral, *talk.positive, *talk.negative, *talk.creator]
    assert len(templates) == len(set(templates))
    for template in templates:
        assert template.format(**{name: words[0] for name, words in SLOTS.items()})


@pytest.mark.parametrize("language", get_args(Language))
def test_what_closes_a_talk_asks_for_no_answer(language: Language) -> None:
    for text in closing_in(language):
        assert all(closes([(f"{text}{emoji}", False)]) for emoji in ("", *EMOJI["positive"])), text
