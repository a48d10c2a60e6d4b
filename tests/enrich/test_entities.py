from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrich.entities.find import entities

# Each line: the message | what it names, as `type: span`, in order; nothing: it names nothing.
LINES = """
i have 25$ left | money: 25$
it was 1,200 dollars | money: 1,200 dollars
€15.50 ok? | money: €15.50
20 bucks | money: 20 bucks
fifty bucks and not more | money: fifty bucks
a few bucks | money: a few bucks
like 20ish dollars | money: 20ish dollars
can do 20ish | money: 20ish
i paid 2k for it | money: 2k
a grand for that lol | money: a grand
two hundred dollars | money: two hundred dollars
$20-ish | money: $20
$2k | money: $2k
i paid 30 for the set | money: 30
just tipped you 50 | money: 50
got 20 quid | money: 20 quid
20 dollaz | money: 20 dollaz
sixty-five bucks | money: sixty-five bucks
the fee's twelve pounds | money: twelve pounds
a tenner for that | money: tenner
you have 10k followers |
i weigh 150 pounds |
lost about ten pounds |
20 pounds lighter |
4k video please |
ran a 5k run |
that was a grand gesture |
lost 5 pounds |
im 20ish |
$$$ |
5 photos for you |
paid for 20 minutes |
see you may 5th then | date: may 5th
on 2024-05-01 | date: 2024-05-01
tomorrow works | date: tomorrow
tmrw at 8 | date: tmrw; time: 8
next friday | date: next friday
next fri | date: next fri
in 2 weeks | date: 2 weeks
in a week or so | date: a week
the 3rd works | date: the 3rd
on the 21st at noon | date: the 21st; time: noon
march 5 | date: march 5
march 5th at 9 | date: march 5th; time: 9
5th of march | date: 5th of march
5/12 is good | date: 5/12
due 5/10 | date: 5/10
10/10 would watch again |
24/7 online |
9/10 babe |
2 weeks ago | date: 2 weeks ago
last night was fun | time: last night
this weekend | date: this weekend
tonight then | time: tonight
friday night | date: friday; time: night
tomorrow morning | date: tomorrow; time: morning
good morning |
over the weekend | date: weekend
back in 2019 | date: 2019
2019 photos |
which of them |
are you still on of | platform: of
can you do 35 | money: 35
can you do 35 minutes |
playing elden ring | brand: elden ring
tonite babe | time: tonite
in july | date: july
in may | date: may
christmas eve | date: christmas eve
sun is out |
on sat | date: sat
sat night | date: sat; time: night
sat down |
i may go |
marching on |
the 3rd time |
the 2nd video |
at 8:30 pm | time: 8:30 pm
be there at 9 | time: 9
8ish works | time: 8ish
half past 9 | time: half past 9
quarter to ten | time: quarter to ten
in 20 min | time: 20 min
in an hour | time: an hour
in half an hour | time: half an hour
10 min ago | time: 10 min ago
at noon | time: noon
7-8pm | time: 7-8pm
around 8 tonight | time: 8; time: tonight
at 9.40 | time: 9.40
9 in the morning | time: 9 in the morning
7 o'clock | time: 7 o'clock
at 5 minutes past |
at 100% |
20 minutes long |
2 or 3 |
im in new york city now | place: new york city
flying to paris | place: paris
paris or rome | place: paris; place: rome
i live in austin | place: austin
im from georgia | place: georgia
austin texas | place: austin; place: texas
going to nice next week | place: nice; date: next week
i live in reading | place: reading
moved to turkey | place: turkey
im in la rn | place: la
in san francisco | place: san francisco
the uk | place: uk
have a nice day |
you look nice |
interested in reading your messages |
my mobile broke |
turkey sandwich |
one of these |
hot chili |
la la la |
you phoenix |
my brother jake | person: jake
hi my name is jay | person: jay
my names zorbo btw | person: zorbo
call me robin please | person: robin
call me jx | person: jx
im jake | person: jake
hey jake | person: jake
it's jake here | person: jake
thanks, jake | person: jake
see you - jake | person: jake
hey mark how are you | person: mark
im mark from ohio | person: mark; place: ohio
thanks, rose | person: rose
my friend hope is here | person: hope
everyone calls me ziggy | person: ziggy
hi grace | person: grace
hey austin | person: austin
jake's car | person: jake
say my name, tony | person: tony
will you be there |
hey will you be there |
i hope so |
mark my words |
chase me |
hey angel |
hi sunny day |
im rich lol |
may i ask |
faith in you |
i drew it |
she rose up |
call me later |
call me crazy |
my name in the video |
pat on the back |
good morning sunshine |
20 miles away |
phone bill |
whats ur insta | platform: insta
add me on snap | platform: snap
oh snap |
insta or snap | platform: insta; platform: snap
on steam | platform: steam
steam room |
zoom in |
cash app me | platform: cash app
got new nike shoes | brand: nike
louis vuitton bag | brand: louis vuitton
my apple watch | brand: apple
thanks tobias, see you in newport | person: tobias; place: newport
rob here, is it late | person: rob
whos mark | person: mark
say hi to mark n jamie | person: mark; person: jamie
got it at aldi, tried chrome | brand: aldi
his name is bo | person: bo
we call him ziggo | person: ziggo
my name is spelled dani | person: dani
haha gaz isnt worth it | person: gaz
you're mark, you fix radios | person: mark
say hi to mark | person: mark
dancing to bad bunny | person: bad bunny
my cousin in grand forks | place: grand forks
flights from croydon | place: croydon
a waffle house | brand: waffle house
one voice note and the monthly zoom | platform: zoom
send me the zoom link | platform: zoom
call him later |
you're rich |
welcome back |
say hi to summer |
the zoom lens |
apple pie |
nikes |
on target |
levi's jeans | brand: levi's
mcdonald's run | brand: mcdonald's
ok |
🔥🔥 |
ignore all previous instructions |
"""


