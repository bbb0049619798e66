"""What the lanes of a process count: calls, how they ended, threads. Prometheus reads it from the metrics port."""

from typing import Final, TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

MetricRegistry: TypeAlias = CollectorRegistry
"""Where metrics are kept, by a name for who only hands it on."""

CALL_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30)


class LaneMetrics:
    """What the lanes count. One for all lanes of a process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register everything."""
        self.requests = Counter(
            "multicloud_cloud_requests_total",
            "Calls through a cloud's door, by how they ended; one call may take several requests.",
            ["provider", "operation", "code_class"],
            registry=registry,
        )
        self.seconds = Histogram(
            "multicloud_cloud_request_duration_seconds",
            "Duration of a call through a cloud's door, without the wait for its turn.",
            ["provider", "operation"],
            buckets=CALL_BUCKETS,
            registry=registry,
        )
        self.throttled = Counter(
            "multicloud_cloud_throttled_total",
            "Calls that a cloud, or our own rate limit, sent back.",
            ["provider", "operation"],
            registry=registry,
        )
        self.circuit_open = Gauge(
            "multicloud_cloud_circuit_open",
            "1 while a place of an account is not asked because it did not answer.",
            ["provider", "credential"],
            registry=registry,
        )
        self.threads = Gauge(
            "multicloud_executor_threads", "Threads of lanes, hung ones too.", ["pool", "provider"], registry=registry
        )
        self.queued = Gauge(
            "multicloud_executor_queue_depth", "Calls that wait for a thread.", ["pool", "provider"], registry=registry
        )
        self.abandoned = Counter(
            "multicloud_executor_abandoned_total",
            "Threads given up because their call hung past twice its deadline.",
            ["pool", "provider"],
            registry=registry,
        )
