from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from chats.chat import Chat
from chats.conversation import Conversation, cut
from chats.message import Direction, Message
from enrich.outcomes import contexts, outcomes

T0 = 1_700_000_000.0
DAY = 86_400.0
ChatOf = Callable[..., list[Message]]


def cuts(messages: Sequence[Message]) -> list[Conversation]:
    return cut(messages, gap=6 * 3600, silence=300)


def of(**fields: object) -> Chat:
    return replace(Chat(id="f", creator_id="creator", fan_id="f"), **fields)  # type: ignore[arg-type]


def test_a_tip_follows_the_creators_last_message(chat: ChatOf) -> None:
    messages = chat("f", ["hi", "hello", "for you"])
    messages[2] = structs.replace(messages[2], tip=20.0)
    ((tip,),) = outcomes(cuts(messages), of()).values()
    assert (tip.type, tip.amount, tip.message_id, tip.follows_message_id) == ("tip", 20.0, "f-2", "f-1")
    assert tip.at == messages[2].at
    assert (tip.evidence, tip.score, tip.is_provisional) == ("message.tip", 1.0, False)


def test_a_purchase_is_dated_by_the_change_and_an_unopened_offer_is_none(chat: ChatOf) -> None:
    messages = chat("f", ["hi", "for sale"])
    offer = structs.replace(messages[1], price=9.0)
    assert outcomes(cuts([messages[0], offer]), of()) == {}
    bought = structs.replace(offer, is_opened=True, opened_at=offer.at + 60)
    ((purchase,),) = outcomes(cuts([messages[0], bought]), of()).values()
    assert (purchase.type, purchase.amount, purchase.follows_message_id) == ("purchase", 9.0, "f-1")
    assert (purchase.at, purchase.dated_by) == (offer.at + 60, "change")
    noticed = structs.replace(bought, bought_at=offer.at + 50)
    ((purchase,),) = outcomes(cuts([messages[0], noticed]), of()).values()
    assert (purchase.at, purchase.dated_by) == (offer.at + 50, "notice")
    ((purchase,),) = outcomes(cuts([messages[0], structs.replace(offer, is_opened=True)]), of()).values()
    assert (purchase.at, purchase.dated_by) == (offer.at, "offer")
    assert outcomes(cuts([messages[0], structs.replace(bought, is_free=True)]), of()) == {}


def test_free_opened_messages_are_no_purchase(chat: ChatOf) -> None:
    messages = [structs.replace(each, is_opened=True) for each in chat("f", ["hi", "free one"])]
    assert outcomes(cuts(messages), of()) == {}


def test_a_renewal_belongs_to_the_conversation_running_or_last_before_else_to_the_first(chat: ChatOf) -> None:
    early, late = chat("f", ["hi", "hello"]), chat("f", ["back", "welcome"], start=T0 + 5 * DAY)
    late = [structs.replace(each, id=f"late-{each.id}") for each in late]
    renewals = ((T0 - 2 * DAY, 5.0), (T0 + 30, 6.0), (T0 + 2 * DAY, None), (T0 + 6 * DAY, 7.0))
    found = outcomes(cuts([*early, *late]), of(renewals=renewals))
    assert [each.amount for each in found["f:f-0"]] == [5.0, 6.0, None]
    assert [each.amount for each in found["f:late-f-0"]] == [7.0]


def test_a_drop_off_is_provisional_and_withdrawn_when_the_fan_returns(chat: ChatOf) -> None:
    messages = chat("f", ["hi", "hello"])
    expired = of(is_expired=True, expires_at=T0 + DAY)
    ((drop_off,),) = outcomes(cuts(messages), expired).values()
    assert (drop_off.type, drop_off.is_provisional, drop_off.amount) == ("drop_off", True, None)
    assert drop_off.at == T0 + DAY
    back = structs.replace(messages[0], id="back", at=T0 + 2 * DAY)
    assert outcomes(cuts([*messages, back]), expired) == {}
    from_creator = structs.replace(back, direction="creator")
    assert len(outcomes(cuts([*messages, from_creator]), expired)["f:f-0"]) == 1


def test_nothing_is_concluded_from_an_end_without_a_time(chat: ChatOf) -> None:
    assert outcomes(cuts(chat("f", ["hi"])), of(is_expired=True)) == {}
    assert outcomes(cuts(chat("f", ["hi"])), of(is_expired=False, expires_at=T0)) == {}


def test_contexts_know_what_came_before_in_any_order(chat: ChatOf) -> None:
    early = chat("f", ["hi", "hello"])
    late = [structs.replace(each, id=f"late-{each.id}", at=each.at + 5 * DAY) for each in early]
    found = contexts(cuts([*early, *late])[::-1], {})
    assert found["f:f-0"].previous_at is None
    assert found["f:late-f-0"].previous_at == early[-1].at


def test_broken_subscription_data_fails_the_outcomes_of_that_chat_alone(chat: ChatOf) -> None:
    conversations = [*cuts(chat("f", ["hi"])), *cuts(chat("g", ["hi"]))]
    found = contexts(conversations, {"f": of(renewals=(("soon", 5.0),))})
    assert found["f:f-0"].failed == "renewal: TypeError"
    assert found["g:g-0"].failed is None


def test_a_rule_that_fails_leaves_the_others_outcomes_standing(chat: ChatOf) -> None:
    messages = chat("f", ["hi", "hello", "for you"])
    messages[2] = structs.replace(messages[2], tip=20.0)
    found = contexts(cuts(messages), {"f": of(renewals=(("soon", 5.0),))})["f:f-0"]
    assert [each.type for each in found.outcomes] == ["tip"]
    assert found.failed is not None