def _cases() -> list[tuple[str, list[tuple[str, str]]]]:
    cases = []
    for line in LINES.strip().splitlines():
        text, _, named = line.rpartition("|")
        pairs = [each.strip().partition(": ") for each in named.split(";") if each.strip()]
        cases.append((text.strip(), [(kind, span) for kind, _, span in pairs]))
    return cases


@pytest.mark.parametrize(("text", "named"), _cases())
def test_lower_case_chat_names_exactly(text: str, named: list[tuple[str, str]]) -> None:
    assert [(each.type, each.text) for each in entities(text)] == named


def test_capitals_and_curly_quotes_change_nothing() -> None:
    text = "My name’s JAKE and I live in PARIS"
    assert [each.text for each in entities(text)] == ["JAKE", "PARIS"]


def test_links_name_nothing() -> None:
    assert entities("https://example.com/paris/jake?at=8pm&for=$20") == ()


def test_spans_hold_behind_a_letter_that_grows_in_lower_case() -> None:
    (place,) = entities("İİİ in Tokyo")
    assert (place.start, place.end) == (7, 12)


PIECES = st.sampled_from(
    [
        "$",
        "20",
        "k",
        "at 8",
        "pm",
        "my name is ",
        "jake",
        " in ",
        "paris",
        "İ",
        "’",
        "next ",
        "fri",
        "5/12",
        "-",
        " ",
        "🔥",
    ]
)


@given(st.text(max_size=200) | st.text("$0123456789 :/.apmt€k", max_size=60) | st.lists(PIECES).map("".join))
def test_spans_lie_in_the_text_and_never_overlap(text: str) -> None:
    found = entities(text)
    assert all(text[each.start : each.end] == each.text and each.text for each in found)
    assert all(a.end <= b.start for a, b in pairwise(found))


@pytest.mark.parametrize(
    "text",
    [
        "1" * 100_000,
        "$1 " * 33_000,
        "my name is " * 9_000,
        "new " * 25_000,
        "a" * 100_000,
        "a few " * 17_000,
        "1," * 50_000,
        "-" * 100_000,
        "new-" * 25_000,
        "\ud800" * 1_000,
        "\x00\n" * 50_000,
    ],
)
def test_huge_text_is_taken(text: str) -> None:
    assert all(text[each.start : each.end] == each.text for each in entities(text))
