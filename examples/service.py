"""Faces in a web service of your own: uvicorn examples.service:app; curl --data-binary @portrait.jpg localhost:8000.

A model may be asked by several threads at once. Recognition holds its thread for some milliseconds, so an asynchronous
program asks in another one. facial-emotion serve does more: limits, workers that may crash, metrics.
"""

import asyncio

from fastapi import FastAPI, HTTPException, Request

from facial_emotion import InputError, faces_in, load
from facial_emotion.threads import share_processor

share_processor()  # before load: threads that wait leave the processor to other requests
recognizer = load()
app = FastAPI()
LARGEST = 20_000_000  # bytes of a picture


@app.post("/")
async def recognize(request: Request) -> list[dict[str, object]]:
    """The faces of the picture that is the body."""
    if int(request.headers.get("content-length", LARGEST + 1)) > LARGEST:
        raise HTTPException(413, f"expected at most {LARGEST} bytes, and their number in Content-Length")
    try:
        faces = await asyncio.to_thread(faces_in, await request.body(), recognizer)
    except InputError as error:
        raise HTTPException(422, str(error)) from error
    return [{**face.to_dict()} for face in faces]
