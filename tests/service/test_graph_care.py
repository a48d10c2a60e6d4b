"""`python -m graph` beside the running service: what it finds, has mended, and moves away."""

import asyncio
import sys
from pathlib import Path

import ray

from actors.directory import Directory
from actors.graph_writer import ThroughActor, names
from chats.account import Account
from graph.embedded import EmbeddedGraph
from graph.model import SCHEMA, DropConversation, DropPartition, UpsertVertex
from graph.traversals import WRITTEN
from settings import Settings
from tests.conftest import PATIENCE, ROOT, Service
from tests.graph.reading import contents
from tests.service.talk import message, recent

CREATOR = "creator-1"


async def command(service: Service, *arguments: str, **settings: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "graph", *arguments),
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(Path.home()),
            "DATA_DIR": str(service.folder),
            **settings,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_what_the_graph_of_a_running_service_lost_is_found_and_mended(
    service: Service, ray_cluster: None, user_id: str, tmp_path: Path
) -> None:
    import orjson

    directory = Directory(Settings(redis_url=service.redis_url, data_dir=service.folder))
    start = recent(5000)
    for id in range(1, 5):
        await directory.handle_delta(user_id, orjson.dumps(message(id, 40, start, "hello")), CREATOR)
    graph = ThroughActor([ray.get_actor(name) for name in names(Settings())])
    pk = Account(user_id, CREATOR).key
    code, out, err = await command(service, "check", "--user", user_id)
    assert (code, out) == (0, "All is well.\n"), (out, err)
    whole = await contents(graph, pk)
    [conversation] = whole.labelled("ConversationNode")

    await graph.apply([DropConversation(pk, conversation.removeprefix("conv:"))])
    await graph.apply([UpsertVertex(pk, "fan:nobody", "Fan", {"fanId": "nobody"})])
    [fan] = whole.labelled("Fan")
    await graph.apply([UpsertVertex(pk, fan, "Fan", {"unread": 77})])
    code, out, err = await command(service, "check", "--user", user_id)
    assert code == 1, (out, err)
    assert conversation in out
    assert f"{pk}: 1 are too much: fan:nobody" in out
    assert f"{pk}: 1 differ: {fan}" in out

    code, out, err = await command(service, "repair", "--user", user_id)
    assert (code, out) == (0, f"{pk}: written anew.\nAll is well.\n"), (out, err)
    mended = await contents(graph, pk)
    assert mended.vertices.keys() == whole.vertices.keys()
    assert mended.vertices[fan]["unread"] == whole.vertices[fan]["unread"]

    stray = Account(f"nobody-{user_id}", CREATOR).key
    await graph.apply([UpsertVertex(stray, "fan:1", "Fan", {"fanId": "1"})])
    _, out, _ = await command(service, "check")
    assert f"{stray}: no user has this account." in out
    await graph.apply([DropPartition(stray)])

    code, out, err = await command(service, "move", "--to", f"embedded:{tmp_path / 'target'}")
    assert code == 0, (out, err)
    target = EmbeddedGraph(tmp_path / "target")
    there = await contents(target, pk)
    assert there.edges == (await contents(graph, pk)).edges
    assert await target.submit(WRITTEN, {"schema": SCHEMA}) == []  # owners write anew what they find there
    await target.close()
