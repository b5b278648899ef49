"""Live recognition on the webcam's video, which WebRTC carries to this server and back with annotations."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import Any

import av
import numpy as np
import streamlit as st
from streamlit_webrtc import Translations, WebRtcMode, webrtc_streamer

from facial_emotion.drawing import annotated
from facial_emotion.scene import Face
from facial_emotion.video.record import shares
from facial_emotion.video.stream import HOLD, FrameResult, Settings, Stream
from facial_emotion.views import bars, charts, downloads, image, pictures, recognition
from facial_emotion.views.language import count, t, translatable
from facial_emotion.views.sidebar import ViewerSettings

FRAME_TIMEOUT = 8.0  # seconds without a frame after which the page shows the help text
_REFRESH = 0.5  # seconds between two updates of the text
_MANY = 4  # faces that have a word and bars beside the video; with more, the labels on the video say it all
HELP = translatable(
    "No video? Allow this page to use the camera: there is a camera sign in or beside the address. Close other "
    "programs that use it. Single pictures work without video: press STOP if it is shown, then use the option below."
)
OPERATORS = translatable(
    "For whoever runs this app: a page from another computer must be served over HTTPS, else browsers refuse the "
    "camera. Across networks a TURN server is required: set TURN_URL, TURN_USERNAME and TURN_CREDENTIAL."
)


class Session:
    """One viewer's video: its stream, last result and display options.

    The labels on the video are those that the text beside it has: ``announce`` takes them over to both.
    """

    def __init__(self, settings: ViewerSettings) -> None:
        self.stream = Stream(Settings(settings.recognizer, search=settings.search, hold=HOLD))
        self.landmarks = settings.landmarks
        self.result: FrameResult | None = None
        self.last_frame = time.monotonic()  # time of the last frame, in seconds
        self.picture: np.ndarray | None = None  # the last annotated frame
        self.snapshot: bytes | None = None  # as PNG
        self._announced: dict[int, Face] = {}  # by number

    def announce(self) -> list[Face]:
        """The faces of the last frame, whose labels the video has from now on."""
        faces = self.result.faces if self.result is not None else []
        self._announced = {face.number: face for face in faces}
        return faces

    def process(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The annotated copy of a frame. It runs outside of Streamlit's threads."""
        rgb = frame.to_ndarray(format="rgb24")
        result = self.stream.process(rgb)
        self.result, self.last_frame = result, time.monotonic()
        faces = []
        for face in result.faces:
            said = self._announced.get(face.number, face)
            faces.append(replace(face, probabilities=said.probabilities, emotion=said.emotion))
        annotated_rgb = self.picture = annotated(rgb, faces, landmarks=self.landmarks, percent=False)
        annotated_frame = av.VideoFrame.from_ndarray(annotated_rgb, format="rgb24")
        annotated_frame.pts, annotated_frame.time_base = frame.pts, frame.time_base
        return annotated_frame


def show(settings: ViewerSettings) -> None:
    """Draw the page."""
    st.title(t("Emotions live"))
    session = st.session_state.setdefault("session", Session(settings))
    smoothing = st.sidebar.slider(
        t("Smoothing, seconds"),
        0.0,
        2.0,
        0.3,
        0.1,
        key="smoothing",
        persist_state="session",
        help=t("Time constant of the temporal smoothing; 0 disables it."),
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
            translations=controls(),
        )
    with details:
        if context.state.playing or context.state.signalling:
            figures(session)
        else:
            session.last_frame = time.monotonic()
            if len(session.stream.record):
                summary(session)
            else:
                st.info(t("Press START and allow access to the camera. Video is processed in memory and not stored."))
            with st.expander(t("No video?")):
                st.write(t(HELP))
                st.caption(t(OPERATORS))
            single(settings)


