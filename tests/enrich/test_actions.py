import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chats.message import Direction, Message
from enrich.actions.seen import RE_ENGAGEMENT_SILENCE, seen

DAY = 86_400.0
# action: what shows it, by whom; then what only looks like it.
FAN = {
    "greeting": (
        """heyyy you
        good morning sunshine
        gm babe
        omg hiiii
        aww good morning, did you sleep well
        yo
        hola
        wassup
        hi, quick question
        morning gorgeous
        hellooo beautiful
        hey!
        good evening miss
        heyy
        hiiii there
        evening!
        hey there stranger
        yo whats good""",
        """hide and seek
        yoga at nine
        history class was dull
        had a good morning at work
        morning shift was awful
        they said hello""",
    ),
    "question": (
        """what time is it there
        u around?
        u there
        wyd
        hru babe
        hey what u up to
        can you talk later
        do u like sushi
        where r u from
        so when do i get to meet you
        are you single, asking for a friend
        is the new set out
        got any plans for the weekend
        just woke up, how about you
        wondering if you are free later
        what's your favourite color
        u like pizza
        do you have pets
        whats new
        is it cold there
        you coming online tonight?
        hbu
        where do you live
        could you send it again
        how long does it take
        did u see my message
        when will it be ready
        got a sec""",
        """who cares
        what a day
        how cute
        when i get home i write you
        you are kidding me lol
        what i love is your smile
        where i live it rains
        https://example.com/?a=1
        ??
        how sweet of you""",
    ),
    "thanks": (
        """tysm!!
        thank you so much babe
        thx
        thanksss
        thansk for the pic
        appreciate you
        ty ❤️
        much appreciated
        gracias guapa
        cant thank you enough
        tyyyy
        thank u sm
        thankyouuu
        i appreciate that a lot
        many thanks""",
        """no thanks
        nah thanks im good
        thank god its friday
        thanksgiving is soon
        not even a thank you
        you didn't even say thank you
        thanks to my boss i work late
        thanks but no
        thanks for nothing""",
    ),
    "apology": (
        """so sorry about that, let me look
        my bad babe
        i apologize
        sorry for the late reply
        sorry i was asleep
        my bad lol
        im sorry for yesterday
        oops sorry
        sry""",
        """sorry not sorry
        no need to worry
        so sorry for your loss
        sorry?
        i feel sorry""",
    ),
    "custom_request": (
        """do you do customs
        could you film one just for me
        can u make me a vid where u say my name
        i want a custom video
        would you wear the red dress for me
        can i get a personalized clip
        hey id like to order a custom
        custom vid pls
        do you take requests
        could you make a clip with my name in it
        i have a special request for you
        can you send me a pic of you in the blue bikini
        is a private video for me possible
        would love to see you in heels
        costum video?
        could u do a vid in the kitchen apron for me
        can i order something special for my bday
        i'd love a clip where you read a poem
        would u record a voice note saying goodnight sam
        any chance you could film you cooking
        i want you to wear glasses in it
        can you write my name on your arm
        looking for a custom, foot massage theme""",
        """my custom is perfect
        the custom was nothing like i asked
        its customary here
        can you make it to the party
        you make me smile
        my custom came out so good
        say it again
        waiting for the video""",
    ),
    "price_inquiry": (
        """how much is the long one
        whats your rate
        howmuch
        hm for a vid
        how much 4 a custom
        what do u charge for 10 min
        price?
        prices pls
        got a menu?
        how much would it be
        what would that run me
        is it free or do i pay
        what can i get for $50
        is $20 enough for a pic
        how much do you want for it
        how mcuh is it
        do i have to pay for that
        any deals this week
        got any discount
        is there a discount for regulars
        how much does a custom cost
        what is the price of the new set
        what do i owe you
        do you have a price list
        and the price for 10 min?
        how much r they
        wats the cost for both
        how much for one more
        what do you usually charge for that
        is that per minute or flat
        how much are ur customs
        any discount for long time subs?
        does it cost extra
        whats it gonna cost me
        how much do u take for a call""",
        """how much do you sleep
        you have no idea how much i miss you
        how much time do you have
        the price of fame lol
        i dont care how much
        how much longer until you are home
        how much do you love me
        hm ok
        hmmm.
        free tonight
        what are you doing""",
    ),
    "price_objection": (
        """thats way too expensive
        i can't afford it
        i can’t afford it
        2 much
        to much for a pic
        thats too much
        cant afford that rn
        any cheaper option
        im broke till friday
        bit pricey
        out of my budget
        $30 for that? lol
        thats a lot for one video
        can you do it for less
        could you do 20 instead
        i only have 15 bucks
        not paying that
        $50 is crazy
        maybe after payday
        money is tight this month
        not worth $40
        your prices went up again
        overpriced
        i'm not made of money
        would you take $20
        thats steep
        40 is a bit much for me
        cant do 50, can do 30
        yikes 60 bucks, no way
        sorry thats over what i can spend
        i'd do it for 25
        too rich for my blood
        hmm thats more than i thought
        that much for 3 pics
        could you go a bit lower""",
        """i love you too much
        you spoil me too much
        i drank too much
        my phone broke
        we broke up
        rent is expensive here
        thanks for the discount
        not expensive at all
        happy to pay $30
        i sent you $20
        too much fun
        you're too much
        cheap flights are hard to find""",
    ),
    "complaint": (
        """i want a refund
        you never reply
        u never answer me
        this is a scam
        not what i paid for
        total rip off
        still waiting for my custom
        the video wont open
        i paid last week and never got the video
        the custom was nothing like what i asked, no heels at all
        honestly i was hoping for something a bit longer but it is what it is
        i don't want to complain but the last two sets were the same
        sorry to say but im a little disappointed with the last video
        feels like im talking to a bot
        you keep sending the same pics
        that ppv was 20 seconds long
        sick of all the locked messages
        i already bought this video
        its been 2 weeks and still no custom
        not happy with the quality
        where is my video
        you forgot to say my name
        the video is blurry
        i expected more for the price
        i feel ignored
        your messages are so annoying
        you promised me a reply
        havent heard back in days
        you said it would be longer
        i dont think that was worth the money
        third time asking for my video
        video stops after 10 seconds
        got charged twice
        the sound is missing
        this app keeps crashing
        you havent answered any of my questions
        kinda let down ngl
        it was way shorter than you said
        is anyone even reading these
        i feel like a walking wallet
        you only write when you want money
        thought you would care more about your fans
        this isnt what we agreed on
        all i get is copy paste""",
        """stop it lol
        you would never scam me
        not a scam i promise
        my boss is so annoying
        the hotel is awful
        feeling awful today
        the game is terrible
        youre so bad haha
        not disappointed at all
        you never disappoint
        cant wait for the video
        never change
        my flight got cancelled
        still thinking about you
        no need to reply
        i broke my leg
        worst day ever""",
    ),
    "churn_intent": (
        """gonna unsub
        i wont renew next month
        cancelling my sub
        might take a break from here
        not sure i'll stay
        not sure ill renew
        thinking about leaving
        thinking of cancelling
        ill let my sub run out
        im done with this page
        this is my last month here
        turned off auto renew
        time to move on from here
        dont think ill be renewing
        sub isnt worth it anymore
        no reason to stay subbed
        why am i still paying for this
        going to cancel
        im leaving this page
        guess this is goodbye
        deleting my account
        i wont be here next month
        need to cut back on subs
        think im gonna end it here
        dont think ill be around next month
        prob wont resub
        maybe its time for me to leave
        ive decided not to renew
        i may not stay
        might stop my subscription
        its my last week here
        gonna let it expire
        idk if im staying
        i'll probably take a pause from this page
        not renewing this time
        auto renew is off
        thinking i might not renew""",
        """i'm not leaving
        never gonna unsub
        not going anywhere
        cancel my flight
        going to cancel my flight
        my flight got cancelled
        i'm leaving work now
        leaving for the gym
        done with work finally
        just renewed for another month
        i would never cancel my sub
        dont cancel on me
        might leave the house later
        last month was fun
        need a break from work
        stay safe
        stop it
        im done eating""",
    ),
}
CREATOR = {
    "upsell": (
        """get the full version for only $10 more
        want to see more? unlock it
        50% off my bundle today
        upgrade to vip babe
        i can do 10 minutes for $40
        tip $20 and i send the rest
        there's a longer version if you want
        6 month bundle is on sale
        turn your auto renew on
        special offer just for you
        if you add 10 i make it twice as long
        i also have a bundle of 3 for you
        20% off for you today
        want the extended cut too
        i could throw in some pics for 5 more
        the vip page has way more
        get 3 months for the price of 2
        for 15 more you get the whole set
        wanna see what happens next
        renew for 6 months and i send a bonus
        i have a longer one if you liked it
        unlock both and save $10""",
        """i had a long day
        how was your weekend
        i make dinner now
        thanks for the tip
        new phone finally
        see you tomorrow
        i love your messages""",
    ),
    "re_engagement": (
        """hey stranger
        havent heard from you in a while
        missed you
        did you forget about me""",
        """good morning
        what are you wearing""",
    ),
}


