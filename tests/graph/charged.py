"""What Cosmos DB would charge for what the service asks, by the model of tests/standin/charges.py.

Measured on two accounts of different sizes: what is the same for both does not depend on the size, and what
grows is given for one conversation.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from chats.account import Account
from graph.batcher import Batcher
from graph.model import DropPartition
from graph.port import Graph
from graph.traversals import QUESTIONS
from graph.write import append_graph_from_delta, rebuild_graph_from_snapshot
from insights.queries import build_analytics_update
from metrics.declared import GRAPH_REQUEST_UNITS
from metrics.declared import Counter as Metric
from metrics.tally import Tally
from tests.graph.lives import bindings
from tests.graph.load import CREATOR, WINDOW, conversations, fan, fans, usual
from tests.graph.standin import opened
from tests.standin import charges
from tests.standin.server import Seen, Standin

SMALL, LARGE = 12, 36  # conversations of the two accounts
GROWS = 1  # the number of the conversation that a message comes to; it has no outcome


class Requests(Tally):
    """Counts requests and their units by query."""

    def __init__(self) -> None:
        super().__init__()
        self.units: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()

    def count(self, metric: Metric, amount: float = 1, of: str = "") -> None:
        if metric is GRAPH_REQUEST_UNITS:
            self.units[of] += amount  # type: ignore[assignment]  # a Counter adds floats as well
            self.sent[of] += 1

    def taken(self) -> "Requests":
        """What was counted since the last time."""
        found = Requests()
        found.units, self.units = self.units, Counter()
        found.sent, self.sent = self.sent, Counter()
        return found

    @property
    def together(self) -> float:
        return sum(self.units.values())


@dataclass(frozen=True, slots=True)
class OfAccount:
    """What one account was charged. `live_read`: if what a condition after a hop leaves out is read too."""

    rebuild: Requests
    live: Requests
    live_read: float
    insight: float
    questions: Mapping[str, Seen]


@dataclass(frozen=True, slots=True)
class Charged:
    small: OfAccount
    large: OfAccount

    @property
    def live(self) -> float:
        """Of a message: its conversation and its fan are written again."""
        return self.large.live.together

    @property
    def first(self) -> float:
        """Of one more conversation, with its fan, in an account that is written for the first time."""
        return _of_one(self.small.rebuild.together, self.large.rebuild.together)

    @property
    def live_read_of_one(self) -> float:
        """What a message costs more for each conversation of its account, if edges are read."""
        return _of_one(self.small.live_read, self.large.live_read)

    def question(self, name: str) -> tuple[float, float]:
        """What is charged once, and for each conversation."""
        small, large = self.small.questions[name].charge, self.large.questions[name].charge
        return small - SMALL * _of_one(small, large), _of_one(small, large)

    def insight(self, conversations: int) -> float:
        """Of all that a dashboard asks about one account with so many conversations in the window."""
        each = _of_one(self.small.insight, self.large.insight)
        return self.small.insight + each * (conversations - SMALL)


def _of_one(small: float, large: float) -> float:
    return (large - small) / (LARGE - SMALL)


async def charged(standin: Standin) -> Charged:
    requests = Requests()
    graph = opened(standin, requests)
    batcher = Batcher(graph, _newest, size=50, wait=0.0)
    try:
        small, large = [await _of_account(size, standin, graph, batcher, requests) for size in (SMALL, LARGE)]
        return Charged(small, large)
    finally:
        await batcher.close()
        await graph.close()


async def _of_account(
    size: int, standin: Standin, graph: Graph, batcher: Batcher, requests: Requests
) -> OfAccount:
    user = f"charged {size}"
    account = Account(user, CREATOR)
    await graph.apply([DropPartition(account.key)])
    requests.taken()
    await rebuild_graph_from_snapshot(
        user, conversations(size), CREATOR, fans=fans(size), rev=1, writer=batcher
    )
    rebuild = requests.taken()
    begun = len(standin.seen)
    await append_graph_from_delta(user, usual(GROWS), CREATOR, fans=[fan(GROWS)], rev=2, writer=batcher)
    live_read = sum(charges.of(each.touched, by_index=False) for each in standin.seen[begun:])
    live = requests.taken()
    start, end = WINDOW
    await build_analytics_update(user, start, end, CREATOR, graph=graph, now=end)
    insight = requests.taken().together
    questions: dict[str, Seen] = {}
    for name, script in QUESTIONS.items():
        await graph.submit(script, bindings(script, account))
        questions[name] = standin.seen[-1]
    return OfAccount(rebuild, live, live_read, insight, questions)


async def _newest(users: Collection[str]) -> Mapping[str, int]:
    return dict.fromkeys(users, 1)
