from collections.abc import Callable, Sequence
from dataclasses import replace

from chats.conversation import Conversation, cut
from chats.message import Chat, Message
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
    messages[2] = replace(messages[2], tip=20.0)
    ((tip,),) = outcomes(cuts(messages), of()).values()
    assert (tip.type, tip.amount, tip.messageId, tip.followsMessageId) == ("tip", 20.0, "f-2", "f-1")
    assert tip.date.timestamp() == messages[2].at
    assert (tip.evidence, tip.score, tip.provisional) == ("message.tip", 1.0, False)


def test_a_purchase_is_dated_by_the_change_and_an_unopened_offer_is_none(chat: ChatOf) -> None:
    messages = chat("f", ["hi", "for sale"])
    offer = replace(messages[1], price=9.0)
    assert outcomes(cuts([messages[0], offer]), of()) == {}
    bought = replace(offer, is_opened=True, changed_at=offer.at + 60)
    ((purchase,),) = outcomes(cuts([messages[0], bought]), of()).values()
    assert (purchase.type, purchase.amount, purchase.followsMessageId) == ("purchase", 9.0, "f-1")
    assert purchase.date.timestamp() == offer.at + 60


def test_free_opened_messages_are_no_purchase(chat: ChatOf) -> None:
    messages = [replace(each, is_opened=True) for each in chat("f", ["hi", "free one"])]
    assert outcomes(cuts(messages), of()) == {}


def test_a_renewal_belongs_to_the_conversation_running_or_last_before(chat: ChatOf) -> None:
    early, late = chat("f", ["hi", "hello"]), chat("f", ["back", "welcome"], start=T0 + 5 * DAY)
    late = [replace(each, id=f"late-{each.id}") for each in late]
    renewals = ((T0 - DAY, 5.0), (T0 + 30, 6.0), (T0 + DAY, None), (T0 + 6 * DAY, 7.0))
    found = outcomes(cuts([*early, *late]), of(renewals=renewals))
    assert [each.amount for each in found["f:f-0"]] == [6.0, None]
    assert [each.amount for each in found["f:late-f-0"]] == [7.0]


def test_a_drop_off_is_provisional_and_withdrawn_when_the_fan_returns(chat: ChatOf) -> None:
    messages = chat("f", ["hi", "hello"])
    expired = of(is_expired=True, expires_at=T0 + DAY)
    ((drop_off,),) = outcomes(cuts(messages), expired).values()
    assert (drop_off.type, drop_off.provisional, drop_off.amount) == ("drop_off", True, None)
    assert drop_off.date.timestamp() == T0 + DAY
    back = replace(messages[0], id="back", at=T0 + 2 * DAY)
    assert outcomes(cuts([*messages, back]), expired) == {}
    from_creator = replace(back, direction="creator")
    assert len(outcomes(cuts([*messages, from_creator]), expired)["f:f-0"]) == 1


def test_nothing_is_concluded_from_an_end_without_a_time(chat: ChatOf) -> None:
    assert outcomes(cuts(chat("f", ["hi"])), of(is_expired=True)) == {}
    assert outcomes(cuts(chat("f", ["hi"])), of(is_expired=False, expires_at=T0)) == {}


def test_contexts_know_what_came_before_in_any_order(chat: ChatOf) -> None:
    early = chat("f", ["hi", "hello"])
    late = [replace(each, id=f"late-{each.id}", at=each.at + 5 * DAY) for each in early]
    found = contexts(cuts([*early, *late])[::-1], {})
    assert found["f:f-0"].previous_at is None
    assert found["f:late-f-0"].previous_at == early[-1].at


def test_broken_subscription_data_fails_the_outcomes_of_that_chat_alone(chat: ChatOf) -> None:
    conversations = [*cuts(chat("f", ["hi"])), *cuts(chat("g", ["hi"]))]
    found = contexts(conversations, {"f": of(renewals=((T0 + 1, "x"),))})
    assert found["f:f-0"].failed
    assert found["g:g-0"].failed is None