def test_money_that_the_creator_spends_is_no_outcome(chat: ChatOf) -> None:
    messages = chat("f", ["hi", "hello"])
    spent = [
        structs.replace(messages[0], price=9.0, is_opened=True),
        structs.replace(messages[1], tip=20.0),
    ]
    assert outcomes(cuts(spent), of()) == {}


def test_no_purchase_is_older_than_its_offer(chat: ChatOf) -> None:
    messages = chat("f", ["hi", "for sale"])
    odd = structs.replace(messages[1], price=9.0, is_opened=True, changed_at=messages[1].at - 60)
    ((purchase,),) = outcomes(cuts([messages[0], odd]), of()).values()
    assert purchase.at == odd.at


def test_a_deleted_tip_is_no_outcome(chat: ChatOf) -> None:
    messages = chat("f", ["hi", "hello", "for you"])
    messages[2] = structs.replace(messages[2], tip=20.0, is_deleted=True)
    assert outcomes(cuts(messages), of()) == {}


def test_a_drop_off_is_withdrawn_by_a_renewal_or_a_purchase_after_the_end(chat: ChatOf) -> None:
    messages = chat("f", ["hi", "for sale"])
    expired = of(is_expired=True, expires_at=T0 + DAY)
    renewed = replace(expired, renewals=((T0 + DAY, 5.0),))
    bought = structs.replace(messages[1], price=9.0, is_opened=True, opened_at=T0 + 2 * DAY)
    kinds = [
        [each.type for own in found.values() for each in own]
        for found in (
            outcomes(cuts(messages), expired),
            outcomes(cuts(messages), renewed),
            outcomes(cuts([messages[0], bought]), expired),
            outcomes(cuts([messages[0], structs.replace(bought, opened_at=T0 + 120)]), expired),
        )
    ]
    assert kinds == [["drop_off"], ["renewal"], ["purchase"], ["purchase", "drop_off"]]


def test_a_subscription_seen_as_ended_did_not_end_later(chat: ChatOf) -> None:
    seen = of(is_expired=True, expires_at=T0 + 9 * DAY, seen_at=T0 + DAY)
    ((drop_off,),) = outcomes(cuts(chat("f", ["hi"])), seen).values()
    assert drop_off.at == T0 + DAY


HOURS = st.integers(0, 500).map(lambda hours: T0 + 3600.0 * hours)
DIRECTIONS: st.SearchStrategy[Direction] = st.sampled_from(("fan", "creator"))


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[Message], Chat]:
    times = draw(st.lists(HOURS, min_size=1, max_size=12))
    messages = [
        Message(
            id=str(number),
            creator_id="creator",
            chat_id="f",
            fan_id="f",
            direction=draw(DIRECTIONS),
            at=at,
            tip=draw(st.sampled_from((0.0, 0.0, 5.0))),
            price=draw(st.sampled_from((0.0, 9.0))),
            is_opened=draw(st.booleans()),
            changed_at=draw(st.none() | HOURS),
            is_deleted=draw(st.sampled_from((False, False, True))),
        )
        for number, at in enumerate(times)
    ]
    return messages, of(
        is_expired=draw(st.booleans()),
        expires_at=draw(st.none() | HOURS),
        seen_at=draw(st.just(0.0) | HOURS),
        renewals=tuple(draw(st.lists(st.tuples(HOURS, st.none() | st.just(5.0)), max_size=3))),
    )


@given(stories(), st.integers())
def test_outcomes_do_not_depend_on_the_order_of_arrival(story: tuple[list[Message], Chat], seed: int) -> None:
    messages, chat = story
    shuffled, conversations = list(messages), cuts(messages)
    Random(seed).shuffle(shuffled)
    expected = contexts(conversations, {"f": chat})
    assert contexts(cuts(shuffled)[::-1], {"f": replace(chat, renewals=chat.renewals[::-1])}) == expected


@given(stories())
def test_a_drop_off_and_a_later_sign_of_the_fan_never_coexist(story: tuple[list[Message], Chat]) -> None:
    messages, chat = story
    found = [each for own in outcomes(cuts(messages), chat).values() for each in own]
    for drop_off in (each for each in found if each.type == "drop_off"):
        ended = drop_off.at
        written = [m.at for m in messages if m.direction == "fan" and not m.is_deleted]
        assert all(at <= ended for at in written)
        assert all(each.at <= drop_off.at for each in found if each.type != "tip")


@given(stories())
def test_what_an_outcome_follows_is_the_creators_and_not_younger(story: tuple[list[Message], Chat]) -> None:
    messages, chat = story
    by_id = {message.id: message for message in messages}
    for each in (each for own in outcomes(cuts(messages), chat).values() for each in own):
        if each.follows_message_id:
            followed = by_id[each.follows_message_id]
            assert followed.direction == "creator"
            assert followed.at <= each.at


def test_a_purchase_is_of_the_amount_that_its_notice_states(chat: ChatOf) -> None:
    messages = chat("f", ["hi", "for sale"])
    bought = structs.replace(messages[1], price=9.0, is_opened=True, bought_at=messages[1].at + 50, paid=7.0)
    ((purchase,),) = outcomes(cuts([messages[0], bought]), of()).values()
    assert purchase.amount == 7.0


def test_a_renewal_that_is_notified_counts_once_with_the_account_that_tells_it(chat: ChatOf) -> None:
    hello, *_ = chat("f", ["hi", "hello"])
    noted = structs.replace(hello, id="renewal:1", text="", is_notification=True, is_renewal=True, paid=9.0)
    for renewals in ((), ((hello.at + 60, 9.0),), ((hello.at + 60, None),)):
        found = outcomes(cuts([hello, noted]), of(renewals=renewals))
        assert [(each.type, each.amount) for own in found.values() for each in own] == [("renewal", 9.0)]
