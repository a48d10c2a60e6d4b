"""The running service as Prometheus sees it, at the port of Ray's agent."""

import asyncio
from typing import Any

import httpx
import orjson
import ray
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import PATIENCE, Service
from tests.service.talk import dial

MESSAGES = 3


def message(id: int) -> dict[str, Any]:
    return {
        "id": id,
        "text": f"Do you have a new set number {id}?",
        "createdAt": "2024-05-01T08:00:00+00:00",
        "fromUser": {"id": "f1", "name": "Fan"},
    }


async def seen(address: str, client: httpx.AsyncClient) -> dict[tuple[str, str], float]:
    """What is there of our metrics, over all processes: by sample and value of the label."""
    answer = await client.get(address)
    found: dict[tuple[str, str], float] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples if family.name.startswith("ray_analytics_") else ():
            ours = [sample.labels[label] for label in LABELS if sample.labels.get(label)]
            key = sample.name.removeprefix("ray_analytics_"), "".join(ours)
            found[key] = found.get(key, 0.0) + sample.value
    return found


LABELS = ("client", "process", "source", "status", "task")
AT_LEAST = {
    ("messages_accepted_total", ""): MESSAGES,
    ("journal_append_seconds_count", ""): 1,
    ("journal_append_records_count", ""): 1,
    ("journal_lag_records", ""): MESSAGES,
    ("enrichment_messages_total", ""): MESSAGES,
    ("enrichment_task_seconds_count", "enrich"): 1,
    ("embedded_texts_total", "model"): MESSAGES,
    ("graph_batch_mutations_count", ""): 1,
    ("graph_write_seconds_count", ""): 1,
    ("frames_sent_total", ""): MESSAGES,
    ("frames_sent_bytes_total", ""): 100,
    ("sockets_connected", "page"): 1,
    ("owners", ""): 1,
    ("owner_activation_seconds_count", ""): 1,
    ("owner_recovery_seconds_count", ""): 1,
    ("http_errors_total", "422"): 1,
    ("backlog_messages", ""): 0,
    ("inputs_held", ""): 0,
    ("graph_behind_seconds", ""): 0,
    **{("event_loop_lag_seconds", each): 0 for each in ("owner", "registry", "graph_writer", "api")},
}


async def test_what_is_taken_in_is_seen_in_the_metrics(
    service: Service, ray_cluster: None, user_id: str
) -> None:
    [node] = ray.nodes()  # type: ignore[no-untyped-call]
    address = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"
    ingest = f"{service.url}/api/v1/ingest/{user_id}/messages?creator_id=c1"
    async with (
        asyncio.timeout(PATIENCE),
        httpx.AsyncClient(timeout=PATIENCE) as client,
        dial(f"{service.ws}/ws/frontend/{user_id}"),
    ):
        assert (await client.post(ingest, content=b"no JSON")).status_code == 422
        for id in range(1, MESSAGES + 1):  # 0 is no id
            answer = await client.post(ingest, content=orjson.dumps([message(id)]))
            assert answer.status_code == 202
        missing = dict(AT_LEAST)
        while missing:
            found = await seen(address, client)
            missing = {key: least for key, least in AT_LEAST.items() if found.get(key, -1) < least}
            await asyncio.sleep(1)
        while found["backlog_messages", ""]:
            await asyncio.sleep(1)
            found = await seen(address, client)
    assert found["graph_behind_seconds", ""] < PATIENCE
    assert not any(user_id in label for _, label in found)
