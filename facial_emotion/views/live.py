"""Live recognition on the webcam's video, which WebRTC carries to this server and back with annotations."""

from __future__ import annotations

import os
import time
from typing import Any

import av
import streamlit as st
from streamlit_webrtc import WebRtcMode, webrtc_streamer

from facial_emotion.drawing import annotated
from facial_emotion.video.stream import FrameResult, Settings, Stream
from facial_emotion.views import charts, image, pictures, recognition
from facial_emotion.views.sidebar import ViewerSettings

FRAME_TIMEOUT = 8.0  # seconds without a frame after which the page shows the help text
HELP = (
    "No video? The browser needs permission to use the camera, and a page from another computer must be served over "
    "HTTPS. Across networks a TURN server is required: set the environment variables TURN_URL, TURN_USERNAME and "
    "TURN_CREDENTIAL. Single pictures work without video: press STOP if it is shown, then use the option below."
)


class Session:
    """One viewer's video: its stream, last result and display options."""

    def __init__(self, settings: ViewerSettings) -> None:
        self.stream = Stream(Settings(settings.recognizer, search=settings.search))
        self.landmarks = settings.landmarks
        self.result: FrameResult | None = None
        self.last_frame = time.monotonic()  # time of the last frame, in seconds

    def process(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The annotated copy of a frame. It runs outside of Streamlit's threads."""
        rgb = frame.to_ndarray(format="rgb24")
        result = self.stream.process(rgb)
        self.result, self.last_frame = result, time.monotonic()
        annotated_rgb = annotated(rgb, result.faces, bars=True, landmarks=self.landmarks)
        annotated_frame = av.VideoFrame.from_ndarray(annotated_rgb, format="rgb24")
        annotated_frame.pts, annotated_frame.time_base = frame.pts, frame.time_base
        return annotated_frame


def show(settings: ViewerSettings) -> None:
    """Draw the page."""
    st.title("Emotions live")
    session = st.session_state.setdefault("session", Session(settings))
    smoothing = st.sidebar.slider(
        "Smoothing, seconds",
        0.0,
        2.0,
        0.3,
        0.1,
        key="smoothing",
        persist_state="session",
        help="Time constant of the temporal smoothing; 0 disables it.",
    )
    session.landmarks = settings.landmarks
    session.stream.change(recognizer=settings.recognizer, search=settings.search, smoothing=smoothing)
    video, details = st.columns([3, 2], gap="medium")
    with video:
        context = webrtc_streamer(
            key="live",
            mode=WebRtcMode.SENDRECV,
            rtc_configuration={"iceServers": ice_servers()},
            media_stream_constraints={"video": {"width": {"ideal": 640}, "height": {"ideal": 480}}, "audio": False},
            video_frame_callback=session.process,
            async_processing=True,
        )
    with details:
        if context.state.playing or context.state.signalling:
            figures(session)
        else:
            session.last_frame = time.monotonic()
            st.info("Press START and allow access to the camera. Video is processed in memory and not stored.")
            download(session)
            with st.expander("No video?"):
                st.write(HELP)
                single(settings)


def ice_servers() -> list[dict[str, Any]]:
    """STUN and TURN servers from the environment or Streamlit's secrets; none are needed on one computer."""
    servers: list[dict[str, Any]] = []
    for kind in ("STUN", "TURN"):
        url = setting(f"{kind}_URL")
        if url:
            login = {"username": setting(f"{kind}_USERNAME"), "credential": setting(f"{kind}_CREDENTIAL")}
            servers.append({"urls": [url], **{key: value for key, value in login.items() if value}})
    return servers


def setting(name: str) -> str:
    """A setting from the environment or Streamlit's secrets file; empty where it is not set."""
    if os.environ.get(name):
        return os.environ[name]
    try:
        return str(st.secrets.get(name, ""))
    except FileNotFoundError:
        return ""


@st.fragment(run_every=1.0)
def figures(session: Session) -> None:
    """Draw the current faces, the timings and the last 30 seconds; updated every second."""
    if time.monotonic() - session.last_frame > FRAME_TIMEOUT:
        st.warning(HELP, icon=":material/videocam_off:")
        return
    result = session.result
    if result is None:
        st.caption("Waiting for the first frame.")
        return
    st.markdown(" · ".join(f"**{face.number}** {face.caption}" for face in result.faces) or "No face")
    with st.container(horizontal=True):
        st.metric("Frames per second", f"{result.frames_per_second:.0f}", width=150)
        st.metric("Time per frame", f"{result.frame_ms:.0f} ms", width=130)
        interval = result.detection_interval
        st.metric("Detection", "every frame" if interval == 1 else f"every {interval} frames", width=150)
    st.caption(f"{result.model}: " + " · ".join(f"{name} {spent:.1f} ms" for name, spent in result.means.items()))
    history = session.stream.history()
    visible = [face.number for face in result.faces]
    if history:
        face = st.selectbox("Face", visible, key="face") if len(visible) > 1 else [history[-1][1], *visible][-1]
        st.altair_chart(charts.over_time(history, face), width="stretch", key="over_time")


def download(session: Session) -> None:
    """Draw the download button for the results of a stopped video."""
    if len(session.stream.record):
        st.download_button(
            f"Download results ({len(session.stream.record):,} rows) as CSV",
            session.stream.record.to_csv(),
            "emotions.csv",
            "text/csv",
            key="record",
            on_click="ignore",
            icon=":material/download:",
        )


def single(settings: ViewerSettings) -> None:
    """Draw the input for a single camera picture and its result."""
    if st.toggle("Take single pictures instead", key="single"):
        photo = st.camera_input("Take a picture", key="single_camera")
        if photo is not None:
            content = "camera", photo.getvalue()
            pictures.keep([content])  # for its explanation
            found = recognition.recognise(0, content, settings)
            if found.error:
                st.error(found.error)
            else:
                image.show_picture(found, content, settings)
