"""Every metric of the service: its name, kind, unit, label and meaning, as docs/operations.md has them.

Names follow Prometheus: `_total` for counters, the unit at the end. A metric has at most one label, whose
values are few: never a user, a creator or anything else of one tenant.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 100.0)
SIZES = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1_000.0, 3_000.0, 10_000.0, 30_000.0)
BYTES = (1e3, 1e4, 1e5, 1e6, 3e6, 1e7, 3e7, 1e8, 3e8, 1e9)


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    unit: str
    description: str
    label: str = ""  # empty: none


@dataclass(frozen=True, slots=True)
class Counter(Metric):
    """How much there was since the process began; only grows."""


@dataclass(frozen=True, slots=True)
class Histogram(Metric):
    """How many values there were up to each boundary."""

    boundaries: tuple[float, ...] = SECONDS


@dataclass(frozen=True, slots=True)
class Gauge(Metric):
    """What holds now. `together` says what the gauges of several owners are as one."""

    together: Literal["sum", "max"] = "sum"


# The way in

MESSAGES_ACCEPTED = Counter(
    "analytics_messages_accepted_total", "messages", "Messages that were acknowledged: they are in a journal."
)
JOURNAL_APPEND_SECONDS = Histogram(
    "analytics_journal_append_seconds", "seconds", "Time of an append to a journal, a snapshot being one."
)
JOURNAL_APPEND_RECORDS = Histogram(
    "analytics_journal_append_records",
    "records",
    "Inputs that one append of live messages takes together.",
    boundaries=SIZES,
)
JOURNAL_LAG = Gauge(
    "analytics_journal_lag_records", "records", "Records that are accepted and not in a checkpoint yet."
)
BACKLOG = Gauge(
    "analytics_backlog_messages", "messages", "Messages that are accepted and not understood yet."
)
INPUTS_HELD_TOTAL = Counter(
    "analytics_inputs_held_total", "inputs", "Inputs that were put into quarantine.", label="reason"
)
INPUTS_HELD = Gauge(
    "analytics_inputs_held", "inputs", "Inputs in the quarantine of the owners that are alive."
)
INPUTS_DROPPED = Counter(
    "analytics_inputs_dropped_total",
    "inputs",
    "Inputs that are no chat, by the platform's kind.",
    label="kind",
)
HTTP_ERRORS = Counter(
    "analytics_http_errors_total",
    "requests",
    "HTTP requests answered with an error; 429 is input that was refused because too much waits.",
    label="status",
)
LIMITED = Counter(
    "analytics_limited_total",
    "refusals",
    "Requests and sockets that a limit refused, and waits of what comes by sockets, by the limit.",
    label="limit",
)

# Enrichment

ENRICHMENT_MESSAGES = Counter(
    "analytics_enrichment_messages_total", "messages", "Messages that tasks enriched, repeats included."
)
ENRICHMENT_TASK_SECONDS = Histogram(
    "analytics_enrichment_task_seconds", "seconds", "Time of an enrichment task in its worker.", label="task"
)
EMBEDDED_TEXTS = Counter(
    "analytics_embedded_texts_total",
    "texts",
    "Texts whose vector was asked for: from the `cache`, or computed by the `model`.",
    label="source",
)

# The graph

GRAPH_BATCH_MUTATIONS = Histogram(
    "analytics_graph_batch_mutations", "mutations", "Mutations of a batch.", boundaries=SIZES
)
GRAPH_WRITE_SECONDS = Histogram(
    "analytics_graph_write_seconds", "seconds", "Time in which the graph took a batch."
)
GRAPH_RETRIES = Counter(
    "analytics_graph_retries_total", "batches", "Batches that are tried again because the graph was away."
)
GRAPH_REFUSED = Counter(
    "analytics_graph_refused_total", "conversations", "Conversations that the graph refused for good."
)
GRAPH_REQUEST_UNITS = Counter(
    "analytics_graph_request_units_total",
    "request units",
    "Request units that Cosmos DB charged, by the query that took them.",
    label="query",
)
GRAPH_THROTTLED = Counter(
    "analytics_graph_throttled_total", "requests", "Requests that Cosmos DB throttled (429)."
)
GRAPH_BEHIND_SECONDS = Gauge(
    "analytics_graph_behind_seconds",
    "seconds",
    "Age of the oldest change that is not in the graph, over all owners.",
    together="max",
)

# Pages and extensions

FRAMES_SENT = Counter("analytics_frames_sent_total", "frames", "Frames that owners published to pages.")
FRAMES_SENT_BYTES = Counter("analytics_frames_sent_bytes_total", "bytes", "Their size as JSON.")
FRAMES_LOST = Counter(
    "analytics_frames_lost_total", "frames", "Frames that Redis did not take; a full sync makes up for them."
)
PAGES_CUT_OFF = Counter(
    "analytics_pages_cut_off_total", "sockets", "Pages that were closed because they missed frames (4008)."
)
SOCKETS = Gauge(
    "analytics_sockets_connected", "sockets", "Open sockets, by who is at the end.", label="client"
)

# Owners

OWNERS = Gauge("analytics_owners", "actors", "User actors that are alive.")
OWNER_ACTIVATION_SECONDS = Histogram(
    "analytics_owner_activation_seconds", "seconds", "Time until a user actor's process was up."
)
OWNER_RECOVERY_SECONDS = Histogram(
    "analytics_owner_recovery_seconds", "seconds", "Time in which an owner read its checkpoint and journal."
)
OWNER_RESTARTS = Counter(
    "analytics_owner_restarts_total", "actors", "User actors whose process died unasked and was replaced."
)
OWNER_PASSIVATIONS = Counter(
    "analytics_owner_passivations_total", "actors", "User actors that were ended in order."
)
SEARCH_SECONDS = Histogram(
    "analytics_search_seconds", "seconds", "Time in which an owner answered a search.", label="mode"
)
CHECKPOINT_SECONDS = Histogram("analytics_checkpoint_seconds", "seconds", "Time of writing a checkpoint.")
CHECKPOINT_BYTES = Histogram("analytics_checkpoint_bytes", "bytes", "Size of a checkpoint.", boundaries=BYTES)
LOOP_LAG_SECONDS = Gauge(
    "analytics_event_loop_lag_seconds",
    "seconds",
    "The longest that an event loop was held up in the last seconds, in steps of 10 ms.",
    label="process",
    together="max",
)

BY_NAME: Mapping[str, Counter | Histogram | Gauge] = {
    each.name: each for each in list(globals().values()) if isinstance(each, Counter | Histogram | Gauge)
}
