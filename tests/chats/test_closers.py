import pytest
from hypothesis import given
from hypothesis import strategies as st

from chats import closers
from chats.closers import closer, closes
from chats.closing_words import PHRASES

CLOSERS = {
    "thanks": """
        thanks | thx babe | Tysm!! | ty ty | Thank you so much for the pics | thanks again | many thanks
        thanks for everything hun | thankyou gorgeous | i appreciate it | wow thanks | thanks a lot | 𝓽𝓱𝓪𝓷𝓴𝓼
        gracias hermosa | mil gracias | vielen Dank | danke schön | danke dir | muito obrigado | valeu
        merci beaucoup | grazie mille
    """,
    "farewell": """
        good night | goodnite | gnite | gn | nite nite | night gorgeous | bye | byeee | Good bye! | bye, bye
        cya tmrw | c ya | see you tomorrow my love | talk to u later | i'll text you tomorrow | sleep well
        sweet dreams | have a good day | hope you have a great weekend | take care | you too hun | gtg | ttyl
        good night bb | i'm off to bed | i have to go to work | “good night”
        buenas noches | hasta mañana | que descanses | gute Nacht | schlaf schön | bis morgen | Tschüß
        schönen Abend noch | boa noite | até amanhã | tchau | bonne nuit | à demain | bon week-end
        buonanotte | sogni d’oro | a domani amore | ciao ciao
    """,
    "acknowledgement": """
        ok | OKAY | okkk | k | kk | kkkk | sure | alright | okey dokey | got it | sounds good babe | cool
        nice | will do | np | no problem | no worries | you're welcome | ur welcome | deal | that's so sweet
        oh ok | ok then | i see | makes sense | vale | de nada | alles klar | beleza | tá bom | d'accord
        de rien | va bene
    """,
    "laughter": """
        haha | ha ha | hahahahah | ahahaha | hehe | lol | lololol | LMAO | xD | jajaja | jejeje | rsrsrs | mdr
    """,
    "kiss": """
        xoxo | xoxoxo | xx | mwah | mwaaah baby | *hugs* | big hug | besos | Küsschen | beijos | bisous | baci
    """,
    "love": """
        love you | luv u too | i love you so much | ily babe | te amo | ich liebe dich | je t'aime
        ti voglio bene
    """,
    "emoji": "😘 | ❤️ | ❤️‍🔥 | 😂😂😂 | 👍🏽 | <3 | :) | ;-) | (: | :D | ^^ | 🔥🔥",
    "thanks, farewell, emoji": """
        thanks, good night 😘 | thx... bye :) | thank you and sleep well ❤️ | danke und gute Nacht 😘
    """,
    "acknowledgement, thanks": "ok got it, thanks!! | ok cool thx | nice, ty babe | ok thanks 🙏",
    "laughter, acknowledgement, farewell": "haha ok bye 👋 | lol alright, talk tomorrow | haha sure — gn",
}
NEED_AN_ANSWER = """
    hello | hi | hey babe | good morning | good evening | hola | ciao bella | bonsoir | hello? | wyd
    ok? | ok ? | ok ？ | ok ؟ | ¿ok | thanks?! | ok ⁉️ | ❓ | good night? | k why | ok y | ok and
    are you there | ok so how much is it | sure how much | lol what | thanks, when | can you | where
    thanks, can I get another? | ok send it | ok i want it | deal, send | ok done | sent
    yes | yes please | yeah | no | no thanks | ok yes | haha no | sí | oui | ja | sim | please | ok please
    miss you | miss you too | love your body | cool story | sorry | lol you never answer me | never again
    thanks but it doesn't work | thanks for nothing | ok whatever, i'm unsubscribing | bye, unsubscribed
    ok i will cancel | ok 😡 | bye 🖕 | 👎 | 😠 | 💔 | ❤️‍🩹 | 😢 | 😭 | 🥺 | 🙄 | thanks 😒 | lol 🤡
    ok 💰 | 👋 | 🙏 | 🤔 | 👀 | ok :( | ok :/ | </3 | >:( | ok -.- | ok -_- | :'(
    5 | ok 5 | ok $10 | 20€ thanks | 👍 1️⃣ | https://x.example/ok | ok.example | ok @mia | #ok | thanks mia
    ... | ! | babe | my love | wow | then | omg | n | i | see | you | emoji | <ha> | <emoji>
    好的 | спасибо | привет
"""
ONE_THING_MORE = "? ?? ¿ ？ how when where price cost $ $5 50 send unlock https://x.example 😡 no yes but"
NEVER_IN_A_PHRASE = """
    what who where when why how which can could price cost pay tip buy money send show want please
    hi hey hello yes yeah miss missed but not never nothing sorry unsub cancel
"""


