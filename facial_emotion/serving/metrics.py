"""Prometheus metrics of the server."""

from collections.abc import Callable

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facial_emotion.records import Json


class Metrics:
    """Counters and histograms of one application. pending: gives the number of pending requests."""

    def __init__(self, pending: Callable[[], float]) -> None:
        self._registry = CollectorRegistry()
        common: Json = {"namespace": "facial_emotion", "registry": self._registry}
        self.requests = Counter("requests", "Requests answered.", ["path", "status"], **common)
        self.seconds = Histogram("recognition_seconds", "From a request's arrival to its answer.", ["model"], **common)
        self.faces = Counter("faces", "Faces recognised.", ["model"], **common)
        waiting = Gauge("waiting", "Requests that wait for a worker or have one.", **common)
        waiting.set_function(pending)

    def register(self, app: FastAPI) -> None:
        """Count the requests of an application, and serve the metrics at /metrics."""
        app.add_middleware(_Counting, requests=self.requests)

        @app.api_route("/metrics", methods=["GET", "HEAD"], include_in_schema=False)
        async def metrics() -> Response:
            return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)


class _Counting:
    """Middleware that counts answers by path and status. Starlette's own would hide that a client has left."""

    def __init__(self, app: ASGIApp, requests: Counter) -> None:
        self._app, self._requests = app, requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                path = getattr(scope.get("route"), "path", "none")
                self._requests.labels(path, message["status"]).inc()
            await send(message)

        await self._app(scope, receive, counted)
