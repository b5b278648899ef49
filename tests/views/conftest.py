"""What the tests of the pages share."""

from __future__ import annotations

from types import SimpleNamespace

import pytest


@pytest.fixture(autouse=True)
def no_webrtc(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Replace the WebRTC component, which needs a browser, by a context that does not play."""
    context = SimpleNamespace(state=SimpleNamespace(playing=False, signalling=False))
    monkeypatch.setattr("facial_emotion.views.live.webrtc_streamer", lambda **_: context)
    return context


@pytest.fixture(autouse=True)
def patient_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a page wait for its work, for which it would look again and again in a browser."""
    monkeypatch.setattr("facial_emotion.views.jobs._AT_ONCE", 60.0)
