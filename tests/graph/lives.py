"""Random lives of accounts, from a seed: what an owner writes of them, and what a graph then answers."""

import re
from collections.abc import Sequence
from itertools import chain
from random import Random
from typing import Any

import orjson

from chats.account import Account
from chats.enriched import EnrichedConversation
from chats.fan import FanState
from errors import GraphUnavailable
from graph.builder import GraphBuilder
from graph.model import SCHEMA, DropConversation, DropOlder, Mutation, Scalar, UpsertVertex, creator_vertex
from graph.port import Graph
from graph.traversals import NEWER, QUESTIONS
from tests.graph.strategies import ACTIONS, START, TOPICS, conversation, drop_off, tip

STEPS = 6  # batches of a life
IDS = [f"c{chat}:m{first}" for chat in (1, 2, 3, 4) for first in (1, 2)]
NEWEST = 1_000_000  # a schema that no other test knows


def life(random: Random, account: Account) -> list[list[Mutation]]:
    """Batches of one account, each as an owner writes them."""
    batches: list[list[Mutation]] = []
    for rev in range(1, STEPS + 1):
        builder = GraphBuilder(account.user_id, account.creator_id, rev)
        batch: list[Mutation] = []
        for id in random.sample(IDS, random.randint(1, 3)):  # once each: a revision has one fan
            batch += builder.build_graph(_conversation(random, id), random.choice(("f1", "f2")))
        batch += builder.build_fan(_fan(random))
        if random.random() < 0.3:
            batch.append(DropConversation(builder.pk, random.choice(IDS)))
        if random.random() < 0.2:
            batch.append(DropOlder(builder.pk, rev))
        batches.append([*batch, builder.build_account()])
    return batches


def newer(account: Account) -> Mutation:
    """As a newer release has written it."""
    vertex = creator_vertex(account.creator_id)
    return UpsertVertex(account.key, vertex, "Creator", {"schema": NEWEST})


def cut(batches: Sequence[Sequence[Mutation]], random: Random) -> list[list[Mutation]]:
    """The same in other batches, as a graph writer gives them: a conversation may be in two of them."""
    left = list(chain.from_iterable(batches))
    pieces: list[list[Mutation]] = []
    while left:
        size = random.randint(1, 80)
        pieces.append(left[:size])
        left = left[size:]
    return pieces


async def write(graph: Graph, batches: Sequence[Sequence[Mutation]]) -> None:
    for batch in batches:
        while True:
            try:
                await graph.apply(batch)
                break
            except GraphUnavailable:
                continue


async def answers(graph: Graph, account: Account) -> dict[str, list[bytes]]:
    """The rows of every question, in one order; of those about all accounts only what is of this user."""
    own = Account(account.user_id, "").key
    found: dict[str, list[bytes]] = {}
    for name, script in QUESTIONS.items():
        rows = await graph.submit(script, bindings(script, account))
        mine = [row for row in rows if not isinstance(row, str) or row.startswith(own)]
        found[name] = sorted(orjson.dumps(_numbers(row), option=orjson.OPT_SORT_KEYS) for row in mine)
    return found


def bindings(script: str, account: Account) -> dict[str, Scalar]:
    """What the question `script` asks with about all that `strategies.conversation` makes."""
    known: dict[str, Scalar] = {
        "pk": account.key,
        "start": int(START) - 10,
        "end": int(START) + 10,
        "user_id": account.user_id,
        "creator_id": account.creator_id,
        "schema": NEWEST - 1 if script == NEWER else SCHEMA,
    }
    return {name: value for name, value in known.items() if re.search(rf"[ (]{name}\)", script)}


def _conversation(random: Random, id: str) -> EnrichedConversation:
    return conversation(
        id,
        topics=random.sample(TOPICS, random.randint(0, 3)),
        actions=random.sample(ACTIONS, random.randint(0, 3)),
        outcomes=random.choices((tip(), tip(None), drop_off()), k=random.randint(0, 2)),
        turns=random.randint(0, 9),
    )


def _fan(random: Random) -> FanState:
    spend, unread = random.choice((0.0, 12.5)), random.randint(0, 3)
    return FanState("f1", "creator", "c1", START, spend, unread, START, 0.5, None, START + 60.0)


def _numbers(row: Any) -> Any:
    """Whole and broken numbers alike: JSON without types does not tell 5 from 5.0."""
    if isinstance(row, dict):
        return {key: _numbers(value) for key, value in row.items()}
    return float(row) if isinstance(row, int | float) and not isinstance(row, bool) else row