def said(text: str, direction: Direction = "fan") -> Message:
    return Message(
        id="1", creator_id="c", chat_id="f", fan_id="f", direction=direction, at=1_700_000_000.0, text=text
    )


def types(message: Message, previous_at: float | None = None) -> list[str]:
    return [each.type for each in seen(message, previous_at)]


def examples(which: int, lines: dict[str, tuple[str, str]]) -> list[tuple[str, str]]:
    return [(action, line.strip()) for action, both in lines.items() for line in both[which].splitlines()]


@pytest.mark.parametrize(("action", "text"), examples(0, FAN))
def test_what_a_fan_writes_shows_its_action(action: str, text: str) -> None:
    assert action in types(said(text))


@pytest.mark.parametrize(("action", "text"), examples(1, FAN))
def test_what_only_looks_like_a_fans_action_is_none(action: str, text: str) -> None:
    assert action not in types(said(text))


@pytest.mark.parametrize(("action", "text"), examples(0, CREATOR))
def test_what_a_creator_writes_shows_its_action(action: str, text: str) -> None:
    assert action in types(said(text, "creator"))


@pytest.mark.parametrize(("action", "text"), examples(1, CREATOR))
def test_what_only_looks_like_a_creators_action_is_none(action: str, text: str) -> None:
    assert action not in types(said(text, "creator"))


