"""Every metric of this process, and the page that Prometheus reads.

A label only has values from a short list: never an id, a name, or anything else that says who or where. The metrics
are the process's, however many apps it has, so a test compares them before and after.
"""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each counter and histogram, which nobody asked for
_REGISTRY = CollectorRegistry()
ProcessCollector("studyhall", registry=_REGISTRY)

DELIVERIES = Counter(
    "studyhall_deliveries",
    "What became of claimed deliveries: done, put_back into the queue, or given_up.",
    ["kind", "outcome"],
    registry=_REGISTRY,
)
DELIVERY_PROBLEMS = Counter(
    "studyhall_delivery_problems",
    "Attempts at a delivery that didn't end well, by cause.",
    ["platform", "cause"],
    registry=_REGISTRY,
)
DELIVERY_DELAY = Histogram(
    "studyhall_delivery_delay_seconds",
    "From when a delivery is due until it's done.",
    ["kind"],
    buckets=(1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600),
    registry=_REGISTRY,
)
REQUESTS = Counter(
    "studyhall_requests",
    "Requests of members: answered, refused (they can fix it), failed, or stopped because nobody took the answer.",
    ["platform", "outcome"],
    registry=_REGISTRY,
)
ANSWER_TIME = Histogram(
    "studyhall_answer_seconds",
    "From when a request is taken up until its last reply is shown.",
    ["platform"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
    registry=_REGISTRY,
)
ACKNOWLEDGMENT_TIME = Histogram(
    "studyhall_acknowledgment_seconds",
    "From when something arrives from a platform until it's acknowledged; Discord and Slack wait 3 seconds.",
    ["platform"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3),
    registry=_REGISTRY,
)
RATE_LIMITS = Counter(
    "studyhall_rate_limits",
    "How often a platform answered that requests come too fast (status 429), by what they were for.",
    ["platform", "request"],
    registry=_REGISTRY,
)
INFERENCE_CALLS = Counter(
    "studyhall_inference_calls",
    "Explanations asked of the inference server: complete, cut_short, failed, or stopped because nobody was reading.",
    ["outcome"],
    registry=_REGISTRY,
)
DATABASE_TIME = Histogram(
    "studyhall_database_seconds",
    "How long a query or a transaction takes, including the wait for its turn or a connection.",
    ["operation"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
    registry=_REGISTRY,
)
EVENT_LOOP_LAG = Histogram(
    "studyhall_event_loop_lag_seconds",
    "How late the event loop gets to something that is due, measured every second.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
    registry=_REGISTRY,
)


def page(version: str, deliveries: Mapping[tuple[str, str], int], oldest: Mapping[str, float]) -> bytes:
    """Return all metrics as text, with what's read at each scrape.

    `deliveries` is how many are in the queue by kind and state, and `oldest` the seconds that the oldest available one
    has waited by kind. Both are empty if the database can't be read.
    """
    scraped = CollectorRegistry()
    Info("studyhall_build", "The version that runs.", registry=scraped).info({"version": version})
    up = Gauge("studyhall_database_up", "1 if this scrape could read the queue from the database.", registry=scraped)
    up.set(bool(deliveries))
    size = Gauge(
        "studyhall_queue_deliveries",
        "Deliveries in the queue: due later, available to any process, or being sent by one.",
        ["kind", "state"],
        registry=scraped,
    )
    for (kind, state), count in deliveries.items():
        size.labels(kind, state).set(count)
    age = Gauge(
        "studyhall_queue_oldest_available_seconds",
        "How long the oldest available delivery has waited to be claimed; 0 if there's none.",
        ["kind"],
        registry=scraped,
    )
    for kind, seconds in oldest.items():
        age.labels(kind).set(seconds)
    return generate_latest(_REGISTRY) + generate_latest(scraped)
