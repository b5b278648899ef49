"""The picture in a request's body: as it is, or as the file of a form. It is read up to a limit, never beyond."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from fastapi import Request
from starlette.formparsers import MultiPartException, MultiPartParser

from facial_emotion.serving.schema import FORM, FORMATS, ApiError

_FORM_OVERHEAD = 10_000  # bytes of a form around its file
_BEGINNINGS = re.compile(rb"\xff\xd8\xff|\x89PNG|RIFF.{4}WEBP|BM", re.DOTALL)  # of FORMATS
_CLOSE = {"Connection": "close"}


async def read_picture(request: Request, limit: int) -> bytes:
    """The encoded picture of a request, of at most ``limit`` bytes. Raises ApiError, before reading more than that."""
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise ApiError(415, "encoded", f"send the picture as it is: Content-Encoding {encoding} is not taken", _CLOSE)
    if request.headers.get("content-type", "").lower().startswith(FORM):
        content = await _file_of_form(request, limit)
    else:
        content = b"".join([part async for part in _parts(request, limit)])
    if content and not _BEGINNINGS.match(content):
        names = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
        message = f"expected a {names} picture, found {len(content)} bytes that begin with {content[:8]!r}"
        raise ApiError(415, "unsupported", message)
    return content


async def _parts(request: Request, limit: int) -> AsyncIterator[bytes]:
    """A body, as it comes in. Raises ApiError where it is, or says that it is, longer than ``limit`` bytes."""
    too_large = ApiError(413, "too_large", f"a picture may have at most {limit} bytes", _CLOSE)
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit:
        raise too_large
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise too_large
        yield part


async def _file_of_form(request: Request, limit: int) -> bytes:
    """The one file of a form. Raises ApiError for other forms."""
    limit += _FORM_OVERHEAD
    parser = MultiPartParser(request.headers, _parts(request, limit), max_files=1, max_fields=0)  # type: ignore[arg-type]
    parser.spool_max_size = limit  # in memory: nothing of a picture is written to the disk
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError) as error:
        found = error.message if isinstance(error, MultiPartException) else f"no {error}"
        message = f"expected a form with one file, as of curl -F picture=@portrait.jpg; found: {found}"
        raise ApiError(400, "invalid_form", message, _CLOSE) from error
    for value in form.values():
        if not isinstance(value, str):
            return await value.read()
    raise ApiError(400, "invalid_form", "expected a form with one file, found none", _CLOSE)
