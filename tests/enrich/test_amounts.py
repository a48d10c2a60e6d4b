from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import training
from enrich.entities.amounts import amounts
from enrich.entities.find import entities
from enrich.text.folding import folded
from training.labelled import read_chats

LABELLED = Path(training.__file__).with_name("amounts.tsv")

# The message | its bare amounts.
LINES = """
i can do 50 | 50
would 30 work | 30
make it 40 and we have a deal | 40
40 | 40
ok 45 then | 45
how about 35 for both | 35
10 min would be 90 | 90
5 for 30, 10 for 50 | 30 50
45 for 3, 60 for 5 | 45 60
12 a month is fine | 12
only 9.99 today | 9.99
is 35 the best you can do | 35
60 is a lot for me | 60
the price goes to 16 from the 25th | 16
the custom, is it 30? | 30
i do 10 mins for 25 | 25
35 instead of 50 | 35 50
only 13 😘 | 13
the clip is new, it's 11 😘 | 11
that would be 25 because it's longer | 25
voice notes are 15, calls 8 | 15 8
boots in the mud 10, brown boots long 15, red boots 12 | 10 15 12
kit 22, postage 9 | 22 9
55 with the card, 45 without | 55 45
it's 25 for the set | 25
got 40 saved | 40
you charged me 15 twice | 15
i have sent 100 tip on sunday | 100
could you go 25 | 25
i'd ask 50, they can all use it | 50
for this 30 | 30
for both 35? | 35
35 both | 35
66 up front? | 66
20 bc you made me laugh? | 20
20, or 16 for people who waited | 20 16
24 with shipping | 24
12 a month, instead of 15 | 12 15
20 for you instead of 28 | 20 28
the rent's 1150 | 1150
it's back to 35 in the system | 35
a live roast is 70 | 70
a whole person on the bike would be 25 | 25
that's still 15 | 15
and my 40? | 40
and the other 55? | 55
i want the 22 back | 22
the 60 one in the red dress | 60
how abt 50 | 50
ill chip in a 5 | 5
12 to open a message | 12
48 is a steal | 48
potato edition, 20? | 20
i only have 40 left till friday | 40
eighty is a bit steep | eighty
you make it for sixty if i ask | sixty
sixty-five for the set | sixty-five
ninety five | ninety five
so ten for the video, i can pay ten | ten ten
30 for a minute or so, 45 for up to three | 30 45
i can't do 28 | 28
40 i can live with | 40
10 off if you hurry | 10
the lollies were 2.50 | 2.50
i can do 6 minutes |
i'm only 25 |
20 minutes instead of 10 |
it was only 8 when i woke up |
make it 3 photos |
can you do 10 in the morning |
im 34 |
it's 7 my time |
he turns 40 on the 30th |
waiting for 20 |
number 7 is my favourite |
back in 1955 |
2 for 1 |
we live at gate 22 |
my mum is 61 |
he is 40, i'm 31 |
i'm 180, she's 165 |
8 works |
the show is 8 |
let's say 8 |
that was a good 20 minutes |
30 min instead of 15 min |
gym at 6, dinner 8, bed 10 |
season 2 episode 14 |
we lost 6 nil |
my knees are 34 |
outside it's 29 |
the battery is 14 |
chapter 12, page 90 |
on the 14th or the 20th |
the other 20 people |
my 30 days |
13, 14, 15 and 16 |
forty! from three plants? |
twelve and a half |
twenty people came |
what about ten? |
eleven |
thirty years ago |
see you at 8 |
watched it 9 times |
12 people in the room |
24/7 |
""".strip().splitlines()


@pytest.mark.parametrize("line", LINES)
def test_a_bare_number_is_money_where_the_words_around_it_say_so(line: str) -> None:
    text, _, named = line.partition("|")
    found = [each.text for each in entities(text.strip()) if each.type == "money"]
    assert " ".join(found) == named.strip()


def test_bare_amounts_of_the_training_chats_are_found_as_was_measured() -> None:
    texts = {each.id: each.text for each in read_chats()}
    right = found = true = 0
    for line in LABELLED.read_text("utf-8").splitlines()[1:]:
        id, start, end, kind = line.split("\t")
        is_found = (int(start), int(end)) in set(amounts(folded(texts[id])))
        right += is_found and kind == "money"
        found += is_found
        true += kind == "money"
    assert right / found >= 0.94
    assert right / true >= 0.81


@given(st.text(alphabet="0159. ,for?do", max_size=300))
def test_any_text_gives_spans_of_numbers_in_order(text: str) -> None:
    spans = list(amounts(text))
    assert spans == sorted(set(spans))
    assert all(text[start:end].replace(".", "").isdigit() for start, end in spans)


@pytest.mark.parametrize("text", ["1 " * 2_500, "20 for " * 700, "ok " * 1_600 + "50", "5 min " * 800])
def test_a_long_text_of_numbers_takes_milliseconds(text: str) -> None:
    began = process_time()
    list(amounts(text))
    assert process_time() - began < 0.2