PLAIN = """
i never said that
my price is my soul
no rush
you are too much lol
this is sick
im so done with mondays
im leaving for vegas
i cant wait to unlock it
last time was great
i dont want a refund
the weather is awful
not gonna lie you look good
you make my day
send me good vibes
say hi to your cat
i'll be back later
my dog died
its been a while
i ended up sleeping
cancel culture lol
i hate mondays
just woke up
what a game
you forgot your glasses in the pic lol
only 2 minutes left in the game
so bad at this game
the video is so good
i already love this video
thats a lot of snow
waiting for the bus
the stream wont load at work
no discount needed
just 5 more minutes
keep it up
done deal
i moved on from my ex
off to bed
my dog ate a shoe
123
❤️
🔥🔥🔥
"""


@pytest.mark.parametrize("text", PLAIN.split("\n"))
def test_plain_text_shows_no_action(text: str) -> None:
    assert seen(said(text)) == []


@pytest.mark.parametrize(
    "text", ["do you do customs", "this is a scam", "gonna unsub", "thats too expensive", "whats your rate"]
)
def test_what_a_fan_asks_is_no_action_of_the_creator(text: str) -> None:
    wanted = {"price_inquiry", "price_objection", "custom_request", "complaint", "churn_intent"}
    assert wanted.isdisjoint(types(said(text, "creator")))


@pytest.mark.parametrize("text", ["get the full version for only $10 more", "missed you, hey stranger"])
def test_what_a_creator_says_is_no_action_of_the_fan(text: str) -> None:
    assert {"upsell", "re_engagement"}.isdisjoint(types(said(text)))


def test_who_asks_for_a_price_asks() -> None:
    assert {"price_inquiry", "question"} <= set(types(said("prices pls")))


def test_somebody_elses_words_in_quotes_show_nothing() -> None:
    assert seen(said('he said "how much for a custom" to her')) == []


def test_one_text_shows_several_actions() -> None:
    assert set(types(said("hey babe, thanks for the pic! how much for a custom?"))) == {
        "greeting",
        "thanks",
        "price_inquiry",
        "custom_request",
        "question",
    }


def test_a_priced_message_is_an_offer_and_never_free_media() -> None:
    offer = replace(said("new one", "creator"), price=12.0, media=("video",))
    assert seen(offer) == [("video", "message.media"), ("ppv_offer", "message.price")]
    assert types(replace(offer, price=0.0)) == ["video", "free_media"]
    assert types(replace(offer, price=0.0, media=("gif",))) == ["gif"]
    assert types(replace(offer, price=0.0, direction="fan")) == ["video"]


def test_fields_show_tip_mass_message_and_media_by_kind() -> None:
    message = replace(said(""), tip=5.0, is_mass=True, media=("audio", "photo", "gif", "photo", "other"))
    assert seen(message) == [
        ("photo", "message.media"),
        ("voice", "message.media"),
        ("gif", "message.media"),
        ("tip", "message.tip"),
        ("mass_message", "message.is_mass"),
    ]


def test_what_the_creator_pays_is_no_tip() -> None:
    assert "tip" not in types(replace(said("", "creator"), tip=5.0))


def test_re_engagement_needs_the_creator_and_three_days_of_silence() -> None:
    message = said("good morning", "creator")
    silence = message.at - RE_ENGAGEMENT_SILENCE
    assert ("re_engagement", "message.at") in seen(message, silence)
    assert "re_engagement" not in types(message, silence + 1)
    assert "re_engagement" not in types(message, None)
    assert "re_engagement" not in types(said("long time no see"), silence)


