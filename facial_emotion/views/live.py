"""Emotions live from the webcam: the video goes to this server, is drawn on, and comes back."""

from __future__ import annotations

import os
import time
from typing import Any

import av
import streamlit as st
from streamlit_webrtc import WebRtcMode, webrtc_streamer

from facial_emotion.drawing import annotated
from facial_emotion.video.stream import Settings, Stream, View
from facial_emotion.views import charts, image
from facial_emotion.views.sidebar import Choice

PATIENCE = 8.0  # seconds without a frame after which the page says what helps
TROUBLE = (
    "No video? The browser must be allowed to use the camera, and a page that is not on this computer "
    "must be served over HTTPS. Between networks a TURN server is needed: its address goes into the environment "
    "variable TURN_URL, with TURN_USERNAME and TURN_CREDENTIAL. Until then, press STOP if it is there: "
    "below, the camera takes single pictures."
)


class Session:
    """One viewer's video: the stream of faces, and what is drawn on each frame."""

    def __init__(self, choice: Choice) -> None:
        self.stream = Stream(Settings(choice.recognizer, threshold=choice.threshold))
        self.landmarks = choice.landmarks
        self.view: View | None = None
        self.heard = time.monotonic()  # when the last frame came

    def draw(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Recognise a frame and draw on it; runs outside of Streamlit's threads."""
        rgb = frame.to_ndarray(format="rgb24")
        view = self.stream.process(rgb)
        self.view, self.heard = view, time.monotonic()
        drawn = av.VideoFrame.from_ndarray(
            annotated(rgb, view.faces, bars=True, landmarks=self.landmarks), format="rgb24"
        )
        drawn.pts, drawn.time_base = frame.pts, frame.time_base
        return drawn


def show(choice: Choice) -> None:
    """The page."""
    st.title("Emotions live")
    session = st.session_state.setdefault("session", Session(choice))
    smoothing = st.sidebar.slider(
        "Smoothing, seconds", 0.0, 2.0, 0.3, 0.1, key="smoothing", help="How long an old expression still counts."
    )
    session.landmarks = choice.landmarks
    session.stream.change(recognizer=choice.recognizer, threshold=choice.threshold, smoothing=smoothing)
    video, beside = st.columns([3, 2], gap="medium")
    with video:
        context = webrtc_streamer(
            key="live",
            mode=WebRtcMode.SENDRECV,
            rtc_configuration={"iceServers": ice_servers()},
            media_stream_constraints={"video": {"width": {"ideal": 640}, "height": {"ideal": 480}}, "audio": False},
            video_frame_callback=session.draw,
            async_processing=True,
        )
    with beside:
        if context.state.playing or context.state.signalling:
            figures(session)
        else:
            session.heard = time.monotonic()
            st.info("Press START and allow the camera. Video stays in memory on this server and is not kept.")
            download(session)
            with st.expander("No video?"):
                st.write(TROUBLE)
                single(choice)


def ice_servers() -> list[dict[str, Any]]:
    """STUN and TURN servers from the environment or Streamlit's secrets; none for use on one computer."""
    found = []
    for kind in ("STUN", "TURN"):
        url = setting(f"{kind}_URL")
        if url:
            login = {"username": setting(f"{kind}_USERNAME"), "credential": setting(f"{kind}_CREDENTIAL")}
            found.append({"urls": [url], **{key: value for key, value in login.items() if value}})
    return found


def setting(name: str) -> str:
    """A setting from the environment or, where there is a secrets file, from it."""
    if os.environ.get(name):
        return os.environ[name]
    try:
        return str(st.secrets.get(name, ""))
    except FileNotFoundError:
        return ""


@st.fragment(run_every=1.0)
def figures(session: Session) -> None:
    """What is measured, and the emotions of the last 30 seconds; drawn anew each second."""
    if time.monotonic() - session.heard > PATIENCE:
        st.warning(TROUBLE, icon=":material/videocam_off:")
        return
    view = session.view
    if view is None:
        st.caption("Waiting for the first frame.")
        return
    st.markdown(" · ".join(f"**{face.number}** {face.words}" for face in view.faces) or "No face")
    with st.container(horizontal=True):
        st.metric("Frames a second", f"{view.frames_per_second:.0f}", width=130)
        st.metric("A frame takes", f"{view.frame_ms:.0f} ms", width=130)
        st.metric("Looks for faces", "each frame" if view.every == 1 else f"each {view.every}th", width=150)
    st.caption(f"{view.model}: " + " · ".join(f"{name} {spent:.1f} ms" for name, spent in view.means.items()))
    history = session.stream.history()
    present = [face.number for face in view.faces]
    if history:
        face = st.selectbox("Face", present, key="face") if len(present) > 1 else [history[-1][1], *present][-1]
        st.altair_chart(charts.over_time(history, face), width="stretch", key="over_time")


def download(session: Session) -> None:
    """The record of a video that was stopped."""
    if len(session.stream.record):
        st.download_button(
            f"Download what was seen ({len(session.stream.record):,} rows) as CSV",
            session.stream.record.to_csv(),
            "emotions.csv",
            "text/csv",
            key="record",
            on_click="ignore",
            icon=":material/download:",
        )


def single(choice: Choice) -> None:
    """One picture from the camera, without video."""
    if st.toggle("Take single pictures instead", key="single"):
        taken = st.camera_input("Take a picture", key="single_camera")
        if taken is not None:
            picture = image.read("camera", taken.getvalue())
            if isinstance(picture, str):
                st.error(picture)
            else:
                image.show_picture(picture, choice, 0)
