"""The whole service with its graph in a stand-in for Cosmos DB that fails all the time."""

import asyncio
import os
import signal
from pathlib import Path

import httpx
import pytest

from tests.conftest import PATIENCE, Service, start, stop
from tests.service import test_scenario as scenario
from tests.service.cosmos import failing_cosmos
from tests.service.talk import Raw, numbers, owner, page, post, settled
from tests.service.test_graph_care import command


@pytest.mark.own_service
async def test_scenarios_and_a_kill_end_with_the_right_graph_whatever_fails(
    tmp_path: Path, user_id: str
) -> None:
    """With two writers. A restart: test_launch.py."""
    killed = f"{user_id}-killed"
    with failing_cosmos() as (standin, settings):
        settings["GRAPH_WRITERS"] = "2"
        service = await asyncio.to_thread(start, tmp_path, **settings)
        try:
            await asyncio.gather(
                scenario.test_deltas_before_during_and_after_a_snapshot_arrive_in_order_once_and_with_the_same_numbers(
                    service, user_id
                ),
                scenario.test_a_repeated_snapshot_changes_nothing(service, f"{user_id}-repeats"),
                scenario.test_an_edit_replaces_the_message_and_a_deletion_removes_it(
                    service, f"{user_id}-edits"
                ),
                kill_while_it_writes(service, killed),
            )
            found = numbers(await figures(service, killed))
            assert found == numbers(await figures(service, f"{killed}-at-once"))
            # The graph has what the owners hold, element by element, and nothing else.
            code, out, err = await command(service, "check", **settings)
            assert (code, out.splitlines()[-1]) == (0, "All is well."), err  # Ray may warn before it
        finally:
            await asyncio.to_thread(stop, service)
    assert {0, 404, 409, 412, 429, 500, 1007, 1008} <= {each.status for each in standin.seen}


async def kill_while_it_writes(service: Service, user_id: str) -> None:
    """A user whose owner is killed meanwhile, and one who sends the same in one snapshot."""
    everything = scenario.history()
    async with (
        httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http,
        page(service.ws, user_id) as listener,
    ):
        await post(http, user_id, "snapshot", {"chats": scenario.CHATS, "messages": everything[:50]})
        os.kill(int(await asyncio.to_thread(owner, service, user_id, "pid")), signal.SIGKILL)
        receipt = await post(http, user_id, "messages", everything[50:])
        await settled(listener, http, user_id, receipt["sequence"])
    await scenario.one_snapshot(service, f"{user_id}-at-once", everything)


async def figures(service: Service, user_id: str) -> Raw:
    """As the graph has them."""
    async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http:
        answer = await http.get("/api/v1/insights/full", params={"user_id": user_id})
    found: Raw = answer.raise_for_status().json()
    return found
