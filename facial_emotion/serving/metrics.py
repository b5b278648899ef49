"""Prometheus metrics of the server."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """Counters and histograms of one application. pending: gives the number of pending requests."""

    def __init__(self, pending: Callable[[], float]) -> None:
        self._registry = CollectorRegistry()
        common: dict[str, Any] = {"namespace": "facial_emotion", "registry": self._registry}
        self.requests = Counter("requests", "Requests answered.", ["path", "status"], **common)
        self.seconds = Histogram("recognition_seconds", "From a request's arrival to its answer.", ["model"], **common)
        self.faces = Counter("faces", "Faces recognised.", ["model"], **common)
        waiting = Gauge("waiting", "Requests that wait for a worker or have one.", **common)
        waiting.set_function(pending)

    def register(self, app: FastAPI) -> None:
        """Count the requests of an application, and serve the metrics at /metrics."""

        @app.middleware("http")
        async def count(request: Request, call_next: Callable[[Request], Any]) -> Response:
            response: Response = await call_next(request)
            route = request.scope.get("route")
            self.requests.labels(getattr(route, "path", "none"), response.status_code).inc()
            return response

        @app.api_route("/metrics", methods=["GET", "HEAD"], include_in_schema=False)
        async def metrics() -> Response:
            return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)