def test_missing_the_fan_is_re_engagement_after_a_day_and_no_sooner() -> None:
    message = said("hey stranger", "creator")
    assert ("re_engagement", "text 0:12") in seen(message, message.at - DAY)
    assert "re_engagement" not in types(message, message.at - DAY + 1)


@pytest.mark.parametrize(
    ("text", "action", "span"),
    [
        ("ok howmuch 4 a vid", "price_inquiry", "howmuch 4"),
        ("İ’m 😍 ty babe", "thanks", "ty"),
        ("look https://example.com/?q=how+much  thanksss!", "thanks", "thanksss"),
        ('"nice set" gonna unsub', "churn_intent", "unsub"),
        ("ok\n\nu there?", "question", "u there"),
        ("i can’t afford it", "price_objection", "can’t afford"),
        ("$ 30 for that", "price_objection", "$ 30 for that"),
    ],
)
def test_the_evidence_is_a_span_of_the_original_text(text: str, action: str, span: str) -> None:
    (evidence,) = [each.evidence for each in seen(said(text)) if each.type == action]
    start, end = map(int, evidence.removeprefix("text ").split(":"))
    assert text[start:end] == span


EXAMPLES = [line for lines in (FAN, CREATOR) for _, line in examples(0, lines)]
NOISE = st.text(max_size=30) | st.sampled_from(
    ["İ", "’", "😍", "\n", '"', "https://x.y/?z ", "\ud800", "$ 5 ", "…"]
)
DIRECTIONS: st.SearchStrategy[Direction] = st.sampled_from(("fan", "creator"))


@given(st.lists(st.sampled_from(EXAMPLES) | NOISE, max_size=6).map(" ".join), DIRECTIONS)
def test_any_text_is_taken_and_each_action_has_its_evidence_in_it(text: str, direction: Direction) -> None:
    found = seen(said(text, direction))
    assert len(found) == len({each.type for each in found})
    assert found == seen(said(text, direction))
    for each in found:
        start, end = map(int, each.evidence.removeprefix("text ").split(":"))
        assert text[start:end] == text[start:end].strip() != ""


@given(st.sampled_from(EXAMPLES), st.text(alphabet="😍🔥❤️✌\u200d ", max_size=8), DIRECTIONS)
def test_the_evidence_moves_with_the_text(text: str, before: str, direction: Direction) -> None:
    moved = seen(said(before + text, direction))
    spans = [
        tuple(map(int, each.evidence.removeprefix("text ").split(":")))
        for each in seen(said(text, direction))
    ]
    shift = len(before)
    assert [each.evidence for each in moved] == [
        f"text {start + shift}:{end + shift}" for start, end in spans
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        "$" * 100_000,
        "how " * 25_000,
        "i want " * 15_000,
        "same video " * 9_000,
        "a custom " * 11_000,
        "\ud800" * 100_000,
        "\x00\n" * 50_000,
        '"a' * 50_000,
        "don't " * 16_000,
    ],
)
def test_huge_text_is_taken(text: str) -> None:
    for direction in ("fan", "creator"):
        assert isinstance(types(said(text, direction)), list)


COMPLAINT = "your page is so boring lately"


def test_a_doubted_action_is_told_as_doubted() -> None:
    (of_phrase,) = (each for each in seen(said(COMPLAINT)) if each.type == "complaint")
    assert not of_phrase.is_doubted
    assert seen(said(COMPLAINT), None, {"complaint": 0.04})[0] == ("complaint", "model 0.04")
    assert seen(said(COMPLAINT), None, {"complaint": 0.04})[0].is_doubted
    assert not seen(said(COMPLAINT), None, {"complaint": 0.06})[0].is_doubted


def test_a_doubt_where_no_phrase_tells_anything_is_not_kept() -> None:
    assert seen(said("nothing to see"), None, {"complaint": 0.01, "question": 0.02}) == []


def test_a_price_that_is_asked_for_is_a_question_whatever_a_phrase_said_of_it() -> None:
    told = seen(said("how much is it"), None, {"question": 0.01, "price_inquiry": 0.9})
    assert {each.type for each in told if not each.is_doubted} == {"question", "price_inquiry"}


def test_phrases_of_other_languages_are_not_taken_back() -> None:
    told = seen(said("¿cuánto cuesta?"), None, {"price_inquiry": 0.01, "question": 0.01}, "es")
    assert {each.type for each in told if not each.is_doubted} == {"question", "price_inquiry"}
