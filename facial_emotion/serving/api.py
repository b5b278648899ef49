"""The HTTP interface: recognition of the faces in a picture, the list of models, health and metrics."""

# No "from __future__ import annotations": the type of a route's parameter depends on the served models.
import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect

from facial_emotion import limits, recognizers
from facial_emotion.artifact import SUFFIXES
from facial_emotion.errors import InputError
from facial_emotion.features.faces import DEFAULT, DETECTORS, Search
from facial_emotion.records import Json
from facial_emotion.serving.body import read_picture
from facial_emotion.serving.hosts import AllowedHosts
from facial_emotion.serving.metrics import Metrics
from facial_emotion.serving.pool import WorkerPool
from facial_emotion.serving.schema import (
    FORM,
    PICTURE_TYPES,
    ApiError,
    ErrorResponse,
    Limits,
    Model,
    Recognition,
    starting,
    too_slow,
)
from facial_emotion.serving.worker import OUT_OF_MEMORY

_ERRORS: dict[int | str, Json] = {
    status: {"model": ErrorResponse, "description": description}
    for status, description in (
        (400, "Incomplete request, or a form without a file"),
        (413, "Body too large"),
        (421, "The request names a host that this server is not"),
        (415, "Neither JPEG nor PNG, WebP or BMP, or compressed as a whole"),
        (422, "Not a picture, damaged, too many pixels, or an unknown model"),
        (500, "A worker died"),
        (503, "Starting, or too many requests"),
        (504, "Timeout"),
    )
}
_LATER = {"Retry-After": "2"}
_REQUEST_BODY = {
    "content": {
        **{kind: {"schema": {"type": "string", "format": "binary"}} for kind in PICTURE_TYPES},
        FORM: {
            "schema": {
                "type": "object",
                "properties": {"picture": {"type": "string", "format": "binary"}},
                "required": ["picture"],
                "additionalProperties": False,
            }
        },
    },
    "required": True,
}


def create_app(
    names: tuple[str, ...],
    default: str,
    workers: int,
    limited: Limits,
    on_failure: Callable[[BaseException], None],
    hosts: Sequence[str] = (),
    origins: Sequence[str] = (),
) -> FastAPI:
    """The application. names: the served models; default: one of them; workers: number of worker processes.

    on_failure: called with the error where the workers can't start; without them nothing can be answered. hosts: that
    requests may name, by default any; origins: whose pages may read answers.
    """
    pool = WorkerPool(names, workers, limited, on_failure)

    metrics = Metrics(lambda: pool.pending)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        opening = asyncio.create_task(pool.open())
        opening.add_done_callback(partial(_report, on_failure))
        yield
        opening.cancel()
        pool.close()

    app = FastAPIOffline(
        title="Facial emotion recognition",
        description="Seven emotions from the faces of a picture. An expression is not a feeling; inferring emotions of "
        "people at work or in education is prohibited in the EU (Regulation (EU) 2024/1689, Article 5(1)(f)).",
        version="1",
        lifespan=lifespan,
        redoc_url=None,
        redirect_slashes=False,  # its redirections would go to whatever host a request names
    )
    for kind, answer in _ON_ERRORS:
        app.add_exception_handler(kind, answer)
    app.include_router(_recognition_router(names, default, pool, limited, metrics))
    app.include_router(_information_router(names, default, pool))
    metrics.register(app)
    if origins:
        app.add_middleware(CORSMiddleware, allow_origins=list(origins), allow_methods=["GET", "POST"])
    if hosts:
        app.add_middleware(AllowedHosts, hosts=hosts)
    return app


