"""How tasks ask for a GPU, on a Ray that says it has one.

The graphics processor is pretended: that a task gets its share of it is real, that torch computes on it is
not shown here. The Ray belongs to a process of its own: a process is a driver on one Ray only.
"""

import json
import subprocess
import sys

import msgspec
import pytest

from chats.conversation import cut
from chats.message import Message
from enrich.analyse import enrich_alone
from enrich.tasks import _options
from tests.conftest import PATIENCE, ROOT

_SCRIPT = """
import msgspec
import asyncio, json, logging, sys, time
import ray
from chats.chat import Chat
from chats.conversation import cut
from chats.message import Message
from enrich.outcomes import contexts
from enrich.tasks import Enricher, _options
from settings import Settings

ray.init(address="local", num_cpus=2, num_gpus=1, include_dashboard=False, log_to_driver=False,
         logging_level=logging.ERROR)

class NoFit:
    async def latest(self, account):
        return None

said = [Message(id=str(n), creator_id="c", chat_id="f", fan_id="f", direction="fan", at=1.7e9 + n,
                text="how much for a custom video?") for n in range(3)]
conversations = cut(said, gap=21600, silence=300)
enricher = Enricher("u", NoFit(), Settings())

async def untold(progress):
    pass

async def enrich():
    around = contexts(conversations, {"f": Chat("f", "c", "f")})
    parts = enricher.changed("c", [(each, around[each.id], {}) for each in conversations], untold)
    return [node async for nodes in parts for node in nodes]

@ray.remote(num_cpus=0, num_gpus=1)
class Holder:
    def hold(self):
        return True

async def main():
    await enrich()  # from here on a worker is there, and answers at once
    holder = Holder.remote()
    await holder.hold.remote()
    running = asyncio.ensure_future(enrich())
    done, _ = await asyncio.wait([running], timeout=8)
    ray.kill(holder)
    [node] = await running
    print(json.dumps({"asks": (await _options())["num_gpus"], "waited": not done,
                      "node": msgspec.to_builtins(node)}))

asyncio.run(main())
"""


@pytest.mark.own_service
def test_a_task_takes_its_share_of_the_gpu_and_says_what_it_says_without_one() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert 0 < found["asks"] < 1
    assert found["waited"], "the GPU was taken, so the task had to wait for its share"
    said = [
        Message(
            id=str(n),
            creator_id="c",
            chat_id="f",
            fan_id="f",
            direction="fan",
            at=1.7e9 + n,
            text="how much for a custom video?",
        )
        for n in range(3)
    ]
    [conversation] = cut(said, gap=21600, silence=300)
    assert found["node"] == json.loads(msgspec.json.encode(enrich_alone(conversation)))


async def test_without_a_gpu_no_share_is_asked_for(ray_cluster: None) -> None:
    """It would be waited for for ever."""
    assert (await _options())["num_gpus"] == 0
