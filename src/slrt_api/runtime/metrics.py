"""Prometheus metrics of one process. Labels are templates and codes of ours: nothing that a caller can make up."""

from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, make_asgi_app, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp

PoolSizes = Callable[[], dict[str, tuple[int, int]]]

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counters, histograms and gauges with a registry of their own, so that two apps in one process do not meet."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "slrt_http_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "slrt_http_request_seconds",
            "Time from the request's headers to the answer's last byte.",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._acts = Counter("slrt_acts", "Acts by how they ended.", ("use_case", "outcome"), registry=self.registry)
        self._unreadable = Counter(
            "slrt_unreadable_values",
            "Values that were left out of an answer, or ended an act, because no key of this process opens them.",
            registry=self.registry,
        )
        # Looking a child up by its labels costs more than counting.
        self._request_children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._act_children: dict[tuple[str, str], Counter] = {}

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request. `route` is the template; `method` one of ours or OTHER."""
        key = (method, route, status)
        children = self._request_children.get(key)
        if children is None:
            children = self._requests.labels(method, route, str(status)), self._seconds.labels(method, route)
            self._request_children[key] = children
        children[0].inc()
        children[1].observe(seconds)

    def act(self, use_case: str, outcome: str) -> None:
        """Count one act. outcome: `committed`, or the code of the error that ended it."""
        key = (use_case, outcome)
        child = self._act_children.get(key)
        if child is None:
            child = self._act_children[key] = self._acts.labels(use_case, outcome)
        child.inc()

    def unreadable(self) -> None:
        """Count one value that this process cannot decrypt. Not by resource: sealed ones are told by no count."""
        self._unreadable.inc()

    def watch_pools(self, sizes: PoolSizes) -> None:
        """Show the connections of database pools, asked for at each scrape. sizes: name -> (open, idle)."""
        self.registry.register(_Pools(sizes))

    def app(self) -> ASGIApp:
        """An ASGI application that shows the metrics, for tests and for a port of one's own."""
        return make_asgi_app(self.registry)

    def serve(self, port: int) -> Callable[[], None]:
        """Show the metrics on a loopback port, from a thread. Returns what stops it."""
        server, thread = start_http_server(port, addr="127.0.0.1", registry=self.registry)

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return stop


class _Pools(Collector):
    def __init__(self, sizes: PoolSizes) -> None:
        self._sizes = sizes

    def collect(self) -> Iterable[Metric]:
        gauge = GaugeMetricFamily("slrt_db_connections", "Connections of each pool.", labels=("pool", "state"))
        for pool, (open_, idle) in self._sizes().items():
            gauge.add_metric((pool, "busy"), open_ - idle)
            gauge.add_metric((pool, "idle"), idle)
        yield gauge
