"""What Cosmos DB would charge by our model is what the documents say: a change that costs more shows here."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from graph import cosmos_writes
from graph.traversals import ACROSS_PARTITIONS, QUESTIONS
from tests.graph.charged import Charged, charged
from tests.gremlin_server import server
from tests.standin import charges
from tests.standin.server import Standin

DOCS = Path(__file__).parents[2] / "docs"
MESSAGES = 1_000_000  # a month, of 10 creators
SECONDS = 30 * 86_400  # of a month
BUSY = 10  # times the average
PROVISIONED = 4_000  # request units a second
CONVERSATIONS = 10_000  # of one creator in 30 days


@pytest.fixture(scope="module")
def found() -> Iterator[Charged]:
    with Standin(server.address(), across=ACROSS_PARTITIONS) as standin:
        yield asyncio.run(charged(standin))


def rows(page: str, first: str) -> dict[str, list[str]]:
    """The table whose first column is called so: the cells behind each name in backticks."""
    lines = (DOCS / page).read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first} |"))
    table: dict[str, list[str]] = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        table[name.strip("`")] = cells
    return table


def test_what_a_message_costs_is_documented_by_query(found: Charged) -> None:
    live = found.large.live
    counted = {name: [str(sent), f"{live.units[name]:.0f}"] for name, sent in live.sent.items()}
    counted["together"] = [f"**{live.sent.total()}**", f"**{found.live:.0f}**"]
    documented = rows("cosmos.md", "requests of a message")
    assert {name: cells[:2] for name, cells in documented.items()} == counted


def test_a_message_costs_no_more_in_a_larger_account(found: Charged) -> None:
    assert found.live == pytest.approx(found.small.live.together)


def test_what_a_load_costs_is_documented_as_it_is_computed(found: Charged) -> None:
    text = (DOCS / "cosmos.md").read_text()
    a_second = found.live * MESSAGES / SECONDS
    # Topics are asked for the window and the one before it.
    insight = found.insight(CONVERSATIONS) + found.question("topic_links")[1] * CONVERSATIONS
    history = found.first * 10 * CONVERSATIONS
    for said in (
        f"| a message | {found.live:.0f} RU |",
        f"| a month | {found.live * MESSAGES / 1e6:.0f} million RU |",
        f"| a second | {a_second:.0f} RU on average, {BUSY * a_second:,.0f} RU at busy times |",
        f"{found.first:.0f} RU a conversation; 100,000 of them {history / 1e6:.0f} million RU, "
        f"{history / PROVISIONED / 60:.0f} minutes at 4,000 RU/s |",
        f"| {insight:,.0f} RU, {insight / PROVISIONED:.0f} s at 4,000 RU/s |",
        f"a message costs {found.live_read_of_one:.2f} RU more for each conversation",
    ):
        assert said in text
    assert BUSY * a_second < PROVISIONED / 2  # what the document advises carries it


def test_every_question_is_documented_with_what_it_touches_and_costs(found: Charged) -> None:
    documented = rows("graph.md", "question")
    assert documented.keys() == QUESTIONS.keys()
    for name, script in QUESTIONS.items():
        answers, touches, charge = documented[name]
        assert answers
        assert re.match(r"O\(\w+\)", touches)
        once, each = found.question(name)
        if script in ACROSS_PARTITIONS:  # what is read there depends on who else is in the graph
            seen = found.large.questions[name]
            once, each = seen.charge - charges.READ * seen.touched.read, charges.READ
        assert charge == f"{once:.1f}" + (f" + {each:.2f} {touches[2]}" if each > 0.001 else ""), name


def test_every_write_is_documented_with_what_it_touches() -> None:
    source = Path(cosmos_writes.__file__).read_text()
    named = set(re.findall(r'_(?:ask|page)\(\s*"(\w+)"', source))
    assert len(named) >= 9
    documented = rows("graph.md", "write")
    assert documented.keys() == named
    assert all(all(cells) for cells in documented.values())


def test_a_profile_is_read_as_what_was_touched() -> None:
    """As the engine says it of an upsert of an edge that was not there, and of one that was."""
    start = ["TinkerGraphStep(vertex,[a])", 1, []]
    added = ["AddEdgeStep({label=[X]})", 1, [["GraphStep(vertex,[b])", 1, []]]]
    script = 'g.V([b0,b1]).outE("X").hasId(b2).fold()'
    hop, condition = ["VertexStep(OUT,[X],edge)", 70, []], ["HasStep([~id.eq(c)])", 0, []]
    entry = ["AddPropertyStep({value=[1]})", 1, []]
    inner = [["UnfoldStep", 0, []], ["GraphStep(vertex,[a])", 1, []], added]
    new = charges.touched(script, [start, hop, condition, ["CoalesceStep", 1, inner], entry])
    assert new == charges.Touched(by_id=3, queries=1, read=0, passed=70, inserted=1, entries=1)
    condition[1] = 1
    old = charges.touched(
        script, [start, hop, condition, ["CoalesceStep", 1, [["UnfoldStep", 1, []]]], entry]
    )
    assert old == charges.Touched(by_id=1, queries=1, read=1, passed=69, replaced=1, entries=1)
    assert charges.of(old, by_index=False) - charges.of(old) == pytest.approx(69 * charges.READ)
