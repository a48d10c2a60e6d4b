"""Looking after a graph through its port: whether it is whole, mending it, copies in a file or another home.

`say` is told of progress, `found` of what there is to know, line by line.
"""

import asyncio
import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, Protocol, TypeVar

from chats.account import Account
from errors import InvalidInput
from graph.contents import (
    VERTEX_COUNT,
    Contents,
    Difference,
    compare,
    loose_ends,
    read,
    vertex_of,
)
from graph.graphson import lines, parse
from graph.model import DropPartition, UpsertEdge, UpsertVertex
from graph.port import Graph
from graph.traversals import PARTITIONS, WITHOUT_PARTITION

TOGETHER: Final = 2_000  # mutations of one call
LOOKS: Final = 3  # at an account that differs: it may be written just now
AGAIN_AFTER: Final = 1.0  # seconds between them
SHOWN: Final = 5  # names of elements in one line

Say = Callable[[str], None]
T = TypeVar("T")


class Owners(Protocol):
    """The owners of a running service."""

    async def accounts(self) -> list[Account]: ...

    async def contents(self, account: Account) -> Contents:
        """What the graph has to have of the account."""
        ...

    async def rewrite(self, account: Account) -> None:
        """Have the account written anew; returns once it is. Unavailable when that takes too long."""
        ...


async def check(graph: Graph, owners: Owners | None, found: Say, say: Say, user_id: str | None = None) -> int:
    """Say what is wrong with the graph, of one user or of all; how many partitions have something.

    Without owners only what the graph tells by itself.
    """
    wrong: set[str] = set()
    keys = set(await graph.submit(PARTITIONS, {}))
    accounts = await _accounts(owners, user_id)
    known = {each.key: each for each in accounts}
    if user_id is None:
        [count] = await graph.submit(WITHOUT_PARTITION, {})
        if count:
            found(f"{count} vertices have no partition key (pk).")
            wrong.add("")
        if owners is not None:
            for key in sorted(keys - known.keys()):
                found(f"{key}: no user has this account.")
                wrong.add(key)
    else:
        keys &= known.keys() if owners is not None else {k for k in keys if k.startswith(_prefix(user_id))}
    for number, key in enumerate(sorted(keys | known.keys()), 1):
        say(f"{number} of {len(keys | known.keys())} accounts")
        if key in keys and await _structure(graph, key, found):
            wrong.add(key)
        if owners is not None and key in known:
            difference = await _difference(graph, owners, known[key])
            if difference:
                _tell(key, difference, found)
                wrong.add(key)
    return len(wrong)


async def repair(graph: Graph, owners: Owners, found: Say, say: Say, user_id: str | None = None) -> int:
    """Have written anew what differs, and drop what no user has; how many accounts still differ."""
    accounts = await _accounts(owners, user_id)
    if user_id is None:
        # The graph is asked first: an account that comes meanwhile is known before it is written.
        keys = set(await graph.submit(PARTITIONS, {}))
        for key in sorted(keys - {each.key for each in await owners.accounts()}):
            await graph.apply([DropPartition(key)])
            found(f"{key}: dropped, no user has this account.")
    left = 0
    for number, account in enumerate(accounts, 1):
        say(f"{number} of {len(accounts)} accounts")
        if not (difference := await _difference(graph, owners, account)):
            continue
        await owners.rewrite(account)
        if difference := await _difference(graph, owners, account):
            # A rewrite leaves what it does not know, such as a fan that is not there any more.
            await graph.apply([DropPartition(account.key)])
            await owners.rewrite(account)
            difference = await _difference(graph, owners, account)
        if difference:
            _tell(account.key, difference, found)
            left += 1
        else:
            found(f"{account.key}: written anew.")
    return left


async def export(graph: Graph, keys: Iterable[str] | None, file: Path, say: Say) -> int:
    """Write these accounts, or all (None), to a new file in place of an older one; how many vertices."""
    wanted = sorted(await graph.submit(PARTITIONS, {})) if keys is None else list(keys)
    part = file.with_name(f"{file.name}.part")
    count, numbers = 0, itertools.count()
    try:
        with part.open("w", encoding="utf-8") as out:
            for number, key in enumerate(wanted, 1):
                say(f"{number} of {len(wanted)} accounts")
                contents = await read(graph, key)
                if not contents.vertices and keys is not None:
                    raise InvalidInput("The graph has no such account; `check` lists those that it has.")
                for line in lines(key, contents, numbers):
                    out.write(line + "\n")
                    count += 1
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    return count