def _recognition_router(
    names: tuple[str, ...], default: str, pool: WorkerPool, limited: Limits, metrics: Metrics
) -> APIRouter:
    """The route that recognises faces."""
    router = APIRouter()

    class Parameters(BaseModel):
        model_config = ConfigDict(extra="forbid")

        model: Literal[names] = Field(default, description="A model's name.")  # type: ignore[valid-type]
        labels: Literal[tuple(SUFFIXES)] | None = Field(  # type: ignore[valid-type]
            None,
            description="Answer with FER2013's labels, as people would, or so without favour for common emotions "
            "(balanced), where the model has such a twin.",
        )
        detector: Literal[tuple(DETECTORS)] = Field(  # type: ignore[valid-type]
            DEFAULT, description="How faces are found."
        )
        min_face: float | None = Field(
            None, ge=limits.SERVED_FACE, le=10_000, description="Height in pixels of the smallest face to find."
        )

    @router.post(
        "/recognize", response_model=Recognition, responses=_ERRORS, openapi_extra={"requestBody": _REQUEST_BODY}
    )
    async def recognize(request: Request, query: Annotated[Parameters, Query()]) -> Any:
        """The faces of the picture in the body, JPEG, PNG, WebP or BMP, or in a form's file. No face: an empty list."""
        start = time.perf_counter()
        model = _with_labels(query.model, query.labels, names) if query.labels else query.model
        search = Search(query.detector, min_face=query.min_face)
        with pool.admitted() as deadline:
            try:
                async with asyncio.timeout(limited.seconds):
                    body = await read_picture(request, limited.body)
                    result = await pool.submit(model, body, search, deadline, request.is_disconnected)
            except TimeoutError as error:
                raise too_slow() from error
        if result == OUT_OF_MEMORY:
            raise ApiError(503, "out_of_memory", "the server has too little memory for this picture now", _LATER)
        if isinstance(result, str):
            raise ApiError(422, "no_picture", result)
        metrics.seconds.labels(model).observe(time.perf_counter() - start)
        metrics.faces.labels(model).inc(len(result["faces"]))
        return result

    return router


def _information_router(names: tuple[str, ...], default: str, pool: WorkerPool) -> APIRouter:
    """The routes that describe the models and the state of the server."""
    router = APIRouter()

    @router.get("/models", response_model=list[Model])
    async def models() -> list[Model]:
        """The served models, as their cards describe them."""
        return [_describe(name, name == default) for name in names]

    @router.head("/health", include_in_schema=False)
    @router.get("/health")
    async def health() -> dict[str, str]:
        """Liveness of the server."""
        return {"status": "alive"}

    @router.get("/ready", responses={503: {"model": ErrorResponse, "description": "Starting"}})
    async def ready() -> dict[str, str]:
        """Readiness: whether the models are loaded."""
        pool.revive()
        if not pool.ready:
            raise starting(pool.failure)
        return {"status": "ready"}

    @router.get("/", include_in_schema=False)
    async def root() -> RedirectResponse:
        return RedirectResponse("/docs")

    return router


def _with_labels(name: str, labels: str, served: tuple[str, ...]) -> str:
    """The served model that answers with some labels in place of another. Raises ApiError where there is none."""
    try:
        other = recognizers.with_labels(name, labels)
    except InputError as error:
        raise ApiError(422, "invalid", str(error)) from error
    if other not in served:
        raise ApiError(422, "invalid", f"labels: expected those of a served model, found {labels!r}, of {other}")
    return other


def _describe(name: str, default: bool) -> Model:
    """A model's entry in the list of models."""
    card = recognizers.card(name)
    scores, people = card.metrics["PrivateTest"], card.people.get("PrivateTest")
    return Model(
        name=name,
        track=card.track,
        labels=card.labels,
        accuracy=scores.accuracy,
        macro_f1=scores.macro_f1,
        mean_recall=card.own("PrivateTest").mean_recall,
        people_choice=people.choice.accuracy if people else None,
        clear_faces=people.clear.accuracy if people and people.clear else None,
        threshold=card.threshold,
        licence=card.licence,
        default=default,
    )


def _report(on_failure: Callable[[BaseException], None], done: asyncio.Task[None]) -> None:
    """Call a function with the error of a task that ended with one."""
    error = None if done.cancelled() else done.exception()
    if error is not None:
        on_failure(error)


async def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    """The response to an HTTPException; one without a code of its own gets its reason phrase as the code."""
    assert isinstance(error, HTTPException)
    code = getattr(error, "code", str(error.detail).lower().replace(" ", "_"))
    return _error_response(error.status_code, code, str(error.detail), dict(error.headers or {}))


async def _on_client_gone(request: Request, error: Exception) -> JSONResponse:
    """The response that nobody reads, to a client that left before its request had arrived."""
    return _error_response(400, "left", "the client has left")


async def _on_invalid_request(request: Request, error: Exception) -> JSONResponse:
    """The response to a request with invalid parameters."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    return _error_response(422, "invalid", f"{'.'.join(map(str, first['loc']))}: {first['msg']}")


_ON_ERRORS = (
    (HTTPException, _on_http_error),
    (RequestValidationError, _on_invalid_request),
    (ClientDisconnect, _on_client_gone),
)


def _error_response(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)
