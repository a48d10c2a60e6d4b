"""How tasks ask for a GPU, on Rays that say they have one and that say they have none.

The graphics processor is pretended: that the tasks get their share of it is real, that torch computes on it
is not shown here. Each Ray belongs to a process of its own: a process is a driver on one Ray only.
"""

import json
import subprocess
import sys
from typing import Any

from tests.conftest import ROOT

_SCRIPT = """
import asyncio, json, logging, sys, time
import ray
from chats.conversation import cut
from chats.message import Message
from enrich.tasks import Enricher, _options
from settings import Settings

gpus = int(sys.argv[1])
ray.init(address="local", num_cpus=2, num_gpus=gpus, include_dashboard=False, log_to_driver=False,
         logging_level=logging.ERROR, runtime_env={"env_vars": {"PYTHONPATH": sys.argv[2]}})

class NoFit:
    def register_script(self, script):
        async def run(**_):
            return []
        return run

said = [Message(id=str(n), creator_id="c", chat_id="f", fan_id="f", direction="fan", at=1.7e9 + n,
                text="how much for a custom video?") for n in range(3)]
conversations = cut(said, gap=21600, silence=300)
enricher = Enricher(NoFit(), Settings())

@ray.remote(num_cpus=0, num_gpus=gpus)
class Holder:
    def hold(self):
        return True

async def main():
    holder = None
    if gpus:
        holder = Holder.remote()
        await holder.hold.remote()
    running = asyncio.ensure_future(enricher.delta("c", conversations, {}))
    done, _ = await asyncio.wait([running], timeout=12 if gpus else 120)
    waited = not done
    if holder is not None:
        ray.kill(holder)
    [node] = await running
    print(json.dumps({"asks": (await _options())["num_gpus"], "waited": waited,
                      "node": node.model_dump(mode="json")}))

asyncio.run(main())
"""


def enriched_with(gpus: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(gpus), str(ROOT)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_task_takes_a_share_of_a_gpu_where_there_is_one_and_none_where_there_is_none() -> None:
    with_one, without = enriched_with(1), enriched_with(0)
    assert 0 < with_one["asks"] < 1
    assert with_one["waited"], "the GPU was taken, so the task had to wait for its share"
    assert without["asks"] == 0
    assert not without["waited"], "a share of a GPU that is not there would be waited for for ever"
    assert with_one["node"] == without["node"]