async def load(graph: Graph, file: Path, say: Say) -> int:
    """Write a file's vertices, then its edges; how many vertices. Repeating it changes nothing.

    InvalidInput, before anything is written, when a line is no vertex of this model.
    """
    for _ in _parsed(file):
        pass
    count = 0
    for vertices in _batches(_vertices(file)):
        await graph.apply(vertices)
        count += len(vertices)
        say(f"{count} vertices")
    written = 0
    for edges in _batches(_edges(file)):
        await graph.apply(edges)
        written += len(edges)
        say(f"{written} edges")
    return count


async def move(source: Graph, target: Graph, found: Say, say: Say) -> int:
    """Copy every account to another home and compare; how many accounts are not there as they were read.

    A copy has no `schema`: its owner, which may have written more meanwhile, writes it anew as it starts.
    """
    keys = sorted(await source.submit(PARTITIONS, {}))
    wrong = 0
    for number, key in enumerate(keys, 1):
        say(f"{number} of {len(keys)} accounts")
        contents = await read(source, key)
        for vertex in contents.vertices.values():
            vertex.properties.pop("schema", None)
        there = await read(target, key)
        if there == contents:
            continue
        if there.vertices:
            await target.apply([DropPartition(key)])
        for batch in _batches(contents.mutations(key)):
            await target.apply(batch)
        if (there := await read(target, key)) != contents:
            _tell(key, compare(contents, there), found)
            wrong += 1
    return wrong


async def _accounts(owners: Owners | None, user_id: str | None) -> list[Account]:
    accounts = [] if owners is None else await owners.accounts()
    return [each for each in accounts if user_id in (None, each.user_id)]


async def _structure(graph: Graph, key: str, found: Say) -> list[str]:
    contents = await read(graph, key)
    [count] = await graph.submit(VERTEX_COUNT, {"pk": key})
    problems = []
    if loose := loose_ends(contents):
        problems.append(f"{key}: {len(loose)} edges lack an end: {_shown(loose)}")
    if count > len(contents.vertices):
        problems.append(f"{key}: {count - len(contents.vertices)} vertices are of no label of this model.")
    for each in problems:
        found(each)
    return problems


async def _difference(graph: Graph, owners: Owners, account: Account) -> Difference:
    for look in range(LOOKS):
        if look:
            await asyncio.sleep(AGAIN_AFTER)
        difference = compare(await owners.contents(account), await read(graph, account.key))
        if not difference:
            break
    return difference


def _tell(key: str, difference: Difference, found: Say) -> None:
    for what, names in (
        ("are missing", difference.missing),
        ("are too much", difference.extra),
        ("differ", difference.differing),
    ):
        if names:
            found(f"{key}: {len(names)} {what}: {_shown(names)}")


def _shown(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", .." if len(names) > SHOWN else "")


def _prefix(user_id: str) -> str:
    return Account(user_id, "").key


def _parsed(file: Path) -> Iterator[tuple[str, Contents]]:
    with file.open(encoding="utf-8") as rows:
        for number, row in enumerate(rows, 1):
            try:
                pk, id, vertex, edges = parse(row)
            except InvalidInput as error:
                raise InvalidInput(f"Line {number}: {error}") from error
            yield pk, Contents({id: vertex}, dict(edges))


def _vertices(file: Path) -> Iterator[UpsertVertex]:
    for pk, contents in _parsed(file):
        for id, vertex in contents.vertices.items():
            yield vertex_of(pk, id, vertex)


def _edges(file: Path) -> Iterator[UpsertEdge]:
    for pk, contents in _parsed(file):
        for name, properties in contents.edges.items():
            yield UpsertEdge(pk, name.label, name.source, name.target, properties, name.key)


def _batches(items: Iterator[T]) -> Iterator[list[T]]:
    while batch := list(itertools.islice(items, TOGETHER)):
        yield batch