def controls() -> Translations:
    """The words of the video's own controls."""
    return {
        "start": t("Start"),
        "stop": t("Stop"),
        "select_device": t("Select Device"),
        "select_camera": t("Select camera"),
        "turn_camera_on": t("Turn camera on"),
        "turn_camera_off": t("Turn camera off"),
        "media_api_not_available": t("Media API not available"),
        "device_ask_permission": t("Please allow the app to use your media devices"),
        "device_not_available": t("Device not available"),
        "device_access_denied": t("Access denied"),
    }


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


@st.fragment(run_every=_REFRESH)
def figures(session: Session) -> None:
    """Draw the current faces, the last 30 seconds, and the timings; updated by itself."""
    if time.monotonic() - session.last_frame > FRAME_TIMEOUT:
        st.warning(t(HELP), icon=":material/videocam_off:")
        st.caption(t(OPERATORS))
        return
    result = session.result
    if result is None:
        st.caption(t("Waiting for the first frame."))
        return
    faces = session.announce()
    if not faces:
        st.subheader(t("No face"), anchor=False)
    elif len(faces) > _MANY:
        st.subheader(recognition.answer([recognition.Recognised(0, "", faces)]), anchor=False)
    for face in faces if len(faces) <= _MANY else []:
        word = f"{recognition.emoji(face)} {t(face.label)}" if face.certain else f"{t(face.label)}?"
        st.header(f"{face.number} {word}" if len(faces) > 1 else word, anchor=False)
        st.html(bars.html(face.probabilities, 3))
    history = session.stream.history()
    visible = [face.number for face in faces]
    if history:
        number = st.selectbox(t("Face"), visible, key="face") if len(visible) > 1 else [history[-1][1], *visible][-1]
        charts.draw(charts.over_time(history, number), "over_time")
    if session.picture is not None and st.button(t("Take a snapshot"), key="snapshot", icon=":material/photo_camera:"):
        session.snapshot = downloads.to_png(session.picture)
    _snapshot(session)
    with st.expander(t("Technical figures"), key="technical"):
        st.caption(technical(result))


def technical(result: FrameResult) -> str:
    """The speed of the video and of its stages, which have the names that they have in all results."""
    interval = result.detection_interval
    rate = t(
        "{rate:.0f} frames a second, {spent:.0f} ms each; faces are looked for {where}.",
        rate=result.frames_per_second,
        spent=result.frame_ms,
        where=count(interval, "in every frame", "in one frame of {number}"),
    )
    stages = " · ".join(f"{name} {spent:.1f} ms" for name, spent in result.means.items())
    return f"{rate} {result.model}: {stages}"


def _snapshot(session: Session) -> None:
    """Draw the button that downloads the snapshot, if one was taken."""
    if session.snapshot is not None:
        downloads.button(t("Download the snapshot"), session.snapshot, "emotions.png", "image/png")


def summary(session: Session) -> None:
    """Draw what a stopped video had: its emotions by their shares of the time and over it, and the downloads."""
    rows = session.stream.record.rows
    parts = [
        f"{recognition.EMOJI[name]} {t(name)} {share:.0%}" for name, share in shares(rows).items() if share >= 0.05
    ]
    st.subheader(", ".join(parts), anchor=False)
    st.caption(t("Shares of the time with a face."))
    charts.draw(charts.time_shares(rows), "time_shares")
    charts.draw(charts.timeline(rows, {}), "timeline")
    rows_text = t("Download results ({rows:,} rows) as CSV", rows=len(rows))
    downloads.button(rows_text, session.stream.record.to_csv(), "emotions.csv", "text/csv")
    _snapshot(session)


def single(settings: ViewerSettings) -> None:
    """Draw the input for a single camera picture and its result."""
    if st.toggle(t("Take single pictures instead"), key="single"):
        photo = st.camera_input(t("Take a picture"), key="single_camera")
        if photo is not None:
            content = pictures.CAMERA, photo.getvalue()
            pictures.keep([content])  # for its explanation
            found = recognition.recognise(0, content, settings)
            if found.error:
                st.error(found.error)
            else:
                image.show_picture(found, content, settings)