def listed(lines: str) -> list[str]:
    return [each.strip() for line in lines.strip().splitlines() for each in line.split("|")]


KNOWN = [(text, rules) for rules, lines in CLOSERS.items() for text in listed(lines)]
some_closers = st.lists(st.sampled_from([text for text, _ in KNOWN]), min_size=1, max_size=6)


@pytest.mark.parametrize(("text", "rules"), KNOWN)
def test_a_text_of_closing_parts_is_a_closer_and_says_by_which_rules(text: str, rules: str) -> None:
    assert closer(text) == rules


@pytest.mark.parametrize("text", listed(NEED_AN_ANSWER))
def test_a_text_with_anything_else_needs_an_answer(text: str) -> None:
    assert closer(text) is None


def test_every_phrase_can_be_met_and_what_only_stands_beside_closes_nothing_alone() -> None:
    for words, rule in closers._RULES.items():
        if not words[0].startswith("<"):
            assert closer(" ".join(words)) == (rule or None), words


def test_no_phrase_asks_wants_or_complains() -> None:
    words = {word for phrase in closers._RULES for word in phrase}
    assert words.isdisjoint(closers._folded(NEVER_IN_A_PHRASE).split())


@given(some_closers, st.sampled_from([" ", ", ", "\n", "! ", "... ", " and "]))
def test_closers_in_one_text_are_a_closer(texts: list[str], between: str) -> None:
    assert closer(between.join(texts))


@given(some_closers, st.data())
def test_capitals_and_drawn_out_letters_change_nothing(texts: list[str], data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(texts))
    times = data.draw(st.lists(st.integers(1, 4), min_size=len(text), max_size=len(text)))
    drawn_out = "".join(
        letter * n if letter.isalpha() else letter for letter, n in zip(text, times, strict=True)
    )
    for other in (drawn_out, drawn_out.upper(), drawn_out.title()):
        assert closer(other) == closer(text)


@given(some_closers, st.integers(0, 100), st.sampled_from(ONE_THING_MORE.split()))
def test_one_thing_more_and_it_needs_an_answer(texts: list[str], at: int, more: str) -> None:
    at %= len(texts) + 1
    assert closer(" ".join([*texts[:at], more, *texts[at:]])) is None


@given(some_closers)
def test_a_run_of_closers_closes_by_the_rules_of_all(texts: list[str]) -> None:
    rules = closes((text, False) for text in texts)
    assert rules
    assert set(rules.split(", ")) == {rule for text in texts for rule in (closer(text) or "").split(", ")}


@given(
    some_closers, st.integers(0, 100), st.sampled_from([("how much", False), ("", True), ("thanks", True)])
)
def test_one_message_that_needs_an_answer_keeps_the_run_open(
    texts: list[str], at: int, message: tuple[str, bool]
) -> None:
    run = [(text, False) for text in texts]
    assert closes([*run[: at % len(run)], message, *run[at % len(run) :]]) is None


def test_a_message_without_text_and_media_says_nothing() -> None:
    assert closes([("ok", False), ("  ", False)]) == "acknowledgement"
    assert closes([("", False)]) is None
    assert closes([]) is None


@given(st.text() | st.text("hax ok,?!\n😘\u0301\u200d'<3:)-^_", max_size=2_000))
def test_any_text_is_read_and_the_evidence_holds_none_of_it(text: str) -> None:
    assert set((closer(text) or "").split(", ")) <= {*PHRASES, ""}


@pytest.mark.parametrize(
    "part", ["a", "ok ", "ha", "<", "-", "h\u0301\u0316", "\ufdfa", "thanks so much ", "and ", "\ud800"]
)
def test_a_phrase_is_looked_up_a_bounded_number_of_times_for_a_word(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up = []

    class Counting(dict[tuple[str, ...], str]):
        def get(self, key: tuple[str, ...], default: str | None = None) -> str | None:  # type: ignore[override]
            looked_up.append(key)
            return super().get(key, default)

    monkeypatch.setattr(closers, "_RULES", Counting(closers._RULES))
    text = part * (1_000 // len(part))
    closer(text)
    assert len(looked_up) <= closers._LONGEST * len(text)


def test_a_text_that_is_longer_than_any_closer_needs_an_answer() -> None:
    assert closer("ok " * 333)
    assert closer("ok " * 334) is None
