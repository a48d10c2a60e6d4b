"""What an owner writes to the graph, for measurements of the way there: accounts without outcomes."""

from collections.abc import Collection, Iterator, Mapping
from itertools import chain

from graph.model import DropStale, Mutation, UpsertEdge, UpsertVertex

A_CONVERSATION = 8  # messages


def account(pk: str, conversations: int) -> list[Mutation]:
    """An account's first conversations."""
    return list(chain.from_iterable(conversation(pk, n, 1) for n in range(conversations)))


def conversation(pk: str, n: int, rev: int) -> Iterator[Mutation]:
    """What a conversation without outcomes is in the graph (`graph.builder`)."""
    creator, fan, node = "creator:1", f"fan:{n % 200}", f"conv:{n % 200}:{n}"
    yield UpsertVertex(pk, creator, "Creator", {"creatorId": "1", "userId": pk})
    yield UpsertVertex(pk, fan, "Fan", {"fanId": str(n % 200), "chatId": str(n % 200)})
    figures = {"startDate": n, "endDate": n + 60, "messageCount": A_CONVERSATION, "turns": 4, "rev": rev}
    yield UpsertVertex(pk, node, "ConversationNode", {"chatId": str(n % 200), **figures})
    yield UpsertEdge(pk, "HAS_CONVERSATION", creator, node, {"rev": rev})
    yield UpsertEdge(pk, "HAS_CONVERSATION", fan, node, {"rev": rev})
    for topic in (f"topic:{n % 10}", f"topic:{10 + n % 10}"):
        yield UpsertVertex(pk, topic, "Topic", {"category": "talk"})
        yield UpsertEdge(pk, "DISCUSS_TOPIC", node, topic, {"messages": 3, "weight": 0.5, "rev": rev})
    yield DropStale(pk, node.removeprefix("conv:"), rev)


async def newest(users: Collection[str]) -> Mapping[str, int]:
    """No owner is displaced."""
    return dict.fromkeys(users, 1)
