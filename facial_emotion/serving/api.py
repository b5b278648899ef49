"""The HTTP interface: a picture in, its faces out, within limits; models, health and metrics."""

import asyncio
import multiprocessing
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from facial_emotion import recognizers
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.serving import work

PICTURES = ("image/jpeg", "image/png", "image/webp", "image/bmp", "application/octet-stream")


@dataclass(frozen=True)
class Limits:
    """What a request may take. body: bytes; waiting: requests at once; seconds: until an answer must be there."""

    body: int = 10_000_000
    pixels: int = 50_000_000
    waiting: int = 64
    seconds: float = 10.0


class Face(BaseModel):
    """A face, numbered from the left; its box is left, top, right, bottom in pixels."""

    number: int
    box: list[int]
    label: Literal[EMOTIONS]  # type: ignore[valid-type]
    certain: bool
    confidence: float
    probabilities: dict[str, float]


class Answer(BaseModel):
    """A picture's faces."""

    model: str
    width: int
    height: int
    faces: list[Face]


class Model(BaseModel):
    """A trained model: its accuracy is that on PrivateTest, its threshold the confidence from which it is certain."""

    name: str
    track: str
    accuracy: float
    macro_f1: float
    threshold: float
    licence: str
    default: bool


class Error(BaseModel):
    """What went wrong, by a code that stays and a sentence that may change."""

    code: str
    message: str


class Problem(BaseModel):
    """The body of every answer that is an error."""

    error: Error


class Refused(HTTPException):
    """An error with a code of its own."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, message, headers)
        self.code = code


class Desk:
    """The worker processes, and how many requests wait for them."""

    def __init__(self, names: tuple[str, ...], workers: int, limits: Limits) -> None:
        self._names, self._workers, self._limits = names, workers, limits
        self._pool: ProcessPoolExecutor | None = None
        self.pending = 0
        self.ready = False

    async def open(self) -> None:
        """Start the workers; ready when one of them has all models."""
        self._pool = self._new()
        await asyncio.wrap_future(self._pool.submit(work.ready))
        self.ready = True

    def close(self) -> None:
        """Let the workers go."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    async def ask(self, model: str, content: bytes) -> dict[str, Any] | str:
        """A worker's answer. Raises Refused where there are too many to wait, or a worker died."""
        if not self.ready or self._pool is None:
            raise Refused(503, "starting", "the models are being loaded", {"Retry-After": "2"})
        if self.pending >= self._limits.waiting:
            raise Refused(503, "busy", f"{self.pending} requests are waiting already", {"Retry-After": "1"})
        pool, loop = self._pool, asyncio.get_running_loop()
        try:
            asked = pool.submit(work.answer, model, content, self._limits.pixels)
            self.pending += 1
            asked.add_done_callback(lambda _: loop.call_soon_threadsafe(self._done))
            return await asyncio.wrap_future(asked)
        except BrokenProcessPool as error:
            if self._pool is pool:
                self._pool = self._new()
            raise Refused(500, "crashed", "a worker died over this picture or one beside it") from error

    def _done(self) -> None:
        self.pending -= 1

    def _new(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._workers, context, work.begin, (self._names,))


def create(names: tuple[str, ...], default: str, workers: int, limits: Limits = Limits()) -> FastAPI:
    """The application with some models, one of them the default, on so many worker processes."""
    desk, registry = Desk(names, workers, limits), CollectorRegistry()
    answered = Counter("requests", "Requests answered.", ["path", "status"], registry=registry)
    took = Histogram("recognition_seconds", "From a request's arrival to its answer.", ["model"], registry=registry)
    seen = Counter("faces", "Faces recognised.", ["model"], registry=registry)
    Gauge("waiting", "Requests that wait for a worker or have one.", registry=registry).set_function(
        lambda: desk.pending
    )

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        opening = asyncio.create_task(desk.open())
        yield
        opening.cancel()
        desk.close()

    errors: dict[int | str, dict[str, Any]] = {
        status: {"model": Problem, "description": text}
        for status, text in (
            (400, "No whole request"),
            (413, "Body too large"),
            (422, "No picture, damaged, too many pixels, or no such model"),
            (500, "A worker died"),
            (503, "Starting, or too many requests"),
            (504, "Took too long"),
        )
    }
    app = FastAPI(
        title="Facial emotion recognition",
        description="Seven emotions from the faces of a picture. An expression is not a feeling; inferring emotions of "
        "people at work or in education is prohibited in the EU (Regulation (EU) 2024/1689, Article 5(1)(f)).",
        version="1",
        lifespan=life,
    )

    @app.middleware("http")
    async def count(request: Request, go_on: Callable[[Request], Any]) -> Response:
        response: Response = await go_on(request)
        route = request.scope.get("route")
        answered.labels(getattr(route, "path", "none"), response.status_code).inc()
        return response

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> JSONResponse:
        code = getattr(error, "code", str(error.detail).lower().replace(" ", "_"))
        return _problem(error.status_code, code, str(error.detail), dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        return _problem(422, "invalid", f"{'.'.join(map(str, first['loc']))}: {first['msg']}")

    body = {
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in PICTURES},
        "required": True,
    }

    @app.post("/recognize", response_model=Answer, responses=errors, openapi_extra={"requestBody": body})
    async def recognize(
        request: Request,
        model: Annotated[Literal[names], Query(description="A model's name.")] = default,  # type: ignore[valid-type]
    ) -> Any:
        """The faces of the picture that is the body: JPEG, PNG, WebP or BMP. No face: an empty list."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(limits.seconds):
                found = await desk.ask(model, await _body(request, limits.body))
        except TimeoutError as error:
            raise Refused(504, "too_slow", f"there was no answer within {limits.seconds:g} s") from error
        if isinstance(found, str):
            raise Refused(422, "no_picture", found)
        took.labels(model).observe(time.perf_counter() - began)
        seen.labels(model).inc(len(found["faces"]))
        return found

    @app.get("/models", response_model=list[Model])
    async def models() -> list[Model]:
        """The models there are, as their cards describe them."""
        return [_model(name, name == default) for name in names]

    @app.get("/health")
    async def health() -> dict[str, str]:
        """The server lives."""
        return {"status": "alive"}

    @app.get("/ready", responses={503: {"model": Problem, "description": "Starting"}})
    async def ready() -> dict[str, str]:
        """The models are loaded."""
        if not desk.ready:
            raise Refused(503, "starting", "the models are being loaded", {"Retry-After": "2"})
        return {"status": "ready"}

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    @app.get("/", include_in_schema=False)
    async def front() -> RedirectResponse:
        return RedirectResponse("/docs")

    return app


async def _body(request: Request, most: int) -> bytes:
    """A request's body. One that is too large is refused unread; one that says no length, at the limit."""
    large = Refused(413, "too_large", f"a picture may have {most} bytes", {"Connection": "close"})
    said = request.headers.get("content-length", "")
    if said.isdigit() and int(said) > most:
        raise large
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise large
        parts.append(part)
    return b"".join(parts)


def _model(name: str, default: bool) -> Model:
    card = recognizers.card(name)
    figures = card["metrics"]["PrivateTest"]
    return Model(
        name=name,
        track=card["track"],
        accuracy=figures["accuracy"],
        macro_f1=figures["macro_f1"],
        threshold=card["threshold"],
        licence=card["licence"],
        default=default,
    )


def _problem(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)
